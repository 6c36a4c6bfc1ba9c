import pytest

from model.analysis.bars import Bars, bars_at


class TestPlaceOnTheGrid:
    @pytest.mark.parametrize(
        ("beat", "place"), [(0.0, 0), (1.0, 24), (3.5, 84), (4.0, 0), (-1.0, 72), (9.25, 30), (2 / 3, 16)]
    )
    def test_it_is_counted_from_the_bar_line(self, beat: float, place: int) -> None:
        assert Bars().grid_place(beat) == place

    def test_bars_may_begin_anywhere_and_have_any_length(self) -> None:
        assert Bars(2.5, 3.0).grid_place(2.5) == 0
        assert Bars(2.5, 3.0).grid_place(6.5) == 24

    @pytest.mark.parametrize("off", [-0.02, 0.02])
    def test_notes_played_a_little_off_are_at_the_same_place(self, off: float) -> None:
        for beat in (0.0, 0.25, 0.5, 0.75, 1.0, 1 / 3, 2 / 3):
            assert Bars().grid_place(4.0 + beat + off) == Bars().grid_place(beat)


class TestChanges:
    CHANGES = ((0.0, 1.0), (1.0, 4.0), (9.0, 3.0))

    @pytest.mark.parametrize(("beat", "bars"), [(0.5, Bars(0.0, 1.0)), (1.0, Bars(1.0, 4.0)), (12.0, Bars(9.0, 3.0))])
    def test_the_last_change_is_in_force(self, beat: float, bars: Bars) -> None:
        assert bars_at(beat, self.CHANGES) == bars

    def test_an_onset_just_before_a_change_belongs_to_it(self) -> None:
        assert bars_at(8.99, self.CHANGES) == Bars(9.0, 3.0)

    def test_without_changes_bars_have_four_beats(self) -> None:
        assert bars_at(7.0, ()) == Bars()
