"""From MIDI files to lines of notes in beats: which files, which tracks, which side of the split; knows no tokens."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import symusic

from model.lead import MEDIAN_PITCH, MIN_NOTES, MONOPHONIC_SHARE, is_lead_like
from model.notes import Note
from train.errors import CorpusError

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")

TrackChoice = Literal["lead", "melodic"]
# `melodic` learns from more: shorter lines, and lines with chords in them. What is held out is lead-like all the same.
MELODIC_MIN_NOTES = 32
MELODIC_MONOPHONIC_SHARE = 0.7

MANIFEST_FILE = "manifest.csv"
MIDI_SUFFIXES = {".mid", ".midi"}


@dataclass(frozen=True, slots=True)
class Line:
    """One track of one file: what a model reads from its start token to its end."""

    file: Path
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that could not be read, and why."""

    file: Path
    reason: str


@dataclass(slots=True)
class Corpus:
    """The lines of each side of the split, the files without a lead-like track, and the broken files."""

    name: str
    lines: dict[Split, list[Line]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    leadless: list[Path] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    def notes(self, split: Split) -> int:
        return sum(len(line.notes) for line in self.lines[split])

    def files(self, split: Split) -> int:
        return len({line.file for line in self.lines[split]})


def read_corpus(folder: Path, workers: int = 2, tracks: TrackChoice = "lead") -> Corpus:
    """The lead-like lines of every MIDI file below `folder`; with `melodic`, more than those on the training side.

    The split is that of a `manifest.csv` in the folder or its parent (columns `path` and `split`), else
    by a hash of each file's content, 80/10/10.
    Raises CorpusError where there is no folder, no MIDI file in it, or none that can be read.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder} is no folder; name a folder with MIDI files in it")
    folder = folder.resolve()  # so that "." has a name and a parent
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES and path.is_file())
    if not files:
        raise CorpusError(f"{folder} holds no MIDI file (.mid or .midi)")
    manifest = manifest_of(folder)
    corpus = Corpus(folder.name)
    for file, read in zip(files, _read_all(files, workers), strict=True):
        if isinstance(read, str):
            corpus.broken.append(Broken(file, read))
            continue
        split = manifest[file]["split"] if file in manifest else _split_by_hash(file)
        takes_all = tracks == "melodic" and split == "train"
        lines = [Line(file, line) for line in read if takes_all or is_lead_like(line)]
        if not lines:
            corpus.leadless.append(file)
        elif split in SPLITS:
            corpus.lines[split].extend(lines)
    if len(corpus.broken) == len(files):
        raise CorpusError(f"none of the {len(files)} MIDI files in {folder} can be read: {corpus.broken[0].reason}")
    if not any(corpus.lines.values()):
        raise CorpusError(
            f"no file in {folder} has a lead-like track: at least {MIN_NOTES} notes, "
            f"{MONOPHONIC_SHARE:.0%} of the onsets a single note, median pitch {MEDIAN_PITCH[0]} to {MEDIAN_PITCH[1]}"
        )
    return corpus


def melodic_lines(path: Path) -> list[tuple[Note, ...]] | str:
    """The melodic tracks of one file, lead-like or not, or why it cannot be read. Runs in a worker process: symusic may crash."""
    try:
        if path.stat().st_size == 0:
            return "the file is empty"
        score = symusic.Score(str(path))
        lines = (_notes(track, score.ticks_per_quarter) for track in score.tracks if not track.is_drum)
        return [line for line in lines if is_lead_like(line, MELODIC_MIN_NOTES, MELODIC_MONOPHONIC_SHARE)]
    except Exception as error:  # noqa: BLE001  symusic raises bare and its own errors alike; each is a broken file
        return f"not a readable MIDI file ({str(error).splitlines()[0] if str(error) else type(error).__name__})"


def _notes(track: symusic.core.TrackTick, ticks_per_beat: int) -> tuple[Note, ...]:
    columns = track.notes.numpy()
    order: npt.NDArray[np.intp] = np.lexsort((columns["pitch"], columns["time"]))
    notes: dict[tuple[int, int], Note] = {}  # a pitch that starts twice at one tick is one note
    for i in order:
        tick, pitch = int(columns["time"][i]), int(columns["pitch"][i])
        duration_beats = int(columns["duration"][i]) / ticks_per_beat
        notes[tick, pitch] = Note(pitch, tick / ticks_per_beat, duration_beats, int(columns["velocity"][i]))
    return tuple(notes.values())


def _read_all(files: Sequence[Path], workers: int) -> list[list[tuple[Note, ...]] | str]:
    try:
        with ProcessPoolExecutor(workers) as pool:
            return list(pool.map(melodic_lines, files, chunksize=16))
    except BrokenProcessPool:
        # One file took its worker down: read each in a process of its own to find out which.
        return [_read_apart(file) for file in files]


def _read_apart(file: Path) -> list[tuple[Note, ...]] | str:
    try:
        with ProcessPoolExecutor(1) as pool:
            return pool.submit(melodic_lines, file).result()
    except BrokenProcessPool:
        return "the MIDI parser crashed on it"


def manifest_of(folder: Path) -> dict[Path, dict[str, str]]:
    """The rows of a `manifest.csv` in the folder or its parent, by file; empty where there is none.

    Raises CorpusError where it lacks the columns `path` and `split`.
    """
    for base in (folder, folder.parent):
        path = base / MANIFEST_FILE
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as rows:
                table = csv.DictReader(rows, restval="")
                if not {"path", "split"} <= set(table.fieldnames or ()):
                    raise CorpusError(f"{path} has no columns path and split; name them so, or take the file away")
                return {base / row["path"]: row for row in table}
    return {}


def _split_by_hash(file: Path) -> Split:
    tenth = hashlib.sha256(file.read_bytes()).digest()[0] % 10
    return "test" if tenth == 0 else "valid" if tenth == 1 else "train"


def joined(corpora: Iterable[Corpus], split: Split) -> list[Line]:
    """The lines of one side of the split of several corpora."""
    return [line for corpus in corpora for line in corpus.lines[split]]
