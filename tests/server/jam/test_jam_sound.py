"""How the notes of a jam lie in time and how they sound: groove, offset, key, range, channel, velocity."""

from itertools import pairwise

import pytest

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.improvising.rhythm import Rhythm
from model.notes import Note
from server.controls.control_table import Value
from tests.music import line
from tests.server.jams import JamHarness, ScriptedImproviser, off, on, onsets, plain_settings

PHRASE = line(48, 50, 52, 53)
DUE = 3.0


def harness_with(**controls: object) -> JamHarness:
    """A jam in the pitch approach that is given a phrase, and answers from beat 3 to 5."""
    harness = JamHarness(settings=plain_settings(approach="pitch", **controls))  # type: ignore[arg-type]  # controls by name
    harness.play(PHRASE)
    return harness


def onset_beats_of(harness: JamHarness) -> list[float]:
    harness.run_to_end()
    return [beat for _, beat in onsets(harness.sent)]


class TestGroove:
    def test_swing_makes_the_second_eighth_late(self) -> None:
        assert onset_beats_of(harness_with(swing=62.5)) == [3.0, 3.625, 4.0, 4.625]

    def test_quantising_moves_notes_to_the_grid(self) -> None:
        harness = harness_with(step=0.4, quantize="1/8")
        assert onset_beats_of(harness) == [3.0, 3.5, 4.0, 4.0, 4.5]

    def test_a_new_swing_moves_planned_notes_and_keeps_their_pitches(self) -> None:
        harness = harness_with(answer_length=4.0)
        harness.run_until(3.75)
        before = [note.pitch for note in harness.jam.status.plan]
        harness.change("swing", 75.0, 3.75)
        assert [note.pitch for note in harness.jam.status.plan] == before
        assert onset_beats_of(harness)[2:6] == [4.0, 4.75, 5.0, 5.75]

    def test_no_note_is_moved_into_the_past(self) -> None:
        harness = harness_with(answer_length=4.0, step=0.4)
        harness.change("quantize", "1/4", 3.45)
        assert onset_beats_of(harness)[2:] == sorted(onset_beats_of(harness)[2:])
        assert min(onset_beats_of(harness)[2:]) >= 3.45

    def test_the_grid_follows_the_bars(self) -> None:
        harness = JamHarness(settings=plain_settings(approach="pitch", quantize="1/4"))
        harness.set_timeline(Timeline.start(120.0, meter=Meter(7, 8)).with_downbeat(0.25), 0.0, "playing")
        harness.play(PHRASE)
        assert onset_beats_of(harness) == [3.25, 3.25, 3.75, 4.75]

    def test_a_gate_of_a_half_halves_each_note(self) -> None:
        harness = harness_with(gate=0.5)
        assert harness.run_to_end()[:3] == [on(60, 3.0), off(60, 3.25), on(62, 3.5)]

    def test_a_gate_above_one_extends_notes_but_not_past_the_end_of_the_answer(self) -> None:
        harness = harness_with(gate=1.5)
        harness.run_to_end()
        assert off(60, 3.75) in harness.sent
        assert harness.sent[-1].beat == 5.0


class TestOffset:
    def test_a_positive_offset_plays_later(self) -> None:
        # At 120 bpm a beat is 500 ms.
        assert onset_beats_of(harness_with(offset_ms=25.0)) == pytest.approx([3.05, 3.55, 4.05, 4.55])

    def test_a_negative_offset_plays_earlier_from_the_first_note_on(self) -> None:
        assert onset_beats_of(harness_with(offset_ms=-25.0)) == pytest.approx([2.95, 3.45, 3.95, 4.45])

    def test_a_note_that_the_new_offset_puts_in_the_past_comes_at_once(self) -> None:
        harness = harness_with()
        harness.change("offset_ms", -250.0, 3.75)
        assert onset_beats_of(harness)[:3] == [3.0, 3.5, 3.75]

    def test_a_short_wait_is_extended_to_the_negative_offset_so_that_first_notes_stay_apart(self) -> None:
        # Half a beat early, and due a quarter of a beat after the rest began.
        onsets = onset_beats_of(harness_with(offset_ms=-250.0, answer_after=0.25))
        assert [later - sooner for sooner, later in pairwise(onsets)] == pytest.approx([0.5] * (len(onsets) - 1))

    def test_note_ends_move_by_the_offset_too(self) -> None:
        harness = harness_with(offset_ms=25.0)
        assert harness.run_to_end()[1].beat == pytest.approx(3.55)


