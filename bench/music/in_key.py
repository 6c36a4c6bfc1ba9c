"""The share of answered notes in the key of the music they continue: with `key` off, with `key` auto, and in the music itself.

The phrase is the first four bars of a test line of the songbook's corpora; the key is that of the whole line.
"""

import math
from dataclasses import replace
from random import Random

import numpy as np

from bench.corpora import CORPORA, SONGBOOK_FOLDERS
from bench.table import show
from model.analysis.key_finder import key_from_weights
from model.approach import APPROACHES, Approach
from model.files.seed import Seed
from model.notes import Note
from server.config.config import Config
from server.controls.control_table import Settings
from server.export import answer_to
from server.jam.jam import Jam
from server.music.packs.pack_loader import LoadedPack, load_pack
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import read_corpora
from train.corpus.reading import LineSelection

LINES, PHRASE_BEATS, MIN_NOTES = 20, 16.0, 8
TEMPERATURES = (0.9, 1.2)

Case = tuple[tuple[Note, ...], frozenset[int], float]
"""A phrase, the pitch classes of its key, and the share of the music after it in that key."""


def run() -> None:
    """Prints the mean share, and the tenth percentile."""
    cases = _cases()
    real = [share for *_, share in cases]
    rows = [("the music itself", "", "", *_mean_and_low(real))]
    loaded_pack = load_pack("songbook", Config())
    for approach in APPROACHES:
        for temperature in TEMPERATURES:
            for key in ("off", "auto"):
                shares = [_share_of_answer(loaded_pack, case, approach, temperature, key) for case in cases]
                rows.append((approach, f"{temperature:g}", key, *_mean_and_low(shares)))
    show(
        f"Share of notes in the key of the line, {len(cases)} lines of songbook's test files",
        ("what", "temperature", "key", "mean", "lowest tenth"),
        rows,
    )


def _mean_and_low(shares: list[float]) -> tuple[str, str]:
    return f"{np.mean(shares):.3f}", f"{np.percentile(shares, 10):.2f}"


def _cases() -> list[Case]:
    cases: list[Case] = []
    for corpus in read_corpora([CORPORA / name for name in SONGBOOK_FOLDERS], USER_CACHE, LineSelection()):
        lines = corpus.lines["test"]
        for line in Random(1).sample(lines, min(LINES, len(lines))):
            first_onset_beats = line.notes[0].onset_beats
            notes = [replace(note, onset_beats=note.onset_beats - first_onset_beats) for note in line.notes]
            key = key_from_weights(
                np.bincount([note.pitch % 12 for note in notes], [note.duration_beats for note in notes], minlength=12)
            )
            phrase = tuple(note for note in notes if note.onset_beats < PHRASE_BEATS)
            rest = [note for note in notes if PHRASE_BEATS <= note.onset_beats < 2 * PHRASE_BEATS]
            if key and len(phrase) >= MIN_NOTES and len(rest) >= MIN_NOTES / 2:
                cases.append((phrase, key.pitch_classes, _share(rest, key.pitch_classes)))
    return cases


def _share_of_answer(loaded_pack: LoadedPack, case: Case, approach: Approach, temperature: float, key: str) -> float:
    phrase, classes, _ = case
    settings = Settings(
        approach=approach, temperature=temperature, key=key, answer_after=math.inf, answer_length=PHRASE_BEATS
    )
    return _share(answer_to(Seed(phrase), Jam(loaded_pack.improvisers(120.0), settings, 1)), classes)


def _share(notes: list[Note], classes: frozenset[int]) -> float:
    return float(np.mean([note.pitch % 12 in classes for note in notes]))
