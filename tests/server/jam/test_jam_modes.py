"""When a jam plays: its modes, its turns in the bars, and what happens when you play over it."""

import pytest

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.improvising.rhythm import Rhythm
from model.notes import Note
from server.jam.turns.turn_planner import TimelineRequest
from tests.music import line
from tests.server.jams import JamHarness, ScriptedImproviser, off, on, onsets, plain_settings

FROM_ZERO = Timeline.start(120.0)
PHRASE = line(48, 50, 52, 53)


def harness_in(*, playing: bool = True, timeline: Timeline = FROM_ZERO, **controls: object) -> JamHarness:
    """A jam in the pitch approach, a note each beat, beside a song that plays from beat 0; not `playing`, no song is followed."""
    harness = JamHarness(settings=plain_settings(approach="pitch", step=1.0, **controls))  # type: ignore[arg-type]  # controls by name
    harness.set_timeline(timeline, 0.0, "playing" if playing else "free")
    return harness


def beats(harness: JamHarness, until: float) -> list[float]:
    return [beat for _, beat in onsets(harness.run_until(until))]


def tap(harness: JamHarness, beat: float, pitch: int = 48) -> None:
    harness.receive(NoteOn(pitch, 80), beat)
    harness.receive(NoteOff(pitch), beat + 0.125)


