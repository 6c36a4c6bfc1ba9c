"""Parses tracks of a MIDI file into the notes of each channel, with symusic, which only this module uses.

symusic reports a note's program but not its channel, drops a note that never ends, and refuses a track with one invalid byte.
So a few events are appended to each track: note-offs for all that may still sound, and on each channel one note, the mark, whose
pitch and velocity hold the channel and the track. A track whose marks do not come back is repaired first (`midi_events`).
"""

import re
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    import symusic.core

from model.files.midi_chunks import END_OF_TRACK, TRACK
from model.files.midi_events import repaired

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
# symusic pickles a list of notes as their count, and then the notes as they lie in memory.
_COUNT_BYTES = 4
_NOTE = struct.Struct("<iiBBxx")
# Any division will do: only ticks are read from symusic.
_HEADER, _DIVISION = b"MThd\x00\x00\x00\x06\x00\x01", b"\x01\xe0"
# By how much the number of note-offs per pitch grows while notes of one pitch are still open.
_MORE = 16
# A delta time may contain a note-on's status byte; two data bytes after it make a note-on more likely.
_NOTE_ONS = {
    _NOTE_ON | channel: re.compile(b"%c" % (_NOTE_ON | channel) + rb"[\x00-\x7f]{2}") for channel in range(16)
}
_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
# Registered parameter 6 on the first or last channel: its value is how many channels next to it belong to one player ("MIDI Polyphonic
# Expression", MMA 2018).
_MPE_PARAMETER = b"\x64\x06"
_MPE_ZONE = re.compile(
    rb"([\xb0\xbf])(?:\x65\x00" + _DELTA + rb"\1?\x64\x06|\x64\x06" + _DELTA + rb"\1?\x65\x00)" + _DELTA + rb"\1?\x06([\x00-\x0f])",
    re.DOTALL,
)  # fmt: skip


NOTE_RECORD = np.dtype(
    {
        "names": ["time", "duration", "pitch", "velocity"],
        "formats": ["<i4", "<i4", "u1", "u1"],
        "offsets": [0, 4, 8, 9],
        "itemsize": _NOTE.size,
    }
)
"""A note in ticks."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelNotes:
    """A channel's notes as symusic returns them, in no particular order: bytes of `NOTE_RECORD`; `program` is the first one."""

    channel: int
    records: bytes
    program: int

    def __len__(self) -> int:
        return len(self.records) // _NOTE.size


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
    """Parses tracks with one call of symusic; and again each one in doubt that may be a single channel with several programs.

    Or with one call each, if it is unclear which of them has to be repaired.
    """
    events = [memoryview(body)[: -len(END_OF_TRACK)] for body in bodies]
    found = _parsed(events, channels)
    # After the repair of a track its tempi and meters would be there twice.
    if found is not None and not any(
        track is None and (_TEMPO in body or _METER in body) for track, body in zip(found, bodies, strict=True)
    ):
        return [
            _alone(body, of_track) if track is None and len(of_track) == 1 else track
            for track, body, of_track in zip(found, events, channels, strict=True)
        ]
    return [_alone(body, of_track) for body, of_track in zip(events, channels, strict=True)]


def _alone(body: bytes | memoryview, channels: tuple[int, ...]) -> TrackNotes | None:
    found = _parsed([body], [channels])
    return None if found is None else found[0]


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
    notes = np.frombuffer(channel.records, NOTE_RECORD)
    sounding = notes["pitch"][notes["time"] + notes["duration"] > track.end]
    return int(np.bincount(sounding).max()) if len(sounding) else 0


def _channels_of(body: bytes) -> tuple[int, ...]:
    """The channels that may have notes: all that have, and possibly more."""
    return tuple([status & 0xF for status, note_on in _NOTE_ONS.items() if status in body and note_on.search(body)])


