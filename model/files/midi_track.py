"""One track of a MIDI file to notes of each channel: by symusic, which parses the events and is met here only.

symusic tells a note's program, but not its channel, leaves out a note that never ends, and refuses a track of which a byte is wrong.
So each track is handed to it as a file of its own, with a few events behind its end: note-offs for what still sounds, and a note
on each channel whose pitch says which it is. Where a track does not come back so, it is repaired first (`midi_events`).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from model.files.midi_chunks import END_OF_TRACK
from model.files.midi_events import repaired

_NOTE_ON, _NOTE_OFF = 0x90, 0x80
# Ends a system exclusive message, or begins one that symusic takes for another.
_ESCAPE = 0xF7
_TEMPO, _METER = b"\xff\x51", b"\xff\x58"
# A marker at a track's end; a tick later what still sounds is ended, another tick later each channel says which it is.
_TEXT = b"\xff\x01\x00"
_MARK, _WAIT = b"\xff\x06\x01.\x01" + _TEXT, b"\x01" + _TEXT
_TELLS = 2
# Any division does: symusic counts ticks, and nothing else is asked of it.
_HEADER = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk"
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


def read_quickly(body: bytes) -> TrackNotes | None:
    """The track as it stands; None where it has to be looked at first.

    Notes that never end may be fewer than they are: where one is found, it has to be looked at, too.
    """
    if not body.endswith(END_OF_TRACK) or _ESCAPE in body:
        return None
    channels = _channels_of(body)
    if not channels and _TEMPO not in body and _METER not in body:
        return SILENT
    return _parsed(memoryview(body)[: -len(END_OF_TRACK)], body, channels, 1, {})


def read_carefully(body: bytes) -> tuple[TrackNotes, bool]:
    """The track as far as it goes, and whether it breaks off."""
    track = repaired(body)
    channels = _channels_of(body)
    # Where a program changes between notes, symusic would cut the channel in two.
    events, programs = (track.plain, track.programs) if track.changes_between_notes else (track.events, {})
    copies = 1
    found = _parsed(events, body, channels, copies, programs)
    while found is not None and any(_most_of_a_pitch(found, channel) >= copies for channel in found.channels):
        copies *= _MORE
        found = _parsed(events, body, channels, copies, programs)
    return (SILENT, True) if found is None else (found, track.broken_at is not None)


def _most_of_a_pitch(track: TrackNotes, channel: ChannelNotes) -> int:
    """Of the notes that still sound at the end, the most that are of one pitch."""
    sounding = channel.pitch[channel.time + channel.duration > track.end]
    return int(np.bincount(sounding).max()) if len(sounding) else 0


def _channels_of(body: bytes) -> tuple[int, ...]:
    """The channels that may have notes: all that have, and a few more."""
    return tuple(channel for channel, note_on in _NOTE_ONS if _NOTE_ON | channel in body and note_on.search(body))


def _parsed(
    events: bytes | memoryview, body: bytes, channels: tuple[int, ...], copies: int, programs: dict[int, int]
) -> TrackNotes | None:
    """The track by symusic; None where it refuses it, or where a channel's notes are more than one of its tracks."""
    import symusic.core

    behind = _behind(channels, copies)
    length = (len(events) + len(behind)).to_bytes(4)
    try:
        score = symusic.core.ScoreTick.from_midi(b"".join((_HEADER, length, events, behind)))
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
                ChannelNotes(channel, time[:-1], notes["duration"][:-1], pitch[:-1], notes["velocity"][:-1], program)
            )
    return TrackNotes(
        tuple(found),
        end,
        # Asked for only where there are any: most tracks of a file have none, and to be told so takes as long as the notes.
        _rows(score.tempos.numpy(), "time", "mspq") if len(score.tempos) else (),
        _rows(score.time_signatures.numpy(), "time", "numerator", "denominator") if len(score.time_signatures) else (),
        _members_of(body) if len(found) > 1 else None,
    )


def _rows(table: dict[str, npt.NDArray[np.int32]], *names: str) -> tuple[tuple[int, ...], ...]:
    """The rows of some columns of what symusic gives as arrays by name."""
    return tuple(zip(*(table[name].tolist() for name in names), strict=True))


@lru_cache(maxsize=256)
def _behind(channels: tuple[int, ...], copies: int) -> bytes:
    """What is put behind a track, whose end stands before it as a delta time."""
    offs = [_offs(channel, copies) for channel in channels]
    begins = [bytes([0, _NOTE_ON | channel, channel, 1]) for channel in channels]
    ends = [bytes([0, _NOTE_OFF | channel, channel, 0]) for channel in channels]
    return b"".join((_MARK, *offs, _WAIT, *begins, _WAIT, *ends, b"\x00", END_OF_TRACK))


@lru_cache(maxsize=32)
def _offs(channel: int, copies: int) -> bytes:
    """A note-off for each pitch, so many times."""
    offs = b"".join(bytes([0, pitch, 0]) for pitch in range(128)) * copies
    return bytes([0, _NOTE_OFF | channel]) + offs[1:]


def _members_of(body: bytes) -> frozenset[int] | None:
    members: set[int] = set()
    for zone in _MPE_ZONE.finditer(body):
        manager, count = zone[1][0] & 0xF, zone[2][0]
        members |= {manager + step if manager == 0 else manager - step for step in range(count + 1)} if count else set()
    return frozenset(members) or None