class TestInKey:
    def allowed_pitches(self, harness: JamHarness) -> frozenset[int] | None:
        harness.do_all_work()
        allowed: frozenset[int] | None = harness.pitch.requests[-1].sampling.pitches
        return allowed

    def test_off_allows_all_pitches(self) -> None:
        assert self.allowed_pitches(harness_with(key="off")) is None

    def test_a_key_allows_its_notes_only(self) -> None:
        allowed = self.allowed_pitches(harness_with(key="C major"))
        assert allowed
        assert {pitch % 12 for pitch in allowed} == {0, 2, 4, 5, 7, 9, 11}

    def test_auto_allows_all_pitches_before_a_key_is_found(self) -> None:
        assert self.allowed_pitches(harness_with(key="auto")) is None

    def test_auto_allows_the_detected_key_and_the_blue_note_you_just_played(self) -> None:
        harness = JamHarness(settings=plain_settings(approach="pitch", key="auto"))
        scale = (60, 64, 67, 72, 71, 67, 65, 62, 60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60)
        harness.play(line(*scale, *scale))
        allowed = self.allowed_pitches(harness)
        assert allowed
        assert {pitch % 12 for pitch in allowed} == {0, 2, 4, 5, 7, 9, 11}
        harness.run_until(30.0)
        harness.play(line(60, 63, 60, start_beats=40.0))
        allowed = self.allowed_pitches(harness)
        assert allowed
        assert {pitch % 12 for pitch in allowed} == {0, 2, 3, 4, 5, 7, 9, 11}

    def test_another_key_in_an_answer_replans_from_the_next_note(self) -> None:
        harness = harness_with(answer_length=4.0)
        harness.change("key", "F# major", 3.75)
        allowed = self.allowed_pitches(harness)
        assert allowed
        assert harness.pitch.requests[-1].start_beats == 4.0


class TestTheRange:
    def allowed(self, **controls: Value) -> list[int]:
        return sorted(TestInKey().allowed_pitches(harness_with(**controls)) or ())

    def test_is_from_low_to_high(self) -> None:
        assert self.allowed(low=50, high=53) == [50, 51, 52, 53]

    def test_may_be_given_the_wrong_way_round(self) -> None:
        assert self.allowed(low=53, high=50) == [50, 51, 52, 53]

    def test_applies_to_the_pitches_that_sound_after_transposition(self) -> None:
        assert self.allowed(low=50, high=53, transpose=12) == [38, 39, 40, 41]

    def test_range_and_key_allow_only_pitches_in_both(self) -> None:
        assert self.allowed(low=60, high=64, key="C major") == [60, 62, 64]

    def test_the_key_applies_after_transposition_too(self) -> None:
        assert self.allowed(low=60, high=64, key="C major", transpose=1) == [59, 61, 63]

    def test_goes_before_the_key_where_they_have_no_pitch_in_common(self) -> None:
        assert self.allowed(low=61, high=61, key="C major") == [61]


