import math
from random import Random

import pytest

from bridge.timing.ticks.longest_stretch import LongestStretch, follow_wander, without_curvature
from bridge.timing.ticks.tick import Tick, TickLine
from bridge.timing.ticks.tick_noise import LEAST_NOISE_S, Noise, earliness_s, measured_noise

INTERVAL_S = 0.02


def ticks(*offs_s: float) -> list[Tick]:
    return [Tick(number, 5.0 + number * INTERVAL_S + off_s) for number, off_s in enumerate(offs_s)]


def stretch(ticks: list[Tick]) -> LongestStretch:
    stretch = LongestStretch()
    for tick in ticks:
        stretch.add(tick)
    return stretch


def jittered(seed: int, count: int = 192) -> list[Tick]:
    chance = Random(seed)
    return ticks(*(chance.gauss(0.0, 0.001) for _ in range(count)))


def wandering(seed: int, count: int = 192) -> list[Tick]:
    chance, offs_s, off_s = Random(seed), [], 0.0
    for _ in range(count):
        off_s += chance.gauss(0.0, 0.001)
        offs_s.append(off_s)
    return ticks(*offs_s)


def test_four_ticks_make_a_line_even_if_one_is_late() -> None:
    assert stretch(ticks(0.0, 0.0, 0.0)).first_line() is None
    line = stretch(ticks(0.0, 0.0, 0.0, 0.0)).first_line()
    assert line is not None
    assert (line.number, line.at_s, line.interval_s) == pytest.approx((3, 5.06, INTERVAL_S))
    assert line.due_s(8) == pytest.approx(5.16)
    late = stretch(ticks(0.0, 0.009, 0.0, 0.0)).first_line()
    assert late is not None
    assert late.due_s(8) == pytest.approx(5.16, abs=0.003)


def test_ticks_that_all_arrive_at_once_make_no_line() -> None:
    assert stretch([Tick(number, 5.0) for number in range(6)]).first_line() is None


def test_a_line_through_many_jittering_ticks_is_steadier_than_any_of_them() -> None:
    line = stretch(jittered(0, 96)).line(95, Noise(0.001))
    assert line is not None
    assert line.interval_s == pytest.approx(INTERVAL_S, abs=0.00002)
    assert line.at_s == pytest.approx(5.0 + 95 * INTERVAL_S, abs=0.0006)


def test_after_a_change_of_tempo_only_later_ticks_count() -> None:
    changed = ticks(*[0.0] * 40, *(0.005 * number for number in range(1, 9)))
    line = stretch(changed).line(47, Noise(0.0005))
    assert line is not None
    assert line.interval_s == pytest.approx(INTERVAL_S + 0.005, abs=0.0002)


def test_too_few_ticks_make_no_line() -> None:
    assert stretch([]).line(0, Noise()) is None
    assert stretch(ticks(0.0, 0.0, 0.0)).line(2, Noise()) is None


@pytest.mark.parametrize("seed", range(5))
def test_jitter_and_wander_are_distinguished(seed: int) -> None:
    noise = measured_noise(jittered(seed), INTERVAL_S)
    assert noise.jitter_s == pytest.approx(0.001, rel=0.3)
    assert noise.wander_s < 0.0003
    noise = measured_noise(wandering(seed), INTERVAL_S)
    assert noise.wander_s == pytest.approx(0.001, rel=0.4)
    assert noise.gain > 0.5


def test_the_measured_jitter_does_not_depend_on_the_assumed_tempo() -> None:
    noise, by_another = (measured_noise(jittered(0), interval_s) for interval_s in (INTERVAL_S, 0.9 * INTERVAL_S))
    assert noise.jitter_s == pytest.approx(by_another.jitter_s)


def test_exact_ticks_count_as_slightly_noisy() -> None:
    assert measured_noise(ticks(*[0.0] * 50), INTERVAL_S) == Noise(LEAST_NOISE_S, 0.0)


def test_the_line_follows_wander_to_the_last_tick_and_ignores_jitter() -> None:
    line = TickLine(3, 5.06, INTERVAL_S)
    off = ticks(0.0, 0.0, 0.0, 0.01)
    assert follow_wander(line, off, Noise(0.001, 0.0)) is line
    assert follow_wander(line, off, Noise(0.0002, 0.003)).at_s == pytest.approx(5.07, abs=0.0002)


def test_only_wandering_ticks_are_expected_later_than_the_line() -> None:
    assert Noise(0.001, 0.0).lag_s == 0.0
    # Random within 3 ms: a third of that.
    assert Noise(0.0002, 0.003 / math.sqrt(3)).lag_s == pytest.approx(0.001, rel=0.05)


def test_after_hours_a_line_is_as_exact_as_after_a_minute() -> None:
    line = stretch([Tick(number, number * INTERVAL_S) for number in range(200_000, 201_000)]).line(201_000, Noise())
    assert line is not None
    assert line.interval_s == pytest.approx(INTERVAL_S, abs=1e-10)
    assert line.at_s == pytest.approx(201_000 * INTERVAL_S, abs=1e-7)


def test_a_drift_to_and_fro_is_not_measured_as_wander() -> None:
    chance = Random(0)
    sawtooth = ticks(*((number % 11) * 0.0001 + chance.uniform(0.0, 0.001) for number in range(192)))
    assert measured_noise(sawtooth, INTERVAL_S).wander_s == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_ticks_that_slip_through_their_buffers_are_not_measured_as_wander(seed: int) -> None:
    chance = Random(seed)
    sawtooth = ticks(*((number * 0.11 % 1.451) / 1000 + chance.uniform(0.0, 0.00146) for number in range(192)))
    assert measured_noise(sawtooth, INTERVAL_S).wander_s < 0.0001


def test_lines_that_differ_by_a_drift_agree() -> None:
    sawtooth = ticks(*((number % 24) * 0.0001 for number in range(192)))
    line = stretch(sawtooth).line(191, Noise(0.0002).with_drift(0.0009))
    assert line is not None
    assert line.interval_s == pytest.approx(INTERVAL_S, abs=0.000005)


def test_a_rising_tempo_is_removed_as_curvature() -> None:
    bow = [0.00001 * ((number - 20) ** 2 - 140) for number in range(41)]
    assert max(map(abs, without_curvature(bow))) == pytest.approx(0.0, abs=1e-12)


def test_ticks_with_bounded_delay_are_expected_before_their_mean() -> None:
    chance = Random(0)
    late = [chance.uniform(-0.001, 0.001) for _ in range(144)]
    assert earliness_s(late, Noise(0.00058)) == pytest.approx(0.0005, abs=0.0001)
    assert earliness_s([chance.gauss(0.0, 0.001) for _ in range(400)], Noise(0.001)) < 0.0001


def test_dates_of_a_buffers_end_are_expected_before_the_earliest_and_those_of_its_start_after_it() -> None:
    chance = Random(0)
    late = [chance.uniform(-0.001, 0.001) for _ in range(144)]
    assert earliness_s(late, Noise(0.00058), "end") == pytest.approx(0.0016, abs=0.0001)
    assert earliness_s(late, Noise(0.00058), "start") == pytest.approx(0.0004, abs=0.0001)
    exact = [0.0] * 144
    assert [earliness_s(exact, Noise(), side) for side in ("end", "start", "unknown")] == [0.0] * 3
