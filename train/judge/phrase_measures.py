"""What is measured of a phrase, in one table: of an answer, and of what people played, each beside the seed before it."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from model.analysis.scale import Key
from train.judge.phrase import TICKS_PER_BEAT, JudgedPhrase

Group = Literal["pitch", "rhythm", "rests and endings", "touch", "shown"]
"""What a measure is about. Those that are only `shown` repeat what others measure in another form; classifiers do not
get them."""
FEATURE_SETS: Mapping[str, tuple[Group, ...]] = {
    "everything": ("pitch", "rhythm", "rests and endings", "touch"),
    "fair: rests and endings left out": ("pitch", "rhythm", "touch"),
    "pitch alone": ("pitch",),
    "rhythm alone": ("rhythm",),
}
"""The groups of measures that classifiers are trained on, by title."""

FIFTH = 7
MOTIF_ONSETS, LONG_MOTIF_ONSETS = 3, 4
# Runs of this many intervals have a measure of their own. An earlier version limited each quote to this length.
RUN = 8
# With less spread between a seed's velocities, it has no dynamics: they were not written down.
LEAST_VELOCITY_SPREAD = 2.0


@dataclass(frozen=True, slots=True)
class Heard:
    """A phrase, the seed that came before it, and the key of the piece."""

    phrase: JudgedPhrase
    seed: JudgedPhrase
    key: Key

    @property
    def triad(self) -> frozenset[int]:
        """The pitch classes of the chord on the tonic."""
        third = 4 if self.key.mode == "major" else 3
        return frozenset((self.key.tonic + step) % 12 for step in (0, third, FIFTH))


@dataclass(frozen=True, slots=True)
class PhraseMeasure:
    """One number of a phrase; `of` returns None where the phrase is too short for it, or the seed has nothing of the kind."""

    name: str
    title: str
    group: Group
    of: Callable[[Heard], float | None]


def _entropy(values: Sequence[Hashable]) -> float | None:
    if not values:
        return None
    counts = np.array(list(Counter(values).values()))
    return float((counts / counts.sum() * np.log2(counts.sum() / counts)).sum())


def _share(flags: Iterable[bool]) -> float | None:
    known = list(flags)
    return sum(known) / len(known) if known else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def longest_run(phrase: Sequence[int], seed: Sequence[int]) -> int:
    """The most successive intervals of a phrase that also stand in the seed."""
    longest, row = 0, [0] * (len(seed) + 1)
    for interval in phrase:
        row = [0, *(row[i] + 1 if interval == known else 0 for i, known in enumerate(seed))]
        longest = max(longest, *row)
    return longest


def velocity_contrast(phrase: JudgedPhrase) -> float | None:
    """How much louder notes on strong beats are than all others; None where either kind is missing."""
    bar = phrase.bar_ticks
    strong_places = {0, bar // 2} if bar % (2 * phrase.beat_ticks) == 0 else {0}
    strong: list[int] = []
    weak: list[int] = []
    for note, tick in zip(phrase.top_notes, phrase.ticks, strict=True):
        (strong if tick % bar in strong_places else weak).append(note.velocity)
    return float(np.mean(strong) - np.mean(weak)) if strong and weak else None


def syncopations_per_bar(phrase: JudgedPhrase) -> float:
    """Onsets off the beat that last past the next beat, for each bar."""
    beat = phrase.beat_ticks
    ends = [*phrase.ticks[1:], round(phrase.length_beats * TICKS_PER_BEAT)]
    held_over = sum(
        tick % beat != 0 and end > (tick // beat + 1) * beat for tick, end in zip(phrase.ticks, ends, strict=True)
    )
    return held_over * phrase.bar_ticks / (phrase.length_beats * TICKS_PER_BEAT)


def _grams(values: Sequence[int], length: int) -> list[tuple[int, ...]]:
    return [tuple(values[i : i + length]) for i in range(len(values) - length + 1)]


def _returning(found: Sequence[Hashable], seed: Iterable[Hashable]) -> float | None:
    known = set(seed)
    return _share(motif in known for motif in found)


def _motifs_in_place(heard: Heard) -> float | None:
    """Of the uneven rhythms of `LONG_MOTIF_ONSETS` onsets that are the seed's, how many stand where the seed has them in the bar.

    A row of equal gaps is left out: it stands at many places at once.
    """
    of_seed = set(heard.seed.rhythm_motifs(LONG_MOTIF_ONSETS, with_place=True))
    known = {motif[1:] for motif in of_seed}
    found = heard.phrase.rhythm_motifs(LONG_MOTIF_ONSETS, with_place=True)
    return _share(motif in of_seed for motif in found if motif[1:] in known and len(set(motif[1:])) > 1)


def _has_dynamics(heard: Heard) -> bool:
    return float(np.std([note.velocity for note in heard.seed.notes])) >= LEAST_VELOCITY_SPREAD


def _density(phrase: JudgedPhrase) -> float:
    return len(phrase.top_notes) / phrase.length_beats


def _foreign(heard: Heard) -> float | None:
    known = heard.key.pitch_classes | {note.pitch % 12 for note in heard.seed.notes}
    return _share(note.pitch % 12 not in known for note in heard.phrase.notes)


def _turns(intervals: Sequence[int]) -> float | None:
    moves = [interval for interval in intervals if interval]
    return _share(a * b < 0 for a, b in pairwise(moves))


def _longest_gap(phrase: JudgedPhrase) -> float | None:
    return max(phrase.gaps) / TICKS_PER_BEAT if phrase.gaps else None


def _held(phrase: JudgedPhrase) -> float | None:
    return _mean(phrase.held_shares)


MEASURES: tuple[PhraseMeasure, ...] = (
    PhraseMeasure("range", "Range, semitones", "pitch", lambda h: float(np.ptp(h.phrase.pitches))),
    PhraseMeasure(
        "register",
        "Mean pitch, above the seed's",
        "pitch",
        lambda h: float(np.mean(h.phrase.pitches) - np.mean(h.seed.pitches)),
    ),
    PhraseMeasure(
        "pitch_classes",
        "Entropy of pitch classes, bits",
        "pitch",
        lambda h: _entropy([p % 12 for p in h.phrase.pitches]),
    ),
    PhraseMeasure("foreign", "Notes outside key and seed", "pitch", _foreign),
    PhraseMeasure(
        "outside",
        "Notes outside the key",
        "pitch",
        lambda h: _share(p % 12 not in h.key.pitch_classes for p in h.phrase.pitches),
    ),
    PhraseMeasure(
        "triad", "Notes of the tonic's triad", "pitch", lambda h: _share(p % 12 in h.triad for p in h.phrase.pitches)
    ),
    PhraseMeasure("tonic", "Tonics", "pitch", lambda h: _share(p % 12 == h.key.tonic for p in h.phrase.pitches)),
    PhraseMeasure(
        "interval", "Mean interval, semitones", "pitch", lambda h: _mean([abs(i) for i in h.phrase.intervals])
    ),
    PhraseMeasure("repeated", "Repeated notes", "pitch", lambda h: _share(i == 0 for i in h.phrase.intervals)),
    PhraseMeasure("steps", "Steps", "pitch", lambda h: _share(1 <= abs(i) <= 2 for i in h.phrase.intervals)),
    PhraseMeasure("leaps", "Leaps over a fifth", "pitch", lambda h: _share(abs(i) > FIFTH for i in h.phrase.intervals)),
    PhraseMeasure("interval_entropy", "Entropy of intervals, bits", "pitch", lambda h: _entropy(h.phrase.intervals)),
    PhraseMeasure("turns", "Changes of direction", "pitch", lambda h: _turns(h.phrase.intervals)),
    PhraseMeasure(
        "entry",
        "First interval, from the seed's last note",
        "pitch",
        lambda h: float(abs(h.phrase.pitches[0] - h.seed.pitches[-1])),
    ),
    PhraseMeasure(
        "interval_motifs",
        "Runs of 3 intervals that are the seed's",
        "pitch",
        lambda h: _returning(_grams(h.phrase.intervals, 3), _grams(h.seed.intervals, 3)),
    ),
    PhraseMeasure(
        "seed_pitches",
        "Notes of a pitch of the seed's",
        "pitch",
        lambda h: _returning(h.phrase.pitches, h.seed.pitches),
    ),
    PhraseMeasure(
        "longest_run",
        "Longest run of the seed's intervals",
        "pitch",
        lambda h: float(longest_run(h.phrase.intervals, h.seed.intervals)),
    ),
    PhraseMeasure("chords", "Notes an onset", "pitch", lambda h: len(h.phrase.notes) / len(h.phrase.top_notes)),
    PhraseMeasure("density", "Onsets a beat", "rhythm", lambda h: _density(h.phrase)),
    PhraseMeasure(
        "denser", "Onsets a beat, above the seed's", "rhythm", lambda h: _density(h.phrase) - _density(h.seed)
    ),
    PhraseMeasure("gap_entropy", "Entropy of time between onsets, bits", "rhythm", lambda h: _entropy(h.phrase.gaps)),
    PhraseMeasure(
        "gap_entropy_above",
        "Entropy of time between onsets, above the seed's",
        "rhythm",
        lambda h: _less(_entropy(h.phrase.gaps), _entropy(h.seed.gaps)),
    ),
    PhraseMeasure(
        "on_beat", "Onsets on a beat", "rhythm", lambda h: _share(t % h.phrase.beat_ticks == 0 for t in h.phrase.ticks)
    ),
    PhraseMeasure(
        "on_one", "Bars that begin with an onset", "rhythm", lambda h: _share(b[0] == 0 for b in h.phrase.bar_rhythms)
    ),
    PhraseMeasure("syncopation", "Syncopations a bar", "rhythm", lambda h: syncopations_per_bar(h.phrase)),
    PhraseMeasure(
        "odd_places",
        "Onsets off the sixteenths",
        "rhythm",
        lambda h: _share(t % (TICKS_PER_BEAT // 4) != 0 for t in h.phrase.ticks),
    ),
    PhraseMeasure(
        "equal_gaps",
        "Gaps as long as the one before",
        "rhythm",
        lambda h: _share(a == b for a, b in pairwise(h.phrase.gaps)),
    ),
    PhraseMeasure(
        "place_motifs",
        "Rhythm motifs of the seed, at their place in the bar",
        "rhythm",
        lambda h: _returning(
            h.phrase.rhythm_motifs(MOTIF_ONSETS, with_place=True), h.seed.rhythm_motifs(MOTIF_ONSETS, with_place=True)
        ),
    ),
    PhraseMeasure(
        "seed_bars",
        "Bars with a rhythm of the seed's",
        "rhythm",
        lambda h: _returning(h.phrase.bar_rhythms, h.seed.bar_rhythms),
    ),
    PhraseMeasure(
        "rhythms_of_4",
        "Rhythms of 4 onsets that are the seed's",
        "rhythm",
        lambda h: _returning(
            h.phrase.rhythm_motifs(LONG_MOTIF_ONSETS, with_place=False),
            h.seed.rhythm_motifs(LONG_MOTIF_ONSETS, with_place=False),
        ),
    ),
    PhraseMeasure(
        "bars_alike",
        "Different rhythms of bars",
        "rhythm",
        lambda h: len(set(h.phrase.bar_rhythms)) / len(h.phrase.bar_rhythms),
    ),
    PhraseMeasure("rests", "Rests, share of time", "rests and endings", lambda h: h.phrase.rest_share),
    PhraseMeasure(
        "rests_above", "Rests, above the seed's", "rests and endings", lambda h: h.phrase.rest_share - h.seed.rest_share
    ),
    PhraseMeasure("held", "Share of the gap that a note sounds", "rests and endings", lambda h: _held(h.phrase)),
    PhraseMeasure(
        "held_above",
        "Share of the gap that a note sounds, above the seed's",
        "rests and endings",
        lambda h: _less(_held(h.phrase), _held(h.seed)),
    ),
    PhraseMeasure(
        "starts",
        "First onset, beats after the bar line",
        "rests and endings",
        lambda h: h.phrase.top_notes[0].onset_beats,
    ),
    PhraseMeasure(
        "end_on_one",
        "Phrase ends: on beat 1",
        "rests and endings",
        lambda h: _at_end(h, lambda phrase, i: phrase.ticks[i] % phrase.bar_ticks == 0),
    ),
    PhraseMeasure(
        "end_on_beat",
        "Phrase ends: on a beat",
        "rests and endings",
        lambda h: _at_end(h, lambda phrase, i: phrase.ticks[i] % phrase.beat_ticks == 0),
    ),
    PhraseMeasure(
        "end_tonic",
        "Phrase ends: on the tonic",
        "rests and endings",
        lambda h: _at_end(h, lambda phrase, i: phrase.pitches[i] % 12 == h.key.tonic),
    ),
    PhraseMeasure(
        "end_triad",
        "Phrase ends: in the triad",
        "rests and endings",
        lambda h: _at_end(h, lambda phrase, i: phrase.pitches[i] % 12 in h.triad),
    ),
    PhraseMeasure(
        "end_length",
        "Phrase ends: beats of the last note",
        "rests and endings",
        lambda h: _at_end(h, lambda phrase, i: phrase.top_notes[i].duration_beats),
    ),
    PhraseMeasure(
        "end_gap",
        "Phrase ends: beats of silence after the last note",
        "rests and endings",
        lambda h: _at_end(h, _breath),
    ),
    PhraseMeasure(
        "longest_gap", "Longest time between onsets, beats", "rests and endings", lambda h: _longest_gap(h.phrase)
    ),
    PhraseMeasure(
        "contrast",
        "Loudness, strong minus weak beats",
        "touch",
        lambda h: velocity_contrast(h.phrase) if _has_dynamics(h) else None,
    ),
    PhraseMeasure(
        "velocity_spread",
        "Spread of velocities, above the seed's",
        "touch",
        lambda h: float(np.std([n.velocity for n in h.phrase.notes]) - np.std([n.velocity for n in h.seed.notes])),
    ),
    PhraseMeasure(
        "velocity_moves",
        "Change of velocity from note to note, above the seed's",
        "touch",
        lambda h: _less(_moves(h.phrase), _moves(h.seed)),
    ),
    PhraseMeasure(
        "run_of_8", "Longest run of the seed's intervals is exactly 8", "shown", lambda h: float(_run(h) == RUN)
    ),
    PhraseMeasure(
        "run_of_9", "Longest run of the seed's intervals is 9 or more", "shown", lambda h: float(_run(h) > RUN)
    ),
    PhraseMeasure(
        "motifs_in_place",
        "Rhythm motifs of the seed that come back: at their place in the bar",
        "shown",
        _motifs_in_place,
    ),
)


def _at_end(heard: Heard, of: Callable[[JudgedPhrase, int], float]) -> float | None:
    """Of the onset that ends the last phrase: an excerpt of a piece is cut off somewhere, and seldom where a phrase ends."""
    index = heard.phrase.last_phrase_end
    return None if index is None else float(of(heard.phrase, index))


def _breath(phrase: JudgedPhrase, index: int) -> float:
    """The beats of silence between an onset's note and the next onset, or the end."""
    next_beats = phrase.top_notes[index + 1].onset_beats if index + 1 < len(phrase.top_notes) else phrase.length_beats
    return max(next_beats - phrase.top_notes[index].end_beats, 0.0)


def _run(heard: Heard) -> int:
    return longest_run(heard.phrase.intervals, heard.seed.intervals)


def _moves(phrase: JudgedPhrase) -> float | None:
    return _mean([abs(b.velocity - a.velocity) for a, b in pairwise(phrase.top_notes)])


def measure_phrase(heard: Heard) -> dict[str, float | None]:
    """Every measure by name; the phrase and the seed must have at least two onsets each."""
    return {known.name: known.of(heard) for known in MEASURES}
