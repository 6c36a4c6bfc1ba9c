"""The latency of what our ports are connected to, on a real jackd whose sound card is said to be slow."""

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

SERVER, FRAMES, RATE = "fours-latencies", 256, 48_000
IN_FRAMES, OUT_FRAMES = 480, 1440
"""What the card adds: 10 ms at its input and 30 ms at its output, beside its buffers."""
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
    with (
        running_jackd(SERVER, tmp_path_factory, FRAMES, RATE, more=("-I", str(IN_FRAMES), "-O", str(OUT_FRAMES))),
        keyboard_and_synth() as (keyboard, synth),
    ):
        system = JackSystem()
        with system.open_input(None, lambda _data, _at_s: None) as source, system.open_output(None) as out:
            assert (source.connected_latency_s, out.connected_latency_s) == (0.0, 0.0)
            keyboard.connect("keyboard:out", source.name)
            synth.connect(out.name, "synth:in")
            in_s = wait_for(lambda: source.connected_latency_s, bool)
            out_s = wait_for(lambda: out.connected_latency_s, bool)
            # The card's buffers come on top: one period at its input, two or three at its output.
            assert in_s == pytest.approx((IN_FRAMES + FRAMES) / RATE, abs=FRAMES / RATE)
            assert out_s == pytest.approx((OUT_FRAMES + 2 * FRAMES) / RATE, abs=1.01 * FRAMES / RATE)
            assert source.description.endswith(f", and {1000 * in_s:.1f} ms on their way here")
            assert out.description.endswith(f", and {1000 * out_s:.1f} ms until they are heard")
            synth.disconnect(out.name, "synth:in")
            wait_for(lambda: out.connected_latency_s, lambda seconds: seconds == 0.0)
            assert source.connected_latency_s == in_s
