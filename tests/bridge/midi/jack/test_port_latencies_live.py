"""The latency of what our ports are connected to, on a real jackd whose buffers are long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from bridge.midi.jack.jack_library import is_supported
from bridge.midi.jack.jack_ports import JackSystem
from bridge.timing.clock import MonotonicClock
from tests.conftest import running_jackd

if not is_supported():  # pragma: no cover  there is no JACK on Windows
    pytest.skip("JACK-Client is not installed", allow_module_level=True)

import jack

SERVER, FRAMES, RATE = "fours-latencies", 1024, 48_000
TIMEOUT_S = 10.0


@contextmanager
def keyboard_and_synth() -> Iterator[tuple[jack.Client, jack.Client]]:
    """A program between the card's input and a MIDI output, and one between a MIDI input and the card's output."""
    keyboard, synth = (jack.Client(name, no_start_server=True) for name in ("keyboard", "synth"))
    keyboard.midi_outports.register("out")
    synth.midi_inports.register("in")
    with keyboard, synth:
        keyboard.connect("system:capture_1", keyboard.inports.register("audio"))
        synth.connect(synth.outports.register("audio"), "system:playback_1")
        yield keyboard, synth


def wait_for(value: Callable[[], float], expected: Callable[[float], bool]) -> float:
    clock = MonotonicClock()
    until_s = clock.now_s() + TIMEOUT_S
    while not expected(seconds := value()):
        assert clock.now_s() < until_s, seconds
        Event().wait(0.05)
    return seconds


def test_ports_know_the_way_from_a_key_and_to_the_ear_while_they_are_connected(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running_jackd(SERVER, tmp_path_factory, FRAMES, RATE):
        system = JackSystem()
        with (
            system.open_input(None, lambda _data, _at_s: None) as source,
            system.open_output(None) as out,
            keyboard_and_synth() as (keyboard, synth),
        ):
            assert (source.connected_latency_s, out.connected_latency_s) == (0.0, 0.0)
            keyboard.connect("keyboard:out", source.name)
            synth.connect(out.name, "synth:in")
            in_s = wait_for(lambda: source.connected_latency_s, bool)
            out_s = wait_for(lambda: out.connected_latency_s, bool)
            # jackd reports a buffer at the card's input, and one or two at its output: one where it waits for its clients.
            assert in_s == pytest.approx(FRAMES / RATE)
            assert out_s in (pytest.approx(FRAMES / RATE), pytest.approx(2 * FRAMES / RATE))
            assert source.description.endswith(f", and {1000 * in_s:.1f} ms on their way here")
            assert out.description.endswith(f", and {1000 * out_s:.1f} ms until they are heard")
            synth.disconnect(out.name, "synth:in")
            wait_for(lambda: out.connected_latency_s, lambda seconds: seconds == 0.0)
            assert source.connected_latency_s == in_s
