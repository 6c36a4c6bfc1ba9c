from random import Random

import pytest

from bridge.timing.ticks.buffered.buffer_grid import BufferGrid
from bridge.timing.ticks.buffered.grid_search import SHORTEST_S
from tests.bridge.timing.clock_streams import jitter
from tests.bridge.timing.ticks.buffered_streams import delivered, late_by_up_to, steady


def grid_of(dates_s: list[float]) -> BufferGrid:
    grid = BufferGrid()
    for at_s in dates_s:
        grid.add(at_s)
    return grid


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("frames", [64, 256, 512, 1_024, 2_048])
@pytest.mark.parametrize("side", ["start", "end"])
def test_a_buffer_is_found_within_a_beat(frames: int, rate: int, side: str) -> None:
    buffer_s = frames / rate
    delay = late_by_up_to(min(0.002, 0.3 * buffer_s))
    grid = grid_of(list(delivered(steady(97.0, 24), buffer_s, side, delay=delay)))
    assert grid.period_s == pytest.approx(buffer_s, rel=0.003)


def test_a_buffer_of_unusual_length_is_found_too() -> None:
    grid = grid_of(list(delivered(steady(120.0, 48), 0.0177, delay=late_by_up_to(0.001))))
    assert grid.period_s == pytest.approx(0.0177, rel=0.001)


def test_a_buffer_hardly_longer_than_jitter_is_found_from_many_dates() -> None:
    grid = grid_of(list(delivered(steady(97.0, 240), 128 / 48_000, delay=late_by_up_to(0.0017))))
    assert grid.period_s == pytest.approx(128 / 48_000, rel=0.001)


def test_a_snapped_date_is_its_buffers_date_without_the_delay() -> None:
    buffer_s = 1_024 / 48_000
    meant_s = steady(97.0, 200)
    late = list(delivered(meant_s, buffer_s, delay=late_by_up_to(0.002)))
    grid = grid_of(late)
    snapped = [grid.snapped(at_s) for at_s in late[-48:]]
    assert snapped == pytest.approx(list(delivered(meant_s, buffer_s))[-48:], abs=0.0005)


@pytest.mark.parametrize("tempo_bpm", [60.0, 97.0, 120.0, 174.0])
def test_no_grid_is_found_in_exact_dates(tempo_bpm: float) -> None:
    assert grid_of(steady(tempo_bpm, 400)).period_s is None


@pytest.mark.parametrize("tempo_bpm", [60.0, 97.0, 120.0, 174.0])
def test_no_grid_is_found_in_jittering_dates(tempo_bpm: float) -> None:
    delay = jitter(1)
    assert grid_of([at_s + delay() for at_s in steady(tempo_bpm, 400)]).period_s is None


@pytest.mark.parametrize("share", [0.5, 2.0, 1.5, 0.75])
def test_a_change_of_tempo_is_not_taken_for_a_grid(share: float) -> None:
    slow = steady(97.0, 100)
    assert grid_of([*slow, *steady(97.0 * share, 100, slow[-1] + 2.5 / 97.0 / share)]).period_s is None


def test_a_lost_tick_is_not_taken_for_a_grid() -> None:
    assert grid_of([at_s for tick, at_s in enumerate(steady(97.0, 200)) if tick != 120]).period_s is None


def test_after_a_change_of_buffer_size_the_new_grid_is_found() -> None:
    first = list(delivered(steady(97.0, 100), 512 / 48_000))
    second = list(delivered(steady(97.0, 100, first[-1] + 0.03), 1_024 / 44_100))
    assert grid_of([*first, *second]).period_s == pytest.approx(1_024 / 44_100, rel=0.001)


def test_after_the_machine_paused_the_grid_is_found_in_its_new_phase() -> None:
    buffer_s = 1_024 / 48_000
    dates_s = list(delivered(steady(97.0, 120), buffer_s))
    grid = grid_of([at_s + (0.009 if at_s > 2.0 else 0.0) for at_s in dates_s])
    assert grid.moved == 1
    assert grid.period_s == pytest.approx(buffer_s, rel=0.001)
    assert grid.snapped(dates_s[-1] + 0.009 + 0.001) == pytest.approx(dates_s[-1] + 0.009, abs=0.0003)


@pytest.mark.parametrize("seed", [27, 32, 51, 180])
def test_a_burst_and_then_scattered_dates_make_no_grid_that_is_finer_than_any_buffer(seed: int) -> None:
    chance, grid = Random(seed), BufferGrid()
    at_s = latest_s = 0.0
    for gap_s, count, spread_s in ((0.0, 146, 0.0), (0.000588, 92, 0.015625)):
        for _ in range(count):
            at_s += gap_s
            latest_s = max(latest_s, at_s + chance.uniform(0.0, spread_s))
            grid.add(latest_s)
            assert grid.period_s is None or grid.period_s >= SHORTEST_S
