"""Where the pulses of a bar and their off-beats lie."""

import pytest

from bridge.timing.meter import Meter
from server.band.pulses import BarPulses, bar_pulses, pulses_of

WALTZ = BarPulses((0.0, 1.0, 2.0), 3.0, swing=2 / 3)


def test_the_foot_taps_the_pulses_of_a_meter() -> None:
    assert pulses_of(Meter(6, 8)) == (0.0, 1.5)
    assert pulses_of(Meter(7, 8)) == (0.0, 1.0, 2.0)
    assert pulses_of(Meter(2, 2)) == (0.0, 1.0, 2.0, 3.0)
    assert pulses_of(Meter(3, 8)) == (0.0,)


@pytest.mark.parametrize(("place", "beat"), [(0.0, 0.0), (0.5, 2 / 3), (2.0, 2.0), (2.5, 2 + 2 / 3)])
def test_an_off_beat_is_as_late_as_the_swing_says(place: float, beat: float) -> None:
    assert WALTZ.beat_of(place) == pytest.approx(beat)


@pytest.mark.parametrize(
    ("meter", "places"), [(Meter(7, 8), [0.5, 1.5, 3.0]), (Meter(6, 8), [1.0, 2.5]), (Meter(3, 4), [0.5, 1.5, 2.5])]
)
def test_an_off_beat_lies_on_an_eighth_also_where_a_pulse_has_three(meter: Meter, places: list[float]) -> None:
    pulses = bar_pulses(meter, swing=0.5)
    assert [pulses.beat_of(index + 0.5) for index in range(len(places))] == places


def test_a_pattern_begins_again_in_a_bar_with_more_pulses_and_is_cut_in_a_shorter_one() -> None:
    pattern = ((0.0, 1.0), (1.5, 0.5), (3.0, 1.0))
    assert list(bar_pulses(Meter(5, 4), 0.5).spread(pattern, 4)) == [(0.0, 1.0), (1.5, 0.5), (3.0, 1.0), (4.0, 1.0)]
    assert list(bar_pulses(Meter(3, 4), 0.5).spread(pattern, 4)) == [(0.0, 1.0), (1.5, 0.5)]
    assert list(bar_pulses(Meter(6, 8), 0.5).spread(pattern, 4)) == [(0.0, 1.5), (2.5, 0.75)]


def test_a_place_beyond_the_last_pulse_is_the_end_of_the_bar() -> None:
    assert WALTZ.beat_of(3.5) == 3.0
