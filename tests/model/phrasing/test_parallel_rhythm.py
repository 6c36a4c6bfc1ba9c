from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from model.analysis.bars import COMMON_BARS, Bars
from model.notes import Note
from model.phrasing.parallel_rhythm import ParallelRhythm
from model.phrasing.phrase_ends import BEFORE_RHYME, RHYME_CHANCE, Ending
from tests.phrasings import ENDS

# Two bars that differ, then two that repeat the first; the answer follows from beat 16 on.
ONSETS = (0.0, 1.0, 2.0, 2.5, 4.0, 5.5, 8.0, 9.0, 10.0, 10.5, 12.0, 13.0, 14.0, 14.5)
START_BEATS, UNTIL_BEATS = 16.0, 32.0


def phrase(onsets: Sequence[float] = ONSETS, duration_beats: float = 0.4) -> list[Note]:
    return [Note(60, onset, duration_beats, 80) for onset in onsets]


def over_answer(notes: Sequence[Note], bars: Bars = COMMON_BARS, start_beats: float = START_BEATS) -> ParallelRhythm:
    parallel = ParallelRhythm.of_phrase(notes, bars, bars, start_beats, 1)
    assert parallel is not None
    return parallel


class TestWhereItLies:
    def test_the_phrases_first_bar_lies_over_the_answers_first_and_it_comes_again_after_its_bars(self) -> None:
        parallel = over_answer(phrase())
        found = [parallel.beats_to_next(beat) for beat in (16.0, 18.5, 20.0, 21.5, 32.0)]
        assert found == pytest.approx([1.0, 1.5, 1.5, 2.5, 1.0])

    def test_after_its_last_onset_the_first_one_comes_again(self) -> None:
        assert over_answer(phrase()).beats_to_next(30.5) == 1.5

    def test_where_the_phrase_has_no_onset_it_says_nothing(self) -> None:
        assert over_answer(phrase()).beats_to_next(17.5) is None

    def test_a_phrase_without_notes_has_none(self) -> None:
        assert ParallelRhythm.of_phrase([], COMMON_BARS, COMMON_BARS, START_BEATS, 1) is None

    def test_notes_a_little_off_the_beat_are_on_it(self) -> None:
        loose = [onset + (0.03, -0.04, 0.02)[index % 3] for index, onset in enumerate(ONSETS)]
        assert over_answer(phrase(loose)).onsets == ONSETS

    def test_quantised_notes_stay_where_they_are_however_fast(self) -> None:
        fast = tuple(index / 8 for index in range(32))
        assert over_answer(phrase(fast)).onsets == fast

    def test_a_chord_is_one_onset_as_long_as_its_longest_note(self) -> None:
        parallel = over_answer([Note(60, 0.0, 1.0, 80), Note(64, 0.02, 3.0, 80), Note(62, 2.0, 1.0, 80)])
        assert (parallel.onsets, parallel.durations) == ((0.0, 2.0), (3.0, 1.0))

    def test_an_answer_that_begins_late_in_a_bar_has_the_first_bar_from_the_next_line_on(self) -> None:
        assert over_answer(phrase(), start_beats=19.0).line_beats == 20.0
        assert over_answer(phrase(), start_beats=17.0).line_beats == 16.0

    def test_bars_of_six_eighths_count(self) -> None:
        jig = Bars.of_meter(6, 8)
        parallel = over_answer(phrase((0.0, 1.0, 1.5, 3.0, 4.5)), jig, 6.0)
        assert (parallel.length_beats, parallel.beats_to_next(7.5)) == (6.0, 1.5)

    def test_whatever_is_played_its_onsets_rise_and_the_next_one_is_later(self) -> None:
        random = Random(1)
        for _ in range(500):
            bars = Bars(random.uniform(-2.0, 2.0), random.choice((2.0, 3.0, 3.5, 4.0)))
            onsets = sorted(random.uniform(-1.0, 20.0) for _ in range(random.randrange(1, 40)))
            start = onsets[-1] + random.uniform(0.0, 4.0)
            parallel = over_answer(phrase(onsets), bars, start)
            assert all(before < after for before, after in pairwise(parallel.onsets))
            assert parallel.onsets[-1] < parallel.length_beats
            for beat in (start + random.uniform(0.0, 30.0) for _ in range(20)):
                played = sorted(random.uniform(start, beat) for _ in range(random.randrange(20)))
                gaps = (parallel.beats_to_next(beat), parallel.own_beats_to_next(beat, played))
                assert all(gap is None or gap > 0.0 for gap in gaps)
                assert 0.0 < parallel.beats_to_line(beat) <= bars.beats_per_bar + 0.1
                line_beats = bars.line_at_or_before(beat)
                end = parallel.end_in_bar(line_beats, line_beats + 1.5)
                assert end is None or line_beats - 0.1 <= end <= line_beats + 1.6


