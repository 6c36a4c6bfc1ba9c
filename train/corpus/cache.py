"""A cache of what was read from music files, by a hash of their content.

So a file is found again after it was moved or renamed.

A cache is a folder of shards. A shard is two files, written once and never changed: the notes of many MIDI files, which
are memory-mapped, and an index of them. The cache can be deleted at any time; the files are then read again.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

from train.corpus.duplicates import HASHES, Signature
from train.corpus.reading import NOTE, READING, LineSelection, Reading, Records
from train.errors import OutputError

USER_CACHE = Path(platformdirs.user_cache_dir("fours")) / "notes"


@dataclass(frozen=True, slots=True)
class _Place:
    shard: int
    row: int


class Cache:
    """Readings of one choice of tracks, by the SHA-256 of the files."""

    def __init__(self, folder: Path, choice: LineSelection) -> None:
        """Opens the cache; creates the folder if it does not exist. Raises OutputError if it cannot be created."""
        drums = "-drums" if choice.drums else ""
        self._folder = folder / f"{choice.tracks}{drums}-{choice.time_unit}-{READING}"
        self._shards: list[_Shard] = []
        self._places: dict[str, _Place] = {}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the cache {folder} cannot be written ({error.strerror or error}); choose another --cache"
            ) from error
        for index_file in sorted(self._folder.glob("*.npz")):
            self._open(index_file)

    @property
    def known(self) -> frozenset[str]:
        return frozenset(self._places)

    def add(self, readings: Sequence[Reading]) -> None:
        """Stores readings as a new shard. Raises OutputError if it cannot be written."""
        new = [reading for reading in {r.sha256: r for r in readings}.values() if reading.sha256 not in self._places]
        if not new:
            return
        name = hashlib.sha256("".join(reading.sha256 for reading in new).encode()).hexdigest()[:16]
        notes_file, index_file = self._folder / f"{name}.npy", self._folder / f"{name}.npz"
        try:
            _save(notes_file, _end_to_end([line for reading in new for line in reading.lines]))
            _save(index_file, _index_of(new))
        except OSError as error:
            raise OutputError(
                f"the cache {self._folder} cannot be written ({error.strerror or error}); make room, or choose another "
                f"--cache"
            ) from error
        self._open(index_file)

    def get(self, sha256: str) -> Reading:
        """The reading of a known file.

        Its lines are views on the memory map, so they are loaded only when they are used.
        """
        place = self._places[sha256]
        return self._shards[place.shard].reading(place.row)

    def _open(self, index_file: Path) -> None:
        try:
            shard = _Shard(index_file)
        except Exception:  # noqa: BLE001  numpy and zipfile raise many kinds of errors for a file that is cut off or not ours
            return  # its files are read again
        self._shards.append(shard)
        for row, sha256 in enumerate(shard.sha256s):
            self._places.setdefault(sha256, _Place(len(self._shards) - 1, row))


class _Shard:
    def __init__(self, index_file: Path) -> None:
        # Opened here, as numpy leaves a file open that turns out to be cut off.
        with index_file.open("rb") as file, np.load(file, allow_pickle=False) as index:
            self._index = {name: index[name] for name in _INDEX}
        self._notes: Records = np.load(
            index_file.with_suffix(".npy"), mmap_mode="r", allow_pickle=False
        ).view(
            np.ndarray  # a plain array, as an object of the map's own class for each line would take five times the memory
        )
        lengths = self._index["line_lengths"]
        self._bounds = np.append(0, np.cumsum(lengths))
        if self._notes.dtype != NOTE or len(self._notes) != lengths.sum():
            raise ValueError(f"{index_file} does not fit its notes")
        self._last_line = np.cumsum(self._index["lines"])
        self._last_bar = np.cumsum(self._index["bar_counts"]).tolist()

    @property
    def sha256s(self) -> Iterator[str]:
        return (bytes(value).hex() for value in self._index["sha256"])

    def reading(self, row: int) -> Reading:
        index = self._index
        after = int(self._last_line[row])
        first = after - int(index["lines"][row])
        bounds = self._bounds[first : after + 1].tolist()
        return Reading(
            sha256=index["sha256"][row].tobytes().hex(),
            lines=tuple([self._notes[begin:end] for begin, end in pairwise(bounds)]),
            leads=tuple(index["leads"][first:after].tolist()),
            seconds=float(index["seconds"][row]),
            tempo_bpm=float(index["tempo_bpm"][row]),
            pitch_classes=index["pitch_classes"][row],
            signature=index["signatures"][row] if index["signed"][row] else None,
            known=True,
            reason=str(index["reasons"][row]),
            remarks=tuple(str(index["remarks"][row]).splitlines()),
            bars=tuple(
                map(
                    tuple,
                    index["bars"][self._last_bar[row] - int(index["bar_counts"][row]) : self._last_bar[row]].tolist(),
                )
            ),
        )


_INDEX = (
    "sha256", "lines", "seconds", "tempo_bpm", "pitch_classes", "signatures", "signed", "reasons", "remarks", "line_lengths", "leads",
    "bars", "bar_counts",
)  # fmt: skip
_UNSIGNED: Signature = np.zeros(HASHES, np.uint32)


def _end_to_end(lines: Sequence[Records]) -> Records:
    # As bytes, in an eighth of the time that numpy takes to concatenate many short arrays.
    return np.frombuffer(b"".join([line.data for line in lines]), NOTE)


def _index_of(readings: Sequence[Reading]) -> dict[str, npt.NDArray[np.generic]]:
    signatures = [_UNSIGNED if reading.signature is None else reading.signature for reading in readings]
    return {
        "sha256": np.frombuffer(bytes.fromhex("".join(r.sha256 for r in readings)), np.uint8).reshape(-1, 32),
        "lines": np.array([len(reading.lines) for reading in readings], np.int64),
        "seconds": np.array([reading.seconds for reading in readings]),
        "tempo_bpm": np.array([reading.tempo_bpm for reading in readings]),
        "pitch_classes": np.array([reading.pitch_classes for reading in readings], np.float32),
        "signatures": np.array(signatures, np.uint32),
        "signed": np.array([reading.signature is not None for reading in readings]),
        "reasons": np.array([reading.reason for reading in readings], np.str_),
        "remarks": np.array(["\n".join(reading.remarks) for reading in readings], np.str_),
        "line_lengths": np.array([len(line) for reading in readings for line in reading.lines], np.int64),
        "leads": np.array([lead for reading in readings for lead in reading.leads], np.bool_),
        "bars": np.array([change for reading in readings for change in reading.bars], np.float64).reshape(-1, 2),
        "bar_counts": np.array([len(reading.bars) for reading in readings], np.int64),
    }


def _save(path: Path, content: Records | dict[str, npt.NDArray[np.generic]]) -> None:
    """Writes an array, or several by name; the file appears whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            if isinstance(content, dict):
                np.savez(file, **content)  # type: ignore[arg-type]  # numpy's stub takes its flag for one of the arrays
            else:
                np.save(file, content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
