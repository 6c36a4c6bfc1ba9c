from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from bridge.midi.messages import ControlChange, NoteOff, NoteOn, OtherMessage
from model.improvising.improviser import PlannedNote
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from server.controls.control_table import Value
from server.jam.answering.answer import NOTES_AHEAD
from server.jam.jam_output import TimedMessage
from server.jam.turns.turn_planner import LONGEST_ANSWER_BEATS, SHORTEST_ASKED_BEATS, UNPROMPTED_ANSWER_BEATS
from tests.music import line
from tests.server.jams import (
    CompositionRequest,
    JamHarness,
    ScriptedImproviser,
    as_played,
    off,
    on,
    onsets,
    plain_settings,
)

PHRASE = line(48, 50, 52, 53)
PHRASE_END, DUE = 2.0, 3.0  # as `answer_after` is a beat
PEDAL_DOWN, PEDAL_UP = ControlChange(64, 127), ControlChange(64, 0)

IN_PITCH = plain_settings(approach="pitch")
# As long as the phrase, two beats, from the beat at which it is due.
PITCH_ANSWER = [
    on(60, 3.0),
    off(60, 3.5),
    on(62, 3.5),
    off(62, 4.0),
    on(64, 4.0),
    off(64, 4.5),
    on(65, 4.5),
    off(65, 5.0),
]
EVENT_ANSWER = [on(72, 3.0), off(72, 4.0), on(74, 4.0), off(74, 4.5), on(76, 4.5), off(76, 5.0)]


@pytest.fixture
def harness() -> JamHarness:
    """A jam with default settings, which play the event approach."""
    return JamHarness()


@pytest.fixture
def pitch_harness() -> JamHarness:
    """A jam in the pitch approach."""
    return JamHarness(settings=IN_PITCH)


def planned(harness: JamHarness) -> list[tuple[int, float]]:
    return [(note.pitch, note.onset_beats) for note in harness.jam.status.plan]


def velocities(timed: list[TimedMessage]) -> list[int]:
    return [item.message.velocity for item in timed if isinstance(item.message, NoteOn)]


def of_the_controls(request: CompositionRequest) -> CompositionRequest:
    """The request but for what it takes from the phrase's pitches and rhythm."""
    return replace(request, sampling=replace(request.sampling, melody=None, parallel=None))


