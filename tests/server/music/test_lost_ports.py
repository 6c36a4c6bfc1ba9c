"""The music thread while a port is lost, and when it is back."""

from dataclasses import replace
from functools import partial

import pytest

from bridge.errors import PortLost
from bridge.midi.messages import ALL_NOTES_OFF, ControlChange, NoteOff, NoteOn, encode
from model.harmony.notations.text_chart import read_text_chart
from server.music.feed import MessagePlayed, MessageReceived, StatusChanged
from tests.music import line
from tests.server.jams import DEFAULTS
from tests.server.music_thread_harness import MusicThreadHarness

PHRASE = line(60, 62)


def run_until_a_note_sounds(harness: MusicThreadHarness) -> None:
    """Plays the phrase and runs until the first note of the answer sounds."""
    harness.play(PHRASE)
    while not harness.music_thread._live_jam._sender._ledger.pending_note_offs:
        harness.run_until(harness.now_s + 0.25)
        assert harness.now_s < 60.0


@pytest.fixture
def harness() -> MusicThreadHarness:
    return MusicThreadHarness(DEFAULTS)


@pytest.fixture
def answering(harness: MusicThreadHarness) -> MusicThreadHarness:
    """A note of the answer sounds."""
    run_until_a_note_sounds(harness)
    return harness


def watch_output(harness: MusicThreadHarness) -> None:
    on_changed = harness.music_thread.on_output_changed
    harness.output.watch(partial(on_changed, is_lost=True), partial(on_changed, is_lost=False))


def lose_output(harness: MusicThreadHarness) -> None:
    watch_output(harness)
    harness.output.disconnect()
    harness.run_pending_work()


def sent_after(harness: MusicThreadHarness, count: int) -> list[object]:
    return [message for message, _ in harness.sent[count:]]


def test_a_lost_output_ends_the_answer_without_an_error(answering: MusicThreadHarness) -> None:
    lose_output(answering)
    answering.run_until(answering.now_s + 10.0)
    assert answering.jam.status.state == "listening"
    assert not answering.music_thread.faults.counts


def test_an_error_of_sending_that_comes_before_the_loss_is_noticed_is_counted_once(
    answering: MusicThreadHarness, caplog: pytest.LogCaptureFixture
) -> None:
    answering.output.disconnect()
    answering.run_until(answering.now_s + 10.0)
    assert answering.music_thread.faults.counts[PortLost.__name__] <= 1
    assert len(caplog.records) <= 1
    assert answering.jam.status.state == "listening"


def test_notes_that_sounded_on_a_lost_output_are_ended_when_it_is_back(answering: MusicThreadHarness) -> None:
    (sounding,) = answering.music_thread._live_jam._sender._ledger.pending_note_offs
    count = len(answering.sent)
    lose_output(answering)
    answering.run_until(answering.now_s + 10.0)
    assert sent_after(answering, count) == []
    answering.output.reconnect()
    answering.run_pending_work()
    assert sent_after(answering, count) == [sounding]
    assert not answering.music_thread._live_jam._sender._ledger.pending_note_offs


def test_a_port_whose_loss_and_return_are_noticed_at_once_is_silenced_too(answering: MusicThreadHarness) -> None:
    """On a busy machine its watcher may come so late that the port is back by then."""
    (sounding,) = answering.music_thread._live_jam._sender._ledger.pending_note_offs
    watch_output(answering)
    answering.run_pending_work()
    count = len(answering.output.sent)
    answering.output.disconnect()
    answering.output.reconnect()
    answering.run_pending_work()
    answering.let_pass(0.0)
    sent = [data for data, _ in answering.output.sent[count:]]
    assert encode(sounding) in sent
    assert {encode(ControlChange(ALL_NOTES_OFF, 0, channel)) for channel in range(16)} <= set(sent)
    assert not answering.music_thread._live_jam._sender._ledger.pending_note_offs


def test_notes_whose_end_went_to_a_port_that_had_just_gone_are_ended_when_it_is_back(
    answering: MusicThreadHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sounding,) = answering.music_thread._live_jam._sender._ledger.pending_note_offs
    with monkeypatch.context() as silent:  # gone, and not yet noticed: what is sent vanishes
        silent.setattr(answering.output, "send", lambda _data, _due_s=None: None)
        answering.music_thread.act("stop")
        answering.let_pass(0.5)
    lose_output(answering)
    answering.let_pass(5.0)
    count = len(answering.output.sent)
    answering.output.reconnect()
    answering.let_pass(0.5)
    arrived = [data for data, _ in answering.output.sent[count:]]
    assert encode(ControlChange(ALL_NOTES_OFF, 0, sounding.channel)) in arrived
    assert encode(sounding) in arrived


