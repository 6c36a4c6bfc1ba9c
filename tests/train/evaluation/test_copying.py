from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.notes import Note
from tests.music import exercise, line
from train.evaluation.copying import NGRAM_INTERVALS, Copying, IntervalIndex, _build_suffix_array, pool_copying


def melody(*intervals: int, start: int = 60, step_beats: float = 0.5) -> list[Note]:
    """A line with these intervals from each note to the next."""
    pitches = [start]
    for interval in intervals:
        pitches.append(pitches[-1] + interval)
    return line(*pitches, step_beats=step_beats)


# Ode to Joy, its first four bars: 14 intervals.
ODE = (0, 1, 2, 0, -2, -1, -2, -2, 0, 2, 2, 0, -2, 0)


class TestLongestRun:
    def test_a_training_line_is_found_whole(self) -> None:
        assert IntervalIndex([exercise()]).measure_copying(exercise()).longest_run == 63

    def test_in_another_key_and_another_rhythm_too(self) -> None:
        assert IntervalIndex([melody(*ODE)]).measure_copying(melody(*ODE, start=67, step_beats=1.0)).longest_run == len(
            ODE
        )

    def test_a_phrase_out_of_the_middle_is_found_in_the_middle(self) -> None:
        assert IntervalIndex([melody(*ODE)]).measure_copying(melody(7, 7, *ODE[3:9], -7)).longest_run == 6

    def test_a_run_does_not_cross_from_one_training_line_to_the_next(self) -> None:
        learned = IntervalIndex([melody(*ODE[:7]), melody(*ODE[7:])])
        assert learned.measure_copying(melody(*ODE)).longest_run == 7

    def test_the_longest_of_several_lines_counts(self) -> None:
        learned = IntervalIndex([melody(*ODE[:5], 9), melody(*ODE[:9]), melody(*ODE[:3], -9)])
        assert learned.measure_copying(melody(*ODE)).longest_run == 9

    def test_of_a_chord_the_highest_note_counts(self) -> None:
        accompanied = [*melody(*ODE), *line(40, 43, 40, 43, step_beats=2.0)]
        assert IntervalIndex([accompanied]).measure_copying(melody(*ODE)).longest_run == len(ODE)

    def test_the_widest_leaps_are_no_end_of_a_line(self) -> None:
        leaps = line(0, 127, 0, 127)
        assert IntervalIndex([leaps, leaps]).measure_copying(leaps).longest_run == 3

    def test_intervals_that_no_training_line_has_are_not_found(self) -> None:
        assert IntervalIndex([melody(*ODE)]).measure_copying(melody(5, -5, 5)).longest_run == 0


class TestShares:
    def test_all_ngrams_of_a_training_line_are_found(self) -> None:
        assert IntervalIndex([exercise()]).measure_copying(exercise()).shares == {8: 1.0, 12: 1.0, 16: 1.0}

    def test_shares_of_a_line_counted_by_hand(self) -> None:
        # The first nine intervals of the ode and eight others: 17 in all, so ten 8-grams, six 12-grams, two 16-grams.
        copying = IntervalIndex([melody(*ODE)]).measure_copying(melody(*ODE[:9], 5, -5, 5, -5, 5, -5, 5, -5))
        assert copying == Copying(longest_run=9, found={8: 2, 12: 0, 16: 0}, ngrams={8: 10, 12: 6, 16: 2})
        assert copying.shares == {8: 0.2, 12: 0.0, 16: 0.0}

    def test_a_line_has_none_of_a_length_it_does_not_reach(self) -> None:
        assert IntervalIndex([melody(*ODE)]).measure_copying(melody(*ODE)).shares == {8: 1.0, 12: 1.0}

    @pytest.mark.parametrize("short", [[], line(60), line(60, 62)])
    def test_a_line_too_short_for_an_interval_has_no_copying(self, short: Sequence[Note]) -> None:
        assert IntervalIndex([exercise()]).measure_copying(short).shares == {}

    @pytest.mark.parametrize("learned", [[], [[]], [line(60)]])
    def test_without_training_lines_nothing_is_found(self, learned: Sequence[Sequence[Note]]) -> None:
        copying = IntervalIndex(learned).measure_copying(exercise(20))
        assert (copying.longest_run, copying.shares) == (0, {8: 0.0, 12: 0.0, 16: 0.0})