class TestTheSound:
    def test_the_models_hear_notes_as_composed_before_transposition(self) -> None:
        harness = harness_with(transpose=-12)
        assert onsets(harness.run_until(3.0)) == [(48, 3.0)]
        assert harness.pitch.heard_notes[-1] == (60, 3.0)

    def test_the_channel_is_a_control(self) -> None:
        harness = harness_with(channel=10)
        harness.run_to_end()
        assert {timed.message.channel for timed in harness.sent if isinstance(timed.message, NoteOn | NoteOff)} == {9}

    def test_a_channel_changed_during_a_note_does_not_leave_it_hanging(self) -> None:
        harness = harness_with()
        harness.run_until(3.25)
        for control, value in (("channel", 2), ("transpose", 5)):
            harness.change(control, value, 3.25)
        assert harness.run_until(3.5)[0].message == NoteOff(60, 0)

    def test_a_fixed_velocity(self) -> None:
        harness = harness_with(velocity=33)
        harness.run_to_end()
        assert {timed.message.velocity for timed in harness.sent if isinstance(timed.message, NoteOn)} == {33}

    def test_one_voice_at_a_time(self) -> None:
        harness = JamHarness(settings=plain_settings(max_polyphony=1))
        harness.jam.replace_improvisers(
            {"pitch": harness.pitch, "event": ScriptedImproviser("event", (72, 76), (0.0, 1.0))}
        )
        harness.play(PHRASE)
        sounding = 0
        harness.run_to_end()
        for timed in harness.sent:
            sounding += 1 if isinstance(timed.message, NoteOn) else -1
            assert sounding <= 1


class TestChords:
    def test_keys_that_go_down_together_are_one_onset(self) -> None:
        harness = JamHarness()
        harness.set_timeline(Timeline.start(240.0), 0.0, "free")
        # 25 ms are a tenth of a beat here.
        for pitch, beat in ((60, 1.0), (64, 1.05), (67, 1.1), (72, 1.15)):
            harness.receive(NoteOn(pitch, 80), beat)
        harness.do_all_work()
        assert [onset for _, onset in harness.event.heard_notes] == [1.0, 1.0, 1.0, pytest.approx(1.15)]

    def test_a_key_of_a_chord_that_comes_up_at_once_has_no_negative_length(self) -> None:
        harness = JamHarness()
        harness.receive(NoteOn(60, 80), 1.0)
        harness.receive(NoteOn(64, 80), 1.05)
        harness.receive(NoteOff(64), 1.05)
        harness.receive(NoteOff(60), 1.5)
        assert harness.run_to_end()


class TestBorrowedRhythm:
    def test_the_pitch_approach_may_play_your_own_rhythm(self) -> None:
        harness = JamHarness(settings=plain_settings(approach="pitch", rhythm="phrase"))
        harness.play([Note(60, 0.0, 0.75, 80), Note(62, 0.75, 0.25, 80), Note(64, 1.0, 1.0, 80)])
        harness.do_all_work()
        rhythm = harness.pitch.requests[-1].sampling.rhythm
        assert isinstance(rhythm, Rhythm)
        assert (rhythm.onsets_beats, rhythm.durations_beats, rhythm.period_beats) == (
            (0.0, 0.75, 1.0),
            (0.75, 0.25, 1.0),
            2.0,
        )


class TestAnAnswerThatHasBegun:
    @pytest.mark.parametrize("offset_ms", [250.0, -250.0])
    def test_goes_on_with_any_new_offset(self, offset_ms: float) -> None:
        harness = harness_with(answer_length=4.0)
        harness.change("offset_ms", offset_ms, 3.25)
        assert len(onset_beats_of(harness)) == 8
        assert harness.jam.status.state == "listening"

    def test_without_a_note_wakes_the_jam_once_and_not_again_and_again(self) -> None:
        harness = JamHarness(
            settings=plain_settings(approach="pitch", quantize="1/4", answer_length=0.25, answer_after=4.0)
        )
        harness.jam.receive(NoteOn(60, 80), 0.0)
        harness.jam.receive(NoteOff(60), 0.3)
        harness.do_all_work()
        wakes = 0
        while (beat := harness.jam.wake_at()) is not None and wakes < 10:
            harness.jam.advance(beat)
            harness.do_all_work()
            wakes += 1
        assert wakes < 5

    def test_a_shorter_length_gives_no_note_a_negative_length(self) -> None:
        harness = harness_with(answer_length=8.0)
        harness.run_until(4.998)
        harness.jam.change("answer_length", 0.5, 4.998)
        harness.run_to_end()
        beats = [timed.beat for timed in harness.sent]
        assert beats == sorted(beats)