def test_in_the_take_a_note_ends_when_its_output_is_lost(answering: MusicThreadHarness) -> None:
    subscription = answering.music_thread.feed.subscribe()
    (sounding,) = answering.music_thread._live_jam._sender._ledger.pending_note_offs
    lost_s = answering.clock.now_s()
    lose_output(answering)
    answering.output.reconnect()
    answering.run_until(answering.now_s + 1.0)
    played = [event for event in subscription.take_events() if isinstance(event, MessagePlayed)]
    assert [(event.message, event.at_s) for event in played] == [(sounding, lost_s)]


def test_a_phrase_while_the_output_is_lost_gets_no_answer_and_the_next_one_does(answering: MusicThreadHarness) -> None:
    subscription = answering.music_thread.feed.subscribe()
    lose_output(answering)
    answering.run_until(answering.now_s + 2.0)
    subscription.take_events()
    answering.play(PHRASE)
    answering.run_until(answering.now_s + 20.0)
    events = subscription.take_events()
    assert not [event for event in events if isinstance(event, MessagePlayed)]
    assert "answering" not in {event.jam.state for event in events if isinstance(event, StatusChanged)}
    answering.output.reconnect()
    run_until_a_note_sounds(answering)


def test_continuous_playing_goes_on_when_the_output_is_back() -> None:
    harness = MusicThreadHarness(replace(DEFAULTS, mode="continuous"))
    run_until_a_note_sounds(harness)
    lose_output(harness)
    harness.run_until(harness.now_s + 5.0)
    count = len(harness.sent)
    harness.output.reconnect()
    harness.run_until(harness.now_s + 3.0)
    assert any(isinstance(message, NoteOn) for message in sent_after(harness, count))


@pytest.mark.parametrize("away_s", [0.3, 5.0, 61.0])
def test_in_fours_the_next_turn_is_played_when_the_output_is_back(away_s: float) -> None:
    harness = MusicThreadHarness(replace(DEFAULTS, mode="fours", turn_bars=1, tempo=120.0))
    run_until_a_note_sounds(harness)
    downbeat = harness.music_thread.timeline.downbeat
    lose_output(harness)
    harness.run_until(harness.now_s + away_s)
    assert harness.jam.status.state == "listening"
    assert harness.jam.status.turn is not None
    count = len(harness.sent)
    harness.output.reconnect()
    harness.run_until(harness.now_s + 4.5)  # two bars and a bit: one of them is the partner's, or what is left of it
    assert any(isinstance(message, NoteOn) for message in sent_after(harness, count))
    assert harness.music_thread.timeline.downbeat == downbeat


def test_a_stop_while_the_output_is_lost_holds_when_it_is_back() -> None:
    harness = MusicThreadHarness(replace(DEFAULTS, mode="continuous"))
    run_until_a_note_sounds(harness)
    lose_output(harness)
    harness.music_thread.act("stop")
    harness.run_until(harness.now_s + 2.0)
    count = len(harness.sent)
    harness.output.reconnect()
    harness.run_until(harness.now_s + 5.0)
    assert not any(isinstance(message, NoteOn) for message in sent_after(harness, count))


def test_a_band_comes_in_again_without_a_count_in_when_the_output_is_back() -> None:
    harness = MusicThreadHarness(replace(DEFAULTS, mode="listen", band="full"))
    harness.music_thread.set_chart(read_text_chart("| C | F | G | C |"))
    harness.music_thread.act("play")
    harness.run_until(harness.now_s + 8.0)
    downbeat = harness.music_thread.timeline.downbeat
    lose_output(harness)
    harness.run_until(harness.now_s + 5.3)
    count = len(harness.sent)
    harness.output.reconnect()
    harness.run_until(harness.now_s + 1.5)
    assert any(isinstance(message, NoteOn) for message in sent_after(harness, count))
    assert harness.music_thread.timeline.downbeat == downbeat


def test_no_clock_and_no_feedback_goes_to_a_lost_output(harness: MusicThreadHarness) -> None:
    harness.music_thread.change("send_clock", "on")
    harness.run_pending_work()
    lose_output(harness)
    harness.music_thread.send_control_change(ControlChange(7, 1))
    harness.run_pending_work()
    harness.clock.advance(1.0)
    harness.music_thread._run_once()
    assert not harness.music_thread.faults.counts


def test_keys_that_a_lost_input_holds_are_released(harness: MusicThreadHarness) -> None:
    subscription = harness.music_thread.feed.subscribe()
    harness.music_thread.receive_midi(encode(NoteOn(60, 80)), harness.clock.now_s())
    harness.run_pending_work()
    harness.music_thread.on_input_changed(is_lost=True)
    harness.run_pending_work()
    events = subscription.take_events()
    assert [event.message for event in events if isinstance(event, MessageReceived)] == [NoteOn(60, 80), NoteOff(60)]
    assert [event.is_input_lost for event in events if isinstance(event, StatusChanged)][-1]
    harness.music_thread.on_input_changed(is_lost=False)
    harness.run_pending_work()
    assert not [event.is_input_lost for event in subscription.take_events() if isinstance(event, StatusChanged)][-1]
