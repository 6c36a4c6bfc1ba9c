"""Phrases to be answered: a few built-in ones, or the first phrases of given files; knows no model and no answer."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from model.files.seed import Seed, read_seed
from model.files.time_signature import TimeSignature
from model.named_file import path_fault
from model.notes import Note
from train.corpus.corpora import SPLITS, read_corpora
from train.corpus.reading import LineSelection
from train.errors import CorpusError

# A seed is a phrase: the first bars of a longer file that hold this many notes.
PHRASE_BARS = 4
PHRASE_NOTES = 8
# This many files of a folder fit on a few pages of a report.
FILES_OF_A_FOLDER = 4
DOWNBEAT_VELOCITY, BEAT_VELOCITY, OFFBEAT_VELOCITY = 96, 88, 80


@dataclass(frozen=True, slots=True)
class NamedSeed:
    """A phrase with its name, and its origin in a few words."""

    name: str
    origin: str
    seed: Seed


def built_in_seeds() -> tuple[NamedSeed, ...]:
    """Three phrases that come with the program: a blues, a waltz, a riff; each is four bars from beat 0."""
    return tuple(
        NamedSeed(name, "comes with the program", Seed(_notes_of(written, meter), tempo_bpm, meter))
        for name, meter, tempo_bpm, written in _BUILT_IN
    )


def read_seeds(sources: Sequence[Path], cache: Path, bars: int = PHRASE_BARS) -> tuple[NamedSeed, ...]:
    """The first phrase of each file, and of a few files of each folder: of its test side, where it has one.

    Raises CorpusError where a folder has no file with a phrase, and SeedError where a file has none.
    """
    seeds: list[NamedSeed] = []
    for source in sources:
        if not path_fault(source) and source.is_dir():
            side, files = _files_to_sample(source, cache)
            seeds += [
                NamedSeed(
                    _seed_name(file), f"{source.resolve().name}, {side} side", first_phrase(read_seed(file), bars)
                )
                for file in files
            ]
        else:
            seeds.append(NamedSeed(_seed_name(source), source.name, first_phrase(read_seed(source), bars)))
    return tuple(_with_distinct_names(seeds))


def first_phrase(seed: Seed, bars: int = PHRASE_BARS) -> Seed:
    """The first `bars` bars that hold enough notes, moved to beat 0.

    Where there are none, the first bars with any note.
    """
    bar = seed.meter.beats_per_bar
    starts = sorted({note.onset_beats // bar * bar for note in seed.notes})
    windows = [_between(seed.notes, start, start + bars * bar) for start in starts]
    phrase = next((window for window in windows if len(window) >= PHRASE_NOTES), windows[0])
    # Where tempo and meter change in the file is no longer where it is.
    return replace(seed, notes=phrase, tempi=(), meters=())


def _between(notes: Iterable[Note], begin_beats: float, end_beats: float) -> tuple[Note, ...]:
    return tuple(
        replace(
            note,
            onset_beats=note.onset_beats - begin_beats,
            duration_beats=min(note.duration_beats, end_beats - note.onset_beats),
        )
        for note in notes
        if begin_beats <= note.onset_beats < end_beats
    )


def _files_to_sample(folder: Path, cache: Path) -> tuple[str, list[Path]]:
    """The side, and a few of its files.

    They are chosen by the hashes of their names, so that neighbours are not preferred.
    """
    corpora = read_corpora([folder], cache, LineSelection())
    for side in reversed(SPLITS):
        files = {line.file for corpus in corpora for line in corpus.lines[side]}
        if files:
            by_hash = sorted(files, key=lambda file: hashlib.sha256(os.fsencode(file.name)).digest())
            return side, sorted(by_hash[:FILES_OF_A_FOLDER])
    raise CorpusError(f"no file of {folder} has a line to take a seed from")


def _seed_name(file: Path) -> str:
    return " ".join(file.stem.replace("_", " ").split()) or file.name


def _with_distinct_names(seeds: Iterable[NamedSeed]) -> Iterable[NamedSeed]:
    """The seeds, with a number added to a name that occurred before."""
    uses: dict[str, int] = {}
    for seed in seeds:
        uses[seed.name] = uses.get(seed.name, 0) + 1
        yield seed if uses[seed.name] == 1 else replace(seed, name=f"{seed.name} ({uses[seed.name]})")


_Written = tuple[tuple[int | None, float], ...]
"""One note after another: its pitch, None for a rest, and how many beats it lasts."""

_BUILT_IN: tuple[tuple[str, TimeSignature, float, _Written], ...] = (
    (
        "Blues in G minor",
        TimeSignature(4, 4),
        112.0,
        (
            (67, 0.5), (70, 0.5), (72, 1.0), (70, 0.5), (67, 0.5), (65, 0.5), (67, 1.5), (67, 0.5), (70, 0.5), (74, 1.0),
            (72, 0.5), (70, 0.5), (67, 0.5), (70, 0.5), (72, 1.0), (73, 0.5), (72, 0.5), (70, 0.5), (67, 1.5), (65, 0.5),
            (63, 0.5), (62, 0.5), (65, 0.5), (67, 1.0),
        ),
    ),
    (
        "Waltz in D",
        TimeSignature(3, 4),
        138.0,
        (
            (69, 1.0), (74, 1.0), (78, 1.0), (76, 1.5), (74, 0.5), (73, 1.0), (71, 1.0), (76, 1.0), (79, 1.0), (78, 2.0),
        ),
    ),
    (
        "Riff in E minor",
        TimeSignature(4, 4),
        126.0,
        (
            (64, 0.5), (64, 0.25), (67, 0.25), (69, 0.5), (64, 0.5), (71, 0.75), (69, 0.25), (67, 0.5), (64, 0.5),
            (62, 0.5), (64, 1.0), (None, 0.5), (67, 0.5), (69, 0.25), (70, 0.25), (69, 0.5), (67, 0.5),
            (64, 0.5), (64, 0.25), (67, 0.25), (69, 0.5), (64, 0.5), (71, 0.75), (69, 0.25), (67, 0.5), (64, 0.5),
            (71, 0.5), (74, 0.5), (76, 1.0), (74, 0.25), (71, 0.25), (69, 0.5), (67, 0.5), (64, 0.5),
        ),
    ),
)  # fmt: skip


def _notes_of(written: _Written, meter: TimeSignature) -> tuple[Note, ...]:
    ends = [0.0]
    for _, beats in written:
        ends.append(ends[-1] + beats)
    return tuple(
        Note(pitch, onset, end - onset, _velocity(onset, meter))
        for (pitch, _), (onset, end) in zip(written, pairwise(ends), strict=True)
        if pitch is not None
    )


def _velocity(onset_beats: float, meter: TimeSignature) -> int:
    if onset_beats % meter.beats_per_bar == 0:
        return DOWNBEAT_VELOCITY
    return BEAT_VELOCITY if onset_beats % 1 == 0 else OFFBEAT_VELOCITY
