"""How often the key found has the written signature, by different profiles, and how soon a change of key is followed.

A signature stands for a major key and its relative minor, which have the same notes. The written signature is not always the
true key, as it stays where the music passes through other keys. The constants of the key finder were chosen on the training
files alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import symusic

from bench.corpora import CORPORA, SONGBOOK_FOLDERS
from bench.table import show
from model.analysis.key_finder import TEMPERLEY, KeyFinder, Profiles, key_from_weights
from model.analysis.scale import TONICS
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Corpus, Line, Split, read_corpora
from train.corpus.reading import LineSelection

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
# An artificial modulation: from this note on, a line continues in another key.
MODULATION_NOTE, LINE_NOTES = 48, 112
INTERVALS = (1, 2, 3, 5, 7)


@dataclass(frozen=True, slots=True, eq=False)
class _Tune:
    """A line, and at each of its notes the major key of the written signature."""

    line: Line
    written: npt.NDArray[np.int64]


def run() -> None:
    """Prints both tables."""
    corpora = read_corpora([CORPORA / name for name in SONGBOOK_FOLDERS], USER_CACHE, LineSelection("lead"))
    tunes = {(c.name, side): list(_tunes(c, splits)) for c in corpora for side, splits in SIDES}
    rows = [
        (name, corpus, side, *_accuracy(profiles, found))
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
    delays = [
        _modulation_delays([tune.line for tune in found], name)
        for (name, side), found in tunes.items()
        if side == "train"
    ]
    show(
        "Beats until a line that goes on in another key is followed there, median; 99: not within it",
        ("corpus", "lines", *(f"C to {TONICS[interval]}" for interval in INTERVALS)),
        delays,
    )


def _tunes(corpus: Corpus, splits: Sequence[Split]) -> Iterator[_Tune]:
    for line in [line for split in splits for line in corpus.lines[split]][:LINES]:
        score = symusic.Score(line.file)
        signatures = sorted((sign.time / score.ticks_per_quarter, sign.key * 7 % 12) for sign in score.key_signatures)
        if signatures:
            starts_beats, tonics = (np.array(column) for column in zip(*signatures, strict=True))
            index = np.searchsorted(starts_beats, line.records["onset_beats"], side="right") - 1
            yield _Tune(line, tonics[index.clip(min=0)])


def _accuracy(profiles: Profiles, tunes: Sequence[_Tune]) -> tuple[str, ...]:
    whole, notes, changes = [], [], []
    after: dict[int, list[bool]] = {count: [] for count in AFTER_NOTES}
    for tune in tunes:
        records = tune.line.records
        if len(set(tune.written.tolist())) == 1:
            key = key_from_weights(
                np.bincount(records["pitch"] % 12, records["duration_beats"], minlength=12), profiles
            )
            whole.append(key is not None and key.signature == tune.written[0])
        found = _signatures(KeyFinder(profiles), tune.line)
        has_key = found >= 0
        if has_key.any():
            notes.append(float((found == tune.written)[has_key].mean()))
            changes.append(64 * float((np.diff(found[has_key]) != 0).mean()))
        for count in AFTER_NOTES:
            if len(found) >= count and has_key[count - 1]:
                after[count].append(bool(found[count - 1] == tune.written[count - 1]))
    shares = (np.mean(whole), *(np.mean(right) for right in after.values()), np.mean(notes))
    return (str(len(tunes)), *(f"{share:.3f}" for share in shares), f"{np.mean(changes):.2f}")


def _signatures(finder: KeyFinder, line: Line, semitones: int = 0) -> npt.NDArray[np.int64]:
    """After each note the signature of the key found, or -1. From MODULATION_NOTE on, the line is `semitones` higher."""
    found = []
    for index, note in enumerate(line.notes):
        finder.hear(note.pitch + (semitones if index >= MODULATION_NOTE else 0), note.duration_beats, note.onset_beats)
        found.append(finder.key.signature if finder.key else -1)
    return np.array(found)


def _modulation_delays(lines: Sequence[Line], name: str) -> tuple[str, ...]:
    """The median delay per interval, over the lines that have one key throughout without the modulation."""
    delays_beats: dict[int, list[float]] = {interval: [] for interval in INTERVALS}
    for whole in lines:
        line = Line(whole.file, whole.records[:LINE_NOTES])
        steady = _signatures(KeyFinder(), line)[MODULATION_NOTE - 8 :]
        if len(line) < LINE_NOTES or len(set(steady.tolist())) > 1:
            continue
        onsets = line.records["onset_beats"]
        for interval in INTERVALS:
            is_followed = _signatures(KeyFinder(), line, interval)[MODULATION_NOTE:] == (steady[0] + interval) % 12
            delays_beats[interval].append(
                float(onsets[MODULATION_NOTE + is_followed.argmax()] - onsets[MODULATION_NOTE])
                if is_followed.any()
                else 99.0
            )
    return (name, str(len(delays_beats[INTERVALS[0]])), *(f"{np.median(found):.0f}" for found in delays_beats.values()))