class TestFours:
    def test_the_partner_plays_its_bars_and_not_yours(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.play(PHRASE)
        assert beats(harness, 19.5) == [4.0, 5.0, 6.0, 7.0, 12.0, 13.0, 14.0, 15.0]

    def test_every_note_ends_with_the_turn(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.play(PHRASE)
        assert harness.run_until(11.0)[-1] == off(65, 8.0)

    def test_the_partner_plays_its_turn_without_a_phrase(self) -> None:
        assert beats(harness_in(mode="fours", turn_bars=2), 16.0) == [float(beat) for beat in range(8, 16)]

    def test_it_does_not_wait_while_a_key_is_held(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.receive(NoteOn(60, 80), 3.5)
        assert beats(harness, 5.5) == [4.0, 5.0]

    def test_the_partner_may_begin(self) -> None:
        assert beats(harness_in(mode="fours", turn_bars=1, begins="partner"), 11.0) == [
            0.0,
            1.0,
            2.0,
            3.0,
            8.0,
            9.0,
            10.0,
            11.0,
        ]

    def test_the_models_hear_your_turn_up_to_its_last_note(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.play(line(*range(48, 56)))
        harness.run_until(4.0)
        assert harness.pitch.heard_notes[-1] == (60, 4.0)
        assert [pitch for pitch, _ in harness.pitch.heard_notes[:8]] == list(range(48, 56))

    def test_its_velocities_follow_your_turn(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.play(line(48, 50, velocity=33))
        assert harness.run_until(4.0) == [on(60, 4.0, 33)]

    def test_a_key_that_is_a_little_late_does_not_stop_it(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        tap(harness, 4.2)
        assert beats(harness, 8.0) == [5.0, 6.0, 7.0]

    def test_playing_into_its_turn_ends_that_turn_only(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.run_until(4.9)
        tap(harness, 5.5)
        assert beats(harness, 16.0) == [12.0, 13.0, 14.0, 15.0]

    def test_with_overlap_both_go_on(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1, over="overlap")
        tap(harness, 5.5)
        assert beats(harness, 8.0) == [6.0, 7.0]

    def test_stop_ends_this_turn_and_the_next_is_played(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.act("stop", 5.5)
        assert beats(harness, 13.0) == [12.0, 13.0]

    def test_respond_plays_in_your_turn_but_not_past_it(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1, answer_length=16.0)
        harness.act("respond", 1.5)
        assert harness.run_until(3.9)[-1] == on(64, 3.5)
        assert harness.run_until(4.0) == [off(64, 4.0), on(60, 4.0)]

    @pytest.mark.parametrize("meter", [Meter(3, 4), Meter(7, 8), Meter(6, 8), Meter(5, 4)])
    def test_in_any_meter_no_note_leaves_its_turn(self, meter: Meter) -> None:
        harness = harness_in(mode="fours", turn_bars=1, timeline=FROM_ZERO.with_meter(meter))
        harness.run_until(40.0)
        bar_beats = meter.beats_per_bar
        assert onsets(harness.sent)
        for timed in harness.sent:
            if isinstance(timed.message, NoteOn):
                assert int(timed.beat / bar_beats) % 2 == 1
        assert {timed.beat for timed in harness.sent} >= {2 * bar_beats, 4 * bar_beats}

    def test_the_present_turn_is_known(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        turns = []
        for beat in (1.0, 5.0):
            harness.run_until(beat)
            assert harness.jam.status.turn
            turns.append((harness.jam.status.turn.side, harness.jam.status.turn.end_beats))
        assert turns == [("player", 4.0), ("partner", 8.0)]

    def test_a_control_changed_after_the_end_of_a_turn_does_not_extend_it(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1, begins="partner")
        # No work was done, so the answer has not been composed to its end by then.
        harness.jam.change("approach", "event", 6.0)
        assert all(timed.beat <= 4.0 for timed in harness.run_until(7.5))


class TestFoursWithoutAClock:
    def test_your_first_note_begins_the_first_bar(self) -> None:
        harness = harness_in(playing=False, mode="fours", turn_bars=1)
        assert harness.run_until(10.3) == []
        tap(harness, 10.375)
        assert beats(harness, 24.0) == [14.375, 15.375, 16.375, 17.375, 22.375, 23.375]

    def test_a_request_asks_the_timeline_for_that_bar(self) -> None:
        harness = harness_in(playing=False, mode="fours")
        tap(harness, 10.375)
        assert harness.jam.take_timeline_request() == TimelineRequest(10.375, starts_turns=True)

    def test_where_the_partner_begins_a_bar_is_counted_first(self) -> None:
        harness = harness_in(playing=False, mode="fours", turn_bars=1, begins="partner")
        assert harness.jam.status.turn
        assert harness.jam.status.turn.side is None
        assert beats(harness, 11.5) == [4.0, 5.0, 6.0, 7.0]

    def test_after_stop_your_next_note_begins_the_first_bar_again(self) -> None:
        harness = harness_in(playing=False, mode="fours", turn_bars=1)
        tap(harness, 0.0)
        harness.act("stop", 5.25)
        assert harness.run_until(30.0) == [off(62, 5.25)]
        tap(harness, 31.5)
        assert beats(harness, 36.0) == [35.5]


class TestASong:
    def test_a_song_that_stops_silences_the_jam_at_once(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.set_timeline(FROM_ZERO, 5.25, "stopped")
        assert harness.run_until(50.0) == [off(62, 5.25)]

    def test_a_song_that_starts_again_has_turns_from_its_beginning(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.set_timeline(FROM_ZERO, 5.25, "stopped")
        harness.set_timeline(FROM_ZERO.with_downbeat(20.5), 20.5, "playing")
        assert beats(harness, 26.0) == [24.5, 25.5]

    @pytest.mark.parametrize("early_beats", [0.0125, 0.09])
    def test_a_note_just_before_a_song_starts_belongs_to_the_first_phrase(self, early_beats: float) -> None:
        # A DAW's track may sound 6 to 43 ms before its clock starts.
        harness = JamHarness(settings=plain_settings(approach="pitch", step=1.0, mode="fours", turn_bars=1))
        harness.set_timeline(FROM_ZERO, 0.0, "stopped")
        tap(harness, 20.0 - early_beats, 48)
        harness.set_timeline(FROM_ZERO.with_downbeat(20.0), 20.0, "playing")
        tap(harness, 21.0, 50)
        assert beats(harness, 24.5) == [24.0]
        assert [pitch for pitch, _ in harness.pitch.heard_notes][:2] == [48, 50]

    def test_a_song_that_jumps_moves_the_turns(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.run_until(5.25)
        # Back to the beginning: bars 0, 1, 2 ... begin at 5.5, 9.5, 13.5 ...
        harness.set_timeline(FROM_ZERO.with_downbeat(5.5), 5.5, "playing")
        assert beats(harness, 14.0) == [9.5, 10.5, 11.5, 12.5]

    def test_a_song_that_jumps_within_a_turn_moves_the_end_of_that_turn(self) -> None:
        harness = harness_in(mode="fours", turn_bars=1)
        harness.run_until(4.25)
        harness.set_timeline(FROM_ZERO.with_downbeat(-10.0), 4.5, "playing")  # bar 3 since 2.0
        assert harness.run_until(9.5)[-1] == off(60, 6.0)

    def test_a_song_that_stands_still_does_not_prevent_answers(self) -> None:
        harness = harness_in(mode="answer")
        harness.set_timeline(FROM_ZERO, 0.0, "stopped")
        harness.play(PHRASE)
        assert beats(harness, 10.0) == [3.0, 4.0]


class TestContinuous:
    def test_it_begins_by_itself_on_the_next_beat_and_goes_on(self) -> None:
        harness = harness_in(playing=False)
        harness.change("mode", "continuous", 0.4)
        assert beats(harness, 40.0) == [float(beat) for beat in range(1, 41)]

    def test_it_continues_from_what_you_play_with_its_next_note(self) -> None:
        harness = harness_in(mode="continuous")
        tap(harness, 2.5)
        harness.run_until(3.0)
        assert harness.pitch.heard_notes == [(60, 0.0), (62, 1.0), (64, 2.0), (48, 2.5), (60, 3.0)]

    def test_stop_silences_it_until_you_play(self) -> None:
        harness = harness_in(mode="continuous")
        harness.act("stop", 1.5)
        assert beats(harness, 9.0) == []
        tap(harness, 9.5)
        assert beats(harness, 11.0) == [10.0, 11.0]

    def test_keys_going_down_do_not_delay_its_first_note(self) -> None:
        harness = harness_in(playing=False)
        harness.change("mode", "continuous", 0.4)
        for beat in (0.5, 0.7, 0.85):
            tap(harness, beat)
        assert beats(harness, 1.0) == [1.0]


class TestListen:
    def test_it_hears_and_does_not_play(self) -> None:
        harness = harness_in(mode="listen")
        harness.play(PHRASE)
        assert harness.run_until(50.0) == []
        assert len(harness.pitch.heard_notes) == len(PHRASE)

    def test_it_plays_on_request(self) -> None:
        harness = harness_in(mode="listen")
        harness.play(PHRASE)
        harness.act("respond", 7.5)
        assert beats(harness, 50.0) == [7.5, 8.5]


class TestChangingTheMode:
    def test_an_answer_has_no_end_in_continuous(self) -> None:
        harness = harness_in(mode="answer")
        harness.play(PHRASE)
        harness.change("mode", "continuous", 3.5)
        assert beats(harness, 12.0) == [float(beat) for beat in range(4, 13)]

    def test_an_endless_answer_gets_an_end_in_answer(self) -> None:
        harness = harness_in(mode="continuous")
        harness.change("mode", "answer", 3.5)
        harness.run_to_end()
        assert harness.sent[-1].beat == 3.5 + 8.0

    def test_continuous_moves_to_the_beats_of_a_song_that_starts(self) -> None:
        harness = harness_in(mode="continuous", playing=False)
        assert beats(harness, 3.5) == [0.0, 1.0, 2.0, 3.0]
        harness.set_timeline(FROM_ZERO.with_downbeat(3.3), 3.5, "playing")
        assert beats(harness, 7.5) == pytest.approx([4.3, 5.3, 6.3, 7.3])

    def test_continuous_begins_on_a_beat_of_a_song_that_starts_first(self) -> None:
        harness = JamHarness(settings=plain_settings(approach="pitch", step=1.0, mode="continuous"))
        harness.set_timeline(FROM_ZERO, 0.2, "free")
        harness.set_timeline(FROM_ZERO.with_downbeat(0.6), 0.7, "playing")
        assert beats(harness, 3.5) == pytest.approx([1.6, 2.6])

    def test_fours_continues_in_the_present_turn_of_the_partner(self) -> None:
        harness = harness_in(mode="continuous", turn_bars=1)
        harness.change("mode", "fours", 5.5)  # the partner's bar
        assert beats(harness, 12.0) == [6.0, 7.0, 12.0]

    def test_fours_ends_an_answer_in_your_turn(self) -> None:
        harness = harness_in(mode="continuous", turn_bars=1)
        harness.change("mode", "fours", 1.5)
        assert beats(harness, 4.0) == [4.0]

    def test_listen_lets_a_playing_answer_finish(self) -> None:
        harness = harness_in(mode="answer")
        harness.play(PHRASE)
        harness.change("mode", "listen", 3.5)
        assert beats(harness, 50.0) == [4.0]

    def test_listen_drops_a_waiting_answer(self) -> None:
        harness = harness_in(mode="answer")
        harness.play(PHRASE)
        harness.change("mode", "listen", 2.5)
        assert beats(harness, 50.0) == []


class TestOverlap:
    def test_both_go_on_and_it_hears_what_you_play(self) -> None:
        harness = harness_in(over="overlap", answer_length=4.0)
        harness.play(PHRASE)
        tap(harness, 3.5, 55)
        harness.run_until(4.0)
        assert harness.pitch.heard_notes[-3:] == [(60, 3.0), (55, 3.5), (60, 4.0)]
        assert harness.event.heard_notes == harness.pitch.heard_notes
        assert beats(harness, 50.0) == [5.0, 6.0]

    def test_a_phrase_that_ends_during_the_answer_is_heard_and_not_answered(self) -> None:
        harness = harness_in(over="overlap", answer_length=4.0)
        harness.play(PHRASE)
        tap(harness, 3.5)
        assert beats(harness, 50.0) == [4.0, 5.0, 6.0]

    def test_a_phrase_that_continues_after_the_answer_is_answered(self) -> None:
        harness = harness_in(over="overlap", answer_length=2.0)
        harness.play(PHRASE)
        harness.play(line(*range(48, 54), start_beats=4.25))  # to 7.25
        assert beats(harness, 50.0) == [8.25, 9.25]

    def test_a_note_that_is_due_at_once_is_played_as_planned(self) -> None:
        harness = harness_in(over="overlap", answer_length=4.0)
        harness.play(PHRASE)
        harness.run_until(3.995)
        harness.jam.receive(NoteOn(55, 80), 3.995)  # 2.5 ms before the next note
        assert harness.jam.advance(4.0)[-1] == on(62, 4.0)
        harness.run_until(5.0)
        assert (
            harness.pitch.heard_notes[-4:] == [(60, 3.0), (62, 4.0), (55, 3.995), (60, 5.0)]
            or harness.pitch.heard_notes[-2][0] == 55
        )


class TestStart:
    @pytest.mark.parametrize(("start", "first"), [("now", 3.0625), ("beat", 4.0), ("bar", 4.0)])
    def test_an_answer_may_wait_for_the_beat_or_the_bar(self, start: str, first: float) -> None:
        harness = harness_in(start=start)
        harness.play([Note(48, 0.0, 2.0625, 80)])
        assert beats(harness, 50.0)[0] == first

    def test_an_answer_from_a_bar_line_lasts_whole_bars(self) -> None:
        harness = harness_in(start="bar")
        harness.play([Note(48, 0.0, 5.5, 80)])
        timed = harness.run_to_end()
        assert (timed[0].beat, timed[-1].beat) == (8.0, 16.0)

    def test_an_answer_that_is_due_on_the_line_begins_there(self) -> None:
        harness = harness_in(start="bar")
        harness.play([Note(48, 0.0, 3.0, 80)])
        assert beats(harness, 50.0)[0] == 4.0


class TestContinuousFromTheStart:
    def test_it_begins_once_it_has_a_timeline(self) -> None:
        harness = JamHarness(settings=plain_settings(approach="pitch", step=1.0, mode="continuous"))
        harness.set_timeline(FROM_ZERO, 0.01, "free")
        assert beats(harness, 2.0) == [1.0, 2.0]

    def test_it_follows_your_velocity(self) -> None:
        harness = harness_in(mode="continuous")
        harness.receive(NoteOn(48, 33), 2.5)
        assert harness.run_until(3.0)[-1] == on(60, 3.0, 33)

    def test_a_new_pack_takes_over_at_the_next_note(self) -> None:
        harness = harness_in(mode="continuous")
        harness.run_until(2.5)
        harness.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,))}
        )
        assert onsets(harness.run_until(4.0)) == [(90, 3.0), (90, 4.0)]

    def test_a_phrase_is_over_after_a_rest(self) -> None:
        harness = harness_in(mode="continuous", rhythm="phrase")
        for beat in (0.25, 0.75):
            tap(harness, beat)
        for beat in (40.0, 40.5, 41.0):
            tap(harness, beat)
        harness.do_all_work()
        rhythm = harness.pitch.requests[-1].sampling.rhythm
        assert isinstance(rhythm, Rhythm)
        assert rhythm.period_beats <= 4.0


def test_a_phrase_played_during_an_answer_is_not_part_of_the_next() -> None:
    harness = harness_in(over="overlap", answer_length=8.0)
    harness.play(PHRASE)
    tap(harness, 5.0)
    harness.run_until(60.0)
    tap(harness, 60.0)
    harness.run_to_end()
    assert harness.sent[-1].beat < 72.0
