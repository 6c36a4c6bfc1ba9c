"""When a jam plays: its modes, its turns in the bars, and what happens when you play over it."""

import pytest

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.notes import Note
from server.controls.control_table import Settings
from server.jam.jam_output import TimelineRequest
from tests.music import line
from tests.server.jams import JamHarness, ScriptedImproviser, off, on, onsets

FROM_ZERO = Timeline.start(120.0)
PHRASE = line(48, 50, 52, 53)


def stage_in(*, playing: bool = True, timeline: Timeline = FROM_ZERO, **controls: object) -> JamHarness:
    """A jam in the pitch approach, a note each beat; in a song that runs from beat 0 on, unless nobody's clock is followed."""
    stage = JamHarness(settings=Settings(approach="pitch", step=1.0, **controls))  # type: ignore[arg-type]  # controls by name
    stage.set_timeline(timeline, 0.0, "playing" if playing else "free")
    return stage


def beats(stage: JamHarness, until: float) -> list[float]:
    return [beat for _, beat in onsets(stage.run_until(until))]


def tap(stage: JamHarness, beat: float, pitch: int = 48) -> None:
    stage.receive(NoteOn(pitch, 80), beat)
    stage.receive(NoteOff(pitch), beat + 0.125)


class TestFours:
    def test_the_partner_plays_its_bars_and_not_yours(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.play(PHRASE)
        assert beats(stage, 19.5) == [4.0, 5.0, 6.0, 7.0, 12.0, 13.0, 14.0, 15.0]

    def test_every_note_is_ended_with_the_turn(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.play(PHRASE)
        assert stage.run_until(11.0)[-1] == off(65, 8.0)

    def test_it_need_not_be_given_a_phrase(self) -> None:
        assert beats(stage_in(mode="fours", turn_bars=2), 16.0) == [float(beat) for beat in range(8, 16)]

    def test_it_does_not_wait_for_hands_that_still_hold_a_key(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.receive(NoteOn(60, 80), 3.5)
        assert beats(stage, 5.5) == [4.0, 5.0]

    def test_it_may_begin(self) -> None:
        assert beats(stage_in(mode="fours", turn_bars=1, begins="partner"), 11.0) == [
            0.0,
            1.0,
            2.0,
            3.0,
            8.0,
            9.0,
            10.0,
            11.0,
        ]

    def test_both_hear_your_turn_up_to_its_last_note(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.play(line(*range(48, 56)))
        stage.run_until(4.0)
        assert stage.pitch.heard_notes[-1] == (60, 4.0)
        assert [pitch for pitch, _ in stage.pitch.heard_notes[:8]] == list(range(48, 56))

    def test_its_loudness_follows_your_turn(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.play(line(48, 50, velocity=33))
        assert stage.run_until(4.0) == [on(60, 4.0, 33)]

    def test_hands_that_are_a_little_late_do_not_stop_it(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        tap(stage, 4.2)
        assert beats(stage, 8.0) == [5.0, 6.0, 7.0]

    def test_whoever_plays_into_its_turn_takes_that_and_no_more(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.run_until(4.9)
        tap(stage, 5.5)
        assert beats(stage, 16.0) == [12.0, 13.0, 14.0, 15.0]

    def test_with_overlap_both_go_on(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1, over="overlap")
        tap(stage, 5.5)
        assert beats(stage, 8.0) == [6.0, 7.0]

    def test_stop_ends_this_turn_and_the_next_is_played(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.act("stop", 5.5)
        assert beats(stage, 13.0) == [12.0, 13.0]

    def test_respond_plays_in_your_turn_but_not_past_it(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1, answer_length=16.0)
        stage.act("respond", 1.5)
        assert stage.run_until(3.9)[-1] == on(64, 3.5)
        assert stage.run_until(4.0) == [off(64, 4.0), on(60, 4.0)]

    @pytest.mark.parametrize("meter", [Meter(3, 4), Meter(7, 8), Meter(6, 8), Meter(5, 4)])
    def test_in_any_meter_no_note_leaves_its_turn(self, meter: Meter) -> None:
        stage = stage_in(mode="fours", turn_bars=1, timeline=FROM_ZERO.with_meter(meter))
        stage.run_until(40.0)
        bar_beats = meter.beats_per_bar
        assert onsets(stage.sent)
        for timed in stage.sent:
            if isinstance(timed.message, NoteOn):
                assert int(timed.beat / bar_beats) % 2 == 1
        assert {timed.beat for timed in stage.sent} >= {2 * bar_beats, 4 * bar_beats}

    def test_it_says_whose_turn_it_is(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        told = []
        for beat in (1.0, 5.0):
            stage.run_until(beat)
            assert stage.jam.turn
            told.append((stage.jam.turn.side, stage.jam.turn.end_beats))
        assert told == [("player", 4.0), ("partner", 8.0)]

    def test_a_control_that_moves_after_its_end_does_not_make_the_turn_longer(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1, begins="partner")
        # Nobody had time to think, so that the answer has not come to its end by then.
        stage.jam.change("approach", "event", 6.0)
        assert all(timed.beat <= 4.0 for timed in stage.run_until(7.5))


class TestFoursWithoutAClock:
    def test_your_first_note_begins_the_first_bar(self) -> None:
        stage = stage_in(playing=False, mode="fours", turn_bars=1)
        assert stage.run_until(10.3) == []
        tap(stage, 10.375)
        assert beats(stage, 24.0) == [14.375, 15.375, 16.375, 17.375, 22.375, 23.375]

    def test_and_the_keeper_of_the_time_is_told(self) -> None:
        stage = stage_in(playing=False, mode="fours")
        tap(stage, 10.375)
        assert stage.jam.timeline_request == TimelineRequest(10.375, starts_turns=True)

    def test_where_the_partner_begins_a_bar_is_counted_first(self) -> None:
        stage = stage_in(playing=False, mode="fours", turn_bars=1, begins="partner")
        assert stage.jam.turn
        assert stage.jam.turn.side is None
        assert beats(stage, 11.5) == [4.0, 5.0, 6.0, 7.0]

    def test_after_stop_your_next_note_begins_anew(self) -> None:
        stage = stage_in(playing=False, mode="fours", turn_bars=1)
        tap(stage, 0.0)
        stage.act("stop", 5.25)
        assert stage.run_until(30.0) == [off(62, 5.25)]
        tap(stage, 31.5)
        assert beats(stage, 36.0) == [35.5]


class TestASong:
    def test_that_stops_silences_it_at_once(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.set_timeline(FROM_ZERO, 5.25, "stopped")
        assert stage.run_until(50.0) == [off(62, 5.25)]

    def test_that_starts_again_has_turns_from_its_beginning(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.set_timeline(FROM_ZERO, 5.25, "stopped")
        stage.set_timeline(FROM_ZERO.with_downbeat(20.5), 20.5, "playing")
        assert beats(stage, 26.0) == [24.5, 25.5]

    def test_that_jumps_takes_its_turns_along(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.run_until(5.25)
        # Back to the beginning: bars 0, 1, 2 ... begin at 5.5, 9.5, 13.5 ...
        stage.set_timeline(FROM_ZERO.with_downbeat(5.5), 5.5, "playing")
        assert beats(stage, 14.0) == [9.5, 10.5, 11.5, 12.5]

    def test_that_jumps_within_its_turn_is_followed_to_the_turns_new_end(self) -> None:
        stage = stage_in(mode="fours", turn_bars=1)
        stage.run_until(4.25)
        stage.set_timeline(FROM_ZERO.with_downbeat(-10.0), 4.5, "playing")  # bar 3 since 2.0
        assert stage.run_until(9.5)[-1] == off(60, 6.0)

    def test_that_stands_does_not_keep_a_phrase_from_its_answer(self) -> None:
        stage = stage_in(mode="answer")
        stage.set_timeline(FROM_ZERO, 0.0, "stopped")
        stage.play(PHRASE)
        assert beats(stage, 10.0) == [3.0, 4.0]


class TestContinuous:
    def test_it_begins_by_itself_on_the_next_beat_and_goes_on(self) -> None:
        stage = stage_in(playing=False)
        stage.change("mode", "continuous", 0.4)
        assert beats(stage, 40.0) == [float(beat) for beat in range(1, 41)]

    def test_what_you_play_turns_it_from_the_next_note_on(self) -> None:
        stage = stage_in(mode="continuous")
        tap(stage, 2.5)
        stage.run_until(3.0)
        assert stage.pitch.heard_notes == [(60, 0.0), (62, 1.0), (64, 2.0), (48, 2.5), (60, 3.0)]

    def test_stop_silences_it_until_you_play(self) -> None:
        stage = stage_in(mode="continuous")
        stage.act("stop", 1.5)
        assert beats(stage, 9.0) == []
        tap(stage, 9.5)
        assert beats(stage, 11.0) == [10.0, 11.0]

    def test_keys_going_down_do_not_put_off_its_first_note(self) -> None:
        stage = stage_in(playing=False)
        stage.change("mode", "continuous", 0.4)
        for beat in (0.5, 0.7, 0.85):
            tap(stage, beat)
        assert beats(stage, 1.0) == [1.0]


class TestListen:
    def test_it_hears_and_does_not_play(self) -> None:
        stage = stage_in(mode="listen")
        stage.play(PHRASE)
        assert stage.run_until(50.0) == []
        assert len(stage.pitch.heard_notes) == len(PHRASE)

    def test_until_it_is_asked_to(self) -> None:
        stage = stage_in(mode="listen")
        stage.play(PHRASE)
        stage.act("respond", 7.5)
        assert beats(stage, 50.0) == [7.5, 8.5]


class TestChangingTheMode:
    def test_an_answer_goes_on_for_ever_in_continuous(self) -> None:
        stage = stage_in(mode="answer")
        stage.play(PHRASE)
        stage.change("mode", "continuous", 3.5)
        assert beats(stage, 12.0) == [float(beat) for beat in range(4, 13)]

    def test_and_comes_to_an_end_where_it_is_one_again(self) -> None:
        stage = stage_in(mode="continuous")
        stage.change("mode", "answer", 3.5)
        stage.run_to_end()
        assert stage.sent[-1].beat == 3.5 + 8.0

    def test_it_falls_in_with_the_beats_of_a_song_that_starts_while_it_plays(self) -> None:
        stage = stage_in(mode="continuous", playing=False)
        assert beats(stage, 3.5) == [0.0, 1.0, 2.0, 3.0]
        stage.set_timeline(FROM_ZERO.with_downbeat(3.3), 3.5, "playing")
        assert beats(stage, 7.5) == pytest.approx([4.3, 5.3, 6.3, 7.3])

    def test_it_begins_on_a_beat_of_the_song_that_starts_before_it_does(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", step=1.0, mode="continuous"))
        stage.set_timeline(FROM_ZERO, 0.2, "free")
        stage.set_timeline(FROM_ZERO.with_downbeat(0.6), 0.7, "playing")
        assert beats(stage, 3.5) == pytest.approx([1.6, 2.6])

    def test_fours_takes_up_the_turn_that_it_is(self) -> None:
        stage = stage_in(mode="continuous", turn_bars=1)
        stage.change("mode", "fours", 5.5)  # the partner's bar
        assert beats(stage, 12.0) == [6.0, 7.0, 12.0]

    def test_fours_ends_it_in_yours(self) -> None:
        stage = stage_in(mode="continuous", turn_bars=1)
        stage.change("mode", "fours", 1.5)
        assert beats(stage, 4.0) == [4.0]

    def test_listen_lets_an_answer_come_to_its_end(self) -> None:
        stage = stage_in(mode="answer")
        stage.play(PHRASE)
        stage.change("mode", "listen", 3.5)
        assert beats(stage, 50.0) == [4.0]

    def test_listen_drops_one_that_waits(self) -> None:
        stage = stage_in(mode="answer")
        stage.play(PHRASE)
        stage.change("mode", "listen", 2.5)
        assert beats(stage, 50.0) == []


class TestOverlap:
    def test_both_go_on_and_it_hears_what_you_play(self) -> None:
        stage = stage_in(over="overlap", answer_length=4.0)
        stage.play(PHRASE)
        tap(stage, 3.5, 55)
        stage.run_until(4.0)
        assert stage.pitch.heard_notes[-3:] == [(60, 3.0), (55, 3.5), (60, 4.0)]
        assert stage.event.heard_notes == stage.pitch.heard_notes
        assert beats(stage, 50.0) == [5.0, 6.0]

    def test_what_ends_under_the_answer_is_heard_and_not_answered(self) -> None:
        stage = stage_in(over="overlap", answer_length=4.0)
        stage.play(PHRASE)
        tap(stage, 3.5)
        assert beats(stage, 50.0) == [4.0, 5.0, 6.0]

    def test_what_goes_on_after_it_is_answered(self) -> None:
        stage = stage_in(over="overlap", answer_length=2.0)
        stage.play(PHRASE)
        stage.play(line(*range(48, 54), start_beats=4.25))  # to 7.25
        assert beats(stage, 50.0) == [8.25, 9.25]

    def test_what_is_due_within_a_blink_is_played_as_it_was_planned(self) -> None:
        stage = stage_in(over="overlap", answer_length=4.0)
        stage.play(PHRASE)
        stage.run_until(3.995)
        stage.jam.receive(NoteOn(55, 80), 3.995)  # 2.5 ms before the next note
        assert stage.jam.advance(4.0)[-1] == on(62, 4.0)
        stage.run_until(5.0)
        assert (
            stage.pitch.heard_notes[-4:] == [(60, 3.0), (62, 4.0), (55, 3.995), (60, 5.0)]
            or stage.pitch.heard_notes[-2][0] == 55
        )


class TestStart:
    @pytest.mark.parametrize(("start", "first"), [("now", 3.0625), ("beat", 4.0), ("bar", 4.0)])
    def test_an_answer_waits_for_the_beat_or_the_bar(self, start: str, first: float) -> None:
        stage = stage_in(start=start)
        stage.play([Note(48, 0.0, 2.0625, 80)])
        assert beats(stage, 50.0)[0] == first

    def test_on_the_bar_it_is_of_whole_bars(self) -> None:
        stage = stage_in(start="bar")
        stage.play([Note(48, 0.0, 5.5, 80)])
        timed = stage.run_to_end()
        assert (timed[0].beat, timed[-1].beat) == (8.0, 16.0)

    def test_what_is_due_on_the_line_begins_there(self) -> None:
        stage = stage_in(start="bar")
        stage.play([Note(48, 0.0, 3.0, 80)])
        assert beats(stage, 50.0)[0] == 4.0


class TestAlways:
    def test_it_begins_as_soon_as_it_knows_the_time(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", step=1.0, mode="continuous"))
        stage.set_timeline(FROM_ZERO, 0.01, "free")
        assert beats(stage, 2.0) == [1.0, 2.0]

    def test_it_follows_your_loudness(self) -> None:
        stage = stage_in(mode="continuous")
        stage.receive(NoteOn(48, 33), 2.5)
        assert stage.run_until(3.0)[-1] == on(60, 3.0, 33)

    def test_a_new_pack_takes_over_at_the_next_note(self) -> None:
        stage = stage_in(mode="continuous")
        stage.run_until(2.5)
        stage.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,))}
        )
        assert onsets(stage.run_until(4.0)) == [(90, 3.0), (90, 4.0)]

    def test_a_phrase_is_over_after_a_rest(self) -> None:
        stage = stage_in(mode="continuous", rhythm="phrase")
        for beat in (0.25, 0.75):
            tap(stage, beat)
        for beat in (40.0, 40.5, 41.0):
            tap(stage, beat)
        stage.do_all_work()
        rhythm = stage.pitch.requests[-1].sampling.rhythm
        assert rhythm
        assert rhythm.period_beats <= 4.0


def test_a_phrase_played_under_an_answer_is_no_part_of_the_next() -> None:
    stage = stage_in(over="overlap", answer_length=8.0)
    stage.play(PHRASE)
    tap(stage, 5.0)
    stage.run_until(60.0)
    tap(stage, 60.0)
    stage.run_to_end()
    assert stage.sent[-1].beat < 72.0
