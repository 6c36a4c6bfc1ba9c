import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.files.time_signature import MeterChange, TimeSignature
from server.takes.songs.score_bars import BarGrid, bar_grids, lay_out

FOUR, THREE = Meter(4, 4), Meter(3, 4)
IN_FOUR = Timeline.start(120.0)


def meter_changes(*changes: tuple[float, str]) -> tuple[MeterChange, ...]:
    read = [(beat, Meter.parse(meter)) for beat, meter in changes]
    return tuple(MeterChange(beat, TimeSignature(meter.numerator, meter.denominator)) for beat, meter in read)


class TestBarGrids:
    def test_a_tempo_change_starts_no_new_grid(self) -> None:
        assert bar_grids([(IN_FOUR, 0.0), (IN_FOUR.with_tempo(90.0, 4.0), 8.0)]) == [BarGrid(0.0, FOUR)]

    def test_a_downbeat_that_moves_by_whole_bars_starts_no_new_grid(self) -> None:
        assert bar_grids([(IN_FOUR, 0.0), (IN_FOUR.with_downbeat(8.0), 9.0)]) == [BarGrid(0.0, FOUR)]

    def test_a_first_note_that_starts_the_bars_starts_a_grid_although_the_change_comes_after_it(self) -> None:
        assert bar_grids([(IN_FOUR, 0.0), (IN_FOUR.with_downbeat(9.3), 9.31)]) == [
            BarGrid(0.0, FOUR),
            BarGrid(9.3, FOUR),
        ]

    def test_a_downbeat_in_the_future_starts_a_grid_at_the_bar_before_it(self) -> None:
        assert bar_grids([(IN_FOUR, 0.0), (IN_FOUR.with_downbeat(14.5), 9.0)]) == [
            BarGrid(0.0, FOUR),
            BarGrid(6.5, FOUR),
        ]

    def test_a_song_started_in_the_middle_starts_a_grid_at_the_current_bar(self) -> None:
        assert bar_grids([(IN_FOUR, 0.0), (IN_FOUR.with_downbeat(-100.5), 21.0)])[-1] == BarGrid(19.5, FOUR)

    def test_another_meter_starts_a_grid_at_the_bar_in_which_it_came(self) -> None:
        waltz = IN_FOUR.with_meter(THREE).with_downbeat(8.0)
        assert bar_grids([(IN_FOUR, 0.0), (waltz, 9.0)]) == [BarGrid(0.0, FOUR), BarGrid(8.0, THREE)]

    def test_a_grid_that_lasted_only_a_moment_is_dropped(self) -> None:
        moved = [(IN_FOUR.with_downbeat(beat), beat) for beat in (9.3, 9.35, 9.4)]
        assert bar_grids([(IN_FOUR, 0.0), *moved]) == [BarGrid(0.0, FOUR), BarGrid(9.4, FOUR)]


class TestLayout:
    def test_begins_with_the_bar_of_the_first_note(self) -> None:
        layout = lay_out([BarGrid(0.0, FOUR)], first_beat=9.5, last_beat=20.0)
        assert layout.meters == meter_changes((0.0, "4/4"))
        assert (layout.score_beat(8.0), layout.score_beat(9.5), layout.score_beat(20.0)) == (0.0, 1.5, 12.0)

    def test_a_beat_before_the_first_bar_is_moved_to_its_start(self) -> None:
        assert lay_out([BarGrid(0.0, FOUR)], first_beat=9.5, last_beat=20.0).score_beat(3.0) == 0.0

    def test_a_note_that_started_the_bars_is_at_the_start_of_bar_1(self) -> None:
        layout = lay_out([BarGrid(0.0, FOUR), BarGrid(9.3, FOUR)], first_beat=9.3, last_beat=20.0)
        assert layout.score_beat(9.3) == 0.0

    def test_begins_with_the_first_bar_of_a_song_that_was_followed(self) -> None:
        layout = lay_out([BarGrid(2.5, FOUR)], first_beat=41.0, last_beat=60.0, song_start_beats=2.5)
        assert layout.score_beat(42.5) == 40.0

    def test_another_meter_starts_a_bar(self) -> None:
        layout = lay_out([BarGrid(0.0, FOUR), BarGrid(8.0, THREE)], first_beat=0.0, last_beat=20.0)
        assert layout.meters == meter_changes((0.0, "4/4"), (8.0, "3/4"))
        assert layout.score_beat(11.25) == 11.25

    def test_a_bar_cut_off_at_a_sixteenth_becomes_a_short_bar(self) -> None:
        layout = lay_out([BarGrid(0.0, FOUR), BarGrid(9.5, FOUR)], first_beat=0.0, last_beat=20.0)
        assert layout.meters == meter_changes((0.0, "4/4"), (8.0, "3/8"), (9.5, "4/4"))
        assert [layout.score_beat(beat) for beat in (8.25, 9.5, 13.5)] == [8.25, 9.5, 13.5]

    def test_a_bar_cut_off_elsewhere_is_rounded_to_sixteenths_and_only_that_bar_is_stretched(self) -> None:
        layout = lay_out([BarGrid(0.0, FOUR), BarGrid(9.4, FOUR)], first_beat=0.0, last_beat=20.0)
        assert layout.meters == meter_changes((0.0, "4/4"), (8.0, "3/8"), (9.5, "4/4"))
        assert [layout.score_beat(beat) for beat in (7.9, 8.0, 9.4, 13.4)] == pytest.approx([7.9, 8.0, 9.5, 13.5])
        assert layout.stretch_at(8.7).factor == pytest.approx(1.5 / 1.4)

    def test_a_tiny_remainder_stretches_the_bar_before_it(self) -> None:
        layout = lay_out([BarGrid(0.0, FOUR), BarGrid(8.05, FOUR)], first_beat=0.0, last_beat=20.0)
        assert layout.meters == meter_changes((0.0, "4/4"))
        assert [layout.score_beat(beat) for beat in (4.0, 8.05, 9.05)] == pytest.approx([4.0, 8.0, 9.0])

    def test_bars_after_the_last_note_are_left_out(self) -> None:
        layout = lay_out([BarGrid(0.0, FOUR), BarGrid(50.5, THREE)], first_beat=0.0, last_beat=20.0)
        assert layout.meters == meter_changes((0.0, "4/4"))

    @given(
        st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(-50.0, 20.0), st.sampled_from(["4/4", "3/4", "7/8", "12/8"]))),
        st.floats(0.0, 20.0),
    )  # fmt: skip
    def test_beats_keep_their_order_and_every_bar_is_whole_after_any_changes(
        self, changes: list[tuple[float, float, str]], first_beat: float
    ) -> None:
        timelines, beat = [(IN_FOUR, 0.0)], 0.0
        for wait_beats, off_beats, meter in changes:
            beat += wait_beats
            timelines.append((IN_FOUR.with_meter(Meter.parse(meter)).with_downbeat(beat + off_beats), beat))
        last_beat = first_beat + 200.0
        layout = lay_out(bar_grids(timelines), first_beat, last_beat)
        probes = [layout.from_beats + step / 4 for step in range(900)]
        placed = [layout.score_beat(beat) for beat in probes]
        assert placed == sorted(placed)
        assert all(stretch.factor > 0.2 for stretch in layout.stretches)
        for change, after in zip(layout.meters, layout.meters[1:], strict=False):
            bars = (after.beat - change.beat) / change.meter.beats_per_bar
            assert bars == pytest.approx(round(bars), abs=1e-5)