class TestWhenItAnswers:
    def test_an_answer_begins_answer_after_beats_after_the_last_key(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        assert harness.run_to_end() == EVENT_ANSWER

    def test_an_answer_does_not_begin_before_that(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        states = []
        for beat, due in ((2.999, []), (3.0, EVENT_ANSWER[:1])):
            assert harness.run_until(beat) == due
            states.append(harness.jam.status.state)
        assert states == ["waiting", "answering"]

    @pytest.mark.parametrize("answer_after", [0.125, 2.0, 16.0])
    def test_the_wait_is_a_control(self, answer_after: float) -> None:
        harness = JamHarness(settings=plain_settings(answer_after=answer_after))
        harness.play(PHRASE)
        assert harness.run_to_end()[0] == on(72, PHRASE_END + answer_after)

    def test_without_a_phrase_nothing_is_played(self, harness: JamHarness) -> None:
        assert harness.run_until(100.0) == []
        assert harness.jam.status.state == "listening"

    def test_a_held_key_keeps_it_from_answering(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.receive(NoteOn(55, 80), 2.5)
        assert harness.run_until(50.0) == []
        harness.receive(NoteOff(55), 50.0)
        assert harness.run_to_end()[0] == on(72, 51.0)

    def test_the_sustain_pedal_keeps_it_from_answering(self, harness: JamHarness) -> None:
        harness.receive(PEDAL_DOWN, 0.0)
        harness.play(PHRASE)
        assert harness.run_until(20.0) == []
        harness.receive(PEDAL_UP, 20.0)
        assert harness.run_to_end()[0] == on(72, 21.0)

    def test_a_half_pressed_pedal_is_down_from_the_middle_value_on(self, harness: JamHarness) -> None:
        harness.receive(ControlChange(64, 63), 0.0)
        harness.play(PHRASE)
        assert harness.run_until(DUE) == [on(72, DUE)]
        harness.receive(NoteOn(60, 80), DUE)
        harness.receive(ControlChange(64, 64), 4.0)
        harness.receive(NoteOff(60), 4.5)
        harness.run_until(40.0)
        assert harness.jam.status.state == "listening"

    def test_a_note_shortly_before_the_answer_delays_it(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.play(line(55, start_beats=2.75))
        assert harness.run_to_end()[0] == on(72, 4.25)

    def test_other_messages_do_not_delay_it(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        for message in (ControlChange(1, 90), OtherMessage(b"\xe0\x00\x50"), OtherMessage(b"\xf8"), NoteOff(99)):
            harness.receive(message, 2.5)
        assert harness.run_to_end() == EVENT_ANSWER

    def test_a_second_phrase_is_answered_like_the_first(self, pitch_harness: JamHarness) -> None:
        pitch_harness.play(PHRASE)
        pitch_harness.run_until(8.0)
        pitch_harness.play(line(48, 50, 52, 53, start_beats=8.0))
        assert onsets(pitch_harness.run_to_end()) == [(60, 11.0), (62, 11.5), (64, 12.0), (65, 12.5)]

    def test_each_phrase_is_answered_once(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_to_end()
        assert harness.run_until(100.0) == []
        assert harness.jam.status.state == "listening"

    @pytest.mark.parametrize("controller", [120, 123])
    def test_all_notes_off_releases_every_key(self, harness: JamHarness, controller: int) -> None:
        harness.receive(NoteOn(60, 80), 0.0)
        harness.receive(NoteOn(64, 80), 0.0)
        harness.receive(ControlChange(controller, 0), 2.0)
        assert harness.run_to_end()[0] == on(72, 3.0)


class TestChangingHowLongToWait:
    def test_a_longer_wait_delays_a_waiting_answer(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.change("answer_after", 4.0, 2.5)
        assert harness.run_to_end()[0] == on(72, 6.0)

    def test_a_shorter_wait_brings_it_forward(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.change("answer_after", 0.75, 2.5)
        assert harness.run_to_end()[0] == on(72, 2.75)

    def test_a_wait_that_is_over_already_begins_the_whole_answer_now(self) -> None:
        harness = JamHarness(settings=plain_settings(answer_after=16.0))
        harness.play(PHRASE)
        harness.change("answer_after", 1.0, 10.0)
        assert onsets(harness.run_to_end()) == [(72, 10.0), (74, 11.0), (76, 11.5)]

    def test_a_playing_answer_is_not_affected(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.change("answer_after", 8.0, 3.25)
        harness.run_to_end()
        assert harness.sent == EVENT_ANSWER


class TestRespond:
    def test_answers_at_once(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.act("respond", 2.25)
        assert onsets(harness.run_to_end()) == [(72, 2.25), (74, 3.25), (76, 3.75)]

    def test_answers_while_a_key_is_held_and_does_not_wait_for_it(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(60, 80), 0.0)
        harness.act("respond", 1.5)
        assert harness.run_until(1.5) == [on(72, 1.5)]
        harness.receive(NoteOff(60), 2.0)
        assert onsets(harness.run_to_end()) == [(74, 2.5), (76, 3.0)]

    def test_answers_under_a_pedal(self, harness: JamHarness) -> None:
        harness.receive(PEDAL_DOWN, 0.0)
        harness.play(PHRASE)
        harness.act("respond", 2.0)
        assert harness.run_until(2.0) == [on(72, 2.0)]

    def test_without_a_phrase_plays_for_two_bars(self, harness: JamHarness) -> None:
        harness.act("respond", 1.0)
        timed = harness.run_to_end()
        assert (timed[0].beat, timed[-1].beat) == (1.0, 1.0 + UNPROMPTED_ANSWER_BEATS)

    def test_during_an_answer_ends_its_notes_and_begins_another(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.act("respond", 3.25)
        assert harness.run_until(3.25) == [off(72, 3.25), on(72, 3.25)]

    def test_a_second_time_answers_the_same_phrase_again(self, harness: JamHarness) -> None:
        harness.play(line(*range(48, 56), velocity=33))
        harness.run_to_end()
        harness.act("respond", 20.0)
        timed = harness.run_to_end()
        assert (timed[0], timed[-1].beat) == (on(72, 20.0, 33), 24.0)


class TestHowLongItAnswers:
    @pytest.mark.parametrize(
        ("notes", "beats"),
        [
            (line(48), 2.0),  # at least two beats
            (line(48, 50, 52, 53), 2.0),
            (line(48, 50, 52, 53, 55), 3.0),  # to the next whole beat
            (line(*range(48, 56)), 4.0),
            ([Note(48, 0.3, 3.9, 80)], 4.0),
            ([Note(48, 0.0, 4.2, 80)], 4.0),  # keys that are released a little late
            ([Note(48, 0.0, 4.3, 80)], 5.0),
            ([Note(48, 0.0, 59.0, 80)], LONGEST_ANSWER_BEATS),
            ([Note(48, 0.1, 3.0, 80)], 3.0),  # the sum is 3.0000000000000004 in binary fractions
        ],
    )
    def test_an_answer_is_about_as_long_as_the_phrase(
        self, harness: JamHarness, notes: list[Note], beats: float
    ) -> None:
        harness.play(notes)
        timed = harness.run_to_end()
        assert timed[-1].beat - timed[0].beat == pytest.approx(beats)

    @pytest.mark.parametrize(
        ("asked_beats", "beats"), [(0.001, SHORTEST_ASKED_BEATS), (0.25, 0.25), (1.0, 1.0), (8.0, 8.0), (256.0, 256.0)]
    )
    def test_an_answer_is_as_long_as_the_control_says(self, asked_beats: float, beats: float) -> None:
        harness = JamHarness(settings=plain_settings(answer_length=asked_beats))
        harness.play(PHRASE)
        timed = harness.run_to_end()
        assert (timed[0].beat, timed[-1].beat) == (DUE, DUE + beats)


class TestWhatItPlays:
    def test_the_pitch_approach_plays_a_note_at_each_step(self, pitch_harness: JamHarness) -> None:
        pitch_harness.play(PHRASE)
        assert pitch_harness.run_to_end() == PITCH_ANSWER

    def test_the_step_is_a_control(self) -> None:
        harness = JamHarness(settings=plain_settings(approach="pitch", step=0.25))
        harness.play(PHRASE)
        assert onsets(harness.run_to_end())[:5] == [(60, 3.0), (62, 3.25), (64, 3.5), (65, 3.75), (60, 4.0)]

    def test_without_touch_every_note_is_as_loud_as_the_phrase_on_average(self, pitch_harness: JamHarness) -> None:
        for start_beats, velocity in ((0.0, 100), (0.5, 30), (1.0, 125)):
            pitch_harness.play(line(48, start_beats=start_beats, velocity=velocity))
        assert velocities(pitch_harness.run_to_end()) == [85, 85, 85, 85]

    def test_its_sampling_settings_are_those_of_the_controls(self) -> None:
        harness = JamHarness(settings=plain_settings(temperature=0.3, top_p=0.5, step=1.5))
        harness.play(PHRASE)
        harness.do_all_work()
        expected = SamplingSettings(0.3, 0.5, 1.5, closing_beats=0.5, harmony=0.75)
        assert of_the_controls(harness.event.requests[-1]) == CompositionRequest(3.0, 5.0, expected)

    def test_a_repeated_pitch_is_ended_first(self) -> None:
        harness = JamHarness()
        held = ScriptedImproviser("event", (72,), (0.5, 0.25))
        harness.jam.replace_improvisers({"pitch": harness.pitch, "event": held})
        harness.play(PHRASE)
        timed = harness.run_to_end()
        assert timed[:3] == [on(72, 3.0), off(72, 3.5), on(72, 3.5)]

    def test_a_pitch_repeated_before_its_end_is_ended_once(self) -> None:
        harness = JamHarness()
        overlapping = Stretched("event", (72,), (0.5,))
        overlapping.stretch = 1.5
        harness.jam.replace_improvisers({"pitch": harness.pitch, "event": overlapping})
        harness.play(PHRASE)
        assert harness.run_to_end() == [
            *[on(72, 3.0), off(72, 3.5), on(72, 3.5), off(72, 4.0), on(72, 4.0), off(72, 4.5), on(72, 4.5)],
            off(72, 5.0),  # where the answer ends
        ]

    def test_the_plan_is_visible_before_it_sounds(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        assert planned(harness) == []
        harness.do_all_work()
        assert planned(harness) == [(72, 3.0), (74, 4.0), (76, 4.5)]
        harness.run_until(4.25)
        assert planned(harness) == [(76, 4.5)]


class TestPlayingOverIt:
    def test_ends_sounding_notes_in_the_next_advance_and_plays_no_more(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(3.25)
        harness.jam.receive(NoteOn(55, 90), 3.25)
        assert harness.jam.advance(3.25) == [off(72, 3.25)]
        assert harness.run_until(50.0) == []
        assert harness.jam.status.plan == ()

    def test_drops_notes_that_were_due_and_not_yet_returned(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(3.25)
        harness.jam.receive(NoteOn(55, 90), 4.75)
        assert harness.jam.advance(4.75) == [off(72, 4.75)]

    def test_does_not_wait_for_model_work(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(3.25)
        harness.jam.receive(NoteOn(55, 90), 3.25)
        assert harness.jam.has_work
        assert harness.jam.advance(3.25) == [off(72, 3.25)]

    def test_begins_a_new_phrase(self, pitch_harness: JamHarness) -> None:
        pitch_harness.play(PHRASE)
        pitch_harness.play(line(55, start_beats=3.25, velocity=31))
        answered = pitch_harness.run_to_end()
        assert onsets(answered) == [(60, 4.75), (62, 5.25), (64, 5.75), (65, 6.25)]
        assert set(velocities(answered)) == {31}

    def test_releasing_a_key_or_the_pedal_does_not_stop_it(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(60, 80), 0.0)
        harness.act("respond", 1.0)
        harness.run_until(1.25)
        for message in (NoteOff(60), PEDAL_DOWN, PEDAL_UP):
            harness.receive(message, 1.5)
        assert onsets(harness.run_to_end()) == [(74, 2.0), (76, 2.5)]

    def test_a_key_that_is_read_late_ends_no_note_before_it_began(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(4.0)
        harness.jam.receive(NoteOn(55, 90), 3.995)
        assert harness.jam.advance(4.001) == [off(74, 4.0)]


class TestHearing:
    def test_both_models_hear_the_player_as_the_keys_go_down(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(48, 80), 0.0)
        harness.receive(NoteOn(52, 80), 0.5)
        harness.do_all_work()
        assert harness.pitch.heard_notes == harness.event.heard_notes == [(48, 0.0), (52, 0.5)]

    def test_both_models_hear_player_and_answer_in_the_order_they_sound(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(4.25)
        harness.receive(NoteOn(55, 80), 4.25)
        harness.do_all_work()
        played = [(note.pitch, note.onset_beats) for note in PHRASE]
        assert harness.event.heard_notes == [*played, (72, 3.0), (74, 4.0), (55, 4.25)]
        assert harness.pitch.heard_notes == harness.event.heard_notes

    def test_planned_notes_that_did_not_sound_are_not_heard(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(2.5)
        assert len(harness.jam.status.plan) == 3
        harness.act("stop", 2.5)
        harness.receive(NoteOn(55, 80), 9.0)
        harness.do_all_work()
        assert harness.event.heard_notes[len(PHRASE) :] == [(55, 9.0)]

    def test_across_changes_of_approach_both_models_hear_every_note(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.change("approach", "pitch", 3.25)
        harness.change("approach", "event", 4.25)
        harness.run_to_end()
        harness.do_all_work()
        sounded = [(note.pitch, note.onset_beats) for note in PHRASE] + onsets(harness.sent)
        assert harness.event.heard_notes == sounded
        assert harness.pitch.heard_notes == sounded


class TestChangingControlsInAnAnswer:
    def test_another_approach_takes_over_at_the_next_onset(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.change("approach", "pitch", 3.25)
        harness.run_to_end()
        assert harness.sent == [
            *EVENT_ANSWER[:2],
            *[on(60, 4.0), off(60, 4.5), on(62, 4.5), off(62, 5.0)],
        ]

    @pytest.mark.parametrize(
        ("control", "value", "sampling"),
        [
            ("temperature", 0.2, SamplingSettings(0.2, 0.98, 0.5, closing_beats=0.5, harmony=0.75)),
            ("top_p", 0.3, SamplingSettings(1.0, 0.3, 0.5, closing_beats=0.5, harmony=0.75)),
        ],
    )
    def test_other_sampling_settings_replan_from_the_next_onset(
        self, harness: JamHarness, control: str, value: float, sampling: SamplingSettings
    ) -> None:
        harness.play(PHRASE)
        harness.change(control, value, 3.25)
        harness.run_to_end()
        assert of_the_controls(harness.event.requests[-1]) == CompositionRequest(4.0, 5.0, sampling)
        assert onsets(harness.sent) == [(72, 3.0), (72, 4.0)]

    @pytest.mark.parametrize(("control", "value"), [("step", 1.0), ("temperature", 1.0), ("approach", "event")])
    def test_a_control_of_the_other_approach_or_the_same_value_replans_nothing(
        self, harness: JamHarness, control: str, value: Value
    ) -> None:
        harness.play(PHRASE)
        harness.run_until(3.25)
        request_count = len(harness.event.requests)
        harness.change(control, value, 3.25)
        harness.run_to_end()
        assert len(harness.event.requests) == request_count
        assert harness.sent == EVENT_ANSWER

    def test_another_step_keeps_the_next_onset_and_goes_on_from_there(self, pitch_harness: JamHarness) -> None:
        pitch_harness.play(PHRASE)
        pitch_harness.change("step", 0.25, 3.25)
        pitch_harness.run_to_end()
        assert onsets(pitch_harness.sent) == [
            *[(60, 3.0), (60, 3.5), (62, 3.75), (64, 4.0), (65, 4.25), (60, 4.5), (62, 4.75)],
        ]

    def test_a_fader_that_keeps_moving_delays_no_note(self, pitch_harness: JamHarness) -> None:
        pitch_harness.play(PHRASE)
        for tick in range(64):
            pitch_harness.change("temperature", 0.5 + tick / 100, DUE + tick / 32)
        pitch_harness.run_to_end()
        assert [beat for _, beat in onsets(pitch_harness.sent)] == [3.0, 3.5, 4.0, 4.5]

    def test_a_waiting_answer_is_replanned_as_a_whole(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(2.5)
        harness.change("approach", "pitch", 2.5)
        assert harness.run_to_end() == PITCH_ANSWER

    def test_a_longer_answer_goes_on(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.change("answer_length", 3.0, 4.75)
        harness.run_to_end()
        assert harness.sent == [*EVENT_ANSWER, on(72, 5.0), off(72, 6.0)]

    def test_a_shorter_answer_ends_with_the_note_that_sounds(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.change("answer_length", 1.0, 4.25)
        harness.run_to_end()
        assert harness.sent == EVENT_ANSWER[:4]
        assert harness.jam.status.state == "listening"

    def test_the_tempo_does_not_change_a_plan_in_beats(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.change("tempo", 200.0, 3.25)
        harness.run_to_end()
        assert harness.sent == EVENT_ANSWER
        assert harness.jam.settings.tempo == 200.0

    def test_without_an_answer_nothing_is_planned(self, harness: JamHarness) -> None:
        harness.change("temperature", 0.2, 1.0)
        assert not harness.jam.has_work
        assert harness.run_to_end() == []

    def test_an_answer_cut_short_between_two_of_its_notes_leaves_it_listening(self) -> None:
        harness = JamHarness()
        with_a_rest = Stretched("event", (72,), (2.0,))
        harness.jam.replace_improvisers({"pitch": harness.pitch, "event": with_a_rest})
        harness.play(line(*range(48, 56)))
        harness.change("answer_length", 1.0, 6.5)
        harness.run_to_end()
        assert onsets(harness.sent) == [(72, 5.0)]
        assert harness.jam.status.state == "listening"


class Stretched(ScriptedImproviser):
    """Holds each note for longer or shorter than until the next, as the event approach does before a long rest."""

    stretch = 0.5

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        for plan in super().compose(start_beats, until_beats, settings, random):
            yield replace(plan, note=replace(plan.note, duration_beats=plan.note.duration_beats * self.stretch))


class TestStopping:
    def test_stop_ends_the_answer_and_listens(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.act("stop", 3.25)
        assert harness.run_until(3.25) == [off(72, 3.25)]
        assert harness.run_until(50.0) == []
        assert harness.jam.status.state == "listening"

    def test_stop_during_the_wait_drops_the_phrase(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.act("stop", 2.5)
        assert harness.run_until(50.0) == []

    def test_after_stop_the_next_phrase_is_answered(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.act("stop", 3.25)
        harness.play(line(48, 50, start_beats=8.0))
        assert harness.run_to_end()[0] == on(72, 10.0)

    def test_panic_ends_every_note_on_every_channel(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.act("panic", 3.25)
        assert harness.run_until(3.25) == [
            off(72, 3.25),
            *(
                TimedMessage(ControlChange(controller, 0, channel), 3.25)
                for channel in range(16)
                for controller in (64, 123, 120)
            ),
        ]
        assert harness.run_until(50.0) == []

    def test_panic_forgets_held_keys_whose_note_offs_never_came(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(60, 80), 0.0)
        harness.receive(PEDAL_DOWN, 0.0)
        harness.act("panic", 8.0)
        harness.play(line(48, 50, start_beats=9.0))
        assert harness.run_to_end()[-1].beat == 13.0

    def test_respond_remembers_held_keys(self, harness: JamHarness) -> None:
        harness.receive(NoteOn(60, 80), 0.0)
        harness.act("respond", 1.0)
        harness.run_until(20.0)
        harness.sent.clear()
        harness.play(line(48, 50, start_beats=20.0))
        assert harness.run_until(40.0) == []
        harness.receive(NoteOff(60), 40.0)
        assert harness.run_to_end()[0] == on(72, 41.0)

    def test_panic_sends_its_messages_even_while_nothing_sounds(self, harness: JamHarness) -> None:
        harness.act("panic", 1.0)
        assert len(harness.run_until(1.0)) == 48


class TestANewPack:
    def test_hears_the_latest_notes(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_to_end()
        event, pitch = ScriptedImproviser("event", (80,)), ScriptedImproviser("pitch", (90,))
        harness.jam.replace_improvisers({"pitch": pitch, "event": event})
        harness.do_all_work()
        sounded = [(note.pitch, note.onset_beats) for note in PHRASE] + onsets(harness.sent)
        assert event.heard_notes == pitch.heard_notes == sounded

    def test_a_playing_answer_is_finished_and_the_new_models_hear_it(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(3.25)
        event, pitch = ScriptedImproviser("event", (80,)), ScriptedImproviser("pitch", (90,))
        harness.jam.replace_improvisers({"pitch": pitch, "event": event})
        harness.run_to_end()
        assert harness.sent == EVENT_ANSWER
        sounded = [(note.pitch, note.onset_beats) for note in PHRASE] + onsets(harness.sent)
        assert event.heard_notes == pitch.heard_notes == sounded

    def test_the_old_model_hears_the_whole_phrase_before_it_composes_its_last_answer(self, harness: JamHarness) -> None:
        for timed in as_played(PHRASE):
            harness.jam.receive(timed.message, timed.beat)
        harness.jam.act("respond", 3.0)
        harness.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,))}
        )
        harness.run_to_end()
        assert harness.event.heard_notes[: len(PHRASE)] == [(note.pitch, note.onset_beats) for note in PHRASE]

    def test_other_sampling_settings_in_that_answer_still_use_the_old_model(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(3.25)
        harness.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,))}
        )
        harness.change("temperature", 0.2, 3.5)
        assert onsets(harness.run_to_end()) == [(72, 4.0)]

    def test_another_approach_in_that_answer_uses_the_new_model(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(3.25)
        harness.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,))}
        )
        harness.change("approach", "pitch", 3.5)
        assert onsets(harness.run_to_end()) == [(90, 4.0), (90, 4.5)]

    def test_does_not_hear_again_what_it_has_heard_while_it_was_loaded(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        heard_count, notes = harness.jam.sounded_notes
        assert heard_count == len(notes) == len(PHRASE)
        harness.receive(NoteOn(60, 80), 2.5)
        event, pitch = ScriptedImproviser("event", (80,)), ScriptedImproviser("pitch", (90,))
        harness.jam.replace_improvisers({"pitch": pitch, "event": event}, heard_count)
        harness.do_all_work()
        assert event.heard_notes == pitch.heard_notes == [(60, 2.5)]

    def test_a_waiting_answer_is_composed_by_the_new_model(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(2.5)
        harness.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,), (1.0,))}
        )
        assert harness.run_to_end() == [on(80, 3.0), off(80, 4.0), on(80, 4.0), off(80, 5.0)]


class TestWakingAndWork:
    def test_it_does_not_wake_before_the_player_has_finished_a_phrase(self, harness: JamHarness) -> None:
        assert harness.jam.wake_at() is None
        harness.receive(NoteOn(60, 80), 0.0)
        harness.do_all_work()
        assert harness.jam.wake_at() == 60.0  # when the key will have been held for too long

    def test_it_wakes_for_each_beginning_and_end_of_a_note(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.do_all_work()
        wake_beats = []
        while (beat := harness.jam.wake_at()) is not None:
            wake_beats.append(beat)
            assert harness.jam.advance(beat)
        assert wake_beats == [3.0, 4.0, 4.5, 5.0]

    def test_it_wakes_at_once_for_notes_that_must_end(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.run_until(3.25)
        harness.jam.receive(NoteOn(55, 80), 3.25)
        assert harness.jam.wake_at() == 3.25

    def test_there_is_no_work_before_anything_is_played(self, harness: JamHarness) -> None:
        assert not harness.jam.has_work
        harness.jam.do_work()
        assert harness.jam.wake_at() is None

    def test_work_is_done_note_by_note_and_hearing_comes_before_composing(self, harness: JamHarness) -> None:
        harness.jam.receive(NoteOn(48, 80), 0.0)
        harness.jam.receive(NoteOff(48), 0.5)
        progress = []
        while harness.jam.has_work:
            harness.jam.do_work()
            progress.append(
                (len(harness.pitch.heard_notes), len(harness.event.heard_notes), len(harness.jam.status.plan))
            )
        assert progress == [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 1, 3)]

    def test_a_long_answer_is_composed_some_notes_ahead_as_it_goes(self) -> None:
        harness = JamHarness(settings=plain_settings(approach="pitch", answer_length=16.0))
        harness.play(PHRASE)
        harness.do_all_work()
        assert len(harness.jam.status.plan) == NOTES_AHEAD
        assert harness.jam.advance(DUE) == [on(60, DUE)]
        had_work = harness.jam.has_work
        harness.do_all_work()
        assert (had_work, harness.jam.has_work) == (True, False)
        assert len(harness.jam.status.plan) == NOTES_AHEAD
        assert len(onsets(harness.run_to_end())) == 31

    def test_the_first_notes_sound_while_the_rest_is_being_composed(self) -> None:
        harness = JamHarness(settings=plain_settings(approach="pitch", answer_length=8.0))
        harness.play(PHRASE)
        while not harness.jam.status.plan:
            harness.jam.do_work()
        assert harness.jam.advance(DUE) == [on(60, DUE)]
        assert harness.jam.has_work

    def test_a_late_advance_returns_every_due_message_with_its_own_beat(self, harness: JamHarness) -> None:
        harness.play(PHRASE)
        harness.do_all_work()
        assert harness.jam.advance(3.1) == EVENT_ANSWER[:1]
        assert harness.jam.advance(4.1) == EVENT_ANSWER[1:3]


class TestReproducibility:
    def test_the_same_input_gives_the_same_output(self) -> None:
        outputs = []
        for _ in range(2):
            harness = JamHarness(random_seed=5)
            harness.play(PHRASE)
            harness.change("approach", "pitch", 3.25)
            harness.run_to_end()
            outputs.append(harness.sent)
        assert outputs[0] == outputs[1] != []
