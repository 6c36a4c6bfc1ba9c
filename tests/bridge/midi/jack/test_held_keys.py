from bridge.midi.jack.held_keys import DOUBT_S, HeldKeys

C_DOWN, C_UP, E_DOWN, E_UP = bytes((0x90, 60, 90)), bytes((0x80, 60, 0)), bytes((0x90, 64, 90)), bytes((0x80, 64, 0))
PEDAL_DOWN, PEDAL_UP = bytes((0xB0, 64, 127)), bytes((0xB0, 64, 0))


def holding(*messages: bytes) -> HeldKeys:
    keys = HeldKeys()
    for message in messages:
        keys.on_message(message)
    return keys


def test_a_key_whose_release_may_be_lost_comes_up_after_a_while() -> None:
    keys = holding(C_DOWN, PEDAL_DOWN)
    keys.on_missed_cycle(10.0)
    keys.on_missed_cycle(12.0)
    assert keys.take_releases(10.0 + DOUBT_S - 0.01) == []
    assert keys.take_releases(10.0 + DOUBT_S) == [C_UP, PEDAL_UP]
    assert keys.take_releases(99.0) == []


def test_a_key_that_is_played_again_after_the_gap_is_not_released() -> None:
    keys = holding(C_DOWN, E_DOWN)
    keys.on_missed_cycle(10.0)
    keys.on_message(C_UP)
    keys.on_message(C_DOWN)
    assert keys.take_releases(99.0) == [E_UP]


def test_a_key_that_is_held_for_long_stays_down_where_no_cycle_was_missed() -> None:
    keys = holding(C_DOWN, bytes((0xB0, 7, 100)), bytes((0xF8,)))
    assert keys.take_releases(99.0) == []


def test_what_was_released_before_the_gap_is_not_released_again() -> None:
    keys = holding(C_DOWN, bytes((0x90, 60, 0)), PEDAL_DOWN, PEDAL_UP)
    keys.on_missed_cycle(10.0)
    assert keys.take_releases(99.0) == []
