"""One track of a MIDI file to notes of each channel: by symusic, which parses the events and is met here only.

symusic tells a note's program, but not its channel, leaves out a note that never ends, and refuses a track of which a byte is wrong.
So each track gets a few events behind its end: note-offs for what still sounds, and a note on each channel that says which it
is, and of which track. Where a track does not come back so, it is repaired first (`midi_events`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from model.files.midi_chunks import END_OF_TRACK, TRACK
from model.files.midi_events import repaired

_NOTE_ON, _NOTE_OFF = 0x90, 0x80
# Ends a system exclusive message, or begins one that symusic takes for another.
_ESCAPE = 0xF7
_TEMPO, _METER = b"\xff\x51", b"\xff\x58"
# A tick behind a track's end what still sounds is ended, another tick later each channel says which it is, and of which track,
# by the pitch and the velocity of a note that is a tick long.
_TEXT = b"\xff\x01\x00"
_END_DELTA = _TEXT + b"\x01" + _TEXT
_TELLS = 2
_TELLABLE = 127
# Any division does: symusic counts ticks, and nothing else is asked of it.
_PITCHES = bytes(range(128))
_HEADER, _DIVISION = b"MThd\x00\x00\x00\x06\x00\x01", b"\x01\xe0"
# How many notes of one pitch may be left sounding: more are looked for by this factor.
_MORE = 16
# A delta time may hold a note-on's status, too; that it is followed by two data bytes is likelier of a note-on.
_NOTE_ONS = tuple((channel, re.compile(bytes([_NOTE_ON | channel]) + rb"[\x00-\x7f]{2}")) for channel in range(16))
_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
# Registered parameter 6 on the first or last channel: so many channels next to it are one player's ("MIDI Polyphonic
# Expression", MMA 2018).
_MPE_ZONE = re.compile(
    rb"([\xb0\xbf])(?:\x65\x00" + _DELTA + rb"\1?\x64\x06|\x64\x06" + _DELTA + rb"\1?\x65\x00)" + _DELTA + rb"\1?\x06([\x00-\x0f])",
    re.DOTALL,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ChannelNotes:
    """A channel's notes as symusic gives them, in no particular order; `program` is the one that it begins with."""

    channel: int
    time: npt.NDArray[np.int32]
    duration: npt.NDArray[np.int32]
    pitch: npt.NDArray[np.int8]
    velocity: npt.NDArray[np.int8]
    program: int


@dataclass(frozen=True, slots=True, eq=False)
class TrackNotes:
    """A track up to its `end`; what still sounds there lasts a tick longer.

    `tempi` are ticks and microseconds, `meters` ticks, numerators and denominators. `members` are the channels of the zones
    of MPE that the track sets up, the managers among them; None where it sets up none.
    """

    channels: tuple[ChannelNotes, ...] = ()
    end: int = 0
    tempi: tuple[tuple[int, ...], ...] = ()
    meters: tuple[tuple[int, ...], ...] = ()
    members: frozenset[int] | None = None


SILENT = TrackNotes()


def read_together(bodies: Sequence[bytes]) -> list[TrackNotes | None]:
    """All tracks of a file as they stand, at once; None for those that have to be looked at first.

    Notes that never end may be fewer than they are: where one is found, its track has to be looked at, too. Tempi and meters are
    told of the first track that is read, whosever they are.
    """
    found: list[TrackNotes | None] = [None] * len(bodies)
    told: list[tuple[int, tuple[int, ...]]] = []
    for number, body in enumerate(bodies):
        if body.endswith(END_OF_TRACK) and _ESCAPE not in body:
            channels = _channels_of(body)
            if channels or _TEMPO in body or _METER in body:
                told.append((number, channels))
            else:
                found[number] = SILENT
    for begin in range(0, len(told), _TELLABLE):
        some = told[begin : begin + _TELLABLE]
        parsed = _parsed([memoryview(bodies[number])[: -len(END_OF_TRACK)] for number, _ in some], [c for _, c in some])
        for index, (number, channels) in enumerate(some):
            if parsed is None:
                # One of them is not as it should be: each by itself, to find out which.
                alone = _parsed([memoryview(bodies[number])[: -len(END_OF_TRACK)]], [channels])
                found[number] = None if alone is None else _with_members(alone[0], bodies[number])
            else:
                found[number] = _with_members(parsed[index], bodies[number])
    return found


def read_carefully(body: bytes) -> tuple[TrackNotes, bool]:
    """The track as far as it goes, and whether it breaks off."""
    track = repaired(body)
    channels = _channels_of(body)
    # Where a program changes between notes, symusic would cut the channel in two.
    events, programs = (track.plain, track.programs) if track.changes_between_notes else (track.events, {})
    copies = 1
    found = _parsed([events], [channels], copies, programs)
    while found is not None and any(_most_of_a_pitch(found[0], channel) >= copies for channel in found[0].channels):
        copies *= _MORE
        found = _parsed([events], [channels], copies, programs)
    return (SILENT, True) if found is None else (_with_members(found[0], body), track.broken_at is not None)


