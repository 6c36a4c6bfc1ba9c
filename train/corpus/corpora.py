"""Builds a corpus from folders, files and lists of files: which files it has, and on which side of the split each one is.

Knows no tokens.
"""

import glob
import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal, Self

import numpy as np

from model.analysis.key_finder import key_from_weights
from model.analysis.lead import MEDIAN_PITCH_RANGE, MIN_NOTES, MONOPHONIC_SHARE
from model.files.score_reader import MUSIC_SUFFIXES
from model.named_file import path_fault, shown_path
from model.notes import Note, in_onset_order
from train.corpus.cache import Cache
from train.corpus.duplicates import groups_of
from train.corpus.ingest import ingest
from train.corpus.manifest import MANIFEST_FILE, printable, rows_of
from train.corpus.music_files import is_music, music_files_in
from train.corpus.reading import NOTE, LineSelection, Reading, Records
from train.errors import CorpusError

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")

LIST_SUFFIX = ".txt"


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A piece of music that a model reads from start to end: one track of a file, or all its tracks merged.

    `records` may be a view on a memory map, and then costs nothing until it is looked at. `bars` are the beats where a meter
    begins, each with how many beats its bars have; where there are none, bars have four beats.
    """

    file: Path
    records: Records
    bars: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, file: Path, notes: Iterable[Note]) -> Self:
        rows = [(note.pitch, note.velocity, note.onset_beats, note.duration_beats) for note in in_onset_order(notes)]
        return cls(file, np.array(rows, NOTE))

    def __len__(self) -> int:
        """The number of notes."""
        return len(self.records)

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(
            Note(pitch, onset_beats, duration_beats, velocity)
            for pitch, velocity, onset_beats, duration_beats in self.records.tolist()
        )


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that could not be read, or only in part, and the reason, in words that follow the file's name."""

    file: Path
    reason: str


