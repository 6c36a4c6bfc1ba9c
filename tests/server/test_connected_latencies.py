"""What is known of the way from a key to the jam and from the jam to the ear is taken back."""

import pytest

from bridge.midi.memory_ports import MemoryInput, MemoryOutput
from bridge.midi.messages import NoteOn
from bridge.timing.link_clock import LinkMoment
from server.controls.control_table import Settings
from server.music.feed import MessageReceived
from tests.server.music_thread_harness import BEAT_S, START_S, MusicThreadHarness

TO_INPUT_S, TO_EAR_S, PERIOD_S = 0.010, 0.030, 0.005


class Keys(MemoryInput):
    """A keyboard that is known to be slow."""

    connected_latency_s = TO_INPUT_S


class Synth(MemoryOutput):
    """A synth that is known to be slow."""

    connected_latency_s, latency_s = TO_EAR_S, PERIOD_S


def received_s(harness: MusicThreadHarness, send: str) -> float:
    subscription = harness.music_thread.feed.subscribe()
    harness.run_until(2 * BEAT_S)
    getattr(harness.music_thread, send)(b"\x90\x3c\x40", harness.clock.now_s())
    harness.run_pending_work()
    (event,) = (event for event in subscription.take_events() if isinstance(event, MessageReceived))
    assert isinstance(event.message, NoteOn)
    assert event.beat == pytest.approx((event.at_s - START_S) / BEAT_S)
    return event.at_s - START_S


def test_a_note_that_is_played_on_what_is_heard_is_dated_on_its_beat() -> None:
    harness = MusicThreadHarness(output_type=Synth)
    harness.music_thread.use_input(Keys("Keys", harness.music_thread.receive_midi))
    assert received_s(harness, "receive_midi") == pytest.approx(2 * BEAT_S - TO_INPUT_S - TO_EAR_S)


def test_where_nothing_is_known_a_note_keeps_the_date_of_its_port() -> None:
    harness = MusicThreadHarness()
    harness.music_thread.use_input(MemoryInput("Keys", harness.music_thread.receive_midi))
    assert received_s(harness, "receive_midi") == pytest.approx(2 * BEAT_S)


def test_a_note_from_a_page_does_not_come_through_the_ports() -> None:
    harness = MusicThreadHarness(output_type=Synth)
    harness.music_thread.use_input(Keys("Keys", harness.music_thread.receive_midi))
    assert received_s(harness, "receive_from_page") == pytest.approx(2 * BEAT_S)


def test_with_link_a_note_goes_out_so_early_that_it_is_heard_on_the_beat() -> None:
    harness = MusicThreadHarness(Settings(clock="link"), output_type=Synth)
    harness.run_pending_work()
    for tick in range(40):
        at_s = START_S + tick * 0.05
        harness.run_until(tick * 0.05)
        harness.music_thread.follow_link(LinkMoment(at_s, tick * 0.1, 120.0))
        harness.run_pending_work()
    timeline = harness.music_thread.timeline
    link_beat = harness.now_s / BEAT_S
    assert timeline.beat_at(harness.clock.now_s() - TO_EAR_S - PERIOD_S) == pytest.approx(link_beat, abs=0.001)
