import pytest

from model.analysis.bars import COMMON_BARS
from model.phrasing.timing import MAX_LATE_BEATS, Timing

EIGHTHS = [index / 2 for index in range(16)]


def swung(share: float) -> list[float]:
    return [beat + place for beat in range(8) for place in (0.0, share)]


def late(timing: Timing, onset: float, previous: float | None = None) -> float:
    return timing.late_beats(onset, previous, COMMON_BARS, 0.5)


def test_a_player_on_the_grid_moves_nothing() -> None:
    timing = Timing.learnt([(EIGHTHS, COMMON_BARS)])
    assert {late(timing, onset) for onset in (8.0, 8.5, 9.25)} == {0.0}


@pytest.mark.parametrize("planned", [0.5, 2 / 3])
def test_off_beats_are_swung_as_the_player_swings_them(planned: float) -> None:
    timing = Timing.learnt([(swung(0.6), COMMON_BARS)])
    assert 8 + planned + late(timing, 8 + planned) == pytest.approx(8.6, abs=0.012)
    assert late(timing, 8.0) == 0.0


def test_a_player_behind_the_beat_is_followed_there() -> None:
    timing = Timing.learnt([([onset + 0.04 for onset in EIGHTHS], COMMON_BARS)])
    assert late(timing, 8.0) == pytest.approx(0.036, abs=0.002)


def test_a_player_before_the_beat_is_followed_there() -> None:
    timing = Timing.learnt([([onset - 0.04 for onset in EIGHTHS[1:]], COMMON_BARS)])
    assert late(timing, 8.0) == pytest.approx(-0.035, abs=0.002)


def test_triplets_are_not_straightened() -> None:
    triplets = [index / 3 for index in range(24)]
    timing = Timing.learnt([(triplets, COMMON_BARS)])
    assert abs(late(timing, 8 + 2 / 3, 8 + 1 / 3)) < 1e-9


def test_no_note_is_moved_far() -> None:
    timing = Timing.learnt([(swung(0.71), COMMON_BARS)])
    assert late(timing, 8.5) == MAX_LATE_BEATS


def test_a_player_far_off_any_grid_moves_nothing() -> None:
    assert late(Timing.learnt([(EIGHTHS, None)]), 8.0) == 0.0
    uneven = [index * 0.77 for index in range(16)]
    assert late(Timing.learnt([(uneven, COMMON_BARS)]), 8.0) == 0.0


def test_without_bars_nothing_moves() -> None:
    timing = Timing.learnt([(swung(0.6), COMMON_BARS)])
    assert timing.late_beats(8.5, 8.0, None, 0.5) == 0.0
