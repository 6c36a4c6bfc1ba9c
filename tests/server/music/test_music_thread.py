import logging
from collections.abc import Callable
from threading import Thread

import pytest

from bridge.midi.memory_ports import MemoryOutput
from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, encode
from bridge.timing.clock import ManualClock
from model.approach import APPROACHES, Approach
from model.improvising.improvisers import create_improviser
from model.pack.dummy_pack import DummyPack
from server.controls.choices import ModeName
from server.controls.control_table import Settings
from server.music.feed import MessagePlayed, SettingChanged, StatusChanged, TimelineChanged
from server.music.ledger import FRESH_S
from server.music.message_sender import MessageSender
from server.music.music_thread import MOST_MESSAGES
from tests.engines import FailingEngine
from tests.music import line
from tests.server.jams import ScriptedImproviser, as_played, plain_settings
from tests.server.music_thread_harness import BEAT_S, START_S, MusicThreadHarness

PHRASE = line(48, 50, 52, 53)
DUE_S = 1.5
LIVE_PATIENCE_S = 10


@pytest.fixture
def harness() -> MusicThreadHarness:
    return MusicThreadHarness()


def messages_of(sent: list[tuple[Message, float]]) -> list[Message]:
    return [message for message, _ in sent]


LEAD_S = 0.004
# What the scripted improviser answers to `PHRASE`: each message, and the second at which it is due.
ANSWER = [
    (NoteOn(72, 80), DUE_S),
    (NoteOff(72), 2.0),
    (NoteOn(74, 80), 2.0),
    (NoteOff(74), 2.25),
    (NoteOn(76, 80), 2.25),
    (NoteOff(76), 2.5),
]


class TestAPortThatSchedules:
    @pytest.fixture
    def ahead(self) -> MusicThreadHarness:
        return MusicThreadHarness(lead_s=LEAD_S)

    def test_gets_each_message_ahead_of_time_with_its_due_time(self, ahead: MusicThreadHarness) -> None:
        ahead.play(PHRASE)
        ahead.run_until(10.0)
        assert ahead.due == ANSWER
        assert [at_s for _, at_s in ahead.sent] == [pytest.approx(due_s - LEAD_S, abs=2e-4) for _, due_s in ahead.due]

    def test_takes_the_end_of_a_note_after_its_beginning_though_it_is_due_before(
        self, ahead: MusicThreadHarness
    ) -> None:
        ahead.play(PHRASE)
        ahead.run_until(DUE_S - LEAD_S / 2)
        ahead.music_thread.act("stop")
        ahead.run_pending_work()
        assert messages_of(ahead.due) == [NoteOn(72, 80), NoteOff(72)]

    def test_plays_nothing_of_what_was_planned_once_it_is_stopped(self, ahead: MusicThreadHarness) -> None:
        ahead.play(PHRASE)
        ahead.run_until(2.1)
        ahead.music_thread.act("stop")
        ahead.run_until(10.0)
        assert messages_of(ahead.due) == [NoteOn(72, 80), NoteOff(72), NoteOn(74, 80), NoteOff(74)]

    def test_is_written_down_with_the_time_at_which_each_note_sounds(self, ahead: MusicThreadHarness) -> None:
        events = ahead.music_thread.feed.subscribe()
        ahead.play(PHRASE)
        ahead.run_until(10.0)
        played = [event for event in events.take_events() if isinstance(event, MessagePlayed)]
        assert [(event.message, round(event.at_s - START_S, 4)) for event in played] == ahead.due


