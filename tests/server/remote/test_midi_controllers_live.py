"""A second JACK client as a controller: knobs, pedals and program changes into a running jam, and its feedback."""

from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from bridge.midi.jack.jack_ports import JackSystem
from bridge.midi.messages import ControlChange, Message, OtherMessage
from tests.conftest import Jackd
from tests.music import line
from tests.server.jam_process import (
    PATIENCE_S,
    Keyboard,
    RunningJam,
    recorded_port,
    running_jam,
    sounding_pitches,
    wait_until,
)

TEMPERATURE_CC, LENGTH_CC, RESPOND_CC, LENGTH_CHANNEL = 21, 22, 64, 4
CONFIG = f"""
[midi]
program_change = "approach"
[midi.cc]
temperature = {TEMPERATURE_CC}
answer_length = {{ cc = {LENGTH_CC}, channel = {LENGTH_CHANNEL + 1} }}
respond = {RESPOND_CC}
"""


@pytest.fixture(scope="module")
def jam(long_cycle_jackd: Jackd, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJam]:
    assert long_cycle_jackd.name
    folder = tmp_path_factory.mktemp("jam")
    with running_jam(folder, "--pack", str(tiny_pack), "--mode", "listen", more_config=CONFIG) as running:
        running.phone.ask("/fours/tempo")
        running.phone.receive("/fours/beat/12")  # the last of the updates that a new app gets
        yield running


@pytest.fixture
def controller(jam: RunningJam) -> Iterator[Keyboard]:
    made = Keyboard(jam.midi_in)
    yield made
    made.close()


def at_once(*messages: Message) -> list[tuple[float, Message]]:
    return [(0.0, message) for message in messages]


def test_an_automation_lane_moves_a_control(jam: RunningJam, controller: Keyboard) -> None:
    controller.send((number / 500, ControlChange(TEMPERATURE_CC, number % 128)) for number in range(896))
    # Updates come thirty times a second, and one may show the top of an earlier turn of the lane.
    while jam.phone.ask("/fours/temperature").arguments != (2.0,):
        pass
    while jam.phone.receive("/fours/temperature/norm").arguments != (1.0,):
        pass


def test_a_program_change_selects_the_approach(jam: RunningJam, controller: Keyboard) -> None:
    for program, approach in ((0, "pitch"), (1, "event")):
        controller.send(at_once(OtherMessage(bytes([0xC0, program]))))
        while jam.phone.receive("/fours/approach").arguments != (approach,):
            pass


def test_a_pedal_requests_an_answer(jam: RunningJam, controller: Keyboard) -> None:
    with recorded_port(jam.midi_out) as heard:
        jam.play(line(60, 62, 64))
        assert not heard.until_quiet()
        controller.send(at_once(ControlChange(RESPOND_CC, 127), ControlChange(RESPOND_CC, 0)))
        assert not sounding_pitches(heard.next_answer())


def test_a_motor_fader_follows_changes_from_anywhere(jam: RunningJam, controller: Keyboard) -> None:
    with recorded_port(jam.midi_out) as heard:
        for position, value in ((1.0, 127), (0.5, 64)):
            jam.phone.send("/fours/answer_length/norm", position)
            assert heard.next().data == bytes([0xB0 | LENGTH_CHANNEL, LENGTH_CC, value])
        controller.send(at_once(ControlChange(LENGTH_CC, 0, LENGTH_CHANNEL)))
        assert heard.next().data == bytes([0xB0 | LENGTH_CHANNEL, LENGTH_CC, 0])


def test_a_bound_pedal_does_its_action_and_does_not_sustain(jam: RunningJam, controller: Keyboard) -> None:
    controller.send(at_once(ControlChange(RESPOND_CC, 127)))
    jam.phone.receive("/fours/respond")
    jam.phone.ask("/fours/stop")
    with recorded_port(jam.midi_out) as heard:
        # Held down as a sustain pedal it would keep the phrase open, and it would not be answered.
        jam.phone.ask("/fours/mode", "answer")
        jam.play(line(60, 62, 64))
        assert [came for came in heard.next_answer() if came.is_note_on]
    jam.phone.ask("/fours/mode", "listen")


def test_a_motor_fader_gets_its_position_again_when_its_port_is_back(
    long_cycle_jackd: Jackd, tiny_pack: Path, tmp_path: Path
) -> None:
    assert long_cycle_jackd.name
    received: SimpleQueue[bytes] = SimpleQueue()
    surface = JackSystem()
    port = surface.open_input(None, lambda data, _at_s: received.put(data))
    options = ("--pack", str(tiny_pack), "--mode", "listen", "--midi-out", port.name)
    with running_jam(tmp_path, *options, more_config=CONFIG) as jam:
        port.close()
        wait_until(lambda: jam.phone.ask("/fours/midi_out").arguments == ("lost",), "the loss")
        jam.phone.send("/fours/answer_length/norm", 0.5)
        with surface.open_input(None, lambda data, _at_s: received.put(data)):
            while received.get(timeout=PATIENCE_S) != bytes([0xB0 | LENGTH_CHANNEL, LENGTH_CC, 64]):
                pass
