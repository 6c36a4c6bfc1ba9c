import pytest

from model.files.time_signature import (
    MeterChange,
    TimeSignature,
    bar_line_at_or_after,
    meter_at,
    pickup_beats,
    with_pickup,
)

WALTZ_THEN_FOUR = [MeterChange(0.0, TimeSignature(3, 4)), MeterChange(6.0, TimeSignature(4, 4))]


@pytest.mark.parametrize(
    ("meter", "beats"), [((4, 4), 4.0), ((6, 8), 3.0), ((7, 8), 3.5), ((2, 2), 4.0), ((5, 16), 1.25)]
)
def test_a_beat_is_a_quarter_note_in_every_meter(meter: tuple[int, int], beats: float) -> None:
    assert TimeSignature(*meter).beats_per_bar == beats


@pytest.mark.parametrize("meter", [(0, 4), (65, 4), (4, 0), (4, 3), (4, 128)])
def test_impossible_numbers_are_not_usable(meter: tuple[int, int]) -> None:
    assert not TimeSignature(*meter).is_usable


@pytest.mark.parametrize(
    ("beat", "line"), [(0.0, 0.0), (0.1, 3.0), (3.0, 3.0), (5.9, 6.0), (6.0, 6.0), (6.1, 10.0), (21.0, 22.0)]
)
def test_bar_lines_are_those_of_the_meter_in_force(beat: float, line: float) -> None:
    assert bar_line_at_or_after(beat, WALTZ_THEN_FOUR) == line


def test_a_bar_that_the_next_meter_cuts_short_ends_there() -> None:
    assert (
        bar_line_at_or_after(4.5, [MeterChange(0.0, TimeSignature(4, 4)), MeterChange(6.0, TimeSignature(3, 4))]) == 6.0
    )


def test_without_a_time_signature_bars_have_four_beats() -> None:
    assert bar_line_at_or_after(5.0, []) == 8.0
    assert meter_at(5.0, []) == TimeSignature(4, 4)


def test_the_meter_at_a_beat_is_that_of_the_bar_that_begins_there() -> None:
    assert [meter_at(beat, WALTZ_THEN_FOUR).numerator for beat in (0.0, 5.9, 6.0, 99.0)] == [3, 3, 4, 4]


@pytest.mark.parametrize(
    ("meters", "beats"),
    [
        ([(0.0, (1, 4)), (1.0, (4, 4))], 1.0),
        ([(0.0, (3, 8)), (1.5, (6, 8))], 1.5),
        ([(0.0, (1, 4)), (2.0, (4, 4))], 0.0),  # two bars of 1/4
        ([(0.0, (4, 4)), (4.0, (3, 4))], 0.0),
        ([(0.0, (4, 4))], 0.0),
        ([], 0.0),
    ],
)
def test_a_pickup_is_one_first_bar_shorter_than_the_next(
    meters: list[tuple[float, tuple[int, int]]], beats: float
) -> None:
    assert pickup_beats([MeterChange(beat, TimeSignature(*meter)) for beat, meter in meters]) == beats


@pytest.mark.parametrize(("beats", "pickup"), [(1.0, (1, 4)), (0.5, (1, 8)), (2.5, (5, 8)), (0.125, (1, 32))])
def test_a_short_first_bar_becomes_a_pickup(beats: float, pickup: tuple[int, int]) -> None:
    later = MeterChange(9.0, TimeSignature(3, 4))
    meters = with_pickup([MeterChange(0.0, TimeSignature(4, 4)), later], beats)
    assert meters == (MeterChange(0.0, TimeSignature(*pickup)), MeterChange(beats, TimeSignature(4, 4)), later)
    assert pickup_beats(meters) == beats


@pytest.mark.parametrize("beats", [0.0, 4.0, 5.0, 1 / 3])
def test_a_first_bar_that_is_whole_or_that_no_note_value_divides_is_no_pickup(beats: float) -> None:
    assert with_pickup([MeterChange(0.0, TimeSignature(4, 4))], beats) == (MeterChange(0.0, TimeSignature(4, 4)),)
    assert with_pickup([], beats) == ()