class TestHowLongItIs:
    @pytest.mark.parametrize(
        ("onsets", "bars"),
        [
            ((0.0, 1.0, 2.0), 1),
            ((0.0, 2.0, 4.0), 2),
            ((0.0, 4.0, 8.0, 9.0), 4),  # three bars, and one of rest
            ((0.0, 4.0, 8.0, 12.0, 16.0), 4),  # and a last note on the line
            ((0.0, 4.0, 8.0, 12.0, 16.0, 17.0), 6),
        ],
    )
    def test_a_phrase_has_an_even_number_of_bars_or_one(self, onsets: Sequence[float], bars: int) -> None:
        assert over_answer(phrase(onsets)).length_beats == 4.0 * bars

    def test_an_upbeat_is_left_out(self) -> None:
        parallel = over_answer(phrase((3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 17.0)), start_beats=20.0)
        assert (parallel.length_beats, parallel.onsets[0]) == (16.0, 0.0)

    def test_a_first_bar_that_begins_late_is_none_where_the_bars_are_even(self) -> None:
        assert over_answer(phrase((3.0, 4.0, 6.0))).onsets[0] == 3.0


class TestWhichBarsKeepToIt:
    def kept(self, onsets: Sequence[float]) -> float:
        parallel = over_answer(phrase(onsets))
        bars = [replace(parallel, random_seed=seed).keeps_to_bar(16.0 + 4.0 * (seed % 4)) for seed in range(1000)]
        return sum(bars) / len(bars)

    def test_some_do_and_nearly_all_where_the_phrase_has_one_rhythm_in_all_its_bars(self) -> None:
        assert self.kept(ONSETS) == pytest.approx(0.4, abs=0.05)
        assert self.kept((0.0, 1.0, 4.0, 5.0, 8.0, 9.0, 12.0, 13.0)) == pytest.approx(0.95, abs=0.03)

    def test_one_bar_alone_repeats_nothing(self) -> None:
        assert self.kept((0.0, 1.0)) == pytest.approx(0.4, abs=0.05)

    def test_a_bar_that_was_chosen_stays_chosen_on_all_of_its_beats(self) -> None:
        parallel = over_answer(phrase())
        for line in (16.0, 20.0, 24.0, 28.0):
            assert len({parallel.keeps_to_bar(line + beats) for beats in (-0.02, 0.0, 1.5, 3.9)}) == 1


class TestBarsOfTheAnswerThatComeBack:
    """An answer that has played a bar of four onsets from beat 16 on, then two of two; its next bar begins on beat 28."""

    PLAYED = (16.0, 17.0, 18.0, 19.5, 20.0, 22.0, 24.0, 25.5)

    def found(self, beat: float, played: Sequence[float] = PLAYED) -> list[float | None]:
        parallel = over_answer(phrase())
        return [replace(parallel, random_seed=seed).own_beats_to_next(beat, played) for seed in range(1000)]

    def test_in_some_bars_the_next_onset_comes_as_in_the_bar_before_or_in_the_one_before_that(self) -> None:
        of_line = self.found(28.0)
        assert of_line.count(1.5) / 1000 == pytest.approx(0.1, abs=0.03)  # as from beat 24
        assert of_line.count(2.0) / 1000 == pytest.approx(0.15, abs=0.035)  # as from beat 20
        assert set(of_line) == {None, 1.5, 2.0}

    def test_over_the_bar_line_too(self) -> None:
        assert set(self.found(22.0, self.PLAYED[:5])) == {
            None,
            1.5,
        }  # as from beat 18; two bars before there was no answer
        assert set(self.found(23.5, (*self.PLAYED[:5], 22.0))) == {None, 0.5}

    def test_where_the_bar_before_has_only_that_onset_the_next_one_comes_a_bar_later(self) -> None:
        assert set(self.found(28.0, (24.0,))) == {None, 4.0}

    def test_onsets_a_little_off_their_place_are_found(self) -> None:
        assert set(self.found(28.03, (24.0, 25.0))) == {None, 1.0}

    def test_where_the_earlier_bar_has_no_onset_at_that_place_it_says_nothing(self) -> None:
        assert set(self.found(28.5)) == {None}
        assert set(self.found(16.0, ())) == {None}

    def test_a_bar_that_was_chosen_stays_chosen_on_all_of_its_onsets(self) -> None:
        parallel = over_answer(phrase())
        played = tuple(16.0 + index / 2 for index in range(24))
        for seed in range(50):
            bar = replace(parallel, random_seed=seed)
            assert len({bar.own_beats_to_next(28.0 + beats, played) for beats in (0.0, 1.0, 2.5)}) == 1


