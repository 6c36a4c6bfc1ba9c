from itertools import pairwise
from queue import SimpleQueue
from random import Random

import pytest

from bridge.errors import PortLost
from bridge.midi.rtmidi_open_ports import (
    ACTIVE_FOR_S,
    ACTIVE_POLL_S,
    IDLE_POLL_S,
    JACK_DRAIN_S,
    ArrivalEstimator,
    PollRate,
    RtMidiInput,
)
from bridge.midi.rtmidi_system import RtMidiSystem
from bridge.timing.clock import ManualClock, MonotonicClock
from tests.bridge.midi.fake_rtmidi import FakeRtMidi

NOTE = bytes([0x90, 60, 100])
PATIENCE_S = 10


def ignore_message(_data: bytes, _at_s: float) -> None:
    """A receiver that does nothing."""


def mac(backend: FakeRtMidi, clock: ManualClock | None = None) -> RtMidiSystem:
    return RtMidiSystem(clock=clock, backend=backend, platform="darwin")


def jack(backend: FakeRtMidi) -> RtMidiSystem:
    return RtMidiSystem("jack", backend=backend, platform="linux")


def test_a_message_gets_the_time_of_the_clock_not_of_rtmidi() -> None:
    heard: list[tuple[bytes, float]] = []
    port = mac(FakeRtMidi(), ManualClock(7.0)).open_input(None, lambda data, at_s: heard.append((data, at_s)))
    assert isinstance(port, RtMidiInput)
    port.on_rtmidi_event(([0x90, 60, 100], 123.0))
    assert heard == [(NOTE, 7.0)]


def test_an_exception_in_the_receiver_does_not_escape() -> None:
    def raising(_data: bytes, _at_s: float) -> None:
        raise RuntimeError("a bug of ours")

    port = mac(FakeRtMidi()).open_input(None, raising)
    assert isinstance(port, RtMidiInput)
    port.on_rtmidi_event(([0x90, 60, 100], 0.0))
    port.on_rtmidi_event(([0x90, 60, 999], 0.0))
    assert port.faults.counts == {"RuntimeError": 1, "ValueError": 1}


def test_clock_and_sysex_are_not_ignored() -> None:
    backend = FakeRtMidi()
    mac(backend).open_input(None, ignore_message)
    assert backend.done == ["ignore sysex=False timing=False active_sense=True", "set callback"]


def test_an_input_cancels_its_callback_before_it_closes() -> None:
    backend = FakeRtMidi()
    port = mac(backend).open_input(None, ignore_message)
    port.close()
    port.close()
    assert backend.done[2:] == ["cancel callback", "close"]
    assert backend.alive == 0


def test_an_output_sends_until_it_is_closed() -> None:
    backend = FakeRtMidi(destinations=["Synth"])
    with mac(backend).open_output("syn") as port:
        port.send(NOTE)
    assert backend.done == ["open Synth as Trading Fours Out", "send 90 3c 64", "close"]
    with pytest.raises(PortLost, match='"Synth" is closed'):
        port.send(NOTE)


def test_an_output_that_fails_raises_port_lost() -> None:
    backend = FakeRtMidi()
    port = mac(backend).open_output(None)
    backend.is_out_of_order = True
    with pytest.raises(PortLost, match=r"is gone \(error sending message\)[.] Connect it again"):
        port.send(NOTE)


def test_polled_messages_get_exact_arrival_times() -> None:
    chance, arrivals = Random(1), ArrivalEstimator()
    came_s = [1.0]
    for _ in range(200):
        came_s.append(came_s[-1] + chance.uniform(0.0, 0.02))
    looks_s = [1.0]
    while looks_s[-1] < came_s[-1]:
        looks_s.append(looks_s[-1] + 0.001 + chance.uniform(0.0, 0.0002))
    errors_s = []
    for before_s, at_s in pairwise([0.0, *came_s]):
        now_s = next(look_s for look_s in looks_s if look_s >= at_s)
        not_before_s = max((look_s for look_s in looks_s if look_s < at_s), default=0.0)
        errors_s.append(abs(arrivals.at_s(at_s - before_s, not_before_s, now_s) - at_s))
    assert max(errors_s) < 0.0012
    assert max(errors_s[50:]) < 0.00005


def test_a_delta_is_used_only_within_the_limits_of_the_polls() -> None:
    arrivals = ArrivalEstimator()
    arrivals.at_s(0.0, 0.9, 1.0)
    # Half a second passed with messages that RtMidi did not deliver; and a delta cannot be longer than the time that passed.
    assert arrivals.at_s(0.5, 1.999, 2.0) == 1.999
    assert arrivals.at_s(7.0, 2.499, 2.5) == 2.5


def test_a_jack_input_is_polled_and_has_no_callback() -> None:
    backend, heard = FakeRtMidi(jack_runs=True), SimpleQueue[bytes]()
    chord = [bytes([0x90, pitch, 100]) for pitch in (60, 64, 67)]
    with jack(backend).open_input(None, lambda data, _at_s: heard.put(data)):
        backend.queue.extend((list(note), 0.0) for note in chord)
        assert [heard.get(timeout=PATIENCE_S) for _ in chord] == chord
    assert backend.done[1:] == ["close"]
    assert backend.alive == 0


def test_a_closed_jack_input_receives_nothing_more() -> None:
    backend, heard = FakeRtMidi(jack_runs=True), SimpleQueue[bytes]()
    jack(backend).open_input(None, lambda data, _at_s: heard.put(data)).close()
    backend.queue.append((list(NOTE), 0.0))
    assert heard.empty()


def test_a_jack_output_closes_after_the_last_messages_are_out() -> None:
    backend, clock = FakeRtMidi(["Synth"], ["Synth"], jack_runs=True), MonotonicClock()
    port = jack(backend).open_output("synth")
    port.send(NOTE)
    sent_s = clock.now_s()
    port.close()
    assert clock.now_s() - sent_s >= JACK_DRAIN_S * 0.99


def test_polling_is_frequent_after_a_note_and_slow_when_idle() -> None:
    poll_rate = PollRate()
    assert poll_rate.interval_s(0.0) == IDLE_POLL_S
    poll_rate.on_activity(1.0)
    assert poll_rate.interval_s(1.0 + ACTIVE_FOR_S * 0.99) == ACTIVE_POLL_S
    assert poll_rate.interval_s(1.0 + ACTIVE_FOR_S) == IDLE_POLL_S
