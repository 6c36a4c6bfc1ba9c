from itertools import pairwise
from queue import SimpleQueue
from random import Random

import pytest

from bridge.errors import PortLost
from bridge.midi.rtmidi_open_ports import ACTIVE_FOR_S, ACTIVE_POLL_S, IDLE_POLL_S, JACK_DRAIN_S, ArrivalEstimator, PollRate
from bridge.midi.rtmidi_system import RtMidiSystem
from bridge.timing.clock import ManualClock, MonotonicClock
from tests.bridge.midi.fake_rtmidi import FakeRtMidi

NOTE = bytes([0x90, 60, 100])
PATIENCE_S = 10


def deaf(_data: bytes, _at_s: float) -> None:
    """Hear nothing."""


def mac(backend: FakeRtMidi, clock: ManualClock | None = None) -> RtMidiSystem:
    return RtMidiSystem(clock=clock, backend=backend, platform="darwin")


def jack(backend: FakeRtMidi) -> RtMidiSystem:
    return RtMidiSystem("jack", backend=backend, platform="linux")


def test_a_message_is_stamped_with_the_clock_and_not_with_rtmidis_delta() -> None:
    heard: list[tuple[bytes, float]] = []
    port = mac(FakeRtMidi(), ManualClock(7.0)).open_input(None, lambda data, at_s: heard.append((data, at_s)))
    port.on_rtmidi_event(([0x90, 60, 100], 123.0))
    assert heard == [(NOTE, 7.0)]


def test_what_a_receiver_raises_stays_in_the_callback() -> None:
    def raising(_data: bytes, _at_s: float) -> None:
        raise RuntimeError("a bug of ours")

    port = mac(FakeRtMidi()).open_input(None, raising)
    port.on_rtmidi_event(([0x90, 60, 100], 0.0))
    port.on_rtmidi_event(([0x90, 60, 999], 0.0))
    assert port.faults.counts == {"RuntimeError": 1, "ValueError": 1}


def test_clock_and_sysex_are_asked_for() -> None:
    backend = FakeRtMidi()
    mac(backend).open_input(None, deaf)
    assert backend.done == ["ignore sysex=False timing=False active_sense=True", "set callback"]


def test_a_closed_input_is_deaf_before_it_is_gone() -> None:
    backend = FakeRtMidi()
    port = mac(backend).open_input(None, deaf)
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


def test_an_output_that_fails_is_lost() -> None:
    backend = FakeRtMidi()
    port = mac(backend).open_output(None)
    backend.is_out_of_order = True
    with pytest.raises(PortLost, match=r"is gone \(error sending message\)[.] Connect it again"):
        port.send(NOTE)


def test_what_is_found_by_looking_now_and_then_is_known_to_when_it_came() -> None:
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


def test_a_delta_that_leaves_something_out_is_believed_as_far_as_it_can_be() -> None:
    arrivals = ArrivalEstimator()
    arrivals.at_s(0.0, 0.9, 1.0)
    # Half a second went by in messages that were kept from us; and a delta can be no longer than the time there was.
    assert arrivals.at_s(0.5, 1.999, 2.0) == 1.999
    assert arrivals.at_s(7.0, 2.499, 2.5) == 2.5


def test_an_input_of_jack_is_fetched_from_and_not_called_back() -> None:
    backend, heard = FakeRtMidi(jack_runs=True), SimpleQueue[bytes]()
    chord = [bytes([0x90, pitch, 100]) for pitch in (60, 64, 67)]
    with jack(backend).open_input(None, lambda data, _at_s: heard.put(data)):
        backend.queue.extend((list(note), 0.0) for note in chord)
        assert [heard.get(timeout=PATIENCE_S) for _ in chord] == chord
    assert backend.done[1:] == ["close"]
    assert backend.alive == 0


def test_an_input_of_jack_that_is_closed_hears_nothing_more() -> None:
    backend, heard = FakeRtMidi(jack_runs=True), SimpleQueue[bytes]()
    jack(backend).open_input(None, lambda data, _at_s: heard.put(data)).close()
    backend.queue.append((list(NOTE), 0.0))
    assert heard.empty()


def test_an_output_of_jack_is_closed_when_what_was_sent_has_gone_out() -> None:
    backend, clock = FakeRtMidi(["Synth"], ["Synth"], jack_runs=True), MonotonicClock()
    port = jack(backend).open_output("synth")
    port.send(NOTE)
    sent_s = clock.now_s()
    port.close()
    assert clock.now_s() - sent_s >= JACK_DRAIN_S * 0.99


def test_listening_is_close_after_a_note_and_loose_when_all_is_still() -> None:
    attention = PollRate()
    assert attention.interval_s(0.0) == IDLE_POLL_S
    attention.on_activity(1.0)
    assert attention.interval_s(1.0 + ACTIVE_FOR_S * 0.99) == ACTIVE_POLL_S
    assert attention.interval_s(1.0 + ACTIVE_FOR_S) == IDLE_POLL_S