class TestRepeatedNotes:
    PEDAL = line(*[40] * 30)

    def test_they_are_found_wherever_a_note_was_repeated(self) -> None:
        assert IntervalIndex([self.PEDAL]).measure_copying(line(*[52] * 20)).shares == {8: 1.0, 12: 1.0, 16: 1.0}

    def test_dropped_a_run_of_them_is_one_note(self) -> None:
        copying = IntervalIndex([self.PEDAL], drop_repeats=True).measure_copying(line(*[52] * 20))
        assert (copying.longest_run, copying.shares) == (0, {})

    def test_dropped_the_steps_between_them_are_what_counts(self) -> None:
        learned = IntervalIndex([melody(*ODE)], drop_repeats=True)
        assert learned.measure_copying(melody(1, 0, 0, 2, -2, 0, -1, 9)).longest_run == 4


class TestPooled:
    def test_each_ngram_counts_the_same(self) -> None:
        short = Copying(longest_run=8, found={8: 1, 12: 0, 16: 0}, ngrams={8: 1, 12: 0, 16: 0})
        long = Copying(longest_run=5, found={8: 0, 12: 0, 16: 0}, ngrams={8: 9, 12: 5, 16: 1})
        together = pool_copying([short, long])
        assert together.longest_run == 8
        assert together.shares == {8: 0.1, 12: 0.0, 16: 0.0}

    def test_one_line_is_itself(self) -> None:
        copying = IntervalIndex([melody(*ODE)]).measure_copying(melody(*ODE))
        assert pool_copying([copying]) == copying

    def test_no_line_has_no_share(self) -> None:
        assert (pool_copying([]).longest_run, pool_copying([]).shares) == (0, {})


steps = st.lists(st.integers(-1, 1), max_size=40)


@given(st.lists(steps, max_size=3), steps, st.booleans())
def test_the_index_agrees_with_a_search_for_every_run(
    learned: list[list[int]],
    played: list[int],
    dropped: bool,  # noqa: FBT001  hypothesis passes it by name
) -> None:
    def without_repeats(intervals: list[int]) -> list[int]:
        return [interval for interval in intervals if interval or not dropped]

    def is_learned(run: list[int]) -> bool:
        return any(run == without_repeats(other)[at : at + len(run)] for other in learned for at in range(len(other)))

    def runs(length: int) -> list[list[int]]:
        return [without_repeats(played)[at : at + length] for at in range(len(without_repeats(played)) - length + 1)]

    copying = IntervalIndex([melody(*other) for other in learned], drop_repeats=dropped).measure_copying(
        melody(*played)
    )
    assert copying.longest_run == max(
        (length for length in range(1, 41) if any(map(is_learned, runs(length)))), default=0
    )
    assert copying.ngrams == {length: len(runs(length)) for length in NGRAM_INTERVALS}
    assert copying.found == {length: sum(map(is_learned, runs(length))) for length in NGRAM_INTERVALS}


@given(st.lists(steps, max_size=3), steps, st.integers(-12, 12))
def test_copying_does_not_depend_on_the_key(learned: list[list[int]], played: list[int], semitones: int) -> None:
    lines, other = [melody(*intervals) for intervals in learned], melody(*played)
    transposed = [replace(note, pitch=note.pitch + semitones) for note in other]
    assert IntervalIndex(lines).measure_copying(transposed) == IntervalIndex(lines).measure_copying(other)


@given(st.text("abc", max_size=60).map(str.encode))
def test_the_suffix_array_is_in_alphabetical_order(text: bytes) -> None:
    order = _build_suffix_array(text).tolist()
    assert order == sorted(range(len(text)), key=lambda start: text[start:])