class TestBarLines:
    def test_the_share_of_bars_that_begin_with_an_onset_is_known(self) -> None:
        assert over_answer(phrase()).on_lines == 1.0
        assert over_answer(phrase((0.0, 1.0, 4.5, 8.0, 8.04, 13.0))).on_lines == 0.5
        assert over_answer(phrase((0.5, 2.0))).on_lines == 0.0

    @pytest.mark.parametrize(("beat", "beats"), [(16.0, 4.0), (17.5, 2.5), (19.98, 4.0), (20.01, 3.99)])
    def test_the_next_bar_line_is_a_whole_bar_away_on_a_line(self, beat: float, beats: float) -> None:
        assert over_answer(phrase()).beats_to_line(beat) == pytest.approx(beats, abs=0.021)


class TestRhyme:
    """Where and how long an answer ends."""

    CALM = (0.0, 1.0, 4.0, 5.5, 8.0, 8.5, 12.0, 13.0, 14.0)

    PLAIN = Ending(ENDS, COMMON_BARS, START_BEATS, UNTIL_BEATS, closing_beats=0.5)

    def ending(self, onsets: Sequence[float], duration_beats: float = 0.4) -> Ending:
        parallel = over_answer(phrase(onsets, duration_beats))
        return Ending(ENDS, COMMON_BARS, START_BEATS, UNTIL_BEATS, closing_beats=0.5, parallel=parallel)

    def test_an_answer_ends_where_the_bar_of_the_phrase_comes_to_rest(self) -> None:
        ending, plain = self.ending(self.CALM), self.PLAIN
        assert ending.chance_of_end(30.0) == RHYME_CHANCE
        assert ending.chance_of_end(29.0) == pytest.approx(BEFORE_RHYME * plain.chance_of_end(29.0))

    def test_on_the_line_it_may_end_as_before_and_does_so_where_the_phrase_does(self) -> None:
        usual = [bar * 4.0 + beat for bar in range(4) for beat in (0.0, 1.0, 2.0, 2.5)]
        assert self.ending(usual).chance_of_end(28.0) == self.PLAIN.chance_of_end(28.0)
        assert self.ending((0.0, 1.0, 4.0, 8.0, 8.5, 12.0)).chance_of_end(28.0) == RHYME_CHANCE

    def test_the_denser_the_phrase_the_less_often_it_ends_on_the_line(self) -> None:
        odds = []
        for each in (2, 4, 8):
            ending = self.ending([bar * 4.0 + index * 4.0 / each for bar in range(4) for index in range(each)])
            chance = ending.chance_of_end(28.0)
            odds.append(chance / (1.0 - chance))
        assert odds[0] / odds[1] == pytest.approx(2.0**1.5)
        assert odds[1] / odds[2] == pytest.approx(2.0**1.5)

    def test_it_leaves_a_beat_for_the_last_note(self) -> None:
        ending = self.ending((0.0, 1.0, 4.0, 8.0, 12.0, 13.0, 14.0, 15.0, 15.5))
        assert ending.chance_of_end(31.0) >= RHYME_CHANCE
        assert ending.last_length_beats(31.0, 0.5) == 1.0

    def test_but_not_after_a_phrase_that_goes_on_and_on(self) -> None:
        restless = tuple(index / 2 for index in range(32))
        ending = self.ending(restless)
        assert ending.parallel is not None
        assert ending.parallel.end_in_bar(28.0, 31.5) == 31.5
        assert ending.last_length_beats(31.5, 0.5) == 0.4

    def test_the_last_note_is_as_long_as_the_phrases(self) -> None:
        assert self.ending(self.CALM, 1.25).last_length_beats(30.0, 0.5) == 1.25

    def test_a_note_that_is_still_held_says_nothing_of_lengths(self) -> None:
        assert self.ending(self.CALM, 0.0).last_length_beats(30.0, 0.5) == 2.0

    def test_a_breath_for_the_player_stays_free(self) -> None:
        ending = replace(self.ending(self.CALM, 4.0), breath_beats=1.0, closing_beats=2.0)
        assert ending.last_length_beats(30.0, 0.5) == 1.0

    def test_no_place_is_later_than_the_answer_may_begin_a_note(self) -> None:
        parallel = over_answer(phrase(self.CALM))
        assert parallel.end_in_bar(28.0, 29.5) == 29.0

    def test_a_bar_of_rest_has_no_place_of_rest(self) -> None:
        assert over_answer(phrase((0.0, 4.0, 8.0, 9.0))).end_in_bar(28.0, 31.0) is None
