import pytest

from bridge.timing.song_position import SongPositions


def test_positions_are_sixteenths_by_default() -> None:
    positions = SongPositions()
    assert positions.in_ticks(21) == 126


def test_positions_that_differ_by_the_ticks_between_are_in_ticks() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(192)
    assert positions.in_ticks(192) == 192
    assert positions.in_ticks(576) == 576


def test_positions_that_differ_by_the_sixteenths_between_are_in_sixteenths() -> None:
    positions = SongPositions()
    positions.in_ticks(16)
    positions.tick(96)
    assert positions.in_ticks(32) == 192


def test_a_position_within_a_sixteenth_is_rounded_down() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(100)
    assert positions.in_ticks(16) == 96
    assert positions.unit_ticks == 6


def test_a_jump_does_not_change_the_unit() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(192)
    assert positions.in_ticks(64) == 384


@pytest.mark.parametrize("unit_ticks", [1, 6])
def test_a_given_unit_never_changes(unit_ticks: int) -> None:
    positions = SongPositions(unit_ticks)
    positions.start()
    positions.tick(96)
    assert positions.in_ticks(96) == 96 * unit_ticks
    positions.tick(96)
    assert positions.in_ticks(112) == 112 * unit_ticks


def test_a_unit_that_is_set_holds_from_the_next_position_on_until_it_is_found_out_again() -> None:
    positions = SongPositions()
    positions.set_unit(1)
    assert positions.in_ticks(96) == 96
    positions.tick(96)
    assert positions.in_ticks(112) == 112  # sixteenths by the ticks between, but the unit is set
    positions.set_unit(None)
    positions.tick(96)
    assert positions.in_ticks(128) == 768


# Recorded from Ardour 7.3: how many ticks it sent, and the position that came after it was stopped and rolled again.
FROM_ARDOUR = [
    (52, 72),
    (54, 144),
    (29, 192),
    (31, 240),
    (42, 288),
    (44, 336),
    (40, 384),
    (68, 456),
    (37, 504),
    (81, 600),
]


@pytest.mark.parametrize("first", range(len(FROM_ARDOUR)))
def test_ticks_that_are_rounded_up_to_the_next_beat_are_recognized_at_once_as_ardour_sends_them(first: int) -> None:
    positions = SongPositions()
    if first:
        positions.in_ticks(FROM_ARDOUR[first - 1][1])
    else:
        positions.start()
    for ticks, position in FROM_ARDOUR[first:]:
        positions.tick(ticks)
        assert positions.in_ticks(position) == position


def test_ticks_from_ardour_stay_ticks_after_a_jump() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(52)
    assert positions.in_ticks(72) == 72
    positions.tick(114)
    assert positions.in_ticks(960) == 960
    positions.tick(140)
    assert positions.in_ticks(192) == 192


def test_sixteenths_that_a_song_was_moved_to_are_not_taken_for_ticks() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(141)
    assert positions.in_ticks(160) == 160 * 6


@pytest.mark.parametrize("unit_ticks", [1, 6])
def test_a_loop_that_leaves_from_one_place_each_time_shows_the_unit(unit_ticks: int) -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(384)
    positions.in_ticks(192 // unit_ticks)  # from the end of bar 4 back to the beginning of bar 3
    for _ in range(3):
        positions.tick(192)
        assert positions.in_ticks(192 // unit_ticks) == 192
    assert positions.unit_ticks == unit_ticks


def test_two_jumps_to_one_place_from_different_places_do_not_show_the_unit() -> None:
    positions = SongPositions()
    positions.start()
    positions.tick(384)
    positions.in_ticks(192)
    positions.tick(300)
    assert positions.in_ticks(192) == 192 * 6
