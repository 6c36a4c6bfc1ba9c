"""Parses tracks of a MIDI file into the notes of each channel, with symusic, which only this module uses.

symusic reports a note's program but not its channel, drops a note that never ends, and refuses a track with one invalid byte.
So a few events are appended to each track: note-offs for all that may still sound, and on each channel one note, the mark, whose
pitch and velocity hold the channel and the track. A track whose marks do not come back is repaired first (`midi_events`).
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

from model.files.midi.midi_chunks import END_OF_TRACK, TRACK
from model.files.midi.midi_events import repaired

_NOTE_ON, _NOTE_OFF = 0x90, 0x80
# Ends a system exclusive message, or begins an F7 event, which symusic misreads.
_ESCAPE = 0xF7
_TEMPO, _METER = b"\xff\x51", b"\xff\x58"
# One tick after a track's end come the note-offs, and one tick later the marks, which are one tick long. A mark's pitch is the
# channel and its velocity the number of the track, counted from 1.
_TEXT = b"\xff\x01\x00"
_END_DELTA = _TEXT + b"\x01" + _TEXT
_MARK_TICKS = 2
_MOST_MARKED = 127
# Any division will do: only ticks are read from symusic.
_PITCHES = bytes(range(128))
# A track of more bytes has most of the data bytes: to look for them takes longer than a note-off for each.
_LONG_TRACK = 2000
_HEADER, _DIVISION = b"MThd\x00\x00\x00\x06\x00\x01", b"\x01\xe0"
# By how much the number of note-offs per pitch grows while notes of one pitch are still open.
_MORE = 16
# A delta time may contain a note-on's status byte; two data bytes after it make a note-on more likely.
_NOTE_ON_STATUSES = bytes(range(0x90, 0xA0))
_NOTE_ONS = [re.compile(b"%c" % status + rb"[\x00-\x7f]{2}") for status in _NOTE_ON_STATUSES]
_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
# Registered parameter 6 on the first or last channel: its value is how many channels next to it belong to one player ("MIDI Polyphonic
# Expression", MMA 2018).
_MPE_ZONE = re.compile(
    rb"([\xb0\xbf])(?:\x65\x00" + _DELTA + rb"\1?\x64\x06|\x64\x06" + _DELTA + rb"\1?\x65\x00)" + _DELTA + rb"\1?\x06([\x00-\x0f])",
    re.DOTALL,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ChannelNotes:
    """A channel's notes as symusic returns them, in no particular order; `program` is the first one."""

    channel: int
    time: npt.NDArray[np.int32]
    duration: npt.NDArray[np.int32]
    pitch: npt.NDArray[np.int8]
    velocity: npt.NDArray[np.int8]
    program: int


@dataclass(frozen=True, slots=True, eq=False)
class TrackNotes:
    """A track up to its `end` in ticks; a note that never ends lasts one tick longer.

    `tempi` are pairs of tick and microseconds, `meters` are ticks, numerators and denominators. `members` are the channels of the MPE
    zones that the track sets up, including the managers; None if it sets up none.
    """

    channels: tuple[ChannelNotes, ...] = ()
    end: int = 0
    tempi: tuple[tuple[int, ...], ...] = ()
    meters: tuple[tuple[int, ...], ...] = ()
    members: frozenset[int] | None = None


SILENT = TrackNotes()


def read_together(bodies: Sequence[bytes]) -> list[TrackNotes | None]:
    """Parses all tracks of a file at once, without repair; None in place of each track that has to be repaired first.

    A track with a note that never ends may lack others, so the caller has to repair it, too. The first track that is parsed has the
    tempi and meters of all tracks.
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
    """Parses tracks with one call of symusic; or with one call each, if it is unclear which of them has to be repaired."""
    events = [memoryview(body)[: -len(END_OF_TRACK)] for body in bodies]
    found = _parsed(events, channels)
    # After the repair of a track its tempi and meters would be there twice.
    if found is not None and not any(
        track is None and (_TEMPO in body or _METER in body) for track, body in zip(found, bodies, strict=True)
    ):
        return found
    alone = [_parsed([body], [of_track]) for body, of_track in zip(events, channels, strict=True)]
    return [None if track is None else track[0] for track in alone]


def read_carefully(body: bytes) -> tuple[TrackNotes, bool]:
    """Repairs and parses a track as far as it can be read; and whether it breaks off."""
    track = repaired(body)
    channels = _channels_of(body)
    # symusic would split a channel at a program change between notes.
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
    """How many notes of one pitch are still open at the end, at most."""
    sounding = channel.pitch[channel.time + channel.duration > track.end]
    return int(np.bincount(sounding).max()) if len(sounding) else 0


def _channels_of(body: bytes) -> tuple[int, ...]:
    """The channels that may have notes: all that have, and possibly more."""
    statuses = _NOTE_ON_STATUSES.translate(None, _NOTE_ON_STATUSES.translate(None, body))  # those that are in it
    return tuple([status & 0xF for status in statuses if _NOTE_ONS[status & 0xF].search(body)])


def _parsed(
    tracks: Sequence[bytes | memoryview],
    channels: Sequence[tuple[int, ...]],
    copies: int = 1,
    programs: Mapping[int, int] = MappingProxyType({}),
) -> list[TrackNotes | None] | None:
    """Parses tracks with symusic: None in place of each of which a mark is missing; None for all if symusic refuses one."""
    pieces: list[bytes | memoryview] = [_HEADER, len(tracks).to_bytes(2), _DIVISION]
    for number, (track, of_track) in enumerate(zip(tracks, channels, strict=True)):
        offs, marks = _offs(track, of_track) * copies, _marks(of_track, number)
        length = len(track) + len(_END_DELTA) + len(offs) + len(marks)
        pieces += (TRACK, length.to_bytes(4), track, _END_DELTA, offs, marks)
    try:
        score = _symusic_score().from_midi(b"".join(pieces))
    except Exception:  # noqa: BLE001  symusic raises several unrelated types, all for invalid content
        return None
    parts = [part for part in score.tracks if part.notes]  # others have controls only
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
"""The content of a mark: the number of the track, the channel, and the tick at which the track ends."""


def _marks_of(
    parts: Sequence["symusic.core.TrackTick"], channels: Sequence[tuple[int, ...]]
) -> tuple[list[tuple["symusic.core.TrackTick", _Mark]], set[int]] | None:
    """symusic's tracks with their marks, and the numbers of the file's tracks that may lack one; None if that is unclear."""
    to_come = {(number, channel) for number, of_track in enumerate(channels) for channel in of_track}
    found = []
    # symusic keeps the order of the file: a track without a mark belongs to one from `at` up to the next mark's.
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
            return None  # one of two equal marks is a note of the music
        to_come.remove((number, channel))
        if is_unmarked:
            doubtful |= set(range(at, number + 1))
        at, is_unmarked = number, False
        found.append((part, (number, channel, last.time - _MARK_TICKS)))
    if is_unmarked:
        doubtful |= set(range(at, len(channels)))
    # If a mark does not arrive, the track has an end-of-track message in the middle.
    return found, doubtful | {number for number, _ in to_come}


def _offs(track: bytes | memoryview, channels: Sequence[int]) -> bytes:
    """Note-offs on the channels for every pitch that the track may have, that is, every data byte in it."""
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
    """The marks of a track's channels, and its end."""
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
