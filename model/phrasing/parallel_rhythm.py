"""`ParallelRhythm`: the rhythm of a phrase, laid bar by bar over the answer to it; knows no pitches and no forecast.

Musicians call two phrases parallel that begin alike. When people go on after a phrase, a bar often has the rhythm of the bar at the same
place in the phrase, and most of all the last one: both phrases come to rest at the same place of the bar, as lines of a verse rhyme. Others have that of
a bar that they have just played.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import inf
from random import Random
from typing import Self

from model.analysis.bars import PLACE_TOLERANCE_BEATS, PLACES_PER_BEAT, Bars, grid_places
from model.notes import CHORD_BEATS, Note, in_onset_order

# How likely a bar of the answer keeps to the rhythm of the phrase's bar: in general, and where all bars of the phrase have one rhythm.
SAME_BAR_CHANCE, ONE_RHYTHM_CHANCE = 0.4, 0.95
# How likely a bar repeats the rhythm of the answer's bar before it, and of the one two before.
ONE_BACK_CHANCE, TWO_BACK_CHANCE = 0.1, 0.15
# Where so many of the bars after the first repeat a rhythm, the phrase does not come to rest at its end, and neither does its answer.
RESTLESS_SHARE = 0.5
# In other phrases the last note sounds for a beat at least.
LAST_NOTE_BEATS = 1.0
# A phrase was written, or quantised, where all onsets are this close to a place; it is taken as it is. Others are brought to their grid.
ON_PLACE_BEATS = 1 / 96


@dataclass(frozen=True, slots=True)
class ParallelRhythm:
    """The onsets of a phrase and their durations, rising, in beats from the line of its first bar, which lies at beat `line_beats` of the answer.

    It comes again every `length_beats`. `repeating` is the share of its bars, but for the first, with a rhythm that an earlier one has.
    `on_lines` is the share of its bars that begin with an onset. `random_seed` decides which bars of the answer keep to it; it stays the same when
    an answer is planned again.
    """

    onsets: Sequence[float]
    durations: Sequence[float]
    length_beats: float
    line_beats: float
    beats_per_bar: float
    repeating: float = 0.0
    on_lines: float = 0.0
    random_seed: int = 0

    @classmethod
    def of_phrase(
        cls, notes: Collection[Note], phrase_bars: Bars, answer_bars: Bars, start_beats: float, random_seed: int
    ) -> Self | None:
        """The rhythm of a phrase that was played in `phrase_bars`, for an answer in `answer_bars` from `start_beats` on; None without notes.

        A chord is one onset. Phrases have an even number of bars, or one. So of an odd number the first is left out where it is an upbeat, and the
        fifth or ninth where it holds the last note alone; otherwise another bar follows without an onset.
        """
        times = onset_times(notes)
        beats_per_bar = phrase_bars.beats_per_bar
        if not times:
            return None
        first_line, last_line = (phrase_bars.line_at_or_before(times[index][0]) for index in (0, -1))
        bars = round((last_line - first_line) / beats_per_bar) + 1
        if bars > 1 and bars % 2:
            if times[0][0] - first_line >= beats_per_bar / 2:
                first_line += beats_per_bar
                bars -= 1
            else:
                bars += -1 if bars % 4 == 1 and _starts(times, last_line) == 1 else 1
        length_beats = bars * beats_per_bar
        times = [(onset - first_line, duration) for onset, duration in times]
        inside = [time for time in times if -PLACE_TOLERANCE_BEATS <= time[0] < length_beats - PLACE_TOLERANCE_BEATS]
        times = _on_places(inside, length_beats)
        if not times:
            return None
        onsets, durations = zip(*times, strict=True)
        # The bar that begins nearest to the answer.
        line_beats = answer_bars.line_at_or_before(start_beats + beats_per_bar / 2)
        return cls(
            onsets,
            durations,
            length_beats,
            line_beats,
            beats_per_bar,
            _repeating(onsets, beats_per_bar),
            _on_lines(onsets, beats_per_bar) / bars,
            random_seed,
        )

    @property
    def onsets_per_bar(self) -> float:
        """The mean number of onsets in a bar that has any."""
        return len(self.onsets) / len({(onset + PLACE_TOLERANCE_BEATS) // self.beats_per_bar for onset in self.onsets})

    def keeps_to_bar(self, beat: float) -> bool:
        """Whether the bar of this beat has the rhythm of the phrase's bar; decided by chance."""
        chance = ONE_RHYTHM_CHANCE if self.repeating == 1.0 else SAME_BAR_CHANCE
        return self._fortune("parallel", beat) < chance

    def beats_to_next(self, beat: float) -> float | None:
        """How long after an onset on this beat the next one comes, where the phrase has an onset at its place; otherwise None."""
        place, index = self._found(beat)
        if index is None:
            return None
        following = index + 1
        next_place = self.onsets[following] if following < len(self.onsets) else self.onsets[0] + self.length_beats
        return next_place - place

    def own_beats_to_next(self, beat: float, answer_onsets: Sequence[float]) -> float | None:
        """How long after an onset on this beat the next one comes where its bar repeats the rhythm of an earlier bar of the answer; otherwise None.

        By chance it is the bar before, or the one two before. `answer_onsets` are the earlier onsets of the answer, in beats, rising.
        """
        fortune = self._fortune("own", beat)
        if fortune >= ONE_BACK_CHANCE + TWO_BACK_CHANCE:
            return None
        place = beat - (1 if fortune < ONE_BACK_CHANCE else 2) * self.beats_per_bar
        index = bisect_left(answer_onsets, place - PLACE_TOLERANCE_BEATS)
        if index == len(answer_onsets) or answer_onsets[index] > place + PLACE_TOLERANCE_BEATS:
            return None
        following = answer_onsets[index + 1] if index + 1 < len(answer_onsets) else beat
        return following - answer_onsets[index]

    def beats_to_line(self, beat: float) -> float:
        """How long it is from a beat to the next bar line, a whole bar from a line on."""
        into_bar = (beat - self.line_beats + PLACE_TOLERANCE_BEATS) % self.beats_per_bar - PLACE_TOLERANCE_BEATS
        return self.beats_per_bar - into_bar

    def bar_times(self, line_beats: float) -> tuple[tuple[float, float], ...]:
        """The onsets of the phrase's bar that lies at this line, from the line on, and their durations, in beats."""
        start = self._place(line_beats)
        low, high = (
            bisect_left(self.onsets, beat - PLACE_TOLERANCE_BEATS) for beat in (start, start + self.beats_per_bar)
        )
        times = zip(self.onsets[low:high], self.durations[low:high], strict=True)
        return tuple((max(onset - start, 0.0), duration) for onset, duration in times)

    def end_in_bar(self, line_beats: float, latest_beats: float) -> float | None:
        """The beat on which the bar from this line comes to rest as the phrase's bar does, not after `latest_beats`; None where nothing sounds.

        It is the last onset, but one that leaves time for a last note unless the phrase is restless.
        """
        latest = latest_beats - line_beats + PLACE_TOLERANCE_BEATS
        places = [place for place, _ in self.bar_times(line_beats) if place <= latest]
        if not self._is_restless:
            with_time = self.beats_per_bar - LAST_NOTE_BEATS + PLACE_TOLERANCE_BEATS
            places = [place for place in places if place <= with_time] or places
        return line_beats + places[-1] if places else None

    def last_length_beats(self, beat: float) -> float | None:
        """How long a last note on this beat sounds: as the phrase's does there, but for a beat at least unless the phrase is restless.

        None where the phrase has no note there, or it is still held.
        """
        _, index = self._found(beat)
        if index is None or not self.durations[index]:
            return None
        return self.durations[index] if self._is_restless else max(self.durations[index], LAST_NOTE_BEATS)

    @property
    def _is_restless(self) -> bool:
        return self.repeating >= RESTLESS_SHARE

    def _fortune(self, what: str, beat: float) -> float:
        """A random number in [0, 1) for the bar of a beat."""
        return _fortune(
            what, self.random_seed, int((beat - self.line_beats + PLACE_TOLERANCE_BEATS) // self.beats_per_bar)
        )

    def _place(self, beat: float) -> float:
        """The place of a beat of the answer in the phrase; a little below 0 where it comes just before the first line."""
        return (beat - self.line_beats + PLACE_TOLERANCE_BEATS) % self.length_beats - PLACE_TOLERANCE_BEATS

    def _found(self, beat: float) -> tuple[float, int | None]:
        """The place of a beat in the phrase, and the index of the onset there, if there is one."""
        place = self._place(beat)
        above = bisect_right(self.onsets, place)
        nearest = min(
            (index for index in (above - 1, above) if 0 <= index < len(self.onsets)),
            key=lambda i: abs(self.onsets[i] - place),
        )
        return place, nearest if abs(self.onsets[nearest] - place) <= PLACE_TOLERANCE_BEATS else None


@lru_cache(maxsize=1 << 9)
def _fortune(what: str, random_seed: int, bar: int) -> float:
    """A random number in [0, 1) for a bar; kept, as it is asked for at each onset."""
    return Random(f"{what} {random_seed} {bar}").random()


def onset_times(notes: Iterable[Note], held_beats: float = 0.0) -> list[tuple[float, float]]:
    """Onset and duration of each note or chord, rising. A note that is still held lasts for `held_beats`."""
    times: list[tuple[float, float]] = []
    for note in in_onset_order(notes):
        duration = note.duration_beats or held_beats
        if times and note.onset_beats - times[-1][0] < CHORD_BEATS:
            times[-1] = (times[-1][0], max(duration, times[-1][1]))
        else:
            times.append((note.onset_beats, duration))
    return times


def _on_lines(onsets: Sequence[float], beats_per_bar: float) -> int:
    """How many bar lines have an onset."""
    nearest = ((onset, round(onset / beats_per_bar)) for onset in onsets)
    return len({line for onset, line in nearest if abs(onset - line * beats_per_bar) <= PLACE_TOLERANCE_BEATS})


def _starts(times: Sequence[tuple[float, float]], from_beats: float) -> int:
    return sum(onset >= from_beats - PLACE_TOLERANCE_BEATS for onset, _ in times)


def _on_places(times: Sequence[tuple[float, float]], length_beats: float) -> list[tuple[float, float]]:
    """The times as they are where all onsets are on places; otherwise each on the nearest sixteenth or triplet that is still free."""
    places = [onset * PLACES_PER_BEAT for onset, _ in times]
    if all(abs(place - round(place)) <= ON_PLACE_BEATS * PLACES_PER_BEAT for place in places):
        return list(times)
    moved: list[tuple[float, float]] = []
    for onset, duration in times:
        on_grid = grid_places(onset) / PLACES_PER_BEAT
        earliest = moved[-1][0] if moved else -inf
        place = on_grid if earliest < on_grid < length_beats else onset
        if place > earliest:
            moved.append((place, duration))
    return moved


def _repeating(onsets: Sequence[float], beats_per_bar: float) -> float:
    """The share of the bars with onsets, but for the first, that have the rhythm of an earlier one; 0 for a single bar."""
    seen: set[tuple[int, ...]] = set()
    again = bars = 0
    for bar, of_bar in groupby(onsets, lambda onset: (onset + PLACE_TOLERANCE_BEATS) // beats_per_bar):
        rhythm = tuple(round((onset - bar * beats_per_bar) * PLACES_PER_BEAT / 2) for onset in of_bar)
        again += rhythm in seen
        bars += 1
        seen.add(rhythm)
    return again / (bars - 1) if bars > 1 else 0.0
