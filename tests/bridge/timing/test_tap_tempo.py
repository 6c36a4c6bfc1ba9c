import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.tap_tempo import TapResult, TapTempo


def results_of_taps(*taps_s: float) -> list[TapResult | None]:
    tempo = TapTempo()
    return [tempo.tap(at_s) for at_s in taps_s]


def test_the_second_tap_gives_the_first_tempo() -> None:
    assert results_of_taps(10.0, 10.5) == [None, TapResult(120.0, first_s=10.0)]


def test_a_bar_begins_at_the_first_tap_of_a_series() -> None:
    assert [each.first_s for each in results_of_taps(*(3.0 + 0.5 * tap for tap in range(20))) if each] == [3.0] * 19


def test_one_hasty_tap_does_not_change_the_tempo() -> None:
    last = results_of_taps(0.0, 0.5, 1.0, 1.4, 2.0, 2.5)[-1]
    assert last is not None
    assert last.tempo_bpm == pytest.approx(120.0)


def test_a_gradually_faster_tempo_is_followed() -> None:
    taps_s = [0.5 * tap for tap in range(9)]
    taps_s += [taps_s[-1] + 0.4 * tap for tap in range(1, 9)]
    last = results_of_taps(*taps_s)[-1]
    assert last is not None
    assert last.tempo_bpm == pytest.approx(150.0)


def test_after_two_seconds_a_new_series_starts() -> None:
    assert results_of_taps(0.0, 0.5, 2.6, 3.6)[2:] == [None, TapResult(60.0, first_s=2.6)]


def test_a_very_different_interval_starts_a_new_series() -> None:
    last = results_of_taps(0.0, 0.5, 1.0, 2.0, 3.0)
    assert last[3:] == [None, TapResult(60.0, first_s=2.0)]


def test_a_bounce_does_not_count() -> None:
    assert results_of_taps(0.0, 0.02, 0.5) == [None, None, TapResult(120.0, first_s=0.0)]


@given(st.lists(st.floats(0, 5), max_size=40))
def test_any_taps_give_a_playable_tempo(gaps_s: list[float]) -> None:
    at_s, tempo = 0.0, TapTempo()
    for gap_s in gaps_s:
        at_s += gap_s
        made = tempo.tap(at_s)
        assert made is None or 29.9 <= made.tempo_bpm <= 400.1