def _parsed(
    tracks: Sequence[bytes | memoryview],
    channels: Sequence[tuple[int, ...]],
    copies: int = 1,
    programs: Mapping[int, int] = MappingProxyType({}),
) -> list[TrackNotes | None] | None:
    """Parses tracks with symusic: None in place of each of which a mark is missing; None for all if symusic refuses one."""
    pieces: list[bytes | memoryview] = [_HEADER, len(tracks).to_bytes(2), _DIVISION]
    for number, (track, of_track) in enumerate(zip(tracks, channels, strict=True)):
        offs, marks = _offs(of_track), _marks(of_track, number)
        length = len(track) + len(_END_DELTA) + len(offs) * copies + len(marks)
        pieces += (TRACK, length.to_bytes(4), track, _END_DELTA, *(offs,) * copies, marks)
    try:
        score = _symusic_score().from_midi(b"".join(pieces))
    except Exception:  # noqa: BLE001  symusic raises several unrelated types, all for invalid content
        return None
    records_of = _pickled if _is_pickled_as_records() else _copied
    # Others have controls only.
    parts = [(part, records) for part in _each_of(score.tracks) if (records := records_of(part.notes))]
    marks_of = _marks_of(parts, channels)
    if marks_of is None:
        return None
    marks_found, doubtful = marks_of
    if doubtful and len(marks_found) == len(tracks) == 1 and len(channels[0]) == 1:
        marks_found = _of_one_channel(parts, marks_found[0])
        doubtful = set() if marks_found else doubtful
    found: list[list[ChannelNotes]] = [[] for _ in tracks]
    ends = [0] * len(tracks)
    for (part, records), (number, channel, end) in marks_found:
        ends[number] = end
        if len(records) > _NOTE.size:
            program = programs.get(channel, 0) if programs else part.program
            found[number].append(ChannelNotes(channel, records[: -_NOTE.size], program))
    tempi = tuple([(tempo.time, tempo.mspq) for tempo in _each_of(score.tempos)])
    meters = tuple([(meter.time, meter.numerator, meter.denominator) for meter in _each_of(score.time_signatures)])
    every: list[TrackNotes | None] = [None] * len(tracks)
    for number in range(len(tracks)):
        if number not in doubtful:
            every[number] = TrackNotes(tuple(found[number]), ends[number], tempi, meters)
            tempi = meters = ()
    return every


_Item = TypeVar("_Item")
_ItemOut = TypeVar("_ItemOut", covariant=True)


class _List(Protocol[_ItemOut]):
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> _ItemOut: ...


def _each_of(items: _List[_Item]) -> list[_Item]:
    """A list of symusic's, whose own iterator ends with an exception of C++, which takes longer than all the rest."""
    return [items[index] for index in range(len(items))]


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


def _pickled(notes: "symusic.core.NoteTickList") -> bytes:
    """The notes as records, by one call for all their columns, which takes a tenth of the time of `numpy()`."""
    return notes.__getstate__()[_COUNT_BYTES:]


def _copied(notes: "symusic.core.NoteTickList") -> bytes:
    """The same by what symusic documents."""
    records = np.zeros(len(notes), NOTE_RECORD)
    for name, column in notes.numpy().items():
        records[name] = column
    return records.tobytes()


@cache
def _is_pickled_as_records() -> bool:
    """Whether this version of symusic pickles notes as `_pickled` assumes."""
    # A duration that cannot be mistaken for pitch and velocity, a time with its highest bit set.
    columns = {"time": [1, -70_000], "duration": [300, 5], "pitch": [127, 60], "velocity": [64, 1]}
    types = (np.int32, np.int32, np.int8, np.int8)
    notes = sys.modules["symusic.core"].NoteTickList.from_numpy(
        *[np.array(values, column_type) for values, column_type in zip(columns.values(), types, strict=True)]
    )
    try:
        found = np.frombuffer(_pickled(notes), NOTE_RECORD)
    except (TypeError, ValueError):
        return False
    return all(found[name].tolist() == values for name, values in columns.items())


