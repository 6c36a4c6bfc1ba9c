"""Phrases to be answered: a few of our own, or the beginnings of given files; knows no model and no answer."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from model.files.midi_file import Meter, Seed, read_seed
from model.notes import Note
from train.corpus.corpora import SPLITS, read_corpora
from train.corpus.reading import Choice
from train.errors import CorpusError

# A seed is a phrase: of a longer file its first bars, from where there is something to hear.
PHRASE_BARS = 4
PHRASE_NOTES = 8
# So many files of a folder: what fits on a few pages, and is still looked at.
FILES_OF_A_FOLDER = 4
DOWNBEAT_VELOCITY, BEAT_VELOCITY, OFFBEAT_VELOCITY = 96, 88, 80


@dataclass(frozen=True, slots=True)
class NamedSeed:
    """A phrase with what it is called, and where it comes from in a few words."""

    name: str
    origin: str
    seed: Seed


def own_seeds() -> tuple[NamedSeed, ...]:
    """Three phrases that come with the program: a blues, a waltz, a riff; each is four bars from beat 0."""
    return tuple(
        NamedSeed(name, "comes with the program", Seed(_played(written, meter), tempo_bpm, meter))
        for name, meter, tempo_bpm, written in _OWN
    )


def seeds_of(sources: Sequence[Path], cache: Path, bars: int = PHRASE_BARS) -> tuple[NamedSeed, ...]:
    """The first phrase of each file, and of a few files of each folder: of those on its test side, where it has one.

    Raises CorpusError where a folder holds nothing to take a seed from, and SeedError where a file does not.
    """
    found: list[NamedSeed] = []
    for source in sources:
        if source.is_dir():
            side, files = _held_out(source, cache)
            found += [
                NamedSeed(_name_of(file), f"{source.resolve().name}, {side} side", first_phrase(read_seed(file), bars))
                for file in files
            ]
        else:
            found.append(NamedSeed(_name_of(source), source.name, first_phrase(read_seed(source), bars)))
    return tuple(_told_apart(found))


def first_phrase(seed: Seed, bars: int = PHRASE_BARS) -> Seed:
    """The first `bars` bars that hold a phrase's worth of notes, moved to beat 0; the first with any, where none do."""
    bar = seed.meter.beats_per_bar
    starts = sorted({note.onset_beats // bar * bar for note in seed.notes})
    windows = [_between(seed.notes, start, start + bars * bar) for start in starts]
    return replace(seed, notes=next((window for window in windows if len(window) >= PHRASE_NOTES), windows[0]))


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


def _held_out(folder: Path, cache: Path) -> tuple[str, list[Path]]:
    """The side, and a few of its files; which, is decided by their names' hashes, so that a neighbour is no likelier."""
    corpora = read_corpora([folder], cache, Choice())
    for side in reversed(SPLITS):
        files = {line.file for corpus in corpora for line in corpus.lines[side]}
        if files:
            by_hash = sorted(files, key=lambda file: hashlib.sha256(file.name.encode()).digest())
            return side, sorted(by_hash[:FILES_OF_A_FOLDER])
    raise CorpusError(f"no file of {folder} has a line to take a seed from")


def _name_of(file: Path) -> str:
    return " ".join(file.stem.replace("_", " ").split()) or file.name


def _told_apart(seeds: Iterable[NamedSeed]) -> Iterable[NamedSeed]:
    """The seeds, with a number after a name that was there before."""
    taken: dict[str, int] = {}
    for seed in seeds:
        taken[seed.name] = taken.get(seed.name, 0) + 1
        yield seed if taken[seed.name] == 1 else replace(seed, name=f"{seed.name} ({taken[seed.name]})")


_Written = tuple[tuple[int | None, float], ...]
"""One note after another: its pitch, None for a rest, and how many beats it lasts."""

_OWN: tuple[tuple[str, Meter, float, _Written], ...] = (
    (
        "Blues in G minor",
        Meter(4, 4),
        112.0,
        (
            (67, 0.5), (70, 0.5), (72, 1.0), (70, 0.5), (67, 0.5), (65, 0.5), (67, 1.5), (67, 0.5), (70, 0.5), (74, 1.0),
            (72, 0.5), (70, 0.5), (67, 0.5), (70, 0.5), (72, 1.0), (73, 0.5), (72, 0.5), (70, 0.5), (67, 1.5), (65, 0.5),
            (63, 0.5), (62, 0.5), (65, 0.5), (67, 1.0),
        ),
    ),
    (
        "Waltz in D",
        Meter(3, 4),
        138.0,
        (
            (69, 1.0), (74, 1.0), (78, 1.0), (76, 1.5), (74, 0.5), (73, 1.0), (71, 1.0), (76, 1.0), (79, 1.0), (78, 2.0),
        ),
    ),
    (
        "Riff in E minor",
        Meter(4, 4),
        126.0,
        (
            (64, 0.5), (64, 0.25), (67, 0.25), (69, 0.5), (64, 0.5), (71, 0.75), (69, 0.25), (67, 0.5), (64, 0.5),
            (62, 0.5), (64, 1.0), (None, 0.5), (67, 0.5), (69, 0.25), (70, 0.25), (69, 0.5), (67, 0.5),
            (64, 0.5), (64, 0.25), (67, 0.25), (69, 0.5), (64, 0.5), (71, 0.75), (69, 0.25), (67, 0.5), (64, 0.5),
            (71, 0.5), (74, 0.5), (76, 1.0), (74, 0.25), (71, 0.25), (69, 0.5), (67, 0.5), (64, 0.5),
        ),
    ),
)  # fmt: skip


def _played(written: _Written, meter: Meter) -> tuple[Note, ...]:
    ends = [0.0]
    for _, beats in written:
        ends.append(ends[-1] + beats)
    return tuple(
        Note(pitch, onset, end - onset, _velocity(onset, meter))
        for (pitch, _), (onset, end) in zip(written, pairwise(ends), strict=True)
        if pitch is not None
    )


def _velocity(onset_beats: float, meter: Meter) -> int:
    if onset_beats % meter.beats_per_bar == 0:
        return DOWNBEAT_VELOCITY
    return BEAT_VELOCITY if onset_beats % 1 == 0 else OFFBEAT_VELOCITY
