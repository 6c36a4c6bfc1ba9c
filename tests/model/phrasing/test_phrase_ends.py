from dataclasses import replace

import pytest

from model.analysis.bars import COMMON_BARS, Bars
from model.analysis.scale import parse_key
from model.phrasing.phrase_ends import MAX_CHANCE, Ending
from tests.phrasings import ENDS

ENDING = Ending(ENDS, COMMON_BARS, 16.0, 32.0)


class TestWhere:
    def test_an_answer_may_end_from_its_last_bar_on(self) -> None:
        assert ENDING.from_beats == 28.0

    def test_an_answer_that_ends_just_after_a_bar_line_may_end_in_the_bar_before(self) -> None:
        assert replace(ENDING, until_beats=32.5).from_beats == 28.0
        assert replace(ENDING, until_beats=33.0).from_beats == 32.0

    def test_no_answer_ends_in_its_first_half(self) -> None:
        assert Ending(ENDS, COMMON_BARS, 16.0, 19.0).from_beats == 17.5

    def test_the_first_beat_is_a_little_likelier_than_in_phrases_of_the_corpus(self) -> None:
        chance = ENDS.first_half[4]
        assert ENDING.chance_of_end(28.0) == pytest.approx(1.35 * chance / (1.0 + 0.35 * chance))

    def test_an_answer_ends_on_one_of_its_last_beats_and_not_between_them(self) -> None:
        assert ENDING.chance_of_end(29.0) == ENDS.first_half[2]
        assert ENDING.chance_of_end(30.0) == 0.85
        assert [ENDING.chance_of_end(beat) for beat in (28.5, 29.5, 30.5)] == [0.0] * 3

    def test_before_a_breath_phrases_end_where_those_of_the_corpus_do(self) -> None:
        breathing = replace(ENDING, breath_beats=1.0)
        assert breathing.chance_of_end(28.0) == ENDS.first_half[4]
        assert breathing.chance_of_end(30.0) == ENDS.second_half[3]

    def test_the_last_note_there_is_time_for_is_nearly_certain(self) -> None:
        assert ENDING.chance_of_end(31.0) == MAX_CHANCE

    def test_bars_of_its_own_count(self) -> None:
        assert replace(ENDING, bars=Bars(0.2), start_beats=16.2, until_beats=32.2).from_beats == pytest.approx(28.2)


class TestPitch:
    def test_the_tonic_is_likelier_than_other_tones(self) -> None:
        stability = ENDS.stability(parse_key("D"), "full")
        assert max(range(12), key=lambda pitch_class: stability[pitch_class]) == 2
        assert replace(ENDING, stability=stability).weight_of(62) == stability[2]

    def test_where_two_keys_are_likely_a_tone_that_is_stable_in_both_is_the_likeliest(self) -> None:
        keys = {parse_key("C"): 0.5, parse_key("A minor"): 0.5}
        in_c, in_a = (ENDS.stability(key, "full") for key in keys)
        mean = ENDS.mean_stability(keys, "full")
        assert mean == pytest.approx([min(((a + b) / 2) ** 13, 23.0) for a, b in zip(in_c, in_a, strict=True)])
        assert mean[0] > mean[7]
        assert mean[9] > mean[5]

    def test_a_half_close_is_not_on_the_tonic(self) -> None:
        stability = ENDS.stability(parse_key("A minor"), "half")
        assert stability[4] > stability[9]

    def test_modes_with_a_minor_third_close_as_minor(self) -> None:
        assert ENDS.stability(parse_key("D dorian"), "full") == ENDS.stability(parse_key("D minor"), "full")

    def test_without_a_key_all_tones_are_alike(self) -> None:
        assert {ENDING.weight_of(pitch) for pitch in range(60, 72)} == {1.0}


class TestLength:
    def test_the_last_note_never_passes_the_end(self) -> None:
        for onset in (28.0, 30.0, 31.5, 31.9):
            for chance in (0.0, 0.3, 0.99):
                assert 0.0 < ENDING.last_length_beats(onset, chance) <= 32.0 - onset

    def test_seven_in_ten_are_held_to_the_end_of_the_answer(self) -> None:
        lengths = [ENDING.last_length_beats(28.0, chance / 1000 + 0.0003) for chance in range(1000)]
        assert sum(length == 4.0 for length in lengths) / 1000 == pytest.approx(0.7 + 0.3 / 6, abs=0.05)
        assert set(lengths) <= {3.5, 4.0, *ENDS.lengths_beats}  # or long enough to leave the breath of phrases
        assert ENDING.last_length_beats(31.5, 0.7) == 0.5

    def test_where_more_time_is_left_than_last_notes_ever_last_it_is_as_long_as_they_are(self) -> None:
        assert {ENDING.last_length_beats(24.0, chance / 10) for chance in range(10)} <= set(ENDS.lengths_beats)

    def test_a_breath_is_left(self) -> None:
        breathing = replace(ENDING, breath_beats=1.0)
        assert all(breathing.last_length_beats(28.0, chance / 10) <= 3.0 for chance in range(10))


class TestMistakes:
    def test_a_wrong_number_of_chances_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="for each of 5 strengths"):
            replace(ENDS, first_half=(0.5,))

    def test_weights_must_be_above_zero(self) -> None:
        with pytest.raises(ValueError, match="12 weights for each mode"):
            replace(ENDS, full_major=(0.0,) * 12)