@dataclass(slots=True)
class Corpus:
    """The lines of each side of the split, and counts of what was found and left out.

    `folder` holds the licences and notices. `without_lead` are the files that have no line to learn from,
    and `without_notes` those of them that hold nothing, or only drums that are not learnt from.
    `near_duplicates` counts the files that nearly equal an earlier one, `duplicates_across_splits` those of them that a
    manifest puts on another side of the split.
    """

    name: str
    folder: Path
    lines: dict[Split, list[Line]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    without_lead: list[Path] = field(default_factory=list)
    without_notes: set[Path] = field(default_factory=set)
    broken: list[Broken] = field(default_factory=list)
    incomplete: list[Broken] = field(default_factory=list)
    rows_without_file: list[str] = field(default_factory=list)
    found: int = 0
    seconds: float = 0.0
    keys: Counter[str] = field(default_factory=Counter)
    tempi_bpm: list[float] = field(default_factory=list)
    near_duplicates: int = 0
    duplicates_across_splits: int = 0

    def notes(self, split: Split) -> int:
        return sum(len(line) for line in self.lines[split])

    def files(self, split: Split) -> int:
        return len({line.file for line in self.lines[split]})


def read_corpora(sources: Sequence[Path], cache: Path, choice: LineSelection, workers: int = 2) -> list[Corpus]:
    """A corpus for each folder and each list of files among `sources`, and one for all loose files and globs.

    A list is a `.txt` file with a path on each line, relative to the list's own folder. The split is taken from a
    `manifest.csv` in the folder of a file or the folder above (columns `path` and `split`). Files without a row are
    split 80/10/10 by the hash of their content, with near-duplicates on the same side. Raises CorpusError if a source
    does not exist, or holds no music that can be learnt from, and OutputError if the cache cannot be written.
    """
    named = _named(sources)
    # All at once, as worker processes take some time to start.
    readings = iter(ingest([file for _, _, files in named for file in files], choice, Cache(cache, choice), workers))
    return [
        _corpus_of(name, folder, files, list(islice(readings, len(files))), choice) for name, folder, files in named
    ]


def _named(sources: Sequence[Path]) -> list[tuple[str, Path, list[Path]]]:
    named, loose = [], []
    for source in sources:
        if fault := path_fault(source):
            raise CorpusError(f"{shown_path(source)} {fault}")
        try:
            if source.is_dir():
                folder = _resolved(source)  # so that "." has a name
                files = music_files_in(folder)
                if not files:
                    raise CorpusError(f"{source} holds no file of music ({', '.join(sorted(MUSIC_SUFFIXES))})")
                named.append((printable(folder.name), folder, files))
            elif source.suffix.lower() == LIST_SUFFIX and source.is_file():
                named.append((printable(source.stem), _resolved(source.parent), _listed(source)))
            else:
                loose += _loose(source)
        except OSError as error:
            raise CorpusError(f"{source} cannot be read ({error.strerror or error})") from error
    if loose:
        folder = loose[0].parent
        named.append((printable(folder.name), folder, sorted(set(loose))))
    return named


def _listed(source: Path) -> list[Path]:
    folder = _resolved(source.parent)
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{source} is not a list of files in UTF-8; save it in UTF-8") from error
    files = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if fault := path_fault(line.strip()):
            raise CorpusError(f"{source} is no list of files: line {number} {fault}")
        if line.strip():
            files.add(_resolved(folder / line.strip()))
    missing = [file for file in sorted(files) if not file.is_file()]
    if missing or not files:
        raise CorpusError(f"{source} names {missing[0]}, which is not there" if missing else f"{source} names no file")
    return sorted(files)


def _loose(source: Path) -> list[Path]:
    if source.is_file():
        return [_resolved(source)]
    matching = [_resolved(Path(name)) for name in glob.glob(str(source), recursive=True)]  # noqa: PTH207  may be absolute
    files = [path for path in matching if is_music(path)]
    if not files:
        raise CorpusError(
            f"{source} is no folder and no file of music; name folders, .mid files, or a .txt that lists them"
        )
    return files


def _resolved(path: Path) -> Path:
    """The path without links. Where links lead in a circle, so that there is no file, `Path.resolve` would raise an error."""
    return Path(os.path.realpath(path))


def _corpus_of(
    name: str, folder: Path, files: Sequence[Path], readings: Sequence[Reading], choice: LineSelection
) -> Corpus:
    corpus = Corpus(name, folder, found=len(files))
    splits = _splits(corpus, files, readings, choice)
    for file, reading, split in zip(files, readings, splits, strict=True):
        if reading.reason:
            corpus.broken.append(Broken(file, reading.reason))
            continue
        corpus.incomplete += [Broken(file, remark) for remark in reading.remarks]
        held_out = split != "train"
        lines = [Line(file, records, reading.bars) for records in _lines_of(reading, choice, held_out=held_out)]
        if not lines:
            corpus.without_lead.append(file)
            if not reading.seconds:
                corpus.without_notes.add(file)
        elif split in SPLITS:
            corpus.lines[split].extend(lines)
            corpus.seconds += reading.seconds
            corpus.tempi_bpm.append(reading.tempo_bpm)
            key = key_from_weights(reading.pitch_classes)
            corpus.keys[str(key) if key else "none"] += 1
    _check(corpus, choice)
    return corpus


def _lines_of(reading: Reading, choice: LineSelection, *, held_out: bool) -> list[Records]:
    leads_only = held_out and choice.tracks == "melodic"
    return [line for line, lead in zip(reading.lines, reading.leads, strict=True) if lead or not leads_only]


def _check(corpus: Corpus, choice: LineSelection) -> None:
    if len(corpus.broken) == corpus.found:
        reason = corpus.broken[0].reason
        if corpus.found == 1:
            raise CorpusError(f"the only file of music of {corpus.folder} cannot be read: it {reason}")
        raise CorpusError(
            f"none of the {corpus.found:,} files of music of {corpus.folder} can be read: the first {reason}"
        )
    if not any(corpus.lines.values()):
        if len(corpus.broken) + len(corpus.without_lead) < corpus.found:
            raise CorpusError(
                f"{MANIFEST_FILE} leaves out every file of {corpus.folder} that could be learnt from; its column split says "
                f"{', '.join(SPLITS[:-1])} or {SPLITS[-1]}"
            )
        if choice.tracks in {"lead", "melodic"}:
            raise CorpusError(
                f"no file of {corpus.folder} has a lead-like track: at least {MIN_NOTES} notes, {MONOPHONIC_SHARE:.0%} of "
                f"the onsets a single note, median pitch {MEDIAN_PITCH_RANGE[0]} to {MEDIAN_PITCH_RANGE[1]}; --tracks most-notes takes "
                f"any track"
            )
        raise CorpusError(f"no file of {corpus.folder} has two notes to learn from; drums count with --drums only")


def _splits(corpus: Corpus, files: Sequence[Path], readings: Sequence[Reading], choice: LineSelection) -> list[str]:
    """The side of each file: from its manifest, otherwise that of its group of near-duplicates.

    Also counts near-duplicates.
    """
    groups = groups_of([reading.signature for reading in readings])
    rows = rows_of(files, {file.parent for file in files} | {corpus.folder})
    rows.check()
    manifest = rows.by_file
    corpus.rows_without_file.extend(rows.without_file)
    sides: dict[int, set[str]] = defaultdict(set)
    hashes: dict[int, str] = {}
    for file, reading, group in zip(files, readings, groups, strict=True):
        if file in manifest:
            sides[group].add(manifest[file]["split"])
        hashes[group] = min(hashes.get(group, reading.sha256), reading.sha256)
    by_hash = {group: _side_of(sha256) for group, sha256 in hashes.items() if group not in sides}
    if not sides:
        pairs = zip(groups, readings, strict=True)
        with_lines = {group for group, reading in pairs if _lines_of(reading, choice, held_out=True)}
        by_hash |= _seen_to({group: by_hash[group] for group in sorted(with_lines, key=lambda group: hashes[group])})
    splits = []
    for index, (file, group) in enumerate(zip(files, groups, strict=True)):
        corpus.near_duplicates += group != index
        if file in manifest:
            splits.append(manifest[file]["split"])
            corpus.duplicates_across_splits += splits[index] != splits[group]
        else:
            # If the manifest excludes a file from every side, its near-duplicates need not be excluded, too.
            splits.append(min(sides[group] & set(SPLITS) or sides[group]) if group in sides else by_hash[group])
    return splits


def _side_of(sha256: str) -> Split:
    """80/10/10 by the first byte."""
    tenth = int(sha256[:2] or "ff", 16) % 10
    return "test" if tenth == 0 else "valid" if tenth == 1 else "train"


def _seen_to(sides: Mapping[int, Split]) -> dict[int, Split]:
    """The sides of the groups that may be held out, changed so that no side is empty: with few files, the hash may
    leave one empty.

    The first group trains, the second validates, the third tests. An empty side gets the first group of the side that
    has most.
    """
    seen = dict(sides)
    wanted = SPLITS[: len(seen)]
    for side in wanted:
        if side not in seen.values():
            counts = Counter(seen.values())
            spare = [group for group in seen if counts[seen[group]] > 1 or seen[group] not in wanted]
            seen[max(spare, key=lambda group: counts[seen[group]])] = side
    return seen


def joined(corpora: Iterable[Corpus], split: Split) -> list[Line]:
    """The lines of one side of the split of several corpora."""
    return [line for corpus in corpora for line in corpus.lines[split]]


def content_of(lines: Iterable[Line]) -> str:
    """A hash of what the lines hold, in their order."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(np.int64(len(line)).tobytes())
        digest.update(line.records.tobytes())
    return digest.hexdigest()
