"""The content of a `.mid` file to a score. Knows no path; symusic parses the events, and is met here only.

symusic tells a note's program, but not its channel, leaves out a note that never ends, and refuses a file of which a byte is wrong.
So each track is handed to it as a file of its own, with a few events behind its end: note-offs for what still sounds, and a note
on each channel whose pitch says which it is. Where a track does not come back so, it is repaired first (`midi_events`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from model.errors import UnreadableError
from model.files.meter import Meter, MeterChange
from model.files.midi_chunks import DRUM_CHANNEL, END_OF_TRACK, Chunks, chunks_of
from model.files.midi_events import repaired
from model.files.score import Bytes, FileScore, Part, TempoMap, Ticks

# Nothing that was played is longer; such a file has a damaged delta time.
LONGEST_S = 24 * 3600.0
# A note's place in a file: part, tick, pitch.
PITCH_BITS, PART_BITS = 7, 7 + 32
_CHANNELS = range(16)
_NOTE_ON, _NOTE_OFF = 0x90, 0x80
# Ends a system exclusive message, or begins one that symusic takes for another.
_ESCAPE = 0xF7
# Ticks behind a track's end: there what still sounds is ended, then each channel says which it is.
_ENDS, _TELLS = 1, 2
# Any division does: symusic counts ticks, and nothing else is asked of it.
_HEADER = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk"
# How many notes of one pitch may be left sounding: more are looked for by this factor.
_MORE = 16
_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
# Registered parameter 6 on the first or last channel: so many channels next to it are one player's ("MIDI Polyphonic
# Expression", MMA 2018).
_MPE_ZONE = re.compile(
    rb"([\xb0\xbf])(?:\x65\x00" + _DELTA + rb"\1?\x64\x06|\x64\x06" + _DELTA + rb"\1?\x65\x00)" + _DELTA + rb"\1?\x06([\x00-\x0f])",
    re.DOTALL,
)  # fmt: skip


def read_midi(content: bytes, *, is_trusted: bool = False) -> FileScore:
    """All that a file holds; what is broken is left out, and a remark says so.

    Where `is_trusted`, only what symusic refuses is looked at before it parses it: for a process that it may crash.
    Raises UnreadableError where nothing can be read.
    """
    chunks = chunks_of(content)
    tracks, remarks = [], list(chunks.remarks)
    for number, body in enumerate(chunks.tracks):
        track = _quickly(body) if is_trusted else None
        if track is None or track.has_open_notes:
            track, broken = _carefully(body)
            if broken and not remarks:
                remarks.append(f"breaks off in track {number + 1} of {len(chunks.tracks)}")
        tracks.append(track)
    return _score_of(chunks, tracks, tuple(remarks))


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """A channel's notes as symusic gives them, in no particular order."""

    channel: int
    time: npt.NDArray[np.int32]
    duration: npt.NDArray[np.int32]
    pitch: npt.NDArray[np.int8]
    velocity: npt.NDArray[np.int8]
    program: int


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    channels: tuple[_Columns, ...] = ()
    end: int = 0
    tempi: tuple[tuple[int, int], ...] = ()
    meters: tuple[tuple[int, int, int], ...] = ()
    members: frozenset[int] | None = None

    def still_sounding(self, channel: _Columns) -> npt.NDArray[np.bool_]:
        """Which notes end only where the track does."""
        sounding: npt.NDArray[np.bool_] = channel.time + channel.duration > self.end
        return sounding

    @property
    def has_open_notes(self) -> bool:
        return any(self.still_sounding(channel).any() for channel in self.channels)


def _quickly(body: bytes) -> _Track | None:
    """The track as it stands; None where it has to be looked at first."""
    if not body.endswith(END_OF_TRACK) or _ESCAPE in body:
        return None
    channels = _channels_of(body)
    if not channels and b"\xff\x51" not in body and b"\xff\x58" not in body:
        return _Track()
    return _parsed(body[: -len(END_OF_TRACK)], channels, 1, {})


def _carefully(body: bytes) -> tuple[_Track, bool]:
    """The track as far as it goes, and whether it breaks off."""
    track = repaired(body)
    channels = _channels_of(body)
    copies, events = 1, track.events
    programs: dict[int, int] = {}
    found = _parsed(events, channels, copies, programs)
    if found is None:
        programs, events = track.programs, track.plain
        found = _parsed(events, channels, copies, programs)
    while found is not None and any(_most_of_a_pitch(found, channel) >= copies for channel in found.channels):
        copies *= _MORE
        found = _parsed(events, channels, copies, programs)
    return (_Track(), True) if found is None else (found, track.broken_at is not None)


def _most_of_a_pitch(track: _Track, channel: _Columns) -> int:
    """Of the notes that still sound at the end, the most that are of one pitch."""
    sounding = channel.pitch[track.still_sounding(channel)]
    return int(np.bincount(sounding).max()) if len(sounding) else 0


def _channels_of(body: bytes) -> tuple[int, ...]:
    """The channels that may have notes: those whose status is among the bytes, be it as one or as another byte."""
    return tuple(channel for channel in _CHANNELS if _NOTE_ON | channel in body)