class TestTime:
    def test_a_phrase_is_answered_at_the_tempo_to_the_tenth_of_a_millisecond(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(10.0)
        assert harness.sent == ANSWER

    def test_a_message_has_the_second_at_which_it_arrived_not_at_which_it_was_read(
        self, harness: MusicThreadHarness
    ) -> None:
        harness.music_thread.receive_midi(encode(NoteOn(60, 80)), START_S)
        harness.music_thread.receive_midi(encode(NoteOff(60)), START_S + 0.5)
        harness.clock.advance(0.75)
        harness.run_pending_work()
        harness.run_until(5.0)
        assert harness.sent[0] == (NoteOn(72, 80), 1.0)

    def test_a_change_of_tempo_moves_notes_that_have_not_sounded(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(2.0)
        harness.music_thread.change("tempo", 60.0)
        harness.run_until(10.0)
        assert harness.sent[3:] == [(NoteOff(74), 2.5), (NoteOn(76, 80), 2.5), (NoteOff(76), 3.0)]

    def test_the_tempo_at_the_start_is_the_settings(self) -> None:
        harness = MusicThreadHarness(plain_settings(tempo=60.0))
        harness.receive(NoteOn(60, 80), 0.0)
        harness.receive(NoteOff(60), 1.0)
        harness.run_until(10.0)
        assert harness.sent[0] == (NoteOn(72, 80), 2.0)

    def test_the_lateness_of_each_note_is_recorded(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.run_pending_work()
        harness.clock.advance(DUE_S + 0.01 - harness.now_s)
        harness.music_thread._run_once()
        assert list(harness.music_thread.lateness_s) == [pytest.approx(0.01)]


class TestInput:
    def test_playing_over_the_answer_ends_it_at_once(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.receive(NoteOn(55, 80), 1.75)
        assert harness.sent[1:] == [(NoteOff(72), 1.75)]
        harness.run_until(20.0)
        assert len(harness.sent) == 2

    def test_input_goes_before_model_work(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(1.75)
        harness.music_thread.change("temperature", 0.5)
        harness.music_thread.receive_midi(encode(NoteOn(55, 80)), harness.clock.now_s())
        harness.music_thread._run_once()
        harness.music_thread._run_once()
        assert harness.sent[-1] == (NoteOff(72), 1.75)

    def test_all_that_was_played_is_heard_before_an_answer_begins(self, harness: MusicThreadHarness) -> None:
        for timed in as_played(PHRASE):
            harness.music_thread.receive_midi(encode(timed.message), START_S + timed.beat * BEAT_S)
        harness.clock.advance(DUE_S + 0.01)  # until then the machine had no time for the music thread
        harness.run_until(10.0)
        assert [message for message in messages_of(harness.sent) if isinstance(message, NoteOn)] == [
            NoteOn(72, 80),
            NoteOn(74, 80),
            NoteOn(76, 80),
        ]
        assert [onset_beats for _, onset_beats in harness.event.heard_notes][:4] == [0.0, 0.5, 1.0, 1.5]

    def test_more_messages_than_are_taken_at_once_are_all_heard(self, harness: MusicThreadHarness) -> None:
        phrase = line(*range(40, 40 + MOST_MESSAGES))
        for timed in as_played(phrase):
            harness.music_thread.receive_midi(encode(timed.message), START_S + timed.beat * BEAT_S)
        harness.run_pending_work()
        assert [pitch for pitch, _ in harness.event.heard_notes] == [note.pitch for note in phrase]

    def test_its_own_notes_coming_back_are_ignored(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        returned_count = 0
        while harness.now_s < 3.0:
            harness.run_until(harness.now_s + 0.005)
            for data, at_s in harness.output.sent[returned_count:]:
                harness.music_thread.receive_midi(data, at_s + 0.005)
                returned_count += 1
        assert len(harness.output.sent) == returned_count
        assert len(harness.sent) == 6
        assert harness.event.heard_notes == [
            *[(n.pitch, n.onset_beats) for n in PHRASE],
            (72, 3.0),
            (74, 4.0),
            (76, 4.5),
        ]

    def test_a_keyboard_without_echo_may_play_in_unison_with_the_jam(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(DUE_S)
        data, at_s = harness.output.sent[-1]
        harness.music_thread.receive_from_page(data, at_s)
        harness.run_pending_work()
        # The player has played over the answer, so the jam yields.
        assert harness.jam.status.state == "listening"

    def test_a_key_that_comes_up_as_a_note_of_the_answer_ends_is_no_echo(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.receive(NoteOn(72, 33), 1.75)
        harness.receive(NoteOff(72), 1.76)
        harness.run_until(10.0)
        assert harness.sent[2] == (NoteOn(72, 33), 2.26)

    @pytest.mark.parametrize("data", [b"", b"\x90", b"\x90\x3c", b"\xf0\x7d", b"\x3c\x40", b"\x90\x80\x80"])
    def test_bytes_that_are_not_midi_are_counted_and_the_music_goes_on(
        self, harness: MusicThreadHarness, data: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        harness.play(PHRASE)
        harness.run_until(1.75)
        harness.music_thread.receive_midi(data, harness.clock.now_s())
        harness.run_until(10.0)
        assert harness.music_thread.faults.counts == {"BadMidi": 1}
        assert len(harness.sent) == 6
        assert len(caplog.records) == 1

    def test_a_control_reaches_the_jam(self, harness: MusicThreadHarness) -> None:
        harness.music_thread.change("approach", "pitch")
        harness.play(PHRASE)
        harness.run_until(10.0)
        assert messages_of(harness.sent)[0] == NoteOn(60, 80)
        assert harness.jam.settings.approach == "pitch"

    def test_actions_reach_the_jam(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.music_thread.act("respond")
        harness.run_until(1.1)
        assert harness.sent == [(NoteOn(72, 80), 1.0)]
        harness.music_thread.act("stop")
        harness.run_until(20.0)
        assert harness.sent[1:] == [(NoteOff(72), 1.1)]

    def test_panic_reaches_every_channel(self, harness: MusicThreadHarness) -> None:
        harness.music_thread.act("panic")
        harness.run_until(0.05)
        assert messages_of(harness.sent_with_repeats)[:48] == [
            ControlChange(controller, 0, channel) for channel in range(16) for controller in (64, 123, 120)
        ]

    def test_a_control_change_is_sent_by_the_music_thread_and_is_not_in_the_feed(
        self, harness: MusicThreadHarness
    ) -> None:
        subscription = harness.music_thread.feed.subscribe()
        harness.music_thread.send_control_change(ControlChange(21, 64, 3))
        assert harness.sent == []
        harness.run_pending_work()
        assert messages_of(harness.sent) == [ControlChange(21, 64, 3)]
        assert not [event for event in subscription.take_events() if isinstance(event, MessagePlayed)]


class TestANewPack:
    @pytest.fixture
    def playing(self) -> MusicThreadHarness:
        """Plays the pitches 60 62 64 65 without an end, one each quarter of a second; the latest at 2.0 s."""
        harness = MusicThreadHarness(plain_settings(mode="continuous", approach="pitch"))
        harness.play(line(48))
        harness.run_until(2.1)
        return harness

    def test_takes_over_at_once_where_no_note_is_due_soon_and_its_first_note_is_in_time(
        self, playing: MusicThreadHarness
    ) -> None:
        other = ScriptedImproviser("pitch", (90,))
        playing.music_thread.replace_improvisers({"pitch": other, "event": ScriptedImproviser("event", (91,))}, 0)
        playing.run_until(3.01)
        onsets = [(message.pitch, at_s) for message, at_s in playing.sent if isinstance(message, NoteOn)]
        assert [at_s for pitch, at_s in onsets if pitch == 90] == [2.25, 2.5, 2.75, 3.0]
        assert max(playing.music_thread.lateness_s) < 1e-3

    def test_a_note_that_is_due_within_a_tenth_of_a_second_is_played_as_planned(
        self, playing: MusicThreadHarness
    ) -> None:
        playing.run_until(2.2)
        other = ScriptedImproviser("pitch", (90,))
        playing.music_thread.replace_improvisers({"pitch": other, "event": ScriptedImproviser("event", (91,))}, 0)
        playing.run_until(2.51)
        pitches = [message.pitch for message, at_s in playing.sent if isinstance(message, NoteOn) and at_s > 2.2]
        assert pitches[0] in {60, 62, 64, 65}
        assert pitches[1:] == [90]

    def test_waits_for_the_note_that_is_due_at_once(self, playing: MusicThreadHarness) -> None:
        playing.run_until(2.24)
        replaced_s: list[float] = []
        playing.jam.replace_improvisers = lambda *_: replaced_s.append(playing.now_s)  # type: ignore[method-assign]
        playing.music_thread.replace_improvisers({}, 0)
        playing.run_until(2.3)
        assert replaced_s == [pytest.approx(2.25, abs=1e-3)]

    def test_another_thread_can_ask_what_it_has_to_hear(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.music_thread.start()
        count, notes = harness.music_thread.sounded_notes(LIVE_PATIENCE_S)
        harness.music_thread.stop()
        assert count == len(notes) == len(PHRASE)

    def test_a_music_thread_that_does_not_answer_is_not_waited_for(self, harness: MusicThreadHarness) -> None:
        assert harness.music_thread.sounded_notes(0.0) == (0, ())


class TestFaults:
    """No error ends the music thread: it is counted, all notes end, and the jam listens again."""

    @pytest.mark.parametrize("method", ["hear", "compose"])
    def test_a_model_error_stops_the_answer_and_not_the_thread(
        self,
        harness: MusicThreadHarness,
        method: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        harness.play(PHRASE)
        harness.run_until(1.75)
        with monkeypatch.context() as broken:
            broken.setattr(harness.event, method, failing)
            harness.music_thread.change("temperature", 0.5)
            harness.run_on_jam(lambda jam: jam.receive(NoteOn(48, 80), jam._now_beat))
            harness.run_on_jam(lambda jam: jam.receive(NoteOff(48), jam._now_beat))
            harness.run_pending_work()
            harness.run_until(3.0)
        assert harness.music_thread.faults.counts["ZeroDivisionError"] >= 1
        assert messages_of(harness.sent) == [NoteOn(72, 80), NoteOff(72)]
        assert caplog.records
        harness.receive(NoteOn(48, 80), 4.0)
        harness.receive(NoteOff(48), 4.25)
        harness.run_until(10.0)
        assert len(harness.sent) > 2

    @pytest.mark.parametrize("mode", ["answer", "continuous"])
    @pytest.mark.parametrize("approach", APPROACHES)
    def test_a_network_that_forecasts_no_numbers_ends_the_answer_and_plays_again_when_it_is_sound(
        self, mode: ModeName, approach: Approach, caplog: pytest.LogCaptureFixture
    ) -> None:
        vocabulary = DummyPack().vocabulary(approach)
        engine = FailingEngine(vocabulary.size, 1)
        improviser = create_improviser(engine, vocabulary)
        harness = MusicThreadHarness(
            plain_settings(mode=mode, approach=approach, answer_length=16.0), dict.fromkeys(APPROACHES, improviser)
        )
        harness.play(PHRASE)
        harness.run_until(3.0)
        assert harness.jam.status.state == "answering"
        engine.forecast = float("nan")
        harness.run_until(6.0)
        for at_s in (6.0, 6.25):
            harness.receive(NoteOn(48, 80), at_s)
            harness.receive(NoteOff(48), at_s + 0.2)
        harness.run_until(20.0)
        assert not harness.music_thread._live_jam._sender._ledger.pending_note_offs
        assert [record.message.count("forecast is not a number") for record in caplog.records] == [1]
        engine.forecast = None
        before = len(harness.onsets_s)
        harness.receive(NoteOn(48, 80), 20.0)
        harness.receive(NoteOff(48), 20.25)
        harness.run_until(24.0)
        assert len(harness.onsets_s) > before

    def test_a_command_that_fails_does_not_end_the_thread(
        self, harness: MusicThreadHarness, caplog: pytest.LogCaptureFixture
    ) -> None:
        harness.run_on_jam(failing)
        assert harness.music_thread._run_once()
        assert harness.music_thread.faults.counts == {"ZeroDivisionError": 1}
        assert "music thread" in caplog.text


def failing(*_: object, **__: object) -> None:
    raise ZeroDivisionError


class TestWhatIsLostOnTheWay:
    """A message may be lost between two programs, so what ends a note is sent twice, and more than that at a stop."""

    def repeats_after(self, harness: MusicThreadHarness, seconds: float) -> list[Message]:
        """What is sent so many seconds later."""
        before = len(harness.output.sent)
        harness.clock.advance(seconds)
        harness.music_thread._run_once()
        return messages_of(harness.sent_with_repeats)[before:]

    def test_each_note_off_is_sent_once_more_a_tenth_of_a_second_later(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(10.0)
        harness.clock.advance(0.1)
        harness.music_thread._run_once()
        offs = [message for message in messages_of(harness.sent_with_repeats) if isinstance(message, NoteOff)]
        assert [offs.count(NoteOff(pitch)) for pitch in (72, 74, 76)] == [2, 2, 2]
        harness.let_pass(FRESH_S)
        assert [message for message in messages_of(harness.sent_with_repeats) if isinstance(message, NoteOff)] == offs
        assert harness.music_thread._live_jam.next_repeat_s is None

    def test_a_note_that_the_player_holds_by_then_is_not_ended(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(2.55)
        harness.music_thread.receive_from_page(encode(NoteOn(76, 80)), harness.clock.now_s())
        harness.run_pending_work()
        assert self.repeats_after(harness, 0.2) == []

    @pytest.mark.parametrize("action", ["stop", "panic"])
    def test_a_stop_releases_all_used_channels_and_repeats_it(self, action: str) -> None:
        harness = MusicThreadHarness(plain_settings(channel=5))
        harness.play(PHRASE)
        harness.run_until(2.1)
        harness.music_thread.act(action)
        harness.run_pending_work()
        sent = messages_of(harness.sent_with_repeats)
        ending = [ControlChange(64, 0, 4), ControlChange(123, 0, 4)]
        assert [message for message in sent[sent.index(NoteOff(74, 4)) :] if message in ending][-2:] == ending
        repeats = self.repeats_after(harness, 0.1)
        assert repeats[:2] == [NoteOff(72, 4), NoteOff(74, 4)]
        assert [message for message in repeats[2:] if message in ending] == ending

    def test_a_stop_of_a_jam_that_never_played_sends_nothing(self, harness: MusicThreadHarness) -> None:
        harness.music_thread.act("stop")
        harness.run_pending_work()
        assert harness.sent_with_repeats == []

    def test_a_lost_note_off_is_made_good_by_the_stop_even_without_all_notes_off(
        self, harness: MusicThreadHarness
    ) -> None:
        harness.play(PHRASE)
        harness.run_until(10.0)
        harness.music_thread.act("stop")
        harness.run_pending_work()
        assert set(self.repeats_after(harness, 0.1)) >= {NoteOff(72), NoteOff(74), NoteOff(76)}

    def test_the_end_of_the_thread_repeats_its_releases(self, harness: MusicThreadHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(1.75)
        harness.music_thread.start()
        harness.music_thread.stop()
        ending: list[Message] = [NoteOff(72), ControlChange(64, 0), ControlChange(123, 0)]
        sent = [message for message in messages_of(harness.sent_with_repeats) if message in ending]
        assert sent[-6:] == [*ending, *ending]

    def test_if_overruns_may_have_lost_them_the_end_of_the_thread_repeats_them_once_more(
        self, harness: MusicThreadHarness
    ) -> None:
        harness.play(PHRASE)
        harness.run_until(1.75)
        send = harness.output.send

        def send_late(data: bytes, due_s: float | None = None) -> None:
            send(data, due_s)
            harness.output.overruns += 1

        harness.output.send = send_late  # type: ignore[method-assign]
        harness.music_thread.start()
        harness.music_thread.stop()
        ending: list[Message] = [NoteOff(72), ControlChange(64, 0), ControlChange(123, 0)]
        sent = [message for message in messages_of(harness.sent_with_repeats) if message in ending]
        assert sent[-9:] == [*ending, *ending, *ending]

    def test_the_start_ends_what_a_killed_process_left_sounding_on_any_channel(
        self, harness: MusicThreadHarness
    ) -> None:
        harness.music_thread.start()
        harness.music_thread.stop()
        silence = [ControlChange(controller, 0, channel) for channel in range(16) for controller in (64, 123)]
        assert messages_of(harness.sent_with_repeats) == [*silence, *silence]


class TestTheEnd:
    """The thread itself, on a clock that stands still: what it ends with does not depend on time."""

    @pytest.fixture
    def answering(self, harness: MusicThreadHarness) -> MusicThreadHarness:
        """A note of the answer sounds, and the thread is not yet running."""
        harness.play(PHRASE)
        harness.run_until(1.75)
        assert messages_of(harness.sent) == [NoteOn(72, 80)]
        return harness

    def test_stop_ends_every_note_that_sounds(self, answering: MusicThreadHarness) -> None:
        answering.music_thread.start()
        answering.music_thread.stop()
        assert messages_of(answering.sent) == [NoteOn(72, 80), NoteOff(72)]
        assert not answering.music_thread._thread.is_alive()

    def test_stop_with_a_lost_port_ends_the_thread_too(self, answering: MusicThreadHarness) -> None:
        answering.output.disconnect()
        answering.music_thread.start()
        answering.music_thread.stop()
        assert not answering.music_thread._thread.is_alive()
        assert not answering.music_thread.faults.counts

    def test_stop_twice_or_before_the_start_does_nothing(self, answering: MusicThreadHarness) -> None:
        answering.music_thread.stop()
        answering.music_thread.start()
        answering.music_thread.stop()
        answering.music_thread.stop()
        assert messages_of(answering.sent) == [NoteOn(72, 80), NoteOff(72)]

    def test_any_thread_may_put_commands(self, harness: MusicThreadHarness) -> None:
        received: list[int] = []
        commands: list[Callable[[], None]] = [
            lambda number=number: harness.run_on_jam(lambda _: received.append(number))  # type: ignore[misc]
            for number in range(20)
        ]
        threads = [Thread(target=bring_one) for bring_one in commands]
        harness.music_thread.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIVE_PATIENCE_S)
        harness.music_thread.stop()
        assert sorted(received) == list(range(20))


class TestTheFeed:
    def test_begins_with_timeline_and_status_before_anything_is_played(self, harness: MusicThreadHarness) -> None:
        harness.music_thread.start()
        harness.music_thread.stop()
        timeline, status = harness.music_thread.feed.subscribe().take_events()
        assert isinstance(timeline, TimelineChanged)
        assert timeline.timeline.tempo_bpm == plain_settings().tempo
        assert isinstance(status, StatusChanged)
        assert status.jam.state == "listening"


class TestPublishedEvents:
    """Subscribers of the feed get all that has reached the port."""

    def test_note_offs_after_an_error_are_published_too(self, harness: MusicThreadHarness) -> None:
        subscription = harness.music_thread.feed.subscribe()
        harness.play(PHRASE)
        harness.run_until(1.75)
        harness.output.disconnect()
        harness.run_until(4.0)
        played = [event.message for event in subscription.take_events() if isinstance(event, MessagePlayed)]
        assert played[:2] == [NoteOn(72, 80), NoteOff(72)]

    def test_a_control_without_effect_on_the_music_is_published_and_replans_nothing(
        self, harness: MusicThreadHarness
    ) -> None:
        subscription = harness.music_thread.feed.subscribe()
        harness.play(PHRASE)
        composed = len(harness.event.requests)
        harness.music_thread.change("record", "on")
        harness.run_pending_work()
        assert [event.value for event in subscription.take_events() if isinstance(event, SettingChanged)] == ["on"]
        assert len(harness.event.requests) == composed

    def test_any_thread_may_read_the_timeline(self, harness: MusicThreadHarness) -> None:
        harness.music_thread.change("tempo", 90.0)
        harness.run_pending_work()
        assert harness.music_thread.timeline.tempo_bpm == 90.0

    def test_a_song_that_stops_is_published_although_the_beats_go_on(self, harness: MusicThreadHarness) -> None:
        subscription = harness.music_thread.feed.subscribe()
        for tick in range(48):
            if tick == 24:
                harness.music_thread.receive_midi(b"\xfa", harness.clock.now_s())
            harness.music_thread.receive_midi(b"\xf8", harness.clock.now_s())
            harness.run_pending_work()
            harness.clock.advance(BEAT_S / 24)
        harness.music_thread.receive_midi(b"\xfc", harness.clock.now_s())
        harness.run_until(harness.clock.now_s() - START_S + 0.01)
        changes = [event for event in subscription.take_events() if isinstance(event, TimelineChanged)]
        assert [event.transport for event in changes][-2:] == ["playing", "stopped"]
        assert changes[-1].timeline == changes[-2].timeline


def test_twelve_keys_at_once_on_the_chord_channel_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    harness = MusicThreadHarness(Settings(chords_from="channel", chord_channel=16))
    remarks: list[tuple[str, str]] = []
    harness.music_thread.on_remark = lambda control, sentence: remarks.append((control, sentence))
    with caplog.at_level(logging.WARNING, "fours.jam.chords"):
        for beat in range(2):
            for pitch in range(36, 48):
                harness.receive(NoteOn(pitch, 80, 15), 1.0 + beat)
            for pitch in range(36, 48):
                harness.receive(NoteOff(pitch, 15), 1.5 + beat)
    assert [control for control, _ in remarks] == ["chords_from"]
    assert "more than 7 different notes at once" in remarks[0][1]
    assert [record.message for record in caplog.records] == [remarks[0][1]]


SHORT_PERIOD_S, LONG_PERIOD_S = 64 / 48_000, 2_048 / 48_000
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
