"""How often the key that is heard has the signature that is written, by whose profiles, and how soon it follows another.

A signature stands for a major key and its relative minor, whose notes are the same. What is written is no whole truth: it
stays as it is where the music passes through other keys. What decides when a key is followed was chosen on the
training files alone.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import symusic

from bench.table import show
from model.analysis.key_finder import TEMPERLEY, KeyFinder, Profiles, key_from_weights
from model.analysis.scale import TONICS
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Corpus, Line, Split, read_corpora
from train.corpus.reading import Choice

CORPORA = Path(os.environ.get("FOURS_CORPORA", "../shared/corpora"))
FOLDERS = ("openewld_pd", "mutopia", "openscore_lieder")
SIDES: tuple[tuple[str, tuple[Split, ...]], ...] = (("train", ("train",)), ("held out", ("valid", "test")))
PROFILES: dict[str, Profiles] = {
    "Temperley": TEMPERLEY,
    "Albrecht-Shanahan": (  # 2013, "The use of large corpora to train a new type of key-finding algorithm"
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    ),
    "Krumhansl-Kessler": (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
}
AFTER_NOTES = (16, 32, 64)
LINES = 300
# A modulation of our own making: from this note on, a line goes on in another key.
TURN, LINE = 48, 112
INTERVALS = (1, 2, 3, 5, 7)


@dataclass(frozen=True, slots=True, eq=False)
class _Tune:
    """A line, and at each of its notes the major key of the signature in force."""

    line: Line
    written: npt.NDArray[np.int64]


def run() -> None:
    """Prints both tables."""
    corpora = read_corpora([CORPORA / name for name in FOLDERS], USER_CACHE, Choice("lead"))
    tunes = {(c.name, side): list(_tunes(c, splits)) for c in corpora for side, splits in SIDES}
    rows = [
        (name, corpus, side, *_judged(profiles, found))
        for name, profiles in PROFILES.items()
        for (corpus, side), found in tunes.items()
    ]
    show(
        "Share of lines, or of their notes, whose signature is found",
        (
            "profiles",
            "corpus",
            "side",
            "lines",
            "whole",
            *(f"{n} notes" for n in AFTER_NOTES),
            "notes",
            "changes in 64",
        ),
        rows,
    )
    followed = [
        _followed([tune.line for tune in found], name) for (name, side), found in tunes.items() if side == "train"
    ]
    show(
        "Beats until a line that goes on in another key is followed there, median; 99: not within it",
        ("corpus", "lines", *(f"C to {TONICS[interval]}" for interval in INTERVALS)),
        followed,
    )


def _tunes(corpus: Corpus, splits: Sequence[Split]) -> Iterator[_Tune]:
    for line in [line for split in splits for line in corpus.lines[split]][:LINES]:
        score = symusic.Score(line.file)
        signatures = sorted((sign.time / score.ticks_per_quarter, sign.key * 7 % 12) for sign in score.key_signatures)
        if signatures:
            begins, tonics = (np.array(column) for column in zip(*signatures, strict=True))
            index = np.searchsorted(begins, line.records["onset_beats"], side="right") - 1
            yield _Tune(line, tonics[index.clip(min=0)])


def _judged(profiles: Profiles, tunes: Sequence[_Tune]) -> tuple[str, ...]:
    whole, notes, changes = [], [], []
    after: dict[int, list[bool]] = {count: [] for count in AFTER_NOTES}
    for tune in tunes:
        records = tune.line.records
        if len(set(tune.written.tolist())) == 1:
            key = key_from_weights(np.bincount(records["pitch"] % 12, records["duration_beats"], minlength=12), profiles)
            whole.append(key is not None and key.signature == tune.written[0])
        found = _signatures(KeyFinder(profiles), tune.line)
        heard = found >= 0
        if heard.any():
            notes.append(float((found == tune.written)[heard].mean()))
            changes.append(64 * float((np.diff(found[heard]) != 0).mean()))
        for count in AFTER_NOTES:
            if len(found) >= count and heard[count - 1]:
                after[count].append(bool(found[count - 1] == tune.written[count - 1]))
    shares = (np.mean(whole), *(np.mean(right) for right in after.values()), np.mean(notes))
    return (str(len(tunes)), *(f"{share:.3f}" for share in shares), f"{np.mean(changes):.2f}")


def _signatures(finder: KeyFinder, line: Line, semitones: int = 0) -> npt.NDArray[np.int64]:
    """After each note, the signature of the key that is heard, or -1; from the turn on so many semitones higher."""
    found = []
    for index, note in enumerate(line.notes):
        finder.hear(note.pitch + (semitones if index >= TURN else 0), note.duration_beats, note.onset_beats)
        found.append(finder.key.signature if finder.key else -1)
    return np.array(found)


def _followed(lines: Sequence[Line], name: str) -> tuple[str, ...]:
    """Of lines that are heard in one key all along, were they not to turn."""
    lags: dict[int, list[float]] = {interval: [] for interval in INTERVALS}
    for whole in lines:
        line = Line(whole.file, whole.records[:LINE])
        steady = _signatures(KeyFinder(), line)[TURN - 8 :]
        if len(line) < LINE or len(set(steady.tolist())) > 1:
            continue
        onsets = line.records["onset_beats"]
        for interval in INTERVALS:
            there = _signatures(KeyFinder(), line, interval)[TURN:] == (steady[0] + interval) % 12
            lags[interval].append(float(onsets[TURN + there.argmax()] - onsets[TURN]) if there.any() else 99.0)
    return (name, str(len(lags[INTERVALS[0]])), *(f"{np.median(found):.0f}" for found in lags.values()))