def _most_of_a_pitch(track: TrackNotes, channel: ChannelNotes) -> int:
    """Of the notes that still sound at the end, the most that are of one pitch."""
    sounding = channel.pitch[channel.time + channel.duration > track.end]
    return int(np.bincount(sounding).max()) if len(sounding) else 0


def _channels_of(body: bytes) -> tuple[int, ...]:
    """The channels that may have notes: all that have, and a few more."""
    return tuple(channel for channel, note_on in _NOTE_ONS if _NOTE_ON | channel in body and note_on.search(body))


def _parsed(
    tracks: Sequence[bytes | memoryview],
    channels: Sequence[tuple[int, ...]],
    copies: int = 1,
    programs: Mapping[int, int] = MappingProxyType({}),
) -> list[TrackNotes] | None:
    """Tracks by symusic; None where it refuses one, or does not give each channel of each track as one of its own tracks."""
    import symusic.core

    pieces: list[bytes | memoryview] = [_HEADER, len(tracks).to_bytes(2), _DIVISION]
    for number, (track, of_track) in enumerate(zip(tracks, channels, strict=True)):
        offs = _offs(track, of_track) * copies
        marks = _marks(of_track, number)
        pieces += (TRACK, (len(track) + len(_END_DELTA) + len(offs) + len(marks)).to_bytes(4), track, _END_DELTA, offs, marks)
    try:
        score = symusic.core.ScoreTick.from_midi(b"".join(pieces))
    except Exception:  # noqa: BLE001  it raises bare errors of several kinds, and all say that it reads no further
        return None
    found: list[list[ChannelNotes]] = [[] for _ in tracks]
    ends = [0] * len(tracks)
    silent = {(number, channel) for number, of_track in enumerate(channels) for channel in of_track}
    for part in score.tracks:
        if not part.notes:
            continue  # it has nothing but controls
        # Its last note says whose it is. An object for one note, as arrays take longer than the notes of a short track.
        last = part.notes[-1]
        number, channel = last.velocity - 1, last.pitch
        if last.duration != 1 or (number, channel) not in silent:
            return None  # its last note is none of ours
        silent.remove((number, channel))
        ends[number] = last.time - _TELLS
        if len(part.notes) > 1:
            notes = part.notes.numpy()
            program = programs.get(channel, 0) if programs else part.program
            found[number].append(
                ChannelNotes(
                    channel,
                    notes["time"][:-1],
                    notes["duration"][:-1],
                    notes["pitch"][:-1],
                    notes["velocity"][:-1],
                    program,
                )
            )
    if silent:
        return None  # a track ends before its end
    tempi = tuple([(tempo.time, tempo.mspq) for tempo in score.tempos])
    meters = tuple([(meter.time, meter.numerator, meter.denominator) for meter in score.time_signatures])
    first = TrackNotes(tuple(found[0]), ends[0], tempi, meters)
    return [first, *(TrackNotes(tuple(of_track), end) for of_track, end in zip(found[1:], ends[1:], strict=True))]


def _offs(track: bytes | memoryview, channels: Sequence[int]) -> bytes:
    """Note-offs on the channels for every pitch that the track may have: for every data byte that is in it."""
    if not channels:
        return b""
    pitches = _PITCHES.translate(None, _PITCHES.translate(None, track))
    # A status once, and then by running status: a delta time, a pitch, a velocity.
    offs = bytearray(3 * len(pitches))
    offs[1::3] = pitches
    return b"".join([b"\x00%c%b" % (_NOTE_OFF | channel, offs[1:]) for channel in channels])


@lru_cache(maxsize=1024)
def _marks(channels: tuple[int, ...], number: int) -> bytes:
    """What is put behind the note-offs of a track: notes that say whose its channels are."""
    begins = [bytes([0, _NOTE_ON | channel, channel, number + 1]) for channel in channels]
    ends = [bytes([0, _NOTE_OFF | channel, channel, 0]) for channel in channels]
    return b"".join((b"\x01", _TEXT, *begins, b"\x01", _TEXT, *ends, b"\x00", END_OF_TRACK))


def _with_members(track: TrackNotes, body: bytes) -> TrackNotes:
    if len(track.channels) < 2:
        return track
    members: set[int] = set()
    for zone in _MPE_ZONE.finditer(body):
        manager, count = zone[1][0] & 0xF, zone[2][0]
        members |= {manager + step if manager == 0 else manager - step for step in range(count + 1)} if count else set()
    return replace(track, members=frozenset(members)) if members else track
