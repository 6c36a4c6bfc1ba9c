"""One track of a MIDI file to notes of each channel: by symusic, which parses the events and is met here only.

symusic tells a note's program, but not its channel, leaves out a note that never ends, and refuses a track of which a byte is wrong.
So each track gets a few events behind its end: note-offs for what still sounds, and a note on each channel that says which it
is, and of which track. Where a track does not come back so, it is repaired first (`midi_events`).
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import symusic.core

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
_MARK_TICKS = 2
_MOST_MARKED = 127
# Any division does: symusic counts ticks, and nothing else is asked of it.
_PITCHES = bytes(range(128))
# Bytes from which on a track has so many of the data bytes that looking for them takes longer than a note-off for each.
_LONG_TRACK = 2000
_HEADER, _DIVISION = b"MThd\x00\x00\x00\x06\x00\x01", b"\x01\xe0"
# How many notes of one pitch may be left sounding: more are looked for by this factor.
_MORE = 16
# A delta time may hold a note-on's status, too; that it is followed by two data bytes is likelier of a note-on.
_NOTE_ON_STATUSES = bytes(range(0x90, 0xA0))
_NOTE_ONS = [re.compile(b"%c" % status + rb"[\x00-\x7f]{2}") for status in _NOTE_ON_STATUSES]
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
    """All tracks of a file as they stand, at once; None for those that have to be repaired first.

    Of the notes that never end some may be missing: where a track has one, it has to be repaired, too. The tempi and meters of
    all tracks are with the first track that has notes.
    """
    found: list[TrackNotes | None] = [None] * len(bodies)
    marked: list[tuple[int, tuple[int, ...]]] = []
    for number, body in enumerate(bodies):
        if body.endswith(END_OF_TRACK) and _ESCAPE not in body:
            channels = _channels_of(body)
            if channels or _TEMPO in body or _METER in body:
                marked.append((number, channels))
            else:
                found[number] = SILENT
    for begin in range(0, len(marked), _MOST_MARKED):
        some = marked[begin : begin + _MOST_MARKED]
        tracks = _each([bodies[number] for number, _ in some], [channels for _, channels in some])
        for (number, _), track in zip(some, tracks, strict=True):
            found[number] = None if track is None else _with_members(track, bodies[number])
    return found


def _each(bodies: Sequence[bytes], channels: Sequence[tuple[int, ...]]) -> Sequence[TrackNotes | None]:
    """Tracks by one call of symusic; or by one call each, where it is not clear which of them has to be repaired."""
    events = [memoryview(body)[: -len(END_OF_TRACK)] for body in bodies]
    found = _parsed(events, channels)
    # The tempi and meters of a track that is repaired would be there twice.
    if found is not None and not any(
        track is None and (_TEMPO in body or _METER in body) for track, body in zip(found, bodies, strict=True)
    ):
        return found
    alone = [_parsed([body], [of_track]) for body, of_track in zip(events, channels, strict=True)]
    return [None if track is None else track[0] for track in alone]


def read_carefully(body: bytes) -> tuple[TrackNotes, bool]:
    """The track as far as it goes, and whether it breaks off."""
    track = repaired(body)
    channels = _channels_of(body)
    # Where a program changes between notes, symusic would cut the channel in two.
    events, programs = (track.plain, track.programs) if track.changes_between_notes else (track.events, {})
    copies = 1
    found = _parsed([events], [channels], copies, programs)
    while found and found[0] and any(_most_of_a_pitch(found[0], channel) >= copies for channel in found[0].channels):
        copies *= _MORE
        found = _parsed([events], [channels], copies, programs)
    if not found or not found[0]:
        return SILENT, True
    return _with_members(found[0], body), track.broken_at is not None


def _most_of_a_pitch(track: TrackNotes, channel: ChannelNotes) -> int:
    """Of the notes that still sound at the end, the most that are of one pitch."""
    sounding = channel.pitch[channel.time + channel.duration > track.end]
    return int(np.bincount(sounding).max()) if len(sounding) else 0


def _channels_of(body: bytes) -> tuple[int, ...]:
    """The channels that may have notes: all that have, and a few more."""
    statuses = _NOTE_ON_STATUSES.translate(None, _NOTE_ON_STATUSES.translate(None, body))  # those that are in it
    return tuple([status & 0xF for status in statuses if _NOTE_ONS[status & 0xF].search(body)])


def _parsed(
    tracks: Sequence[bytes | memoryview],
    channels: Sequence[tuple[int, ...]],
    copies: int = 1,
    programs: Mapping[int, int] = MappingProxyType({}),
) -> list[TrackNotes | None] | None:
    """Tracks by symusic: None in place of each that it does not give as one track for each channel; None for all where it refuses."""
    pieces: list[bytes | memoryview] = [_HEADER, len(tracks).to_bytes(2), _DIVISION]
    for number, (track, of_track) in enumerate(zip(tracks, channels, strict=True)):
        offs, marks = _offs(track, of_track) * copies, _marks(of_track, number)
        length = len(track) + len(_END_DELTA) + len(offs) + len(marks)
        pieces += (TRACK, length.to_bytes(4), track, _END_DELTA, offs, marks)
    try:
        score = _symusic_score().from_midi(b"".join(pieces))
    except Exception:  # noqa: BLE001  it raises bare errors of several kinds, and all say that it reads no further
        return None
    parts = [part for part in score.tracks if part.notes]  # others have nothing but controls
    marks_of = _marks_of(parts, channels)
    if marks_of is None:
        return None
    marks_found, doubtful = marks_of
    found: list[list[ChannelNotes]] = [[] for _ in tracks]
    ends = [0] * len(tracks)
    for part, (number, channel, end) in marks_found:
        ends[number] = end
        if len(part.notes) > 1:
            notes = part.notes.numpy()
            time, duration, pitch, velocity = notes["time"], notes["duration"], notes["pitch"], notes["velocity"]
            program = programs.get(channel, 0) if programs else part.program
            found[number].append(ChannelNotes(channel, time[:-1], duration[:-1], pitch[:-1], velocity[:-1], program))
    tempi = tuple([(tempo.time, tempo.mspq) for tempo in score.tempos])
    meters = tuple([(meter.time, meter.numerator, meter.denominator) for meter in score.time_signatures])
    every: list[TrackNotes | None] = [None] * len(tracks)
    for number in range(len(tracks)):
        if number not in doubtful:
            every[number] = TrackNotes(tuple(found[number]), ends[number], tempi, meters)
            tempi = meters = ()
    return every


@cache
def _symusic_score() -> "type[symusic.core.ScoreTick]":
    """symusic's class, imported without the rest of its package, which loads a download client for sound fonts: 5 ms, not 32 ms.

    The module is registered under its own name, so that a later `import symusic` uses it.
    """
    core = sys.modules.get("symusic.core")
    if core is None:
        package = find_spec("symusic")
        folders = None if package is None else package.submodule_search_locations
        spec = None if folders is None else PathFinder.find_spec("symusic.core", folders)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError("No module named 'symusic.core'", name="symusic.core")
        core = sys.modules["symusic.core"] = module_from_spec(spec)
        spec.loader.exec_module(core)
    found: type[symusic.core.ScoreTick] = core.ScoreTick
    return found


_Mark = tuple[int, int, int]
"""What the last note of one of symusic's tracks says: the file's track, the channel, and the tick at which the track ends."""


def _marks_of(
    parts: Sequence["symusic.core.TrackTick"], channels: Sequence[tuple[int, ...]]
) -> tuple[list[tuple["symusic.core.TrackTick", _Mark]], set[int]] | None:
    """symusic's tracks that have a mark, and the numbers of the file's tracks of which some may have none; None where that is unclear."""
    to_come = {(number, channel) for number, of_track in enumerate(channels) for channel in of_track}
    found = []
    # symusic's tracks are in the order of the file's: one without a mark is of a track from `at` to the next one with a mark.
    at, is_unmarked = 0, False
    doubtful: set[int] = set()
    for part in parts:
        last = part.notes[-1]
        number, channel = last.velocity - 1, last.pitch
        is_mark = last.duration == 1 and 0 <= number < len(channels) and channel in channels[number]
        if not is_mark:
            is_unmarked = True
            continue
        if (number, channel) not in to_come or number < at:
            return None  # one of two that look like the same mark is a note
        to_come.remove((number, channel))
        if is_unmarked:
            doubtful |= set(range(at, number + 1))
        at, is_unmarked = number, False
        found.append((part, (number, channel, last.time - _MARK_TICKS)))
    if is_unmarked:
        doubtful |= set(range(at, len(channels)))
    # A track of which a mark does not come ends before its end.
    return found, doubtful | {number for number, _ in to_come}


def _offs(track: bytes | memoryview, channels: Sequence[int]) -> bytes:
    """Note-offs on the channels for every pitch that the track may have: for every data byte that is in it."""
    if not channels:
        return b""
    pitches = _PITCHES if len(track) > _LONG_TRACK else _PITCHES.translate(None, _PITCHES.translate(None, track))
    # A status once, and then by running status: a delta time, a pitch, a velocity.
    offs = bytearray(3 * len(pitches))
    offs[1::3] = pitches
    after_status = bytes(offs[1:])
    return b"".join([b"\x00%c%b" % (_NOTE_OFF | channel, after_status) for channel in channels])


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