def _of_one_channel(
    parts: Sequence["_NotedPart"], marked: tuple["_NotedPart", "_Mark"]
) -> list[tuple["_NotedPart", "_Mark"]]:
    """A channel that symusic split at its program changes, as one part with the first program; nothing if two programs begin at once."""
    begins = [int(np.minimum.reduce(np.frombuffer(records, NOTE_RECORD)["time"])) for _, records in parts]
    first = min(begins)
    if begins.count(first) > 1:
        return []
    (_, with_mark), mark = marked
    others = [records for _, records in parts if records is not with_mark]
    return [((parts[begins.index(first)][0], b"".join([*others, with_mark])), mark)]


_Mark = tuple[int, int, int]
"""The content of a mark: the number of the track, the channel, and the tick at which the track ends."""

_NotedPart = tuple["symusic.core.TrackTick", bytes]
"""A track of symusic and its notes as records."""


def _marks_of(
    parts: Sequence[_NotedPart], channels: Sequence[tuple[int, ...]]
) -> tuple[list[tuple[_NotedPart, _Mark]], set[int]] | None:
    """symusic's tracks with their marks, and the numbers of the file's tracks that may lack one; None if that is unclear."""
    found = []
    # symusic keeps the order of the file, and in a track that of the channels: a track without a mark belongs to one from the last
    # mark's up to the next mark's.
    before, is_unmarked = (0, -1), False
    doubtful: set[int] = set()
    for part in parts:
        time, duration, channel, velocity = _NOTE.unpack_from(part[1], len(part[1]) - _NOTE.size)
        number = velocity - 1
        is_mark = duration == 1 and 0 <= number < len(channels) and channel in channels[number]
        if not is_mark:
            is_unmarked = True
            continue
        if (number, channel) <= before:
            return None  # one of two equal marks is a note of the music
        if is_unmarked:
            doubtful |= set(range(before[0], number + 1))
        before, is_unmarked = (number, channel), False
        found.append((part, (number, channel, time - _MARK_TICKS)))
    if is_unmarked:
        doubtful |= set(range(before[0], len(channels)))
    if len(found) < sum([len(of_track) for of_track in channels]):
        # If a mark does not arrive, the track has an end-of-track message in the middle.
        arrived = {(number, channel) for _, (number, channel, _) in found}
        doubtful |= {number for number, of_track in enumerate(channels) for c in of_track if (number, c) not in arrived}
    return found, doubtful


@lru_cache(maxsize=256)
def _offs(channels: tuple[int, ...]) -> bytes:
    """A note-off for every pitch on each of the channels."""
    # A status once, and then by running status: a delta time, a pitch, a velocity.
    after_status = b"".join([b"%c\x00\x00" % pitch for pitch in range(128)])[:-1]
    return b"".join([b"\x00%c%b" % (_NOTE_OFF | channel, after_status) for channel in channels])


@lru_cache(maxsize=1024)
def _marks(channels: tuple[int, ...], number: int) -> bytes:
    """The marks of a track's channels, and its end."""
    begins = [bytes([0, _NOTE_ON | channel, channel, number + 1]) for channel in channels]
    ends = [bytes([0, _NOTE_OFF | channel, channel, 0]) for channel in channels]
    return b"".join((b"\x01", _TEXT, *begins, b"\x01", _TEXT, *ends, b"\x00", END_OF_TRACK))


def _with_members(track: TrackNotes, body: bytes) -> TrackNotes:
    if len(track.channels) < 2 or _MPE_PARAMETER not in body:
        return track
    members: set[int] = set()
    for zone in _MPE_ZONE.finditer(body):
        manager, count = zone[1][0] & 0xF, zone[2][0]
        members |= {manager + step if manager == 0 else manager - step for step in range(count + 1)} if count else set()
    return replace(track, members=frozenset(members)) if members else track
