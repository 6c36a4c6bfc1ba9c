"""The music thread with real ports and the real clock, in this process; the jam's partners are scripted."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import pairwise
from queue import Empty, SimpleQueue

import pytest

from bridge.midi.messages import Message, NoteOff, NoteOn, encode, parse
from bridge.midi.ports import OutputPort
from bridge.midi.rtmidi_system import RtMidiSystem
from bridge.timing.clock import MonotonicClock
from model.approach import Approach
from model.improvising.improviser import Improviser
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.music.feed import MessagePlayed
from server.music.music_thread import MusicThread
from tests.conftest import Jackd
from tests.server.jams import ScriptedImproviser

PATIENCE_S = 10
TEMPO_BPM = 300.0
BEAT_S = 60.0 / TEMPO_BPM
STEP_S = BEAT_S / 2
CYCLE_S = 1024 / 48_000
LATE_S = 0.01
"""How late the median of the notes may be here, where the machine may be busy; bench/ measures the real figure."""
AT_ONCE_S = 0.25
"""Far less than a note of the long answer takes to end by itself, and far more than a busy machine needs."""

WITHIN_S = 0.01
"""The promise: so soon after Ctrl-C nothing sounds."""

# JACK may drop or repeat what is sent in the cycle in which two ports are connected, so this is sent until it comes.
PING = bytes([0xB0, 102, 1])


class LoopbackConnection:
    """A keyboard connected to the music thread, and an input connected to its output."""

    def __init__(
        self, keyboard: OutputPort, music_thread: MusicThread, received: SimpleQueue[tuple[bytes, float]]
    ) -> None:
        self._keyboard = keyboard
        self._received = received
        self._sounding: set[int] = set()
        self.music_thread = music_thread

    def send(self, message: Message) -> None:
        self._keyboard.send(encode(message))

    def next_message(self) -> tuple[Message, float]:
        """The next beginning or end of a note; what ends a note that does not sound, such as a repeat, is skipped."""
        while True:
            data, at_s = self._received.get(timeout=PATIENCE_S)
            message = parse(data)
            if isinstance(message, NoteOn):
                self._sounding.add(message.pitch)
                return message, at_s
            if isinstance(message, NoteOff) and message.pitch in self._sounding:
                self._sounding.discard(message.pitch)
                return message, at_s

    def tap(self) -> None:
        self.send(NoteOn(48, 70))
        self.send(NoteOff(48))


@pytest.fixture
def live(long_cycle_jackd: Jackd, settings: Settings) -> Iterator[LoopbackConnection]:
    assert long_cycle_jackd.name
    clock, system = MonotonicClock(), RtMidiSystem()
    received: SimpleQueue[tuple[bytes, float]] = SimpleQueue()
    partners: dict[Approach, Improviser] = {
        "pitch": ScriptedImproviser("pitch", (60, 62, 64, 65)),
        "event": ScriptedImproviser("event", (72,), (64.0,)),
    }
    with ExitStack() as stack:
        output = stack.enter_context(system.open_output(None))
        music_thread = MusicThread(Jam(partners, settings, 0), output, clock)
        source = stack.enter_context(system.open_input(None, music_thread.receive_midi))
        keyboard = stack.enter_context(system.open_output(source.name))
        stack.enter_context(system.open_input(output.name, lambda data, at_s: received.put((data, at_s))))
        received_ping = b""
        while received_ping != PING:
            output.send(PING)
            keyboard.send(PING)  # a controller that a jam ignores
            with suppress(Empty):
                received_ping = received.get(timeout=0.05)[0]
        music_thread.start()
        stack.callback(music_thread.stop)
        while not received.empty():
            received.get()
        yield LoopbackConnection(keyboard, music_thread, received)


@pytest.mark.parametrize("settings", [Settings(approach="pitch", tempo=TEMPO_BPM, answer_length=4.0)])
def test_an_answer_is_played_in_time(live: LoopbackConnection) -> None:
    live.tap()
    received = [live.next_message() for _ in range(16)]
    ons = [(message, at_s) for message, at_s in received if isinstance(message, NoteOn)]
    assert [message for message, _ in ons] == [NoteOn(pitch, 70) for pitch in (60, 62, 64, 65)] * 2
    gaps_s = [after_s - before_s for (_, before_s), (_, after_s) in pairwise(ons)]
    assert statistics.median(gaps_s) == pytest.approx(STEP_S, abs=CYCLE_S + LATE_S)
    assert 0.0 <= statistics.median(live.music_thread.lateness_s) < LATE_S


@pytest.mark.parametrize("settings", [Settings(approach="event", tempo=TEMPO_BPM, answer_length=64.0)])
def test_playing_over_it_ends_it_at_once(live: LoopbackConnection) -> None:
    live.tap()
    assert live.next_message()[0] == NoteOn(72, 70)
    began_s = MonotonicClock().now_s()
    live.send(NoteOn(50, 70))
    message, at_s = live.next_message()
    assert message == NoteOff(72)
    assert at_s - began_s < AT_ONCE_S


@pytest.mark.parametrize("settings", [Settings(approach="event", tempo=TEMPO_BPM, answer_length=64.0)])
def test_stop_ends_the_sounding_note(live: LoopbackConnection) -> None:
    live.tap()
    assert live.next_message()[0] == NoteOn(72, 70)
    live.music_thread.stop()
    assert live.next_message()[0] == NoteOff(72)


@pytest.mark.parametrize("settings", [Settings(approach="event", tempo=TEMPO_BPM, answer_length=64.0)])
def test_a_request_to_stop_ends_the_sounding_note_within_ten_milliseconds(live: LoopbackConnection) -> None:
    live.tap()
    assert live.next_message()[0] == NoteOn(72, 70)
    subscription = live.music_thread.feed.subscribe()
    requested_s = MonotonicClock().now_s()
    live.music_thread.request_stop()
    live.music_thread.stop()
    ended_s = [
        event.at_s
        for event in subscription.take_events()
        if isinstance(event, MessagePlayed) and event.message == NoteOff(72)
    ]
    assert ended_s[0] - requested_s < WITHIN_S
