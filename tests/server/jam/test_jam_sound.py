"""How what a jam plays lies in time, and how it sounds: groove, offset, key, range, channel, loudness."""

from itertools import pairwise

import pytest

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.notes import Note
from server.controls.control_table import Settings, Value
from tests.music import line
from tests.server.jams import JamHarness, ScriptedImproviser, off, on, onsets

PHRASE = line(48, 50, 52, 53)
DUE = 3.0


def stage_with(**controls: object) -> JamHarness:
    """A jam in the pitch approach that is given a phrase, and answers from beat 3 to 5."""
    stage = JamHarness(settings=Settings(approach="pitch", **controls))  # type: ignore[arg-type]  # controls by name
    stage.play(PHRASE)
    return stage


def begun(stage: JamHarness) -> list[float]:
    stage.run_to_end()
    return [beat for _, beat in onsets(stage.sent)]


class TestGroove:
    def test_swing_makes_the_second_eighth_late(self) -> None:
        assert begun(stage_with(swing=62.5)) == [3.0, 3.625, 4.0, 4.625]

    def test_a_grid_takes_what_lies_beside_it(self) -> None:
        stage = stage_with(step=0.4, quantize="1/8")
        assert begun(stage) == [3.0, 3.5, 4.0, 4.0, 4.5]

    def test_it_moves_what_is_planned_and_leaves_the_notes_as_they_are(self) -> None:
        stage = stage_with(answer_length=4.0)
        stage.run_until(3.75)
        before = [note.pitch for note in stage.jam.plan]
        stage.change("swing", 75.0, 3.75)
        assert [note.pitch for note in stage.jam.plan] == before
        assert begun(stage)[2:6] == [4.0, 4.75, 5.0, 5.75]

    def test_nothing_is_moved_into_the_past(self) -> None:
        stage = stage_with(answer_length=4.0, step=0.4)
        stage.change("quantize", "1/4", 3.45)
        assert begun(stage)[2:] == sorted(begun(stage)[2:])
        assert min(begun(stage)[2:]) >= 3.45

    def test_the_grid_is_that_of_the_bars(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", quantize="1/4"))
        stage.set_timeline(Timeline.start(120.0, meter=Meter(7, 8)).with_downbeat(0.25), 0.0, "playing")
        stage.play(PHRASE)
        assert begun(stage) == [3.25, 3.25, 3.75, 4.75]

    def test_a_gate_of_a_half_lets_go_half_way(self) -> None:
        stage = stage_with(gate=0.5)
        assert stage.run_to_end()[:3] == [on(60, 3.0), off(60, 3.25), on(62, 3.5)]

    def test_a_gate_above_one_ties_notes_but_not_past_the_answers_end(self) -> None:
        stage = stage_with(gate=1.5)
        stage.run_to_end()
        assert off(60, 3.75) in stage.sent
        assert stage.sent[-1].beat == 5.0


class TestOffset:
    def test_late_is_later_by_so_much(self) -> None:
        # At 120 bpm a beat is 500 ms.
        assert begun(stage_with(offset_ms=25.0)) == pytest.approx([3.05, 3.55, 4.05, 4.55])

    def test_early_is_earlier_the_first_note_too(self) -> None:
        assert begun(stage_with(offset_ms=-25.0)) == pytest.approx([2.95, 3.45, 3.95, 4.45])

    def test_what_would_have_to_come_before_it_was_asked_for_comes_at_once(self) -> None:
        stage = stage_with()
        stage.change("offset_ms", -250.0, 3.75)
        assert begun(stage)[:3] == [3.0, 3.5, 3.75]

    def test_an_answer_that_is_due_sooner_than_it_can_be_early_waits_so_that_its_first_notes_are_not_one(self) -> None:
        # Half a beat early, and due a quarter of a beat after the rest began.
        onsets = begun(stage_with(offset_ms=-250.0, answer_after=0.25))
        assert [later - sooner for sooner, later in pairwise(onsets)] == pytest.approx([0.5] * (len(onsets) - 1))

    def test_ends_move_along(self) -> None:
        stage = stage_with(offset_ms=25.0)
        assert stage.run_to_end()[1].beat == pytest.approx(3.55)


class TestInKey:
    def pitches_wanted(self, stage: JamHarness) -> frozenset[int] | None:
        stage.do_all_work()
        wanted: frozenset[int] | None = stage.pitch.requests[-1].sampling.pitches
        return wanted

    def test_off_leaves_all_as_it_is(self) -> None:
        assert self.pitches_wanted(stage_with(key="off")) is None

    def test_a_key_leaves_its_notes(self) -> None:
        wanted = self.pitches_wanted(stage_with(key="C major"))
        assert wanted
        assert {pitch % 12 for pitch in wanted} == {0, 2, 4, 5, 7, 9, 11}

    def test_auto_knows_none_before_enough_was_heard(self) -> None:
        assert self.pitches_wanted(stage_with(key="auto")) is None

    def test_auto_is_the_key_you_are_heard_in_and_the_blue_note_you_just_played(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", key="auto"))
        scale = (60, 64, 67, 72, 71, 67, 65, 62, 60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60)
        stage.play(line(*scale, *scale))
        wanted = self.pitches_wanted(stage)
        assert wanted
        assert {pitch % 12 for pitch in wanted} == {0, 2, 4, 5, 7, 9, 11}
        stage.run_until(30.0)
        stage.play(line(60, 63, 60, start_beats=40.0))
        wanted = self.pitches_wanted(stage)
        assert wanted
        assert {pitch % 12 for pitch in wanted} == {0, 2, 3, 4, 5, 7, 9, 11}

    def test_another_key_in_an_answer_replans_from_the_next_note(self) -> None:
        stage = stage_with(answer_length=4.0)
        stage.change("key", "F# major", 3.75)
        wanted = self.pitches_wanted(stage)
        assert wanted
        assert stage.pitch.requests[-1].start_beats == 4.0


class TestTheRange:
    def wanted(self, **controls: Value) -> list[int]:
        return sorted(TestInKey().pitches_wanted(stage_with(**controls)) or ())

    def test_is_from_low_to_high(self) -> None:
        assert self.wanted(low=50, high=53) == [50, 51, 52, 53]

    def test_may_be_told_the_wrong_way_round(self) -> None:
        assert self.wanted(low=53, high=50) == [50, 51, 52, 53]

    def test_is_of_what_sounds_once_it_is_transposed(self) -> None:
        assert self.wanted(low=50, high=53, transpose=12) == [38, 39, 40, 41]

    def test_and_a_key_leave_what_is_in_both(self) -> None:
        assert self.wanted(low=60, high=64, key="C major") == [60, 62, 64]

    def test_the_key_is_of_what_sounds(self) -> None:
        assert self.wanted(low=60, high=64, key="C major", transpose=1) == [59, 61, 63]

    def test_decides_where_it_has_nothing_of_the_key(self) -> None:
        assert self.wanted(low=61, high=61, key="C major") == [61]


class TestTheSound:
    def test_transposed_notes_are_heard_by_the_models_as_they_were_meant(self) -> None:
        stage = stage_with(transpose=-12)
        assert onsets(stage.run_until(3.0)) == [(48, 3.0)]
        assert stage.pitch.heard_notes[-1] == (60, 3.0)

    def test_a_channel(self) -> None:
        stage = stage_with(channel=10)
        stage.run_to_end()
        assert {timed.message.channel for timed in stage.sent if isinstance(timed.message, NoteOn | NoteOff)} == {9}

    def test_another_channel_in_the_middle_of_a_note_does_not_leave_it_hanging(self) -> None:
        stage = stage_with()
        stage.run_until(3.25)
        for control, value in (("channel", 2), ("transpose", 5)):
            stage.change(control, value, 3.25)
        assert stage.run_until(3.5)[0].message == NoteOff(60, 0)

    def test_a_velocity_of_its_own(self) -> None:
        stage = stage_with(velocity=33)
        stage.run_to_end()
        assert {timed.message.velocity for timed in stage.sent if isinstance(timed.message, NoteOn)} == {33}

    def test_one_voice_at_a_time(self) -> None:
        stage = JamHarness(settings=Settings(max_polyphony=1))
        stage.jam.replace_improvisers(
            {"pitch": stage.pitch, "event": ScriptedImproviser("event", (72, 76), (0.0, 1.0))}
        )
        stage.play(PHRASE)
        sounding = 0
        stage.run_to_end()
        for timed in stage.sent:
            sounding += 1 if isinstance(timed.message, NoteOn) else -1
            assert sounding <= 1


class TestChords:
    def test_keys_that_go_down_together_are_one_onset(self) -> None:
        stage = JamHarness()
        stage.set_timeline(Timeline.start(240.0), 0.0, "free")
        # 25 ms are a tenth of a beat here.
        for pitch, beat in ((60, 1.0), (64, 1.05), (67, 1.1), (72, 1.15)):
            stage.receive(NoteOn(pitch, 80), beat)
        stage.do_all_work()
        assert [onset for _, onset in stage.event.heard_notes] == [1.0, 1.0, 1.0, pytest.approx(1.15)]

    def test_a_key_of_a_chord_that_comes_up_at_once_has_no_length_less_than_none(self) -> None:
        stage = JamHarness()
        stage.receive(NoteOn(60, 80), 1.0)
        stage.receive(NoteOn(64, 80), 1.05)
        stage.receive(NoteOff(64), 1.05)
        stage.receive(NoteOff(60), 1.5)
        assert stage.run_to_end()


class TestBorrowedRhythm:
    def test_the_pitch_approach_may_play_your_own_rhythm(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", rhythm="phrase"))
        stage.play([Note(60, 0.0, 0.75, 80), Note(62, 0.75, 0.25, 80), Note(64, 1.0, 1.0, 80)])
        stage.do_all_work()
        rhythm = stage.pitch.requests[-1].sampling.rhythm
        assert rhythm
        assert (rhythm.onsets_beats, rhythm.durations_beats, rhythm.period_beats) == (
            (0.0, 0.75, 1.0),
            (0.75, 0.25, 1.0),
            2.0,
        )


class TestAnAnswerThatHasBegun:
    @pytest.mark.parametrize("offset_ms", [250.0, -250.0])
    def test_goes_on_whatever_offset_it_is_given(self, offset_ms: float) -> None:
        stage = stage_with(answer_length=4.0)
        stage.change("offset_ms", offset_ms, 3.25)
        assert len(begun(stage)) == 8
        assert stage.jam.state == "listening"

    def test_that_came_to_nothing_is_waited_for_once_and_not_over_and_over(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", quantize="1/4", answer_length=0.25, answer_after=4.0))
        stage.jam.receive(NoteOn(60, 80), 0.0)
        stage.jam.receive(NoteOff(60), 0.3)
        stage.do_all_work()
        wakes = 0
        while (beat := stage.jam.wake_at()) is not None and wakes < 10:
            stage.jam.advance(beat)
            stage.do_all_work()
            wakes += 1
        assert wakes < 5

    def test_a_shorter_length_gives_no_note_less_than_none(self) -> None:
        stage = stage_with(answer_length=8.0)
        stage.run_until(4.998)
        stage.jam.change("answer_length", 0.5, 4.998)
        stage.run_to_end()
        beats = [timed.beat for timed in stage.sent]
        assert beats == sorted(beats)
