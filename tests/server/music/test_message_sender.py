from bridge.midi.memory_ports import MemoryOutput
from bridge.midi.messages import NoteOn, encode
from bridge.timing.clock import ManualClock
from server.music.message_sender import MessageSender

SHORT_PERIOD_S, LONG_PERIOD_S = 64 / 48_000, 2_048 / 48_000
LEAD_S = 0.004
NOTE = NoteOn(60, 90)


class OutputInCycles(MemoryOutput):
    """An output that adds one period, which may change."""

    latency_s = SHORT_PERIOD_S


def test_a_note_that_comes_back_a_period_later_is_an_echo_whatever_the_period_has_become() -> None:
    clock = ManualClock(1.0)
    output = OutputInCycles("out", clock, LEAD_S)
    sender = MessageSender(output, clock, lambda _error: None)
    output.latency_s = LONG_PERIOD_S
    due_s = clock.now_s() + LEAD_S
    sender.send_at(NOTE, due_s)
    assert sender.is_echo(encode(NOTE), due_s + LONG_PERIOD_S)


def test_a_note_that_the_player_repeats_later_than_an_echo_can_come_is_heard() -> None:
    clock = ManualClock(1.0)
    output = OutputInCycles("out", clock, LEAD_S)
    sender = MessageSender(output, clock, lambda _error: None)
    sender.send_at(NOTE, clock.now_s() + LEAD_S)
    assert not sender.is_echo(encode(NOTE), clock.now_s() + LEAD_S + LONG_PERIOD_S)
