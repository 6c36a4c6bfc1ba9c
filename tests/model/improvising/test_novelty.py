from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.defaults import MAX_REPEATED_INTERVALS
from model.improvising.novelty import Novelty, longest_repeat, outline_of
from model.notes import Note
from tests.music import line
from tests.tiny_pack import PITCH_WORDS

SCALE = (60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79)
INTERVALS = st.lists(st.integers(-3, 3), max_size=30)
OUTLINES = INTERVALS.map(lambda steps: list(accumulate(steps, initial=66)))


class TestForbiddenPitches:
    def test_eight_intervals_may_be_repeated_and_the_ninth_may_not(self) -> None:
        novelty = Novelty([SCALE])
        assert MAX_REPEATED_INTERVALS == 8
        assert novelty.forbidden_pitches(SCALE[:8]) == frozenset()
        assert novelty.forbidden_pitches(SCALE[:9]) == {SCALE[9]}

    def test_repeats_are_found_in_any_key(self) -> None:
        novelty = Novelty([SCALE], max_intervals=2)
        assert novelty.forbidden_pitches([50, 52, 54]) == {55, 56}  # a scale goes on from two whole tones by either

    def test_repeats_are_found_from_anywhere_in_the_phrase(self) -> None:
        assert Novelty([SCALE], max_intervals=3).forbidden_pitches(SCALE[4:8]) == {SCALE[8]}

    def test_repeats_are_found_in_each_phrase_but_not_across_two(self) -> None:
        novelty = Novelty([(60, 61, 63), (60, 61, 65), (61, 60)], max_intervals=1)
        assert novelty.forbidden_pitches([70, 71]) == {73, 75}
        assert novelty.forbidden_pitches([70, 74]) == frozenset()

    def test_after_a_different_interval_nothing_is_forbidden(self) -> None:
        assert Novelty([SCALE], max_intervals=3).forbidden_pitches([60, 62, 63, 66]) == frozenset()

    def test_repeated_notes_count_as_intervals(self) -> None:
        assert Novelty([[60] * 12], max_intervals=3).forbidden_pitches([55, 55, 55, 55]) == {55}

    def test_a_limit_of_zero_forbids_every_interval_of_the_phrases(self) -> None:
        novelty = Novelty([(60, 62, 61)], max_intervals=0)
        assert novelty.forbidden_pitches([50]) == {52, 49}
        assert novelty.forbidden_pitches([]) == frozenset()

    def test_without_phrases_nothing_is_forbidden(self) -> None:
        assert Novelty([]).forbidden_pitches(SCALE) == frozenset()
        assert Novelty([[60], []]).forbidden_pitches(SCALE) == frozenset()

    def test_leaps_over_the_whole_keyboard_are_intervals_like_any_other(self) -> None:
        assert Novelty([(0, 127, 0, 127)], max_intervals=2).forbidden_pitches([0, 127, 0]) == {127}


class TestAnswer:
    @given(st.lists(OUTLINES, max_size=4), st.integers(1, 5), st.integers(0, 1000))
    def test_a_limited_answer_never_repeats_more_than_the_limit(
        self, phrases: list[list[int]], max_intervals: int, random_seed: int
    ) -> None:
        novelty, random = Novelty(phrases, max_intervals), np.random.default_rng(random_seed)
        answer = [66]
        for _ in range(40):
            allowed = set(PITCH_WORDS.pitches) - novelty.forbidden_pitches(answer)
            fresh = [pitch for pitch in range(answer[-1] - 3, answer[-1] + 4) if pitch in allowed] or [min(allowed)]
            answer.append(int(random.choice(fresh)))
        assert longest_repeat(answer, phrases) <= max_intervals


class TestOutline:
    def test_the_outline_of_a_single_line_is_its_pitches(self) -> None:
        assert outline_of(line(60, 64, 62)) == [60, 64, 62]

    def test_of_a_chord_the_highest_pitch_counts(self) -> None:
        chord = [Note(pitch, 1.0, 0.5, 80) for pitch in (67, 60, 64)]
        assert outline_of([*line(60, 62), *chord]) == [60, 62, 67]

    def test_a_slightly_spread_chord_is_one_onset(self) -> None:
        assert outline_of([Note(60, 0.0, 1.0, 80), Note(64, 0.03, 1.0, 80), Note(62, 0.06, 1.0, 80)]) == [64]

    def test_no_notes_have_an_empty_outline(self) -> None:
        assert outline_of([]) == []


class TestLongestRepeat:
    @pytest.mark.parametrize(
        ("answer", "longest"), [((60,), 0), ((60, 62), 1), ((50, 52, 54, 55, 60), 3), (SCALE, 11), ((70, 60, 70), 0)]
    )
    def test_it_counts_the_repeated_intervals(self, answer: tuple[int, ...], longest: int) -> None:
        assert longest_repeat(answer, [SCALE]) == longest

    @given(OUTLINES, OUTLINES)
    def test_it_equals_a_comparison_of_all_parts_with_all_parts(self, answer: list[int], phrase: list[int]) -> None:
        ours, theirs = ([b - a for a, b in pairwise(outline)] for outline in (answer, phrase))
        runs = {
            length
            for i in range(len(ours))
            for j in range(len(theirs))
            for length in range(1, len(ours) - i + 1)
            if ours[i : i + length] == theirs[j : j + length]
        }
        assert longest_repeat(answer, [phrase]) == max(runs, default=0)
