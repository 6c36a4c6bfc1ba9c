"""Where the pulses of a bar and their off-beats lie."""

import pytest

from bridge.timing.meter import Meter
from server.band.pulses import BarPulses, pulses_of

WALTZ = BarPulses((0.0, 1.0, 2.0), 3.0, swing=2 / 3)


def test_the_foot_taps_the_pulses_of_a_meter() -> None:
    assert pulses_of(Meter(6, 8)) == (0.0, 1.5)
    assert pulses_of(Meter(7, 8)) == (0.0, 1.0, 2.0)
    assert pulses_of(Meter(2, 2)) == (0.0, 1.0, 2.0, 3.0)
    assert pulses_of(Meter(3, 8)) == (0.0,)


@pytest.mark.parametrize(("place", "beat"), [(0.0, 0.0), (0.5, 2 / 3), (2.0, 2.0), (2.5, 2 + 2 / 3)])
def test_an_off_beat_is_as_late_as_the_swing_says(place: float, beat: float) -> None:
    assert WALTZ.beat_of(place) == pytest.approx(beat)


def test_the_last_pulse_of_seven_eighths_is_longer_and_so_is_its_off_beat() -> None:
    assert BarPulses(pulses_of(Meter(7, 8)), 3.5, swing=0.5).beat_of(2.5) == 2.75


def test_a_place_beyond_the_last_pulse_is_the_end_of_the_bar() -> None:
    assert WALTZ.beat_of(3.5) == 3.0
