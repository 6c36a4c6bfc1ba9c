from collections.abc import Callable
from threading import Thread

import pytest

from bridge.errors import PortLost
from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, encode
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.music.feed import ControlChanged, MessagePlayed, StatusChanged, TimelineChanged
from tests.music import line
from tests.server.music_thread_harness import BEAT_S, START_S, MusicThreadHarness

PHRASE = line(48, 50, 52, 53)
DUE_S = 1.5
LIVE_PATIENCE_S = 10


@pytest.fixture
def rehearsal() -> MusicThreadHarness:
    return MusicThreadHarness()


def names(sent: list[tuple[Message, float]]) -> list[Message]:
    return [message for message, _ in sent]


class TestTime:
    def test_a_phrase_is_answered_at_the_tempo_to_the_tenth_of_a_millisecond(
        self, rehearsal: MusicThreadHarness
    ) -> None:
        rehearsal.play(PHRASE)
        rehearsal.run_until(10.0)
        assert rehearsal.sent == [
            (NoteOn(72, 80), DUE_S),
            (NoteOff(72), 2.0),
            (NoteOn(74, 80), 2.0),
            (NoteOff(74), 2.25),
            (NoteOn(76, 80), 2.25),
            (NoteOff(76), 2.5),
        ]

    def test_a_message_counts_from_when_it_arrived_not_from_when_it_was_read(
        self, rehearsal: MusicThreadHarness
    ) -> None:
        rehearsal.music_thread.receive_midi(encode(NoteOn(60, 80)), START_S)
        rehearsal.music_thread.receive_midi(encode(NoteOff(60)), START_S + 0.5)
        rehearsal.clock.advance(0.75)
        rehearsal.run_pending_work()
        rehearsal.run_until(5.0)
        assert rehearsal.sent[0] == (NoteOn(72, 80), 1.0)

    def test_a_change_of_tempo_moves_what_has_not_sounded(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.play(PHRASE)
        rehearsal.run_until(2.0)
        rehearsal.music_thread.change("tempo", 60.0)
        rehearsal.run_until(10.0)
        assert rehearsal.sent[3:] == [(NoteOff(74), 2.5), (NoteOn(76, 80), 2.5), (NoteOff(76), 3.0)]

    def test_the_tempo_at_the_start_is_the_settings(self) -> None:
        rehearsal = MusicThreadHarness(Settings(tempo=60.0))
        rehearsal.receive(NoteOn(60, 80), 0.0)
        rehearsal.receive(NoteOff(60), 1.0)
        rehearsal.run_until(10.0)
        assert rehearsal.sent[0] == (NoteOn(72, 80), 2.0)

    def test_it_says_how_late_each_note_was(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.play(PHRASE)
        rehearsal.run_pending_work()
        rehearsal.clock.advance(DUE_S + 0.01 - rehearsal.now_s)
        rehearsal.music_thread._turn()
        assert list(rehearsal.music_thread.lateness_s) == [pytest.approx(0.01)]


class TestWhatComesIn:
    def test_playing_over_the_answer_ends_it_before_time_goes_on(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.play(PHRASE)
        rehearsal.receive(NoteOn(55, 80), 1.75)
        assert rehearsal.sent[1:] == [(NoteOff(72), 1.75)]
        rehearsal.run_until(20.0)
        assert len(rehearsal.sent) == 2

    def test_what_comes_in_goes_before_thinking(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.play(PHRASE)
        rehearsal.run_until(1.75)
        rehearsal.music_thread.change("temperature", 0.5)
        rehearsal.music_thread.receive_midi(encode(NoteOn(55, 80)), rehearsal.clock.now_s())
        rehearsal.music_thread._turn()
        rehearsal.music_thread._turn()
        assert rehearsal.sent[-1] == (NoteOff(72), 1.75)

    def test_its_own_notes_coming_back_are_not_played_by_anyone(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.play(PHRASE)
        came_back = 0
        while rehearsal.now_s < 3.0:
            rehearsal.run_until(rehearsal.now_s + 0.005)
            for data, at_s in rehearsal.output.sent[came_back:]:
                rehearsal.music_thread.receive_midi(data, at_s + 0.005)
                came_back += 1
        assert len(rehearsal.sent) == came_back == 6
        assert rehearsal.event.heard_notes == [
            *[(n.pitch, n.onset_beats) for n in PHRASE],
            (72, 3.0),
            (74, 4.0),
            (76, 4.5),
        ]

    def test_a_keyboard_that_hears_nothing_of_ours_may_play_in_unison(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.play(PHRASE)
        rehearsal.run_until(DUE_S)
        data, at_s = rehearsal.output.sent[-1]
        rehearsal.music_thread.receive_without_echo(data, at_s)
        rehearsal.run_pending_work()
        # It was played over, and so it yields.
        assert rehearsal.jam.state == "listening"

    def test_a_key_that_comes_up_as_a_note_of_the_answer_ends_is_no_echo(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.play(PHRASE)
        rehearsal.receive(NoteOn(72, 33), 1.75)
        rehearsal.receive(NoteOff(72), 1.76)
        rehearsal.run_until(10.0)
        assert rehearsal.sent[2] == (NoteOn(72, 33), 2.26)

    @pytest.mark.parametrize("data", [b"", b"\x90", b"\x90\x3c", b"\xf0\x7d", b"\x3c\x40", b"\x90\x80\x80"])
    def test_what_is_no_midi_is_counted_and_the_music_goes_on(
        self, rehearsal: MusicThreadHarness, data: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        rehearsal.play(PHRASE)
        rehearsal.run_until(1.75)
        rehearsal.music_thread.receive_midi(data, rehearsal.clock.now_s())
        rehearsal.run_until(10.0)
        assert rehearsal.music_thread.faults.counts == {"BadMidi": 1}
        assert len(rehearsal.sent) == 6
        assert len(caplog.records) == 1

    def test_a_control_reaches_the_jam(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.music_thread.change("approach", "pitch")
        rehearsal.play(PHRASE)
        rehearsal.run_until(10.0)
        assert names(rehearsal.sent)[0] == NoteOn(60, 80)
        assert rehearsal.jam.settings.approach == "pitch"

    def test_actions_reach_the_jam(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.play(PHRASE)
        rehearsal.music_thread.act("respond")
        rehearsal.run_until(1.1)
        assert rehearsal.sent == [(NoteOn(72, 80), 1.0)]
        rehearsal.music_thread.act("stop")
        rehearsal.run_until(20.0)
        assert rehearsal.sent[1:] == [(NoteOff(72), 1.1)]

    def test_panic_reaches_every_channel(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.music_thread.act("panic")
        rehearsal.run_until(0.1)
        assert names(rehearsal.sent) == [
            ControlChange(controller, 0, channel) for channel in range(16) for controller in (123, 120)
        ]

    def test_a_controller_is_told_its_place_by_the_music_thread_and_nobody_writes_it_down(
        self, rehearsal: MusicThreadHarness
    ) -> None:
        watch = rehearsal.music_thread.feed.subscribe()
        rehearsal.music_thread.send_control_change(ControlChange(21, 64, 3))
        assert rehearsal.sent == []
        rehearsal.run_pending_work()
        assert names(rehearsal.sent) == [ControlChange(21, 64, 3)]
        assert not [event for event in watch.take_events() if isinstance(event, MessagePlayed)]

    def test_anything_else_is_done_to_the_jam_in_its_turn(self, rehearsal: MusicThreadHarness) -> None:
        came: list[Jam] = []
        rehearsal.music_thread.run_on_jam(came.append)
        assert came == []
        rehearsal.run_pending_work()
        assert came == [rehearsal.jam]


class TestFaults:
    """Nothing ends the music thread: what goes wrong is counted, all notes end, and it listens again."""

    def test_a_lost_port_is_survived_and_its_notes_are_ended_when_it_is_back(
        self, rehearsal: MusicThreadHarness, caplog: pytest.LogCaptureFixture
    ) -> None:
        rehearsal.play(PHRASE)
        rehearsal.run_until(1.75)
        rehearsal.output.lose()
        rehearsal.run_until(4.0)
        assert rehearsal.music_thread.faults.counts[PortLost.__name__] >= 1
        assert len(caplog.records) == 1
        rehearsal.output.find()
        rehearsal.music_thread.receive_midi(encode(NoteOn(48, 80)), rehearsal.clock.now_s())
        rehearsal.music_thread.receive_midi(encode(NoteOff(48)), rehearsal.clock.now_s())
        rehearsal.run_until(5.0)
        rehearsal.music_thread._release_all()
        assert NoteOff(72) in names(rehearsal.sent)
        assert rehearsal.music_thread._ledger.sounding_count == 0

    @pytest.mark.parametrize("method", ["hear", "compose"])
    def test_a_model_that_fails_stops_its_answer_and_not_the_thread(
        self,
        rehearsal: MusicThreadHarness,
        method: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        rehearsal.play(PHRASE)
        rehearsal.run_until(1.75)
        with monkeypatch.context() as broken:
            broken.setattr(rehearsal.event, method, failing)
            rehearsal.music_thread.change("temperature", 0.5)
            rehearsal.music_thread.run_on_jam(lambda jam: jam.receive(NoteOn(48, 80), jam._now_beat))
            rehearsal.music_thread.run_on_jam(lambda jam: jam.receive(NoteOff(48), jam._now_beat))
            rehearsal.run_pending_work()
            rehearsal.run_until(3.0)
        assert rehearsal.music_thread.faults.counts["ZeroDivisionError"] >= 1
        assert names(rehearsal.sent) == [NoteOn(72, 80), NoteOff(72)]
        assert caplog.records
        rehearsal.receive(NoteOn(48, 80), 4.0)
        rehearsal.receive(NoteOff(48), 4.25)
        rehearsal.run_until(10.0)
        assert len(rehearsal.sent) > 2

    def test_a_deed_that_fails_does_not_end_the_thread(
        self, rehearsal: MusicThreadHarness, caplog: pytest.LogCaptureFixture
    ) -> None:
        rehearsal.music_thread.run_on_jam(failing)
        assert rehearsal.music_thread._turn()
        assert rehearsal.music_thread.faults.counts == {"ZeroDivisionError": 1}
        assert "music thread" in caplog.text


def failing(*_: object, **__: object) -> None:
    raise ZeroDivisionError


class TestTheEnd:
    """The thread itself, on a clock that stands still: what it ends with does not depend on time."""

    @pytest.fixture
    def begun(self, rehearsal: MusicThreadHarness) -> MusicThreadHarness:
        """A note of the answer sounds, and the thread is not yet running."""
        rehearsal.play(PHRASE)
        rehearsal.run_until(1.75)
        assert names(rehearsal.sent) == [NoteOn(72, 80)]
        return rehearsal

    def test_stop_ends_every_note_that_sounds(self, begun: MusicThreadHarness) -> None:
        begun.music_thread.start()
        begun.music_thread.stop()
        assert names(begun.sent) == [NoteOn(72, 80), NoteOff(72)]
        assert not begun.music_thread._thread.is_alive()

    def test_stop_with_a_lost_port_ends_all_the_same(self, begun: MusicThreadHarness) -> None:
        begun.output.lose()
        begun.music_thread.start()
        begun.music_thread.stop()
        assert not begun.music_thread._thread.is_alive()
        assert begun.music_thread.faults.counts == {"PortLost": 1}

    def test_stop_twice_or_before_the_start_does_nothing(self, begun: MusicThreadHarness) -> None:
        begun.music_thread.stop()
        begun.music_thread.start()
        begun.music_thread.stop()
        begun.music_thread.stop()
        assert len(begun.sent) == 2

    def test_any_thread_may_bring_something(self, rehearsal: MusicThreadHarness) -> None:
        came: list[int] = []
        bring: list[Callable[[], None]] = [
            lambda number=number: rehearsal.music_thread.run_on_jam(lambda _: came.append(number))  # type: ignore[misc]
            for number in range(20)
        ]
        threads = [Thread(target=deed) for deed in bring]
        rehearsal.music_thread.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIVE_PATIENCE_S)
        rehearsal.music_thread.stop()
        assert sorted(came) == list(range(20))


class TestTheFeed:
    def test_begins_with_how_things_stand_before_anything_is_played(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.music_thread.start()
        rehearsal.music_thread.stop()
        kept, stands = rehearsal.music_thread.feed.subscribe().take_events()
        assert isinstance(kept, TimelineChanged)
        assert kept.timeline.tempo_bpm == Settings().tempo
        assert isinstance(stands, StatusChanged)
        assert stands.state == "listening"


class TestWhatIsTold:
    """The feed: whoever watches knows all that has reached the port."""

    def test_notes_that_end_because_the_music_does_are_told_too(self, rehearsal: MusicThreadHarness) -> None:
        watch = rehearsal.music_thread.feed.subscribe()
        rehearsal.play(PHRASE)
        rehearsal.run_until(1.75)
        rehearsal.output.lose()
        rehearsal.run_until(4.0)
        played = [event.message for event in watch.take_events() if isinstance(event, MessagePlayed)]
        assert played[:2] == [NoteOn(72, 80), NoteOff(72)]

    def test_a_control_that_only_marks_is_told_and_changes_no_answer(self, rehearsal: MusicThreadHarness) -> None:
        watch = rehearsal.music_thread.feed.subscribe()
        rehearsal.play(PHRASE)
        composed = len(rehearsal.event.requests)
        rehearsal.music_thread.change("record", "on")
        rehearsal.run_pending_work()
        assert [event.value for event in watch.take_events() if isinstance(event, ControlChanged)] == ["on"]
        assert len(rehearsal.event.requests) == composed

    def test_any_thread_may_ask_what_time_it_is_by_the_jam(self, rehearsal: MusicThreadHarness) -> None:
        rehearsal.music_thread.change("tempo", 90.0)
        rehearsal.run_pending_work()
        assert rehearsal.music_thread.timeline.tempo_bpm == 90.0

    def test_a_song_that_stops_is_told_although_the_beats_go_on_as_they_did(
        self, rehearsal: MusicThreadHarness
    ) -> None:
        watch = rehearsal.music_thread.feed.subscribe()
        for tick in range(48):
            if tick == 24:
                rehearsal.music_thread.receive_midi(b"\xfa", rehearsal.clock.now_s())
            rehearsal.music_thread.receive_midi(b"\xf8", rehearsal.clock.now_s())
            rehearsal.run_pending_work()
            rehearsal.clock.advance(BEAT_S / 24)
        rehearsal.music_thread.receive_midi(b"\xfc", rehearsal.clock.now_s())
        rehearsal.run_pending_work()
        told = [event for event in watch.take_events() if isinstance(event, TimelineChanged)]
        assert [event.transport for event in told][-2:] == ["playing", "stopped"]
        assert told[-1].timeline == told[-2].timeline