def _parsed(events: bytes, channels: tuple[int, ...], copies: int, programs: dict[int, int]) -> _Track | None:
    """The track by symusic; None where it refuses it, or where a channel's notes are more than one of its tracks."""
    import symusic.core

    track = events + _behind(channels, copies)
    try:
        score = symusic.core.ScoreTick.from_midi(_HEADER + len(track).to_bytes(4) + track)
    except Exception:  # noqa: BLE001  it raises bare errors of several kinds, and all say that it reads no further
        return None
    markers = score.markers
    if not len(markers):
        return None  # it ends before the end
    end = int(markers[-1].time)
    found = []
    for part in score.tracks:
        notes = part.notes.numpy()
        time, pitch = notes["time"], notes["pitch"]
        if not len(time):
            continue  # it has nothing but controls
        if time[-1] != end + _TELLS:
            return None
        if len(time) > 1:
            channel = int(pitch[-1])
            program = programs.get(channel, 0) if programs else part.program
            found.append(
                _Columns(channel, time[:-1], notes["duration"][:-1], pitch[:-1], notes["velocity"][:-1], program)
            )
    return _Track(
        tuple(found),
        end,
        # Asked for only where there are any: most tracks of a file have none, and the walk over nothing is half of the work.
        tuple((tempo.time, tempo.mspq) for tempo in score.tempos) if len(score.tempos) else (),
        tuple((meter.time, meter.numerator, meter.denominator) for meter in score.time_signatures)
        if len(score.time_signatures)
        else (),
        _members_of(events) if len(found) > 1 else None,
    )


@lru_cache(maxsize=256)
def _behind(channels: tuple[int, ...], copies: int) -> bytes:
    """What is put behind a track, whose end stands before it as a delta time."""
    behind = [b"\xff\x06\x01."]
    delta = _ENDS
    for channel in channels:
        offs = b"".join(bytes([0, pitch, 0]) for pitch in range(128)) * copies
        behind.append(bytes([delta, _NOTE_OFF | channel]) + offs[1:])
        delta = 0
    delta = _TELLS - _ENDS
    for status in (_NOTE_ON, _NOTE_OFF):
        for channel in channels:
            behind.append(bytes([delta, status | channel, channel, 1]))
            delta = 0
        delta = 1
    return b"".join(behind) + b"\x00" + END_OF_TRACK


def _members_of(events: bytes) -> frozenset[int] | None:
    """The channels of the MPE zones that a track sets up, the managers among them."""
    members: set[int] = set()
    for zone in _MPE_ZONE.finditer(events):
        manager, count = zone[1][0] & 0xF, zone[2][0]
        members |= {manager + step if manager == 0 else manager - step for step in range(count + 1)} if count else set()
    return frozenset(members) or None


def _score_of(chunks: Chunks, tracks: Sequence[_Track], remarks: tuple[str, ...]) -> FileScore:
    told = [] if chunks.counts_seconds else [tempo for track in tracks for tempo in track.tempi]
    score = FileScore(
        chunks.ticks_per_beat,
        tuple(_parts(tracks)),
        TempoMap.of(told),
        _meters([meter for track in tracks for meter in track.meters], chunks.ticks_per_beat),
        remarks,
    )
    if score.seconds > LONGEST_S:
        raise UnreadableError(f"claims to last {score.seconds / 3600:,.0f} hours")
    return score


def _meters(told: Sequence[tuple[int, int, int]], ticks_per_beat: float) -> tuple[MeterChange, ...]:
    """The meters in order, those left out that no music is counted in, or that are in force already."""
    changes: dict[float, Meter] = {}
    for tick, numerator, denominator in sorted(told, key=lambda row: row[0]):
        meter = Meter(numerator, denominator)
        if meter.is_usable:
            changes[tick / ticks_per_beat] = meter
    kept: list[MeterChange] = []
    for beat, meter in changes.items():
        if not kept or meter != kept[-1].meter:
            kept.append(MeterChange(beat, meter))
    return tuple(kept)


def _parts(tracks: Sequence[_Track]) -> list[Part]:
    """Every channel of every track that has notes. All of them at once: a file has ten, of few notes each."""
    told = [(number, track, columns) for number, track in enumerate(tracks) for columns in track.channels]
    if not told:
        return []
    lengths = [len(columns.time) for _, _, columns in told]
    part = np.repeat(np.arange(len(told)), lengths)
    tick: Ticks = np.concatenate([columns.time for _, _, columns in told]).astype(np.int64)
    end: Ticks = tick + np.concatenate([columns.duration for _, _, columns in told])
    if tick.min() < 0 or (end < tick).any():
        raise UnreadableError("has delta times that run over")
    np.minimum(end, np.repeat(np.array([track.end for _, track, _ in told]), lengths), out=end)
    pitch: Bytes = np.concatenate([columns.pitch for _, _, columns in told]).astype(np.uint8)
    velocity: Bytes = np.concatenate([columns.velocity for _, _, columns in told]).astype(np.uint8)
    place = part << PART_BITS | tick << PITCH_BITS | pitch
    if (place[1:] < place[:-1]).any():
        order = np.argsort(place, kind="stable")
        tick, end, pitch, velocity = tick[order], end[order], pitch[order], velocity[order]
    bounds = pairwise(np.cumsum([0, *lengths]).tolist())
    return [
        Part(
            tick[begin:after],
            end[begin:after],
            pitch[begin:after],
            velocity[begin:after],
            number,
            columns.channel,
            columns.program,
            track.members,
            columns.channel == DRUM_CHANNEL,
        )
        for (number, track, columns), (begin, after) in zip(told, bounds, strict=True)
    ]
