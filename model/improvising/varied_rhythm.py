"""`VariedRhythm`: the bars of a phrase taken apart and put together in a new order, each part at its place in the bar; knows no pitches.

Players who answer a phrase keep some of its rhythm and change the rest. Here each bar begins as the bar of the phrase whose turn it
is, and at any pulse may go on as another one does from there; now and then a note is held through a pulse, or a pulse is filled as another
one of its bar is. A note off the beat is never held past the next one: that would be a syncopation which the phrase does not have.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Self

from model.analysis.bars import PLACE_TOLERANCE_BEATS, Bars
from model.notes import CHORD_BEATS, ROUNDING_BEATS, SHORTEST_NOTE_BEATS, Note
from model.phrasing.parallel_rhythm import ParallelRhythm, onset_times

# How often a pulse goes over to another bar, how often a note that begins on the pulse before is held through it, and how often it
# is filled as another pulse of its bar is. With these about as many motifs of the phrase and bars come back, and about as many notes
# are syncopated, as in human continuations of the validation files.
CHANGE_CHANCE = 0.7
HOLD_CHANCE = 0.15
MOVE_CHANCE = 0.25

Part = tuple[tuple[float, float], ...]
"""Onsets in one pulse, as places in the bar, each with its duration; both in beats."""


@dataclass(frozen=True, slots=True)
class VariedRhythm:
    """The bars of a phrase, each as its pulses, and the bars that they are played in. `random_seed` decides what is put together.

    From the bar line at `last_line_beats` on, each bar has the rhythm that `parallel` has there, if it has any: so the answer's end rhymes with the
    phrase's. Raises ValueError where there is no onset at all.
    """

    sources: tuple[tuple[Part, ...], ...]
    bars: Bars
    random_seed: int
    last_line_beats: float = math.inf
    parallel: ParallelRhythm | None = None

    def __post_init__(self) -> None:
        if not any(part for source in self.sources for part in source):
            raise ValueError("a phrase without notes has no rhythm")

    @classmethod
    def from_notes(
        cls, notes: Iterable[Note], phrase_bars: Bars, answer_bars: Bars, start_beats: float, random_seed: int
    ) -> Self:
        """The rhythm of a phrase that was played in `phrase_bars`, for an answer in `answer_bars` from `start_beats` on.

        A chord is one onset, as long as its longest note; a note that is still held lasts for a half beat. Bars that the phrase only
        begins or ends in are left out where there are others, and put together where they make a whole one. A phrase of less than
        a bar has no place in the bar that an answer could keep: it is repeated from the first pulse of the answer on. Raises
        ValueError where there is no note.
        """
        times = onset_times(notes, phrase_bars.pulse_beats / 2)
        if not times:
            raise ValueError("a phrase without notes has no rhythm")
        part = cls._of_part_of_a_bar(times, phrase_bars, answer_bars, start_beats, random_seed)
        if part.bars.beats_per_bar < phrase_bars.beats_per_bar - PLACE_TOLERANCE_BEATS:
            return part
        by_bar: dict[float, list[tuple[float, float]]] = defaultdict(list)
        for onset_beats, duration in times:
            line = phrase_bars.line_at_or_before(onset_beats)
            by_bar[line].append((max(onset_beats - line, 0.0), duration))
        pulses = max(math.ceil(phrase_bars.beats_per_bar / phrase_bars.pulse_beats - PLACE_TOLERANCE_BEATS), 1)
        sources = [_by_pulse(by_bar[line], pulses, phrase_bars.pulse_beats) for line in sorted(by_bar)]
        joined = tuple(next(filter(None, parts), ()) for parts in zip(*sources, strict=True))
        whole = [source for source in sources if _is_whole(source)] or [joined]
        return cls(tuple(whole if _is_whole(whole[0]) else sources), answer_bars, random_seed)

    @classmethod
    def _of_part_of_a_bar(
        cls,
        times: Sequence[tuple[float, float]],
        phrase_bars: Bars,
        answer_bars: Bars,
        start_beats: float,
        random_seed: int,
    ) -> Self:
        """The whole phrase, from the pulse in which it begins to that in which it ends, again and again."""
        pulse_beats = phrase_bars.pulse_beats
        first_pulse = Bars(phrase_bars.downbeat, pulse_beats, pulse_beats).line_at_or_before(times[0][0])
        places = [(max(onset_beats - first_pulse, 0.0), duration) for onset_beats, duration in times]
        beats = max(place + max(duration, SHORTEST_NOTE_BEATS) for place, duration in places)
        pulses = max(
            math.ceil((beats - PLACE_TOLERANCE_BEATS) / pulse_beats),
            int((places[-1][0] + PLACE_TOLERANCE_BEATS) / pulse_beats) + 1,
        )
        source = _by_pulse(places, pulses, pulse_beats)
        # The first pulse of the answer from which the first onset is not too early.
        first_line = Bars(answer_bars.downbeat, pulse_beats, pulse_beats).line_at_or_before(start_beats)
        if first_line + places[0][0] < start_beats - PLACE_TOLERANCE_BEATS:
            first_line += pulse_beats
        return cls((source,), Bars(first_line, pulses * pulse_beats, pulse_beats), random_seed)

    def unroll(self, start_beats: float, from_beats: float = -math.inf) -> Iterator[tuple[float, float]]:
        """Endless pairs of onset and duration, in rising order, from the bar of `start_beats` on.

        Onsets before `from_beats` may be left out. The same bar always has the same rhythm, so an answer that is planned again keeps it.
        """
        first_line = self.bars.line_at_or_before(start_beats)
        passed = max(from_beats - first_line, 0.0) / self.bars.beats_per_bar
        waiting: tuple[float, float] | None = None
        for number in count(max(math.floor(passed) - 1, 0)):
            line = first_line + number * self.bars.beats_per_bar
            for place, duration in self._rhyming_bar(line) or self._bar(number):
                onset = line + place
                if waiting is not None and onset - waiting[0] < CHORD_BEATS:
                    continue  # from two bars: one plays a little before the beat, and the other on it
                if waiting is not None:
                    # A note lasts until the next onset at most: that of the phrase may have come later.
                    yield waiting[0], max(min(waiting[1], onset - waiting[0]), SHORTEST_NOTE_BEATS)
                waiting = (onset, duration)

    def _rhyming_bar(self, line_beats: float) -> Part:
        """The bar of the phrase that lies at this line of the answer's end; empty before that, and where there is none."""
        if self.parallel is None or line_beats < self.last_line_beats - ROUNDING_BEATS:
            return ()
        held_beats = self.bars.pulse_beats / 2
        return tuple((place, duration or held_beats) for place, duration in self.parallel.bar_times(line_beats))

    def _is_on_pulse(self, place: float) -> bool:
        pulses = place / self.bars.pulse_beats
        return abs(pulses - round(pulses)) * self.bars.pulse_beats <= PLACE_TOLERANCE_BEATS

    def _part(self, source: int, pulse: int, random: Random) -> Part:
        """The onsets of a pulse as that bar has them, or, now and then, as another pulse of the bar has them.

        A pulse without an onset stays empty, and a phrase of one bar, or less, as it is.
        """
        parts = self.sources[source]
        if random.random() >= MOVE_CHANCE or not parts[pulse] or len(self.sources) == 1:
            return parts[pulse]
        other = random.randrange(len(parts))
        if not parts[other] or not self._is_on_pulse(parts[other][0][0]):
            return parts[pulse]
        later_beats = (pulse - other) * self.bars.pulse_beats
        return tuple((place + later_beats, duration) for place, duration in parts[other])

    def _bar(self, number: int) -> Part:
        random = Random(f"{self.random_seed} {number}")
        due = source = number % len(self.sources)
        onsets: list[tuple[float, float]] = []
        for pulse in range(len(self.sources[due])):
            if random.random() < CHANGE_CHANCE:
                source = random.randrange(len(self.sources))
            held = onsets and self._is_on_pulse(onsets[-1][0]) and random.random() < HOLD_CHANCE
            if not held:
                onsets += self._part(source, pulse, random)
            else:
                place, _ = onsets[-1]
                onsets[-1] = (place, self.bars.beats_per_bar)  # until the next onset, whenever that comes
        return tuple(onsets) or tuple(onset for part in self.sources[due] for onset in part)


def _is_whole(source: Sequence[Part]) -> bool:
    """Whether a bar has onsets in both of its halves."""
    half = len(source) // 2
    return any(source[: half or 1]) and any(source[half:])


def _by_pulse(onsets: Iterable[tuple[float, float]], pulses: int, pulse_beats: float) -> tuple[Part, ...]:
    """The onsets of a bar by pulse; one that comes a little before a pulse belongs to it."""
    parts: list[list[tuple[float, float]]] = [[] for _ in range(pulses)]
    for place, duration in onsets:
        parts[min(int((place + PLACE_TOLERANCE_BEATS) / pulse_beats), pulses - 1)].append((place, duration))
    return tuple(map(tuple, parts))
