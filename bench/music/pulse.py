"""How often the pulse of a phrase is found without a clock, against taking the median gap between onsets for the beat.

Phrases are cut from melodies at random notes, also off the beat, and played at 60 to 180 bpm with random timing errors. The
constants of the pulse finder were chosen on the training files; the figures are of held-out files.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.corpora import CORPORA, SONGBOOK_FOLDERS
from bench.table import median_and_p99_ms, show
from model.analysis.pulse import MAX_ONSETS, TEMPO_TOLERANCE, Pulse, find_pulse
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Line, read_corpora
from train.corpus.reading import LineSelection

PHRASES = 400
MIN_NOTES, MAX_NOTES = 8, 32
SLOWEST_BPM, FASTEST_BPM = 60.0, 180.0
SPREADS_MS = (15.0, 30.0)
# A longer silence ends a phrase.
LONGEST_GAP_BEATS = 4.0
# The beat counts as right where it is off by at most a thirty-second note.
BEAT_TOLERANCE = 1 / 8

PulseMethod = Callable[[Sequence[float], float], Pulse | None]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """The onsets of a phrase, its tempo, and the time of its beat 0."""

    onsets_s: tuple[float, ...]
    tempo_bpm: float
    beat_s: float


def run() -> None:
    """Prints how often tempo and beat are right, and how long finding them takes."""
    methods: dict[str, PulseMethod] = {
        "find_pulse": lambda onsets_s, _: find_pulse(onsets_s),
        "find_pulse, 120 so far": lambda onsets_s, _: find_pulse(onsets_s, 120.0),
        "find_pulse, its tempo so far": find_pulse,
        "median gap": lambda onsets_s, _: _median_gap(onsets_s),
    }
    corpora = read_corpora([CORPORA / name for name in SONGBOOK_FOLDERS], USER_CACHE, LineSelection("lead"))
    rows = []
    for spread_ms in SPREADS_MS:
        for corpus in corpora:
            phrases = _phrases([*corpus.lines["valid"], *corpus.lines["test"]], spread_ms, np.random.default_rng(0))
            played = [phrase for phrase, _ in zip(phrases, range(PHRASES), strict=False)]
            rows += [
                (f"{spread_ms:.0f} ms", corpus.name, name, *_accuracy(method, played))
                for name, method in methods.items()
            ]
    show(
        f"Share of {PHRASES} phrases of {MIN_NOTES} to {MAX_NOTES} notes",
        ("hands off by", "corpus", "way", "tempo right", "up to an octave", "tempo and beat", "no pulse"),
        rows,
    )
    random = np.random.default_rng(1)
    random_onsets = [_random_onsets(random) for _ in range(PHRASES)]
    long = np.cumsum(random.choice([0.25, 0.5], MAX_ONSETS)).tolist()
    median, p99 = median_and_p99_ms(lambda _: find_pulse(long), 100)
    print(
        f"of phrases without a pulse one is found in {np.mean([find_pulse(s) is not None for s in random_onsets]):.1%}"
    )
    print(f"{MAX_ONSETS} onsets take {median:.1f} ms (p99 {p99:.1f})")


def _phrases(lines: Sequence[Line], spread_ms: float, random: np.random.Generator) -> Iterator[_Phrase]:
    """An endless stream of phrases."""
    while True:
        onsets = np.unique(lines[int(random.integers(len(lines)))].records["onset_beats"])
        count = int(random.integers(MIN_NOTES, MAX_NOTES + 1))
        if len(onsets) < count:
            continue
        first = random.integers(len(onsets) - count + 1)
        phrase = onsets[first : first + count]
        if np.diff(phrase).max() <= LONGEST_GAP_BEATS:
            tempo_bpm = math.exp(random.uniform(math.log(SLOWEST_BPM), math.log(FASTEST_BPM)))
            played_s = phrase * 60 / tempo_bpm + random.normal(0, spread_ms / 1000, count)
            yield _Phrase(tuple((played_s - played_s[0]).tolist()), tempo_bpm, -float(played_s[0]))


def _random_onsets(random: np.random.Generator) -> list[float]:
    """Random onsets, no two closer than in a trill."""
    gaps = 0.04 + random.exponential(0.35, random.integers(MIN_NOTES, MAX_NOTES + 1))
    return [float(onset) for onset in np.cumsum(gaps)]


def _median_gap(onsets_s: Sequence[float]) -> Pulse:
    return Pulse(60.0 / float(np.median(np.diff(sorted(onsets_s)))), onsets_s[0], 1.0)


def _accuracy(method: PulseMethod, phrases: Sequence[_Phrase]) -> tuple[str, ...]:
    results = []
    for phrase in phrases:
        pulse = method(phrase.onsets_s, phrase.tempo_bpm)
        if pulse is None:
            results.append((False, False, False, True))
            continue
        ratio = pulse.tempo_bpm / phrase.tempo_bpm
        right, octave = _is_near(ratio, 1.0), any(_is_near(ratio, times) for times in (0.5, 1.0, 2.0))
        beat = (pulse.beat_s - phrase.beat_s) * phrase.tempo_bpm / 60
        results.append((right, octave, right and abs(beat - round(beat)) <= BEAT_TOLERANCE, False))
    return tuple(f"{share:.3f}" for share in np.mean(results, axis=0))


def _is_near(ratio: float, times: float) -> bool:
    return abs(ratio / times - 1) < TEMPO_TOLERANCE
