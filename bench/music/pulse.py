"""How often the pulse of a phrase is found without a clock, beside the median gap between onsets taken for the beat.

Phrases are cut from melodies where they please, also off the beat, and played at a tempo from 60 to 180 bpm with hands
that are off by so many milliseconds. What decides was chosen on the training files; what is shown is held out.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.table import median_and_p99_ms, show
from model.analysis.pulse import MAX_ONSETS, TEMPO_TOLERANCE, Pulse, find_pulse
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Line, read_corpora
from train.corpus.reading import Choice

CORPORA = Path(os.environ.get("FOURS_CORPORA", "../shared/corpora"))
FOLDERS = ("openewld_pd", "mutopia", "openscore_lieder")
PHRASES = 400
FEWEST_NOTES, MOST_NOTES = 8, 32
SLOWEST_BPM, FASTEST_BPM = 60.0, 180.0
SPREADS_MS = (15.0, 30.0)
# A longer silence ends a phrase.
LONGEST_GAP_BEATS = 4.0
# The beat is right where it is off by no more than a thirty-second.
BEAT_TOLERANCE = 1 / 8

Way = Callable[[Sequence[float], float], Pulse | None]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """When its notes were played, at what tempo, and when beat 0 was."""

    onsets_s: tuple[float, ...]
    tempo_bpm: float
    beat_s: float


def run() -> None:
    """Prints what is found, and how long it takes."""
    ways: dict[str, Way] = {
        "find_pulse": lambda onsets_s, _: find_pulse(onsets_s),
        "find_pulse, 120 so far": lambda onsets_s, _: find_pulse(onsets_s, 120.0),
        "find_pulse, its tempo so far": find_pulse,
        "median gap": lambda onsets_s, _: _median_gap(onsets_s),
    }
    corpora = read_corpora([CORPORA / name for name in FOLDERS], USER_CACHE, Choice("lead"))
    rows = []
    for spread_ms in SPREADS_MS:
        for corpus in corpora:
            phrases = _phrases([*corpus.lines["valid"], *corpus.lines["test"]], spread_ms, np.random.default_rng(0))
            played = [phrase for phrase, _ in zip(phrases, range(PHRASES), strict=False)]
            rows += [(f"{spread_ms:.0f} ms", corpus.name, name, *_judged(way, played)) for name, way in ways.items()]
    show(
        f"Share of {PHRASES} phrases of {FEWEST_NOTES} to {MOST_NOTES} notes",
        ("hands off by", "corpus", "way", "tempo right", "up to an octave", "tempo and beat", "no pulse"),
        rows,
    )
    random = np.random.default_rng(1)
    strewn = [_strewn(random) for _ in range(PHRASES)]
    long = np.cumsum(random.choice([0.25, 0.5], MAX_ONSETS)).tolist()
    median, p99 = median_and_p99_ms(lambda _: find_pulse(long), 100)
    print(f"of phrases without a pulse one is found in {np.mean([find_pulse(s) is not None for s in strewn]):.1%}")
    print(f"{MAX_ONSETS} onsets take {median:.1f} ms (p99 {p99:.1f})")


def _phrases(lines: Sequence[Line], spread_ms: float, random: np.random.Generator) -> Iterator[_Phrase]:
    """Without end."""
    while True:
        onsets = np.unique(lines[int(random.integers(len(lines)))].records["onset_beats"])
        count = int(random.integers(FEWEST_NOTES, MOST_NOTES + 1))
        if len(onsets) < count:
            continue
        first = random.integers(len(onsets) - count + 1)
        phrase = onsets[first : first + count]
        if np.diff(phrase).max() <= LONGEST_GAP_BEATS:
            tempo_bpm = math.exp(random.uniform(math.log(SLOWEST_BPM), math.log(FASTEST_BPM)))
            played_s = phrase * 60 / tempo_bpm + random.normal(0, spread_ms / 1000, count)
            yield _Phrase(tuple((played_s - played_s[0]).tolist()), tempo_bpm, -float(played_s[0]))


def _strewn(random: np.random.Generator) -> list[float]:
    """Onsets at random, no two nearer than in a trill."""
    gaps = 0.04 + random.exponential(0.35, random.integers(FEWEST_NOTES, MOST_NOTES + 1))
    return [float(onset) for onset in np.cumsum(gaps)]


def _median_gap(onsets_s: Sequence[float]) -> Pulse:
    return Pulse(60.0 / float(np.median(np.diff(sorted(onsets_s)))), onsets_s[0], 1.0)


def _judged(way: Way, phrases: Sequence[_Phrase]) -> tuple[str, ...]:
    judged = []
    for phrase in phrases:
        pulse = way(phrase.onsets_s, phrase.tempo_bpm)
        if pulse is None:
            judged.append((False, False, False, True))
            continue
        ratio = pulse.tempo_bpm / phrase.tempo_bpm
        right, octave = _is_near(ratio, 1.0), any(_is_near(ratio, times) for times in (0.5, 1.0, 2.0))
        beat = (pulse.beat_s - phrase.beat_s) * phrase.tempo_bpm / 60
        judged.append((right, octave, right and abs(beat - round(beat)) <= BEAT_TOLERANCE, False))
    return tuple(f"{share:.3f}" for share in np.mean(judged, axis=0))


def _is_near(ratio: float, times: float) -> bool:
    return abs(ratio / times - 1) < TEMPO_TOLERANCE
