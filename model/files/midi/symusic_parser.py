"""Parses a MIDI file's content with symusic, which only this module uses for MIDI files: plain tuples and bytes come out."""

import struct
import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    import symusic.core

NOTE = struct.Struct("<iiBBxx")
"""A note: tick, duration in ticks, pitch, velocity."""

NOTE_RECORD = np.dtype(
    {
        "names": ["time", "duration", "pitch", "velocity", "program"],
        "formats": ["<i4", "<i4", "u1", "u1", "u1"],
        "offsets": [0, 4, 8, 9, 10],
        "itemsize": NOTE.size,
    }
)
"""The same for numpy. The program is not set by symusic; it is for notes of several programs that are put together."""

# symusic pickles a list of notes as their count, and then the notes as they lie in memory.
_COUNT_BYTES = 4
_Item = TypeVar("_Item")
_Item_co = TypeVar("_Item_co", covariant=True)


class ProgramNotes(NamedTuple):
    """The notes of one channel of a track that have one program: bytes of `NOTE_RECORD`. symusic does not say which channel.

    `name` is the last name of the track.
    """

    records: bytes
    program: int
    name: str


class Parsed(NamedTuple):
    """All notes of a file by track, channel and program; pairs of tick and microseconds; ticks, numerators and denominators."""

    parts: list[ProgramNotes]
    tempi: tuple[tuple[int, int], ...]
    meters: tuple[tuple[int, int, int], ...]


def parse(content: bytes) -> Parsed | None:
    """What symusic reads; None if it refuses the file."""
    try:
        score = _symusic_score().from_midi(content)
    except Exception:  # noqa: BLE001  symusic raises several unrelated types, all for invalid content
        return None
    records_of = _pickled if _is_pickled_as_records() else _copied
    parts = [
        ProgramNotes(records, track.program, track.name)
        for track in _each_of(score.tracks)
        if (records := records_of(track.notes))  # others have controls only
    ]
    tempi = tuple([(tempo.time, tempo.mspq) for tempo in _each_of(score.tempos)])
    meters = tuple([(meter.time, meter.numerator, meter.denominator) for meter in _each_of(score.time_signatures)])
    return Parsed(parts, tempi, meters)


def parse_markers(content: bytes) -> list[tuple[int, str]]:
    """The tick and the text of each marker that symusic reads; none if it refuses the file."""
    try:
        score = _symusic_score().from_midi(content)
        return [(marker.time, marker.text) for marker in _each_of(score.markers)]
    except Exception:  # noqa: BLE001  symusic raises several unrelated types, all for invalid content
        return []


class _List(Protocol[_Item_co]):
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> _Item_co: ...


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
    state: bytes = notes.__getstate__()
    return state[_COUNT_BYTES:]


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
