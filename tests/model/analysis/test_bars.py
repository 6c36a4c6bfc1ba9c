import pytest

from model.analysis.bars import COMMON_BARS, Bars, Strength, bars_of
from model.notes import Note
from tests.music import line

WALTZ, COMPOUND = Bars.of_meter(3, 4), Bars.of_meter(6, 8)


def at(*onsets: float) -> list[Note]:
    return [Note(60, onset, 0.25, 80) for onset in onsets]


class TestStrength:
    @pytest.mark.parametrize(
        ("bars", "beat", "strength"),
        [
            (COMMON_BARS, 0.0, Strength.DOWNBEAT),
            (COMMON_BARS, 3.95, Strength.DOWNBEAT),
            (COMMON_BARS, 6.0, Strength.MIDBAR),
            (COMMON_BARS, 1.0, Strength.BEAT),
            (COMMON_BARS, 3.5, Strength.HALF_BEAT),
            (COMMON_BARS, 0.25, Strength.BETWEEN),
            (COMMON_BARS, -4.0, Strength.DOWNBEAT),
            (WALTZ, 1.5, Strength.HALF_BEAT),
            (WALTZ, 2.0, Strength.BEAT),
            (COMPOUND, 1.5, Strength.MIDBAR),
            (COMPOUND, 0.5, Strength.HALF_BEAT),
            (COMPOUND, 0.75, Strength.BETWEEN),
            (Bars.of_meter(7, 8), 3.0, Strength.BEAT),
        ],
    )
    def test_each_place_in_the_bar_has_its_strength(self, bars: Bars, beat: float, strength: Strength) -> None:
        assert bars.strength(beat) == strength

    def test_bars_are_counted_from_their_downbeat(self) -> None:
        assert Bars(1.5).strength(5.5) == Strength.DOWNBEAT
        assert Bars(1.5).line_at_or_before(9.45) == 9.5

    def test_bars_of_no_length_are_an_error(self) -> None:
        with pytest.raises(ValueError, match="longer than 0 beats"):
            Bars(0.0, 0.0)


class TestBarsOfAPhrase:
    def test_a_phrase_on_the_beat_has_the_bars_of_the_jam(self) -> None:
        assert bars_of(line(*[60] * 8), COMMON_BARS) == COMMON_BARS

    def test_a_phrase_played_by_hand_has_the_bars_of_the_jam_too(self) -> None:
        assert bars_of(at(0.02, 0.97, 1.52, 2.01, 2.96, 3.55, 4.02), COMMON_BARS) == COMMON_BARS

    def test_triplets_and_sixteenths_fit_the_bars(self) -> None:
        for parts in (3, 4):
            assert bars_of(at(*(index / parts for index in range(16))), COMMON_BARS) == COMMON_BARS

    def test_sixteenth_triplets_and_thirty_seconds_fit_the_bars(self) -> None:
        for parts in (6, 8):
            assert bars_of(at(*(index / parts for index in range(32))), COMMON_BARS) == COMMON_BARS

    def test_a_phrase_that_lies_beside_the_beats_has_bars_of_its_own(self) -> None:
        assert bars_of(at(*(3.22 + index for index in range(8))), COMMON_BARS) == Bars(3.22)

    def test_a_phrase_in_another_tempo_has_none(self) -> None:
        assert bars_of(at(*(0.1 + index * 0.618 for index in range(16))), COMMON_BARS) is None

    def test_of_a_few_notes_all_must_be_near_a_beat(self) -> None:
        assert bars_of(at(0.0, 1.5), COMMON_BARS) == COMMON_BARS
        assert bars_of(at(0.2), COMMON_BARS) is None

    def test_a_phrase_without_notes_has_no_bars(self) -> None:
        assert bars_of([], COMMON_BARS) is None


class TestBarsOfAnAnswer:
    @pytest.mark.parametrize("start", [8.0, 9.5, 8.04])
    def test_an_answer_on_a_half_beat_goes_on_in_them(self, start: float) -> None:
        assert COMMON_BARS.continued_at(start) == COMMON_BARS

    def test_an_answer_between_the_beats_begins_a_bar(self) -> None:
        assert COMMON_BARS.continued_at(8.2) == Bars(8.2)
