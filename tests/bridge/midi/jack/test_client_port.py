from typing import Any, cast

from bridge.midi.jack.client_port import ClientPort

EVENTS = [(3, b"\xf8"), (200, b"\xf8")]


def test_messages_that_jack_delivers_again_in_a_repeated_cycle_are_no_new_ones() -> None:
    port = ClientPort(1, "input", cast("Any", None))
    assert port.new_events(EVENTS, is_repeat=False) == EVENTS
    assert port.new_events(EVENTS, is_repeat=True) == ()
    # The same offsets in the next cycle: a tick that is as long as a period.
    assert port.new_events(EVENTS, is_repeat=False) == EVENTS


def test_messages_of_an_earlier_cycle_make_no_repeat() -> None:
    port = ClientPort(1, "input", cast("Any", None))
    port.new_events(EVENTS, is_repeat=False)
    port.new_events([], is_repeat=False)
    assert port.new_events(EVENTS, is_repeat=True) == EVENTS


def test_other_messages_in_a_repeated_cycle_are_new() -> None:
    port = ClientPort(1, "input", cast("Any", None))
    port.new_events(EVENTS, is_repeat=False)
    release = [(3, bytes((0x80, 60, 0)))]
    assert port.new_events(release, is_repeat=True) == release
