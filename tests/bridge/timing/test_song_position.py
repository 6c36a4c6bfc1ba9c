import pytest

from bridge.timing.song_position import SongPositions


def test_positions_are_sixteenths_unless_they_say_otherwise() -> None:
    positions = SongPositions()
    assert positions.in_ticks(21) == 126


def test_a_song_that_went_on_by_what_it_tells_in_ticks_tells_ticks() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(192)
    assert positions.in_ticks(192) == 192
    assert positions.in_ticks(576) == 576


def test_a_song_that_went_on_by_what_it_tells_in_sixteenths_tells_sixteenths() -> None:
    positions = SongPositions()
    positions.in_ticks(16)
    positions.tick(96)
    assert positions.in_ticks(32) == 192


def test_in_the_middle_of_a_sixteenth_the_last_one_is_told() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(100)
    assert positions.in_ticks(16) == 96
    assert positions.unit_ticks == 6


def test_another_place_says_nothing_on_the_unit() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(192)
    assert positions.in_ticks(64) == 384


@pytest.mark.parametrize("unit_ticks", [1, 6])
def test_a_unit_that_is_given_stays(unit_ticks: int) -> None:
    positions = SongPositions(unit_ticks)
    positions.start()
    positions.tick(96)
    assert positions.in_ticks(96) == 96 * unit_ticks
    positions.tick(96)
    assert positions.in_ticks(112) == 112 * unit_ticks
