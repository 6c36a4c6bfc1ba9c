from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from bridge.midi.messages import ControlChange, NoteOff, NoteOn, OtherMessage
from model.improvising.improviser import PlannedNote
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from server.controls.control_table import Settings, Value
from server.jam.answer import NOTES_AHEAD
from server.jam.jam_output import TimedMessage
from server.jam.turn_planner import LONGEST_ANSWER_BEATS, SHORTEST_ASKED_BEATS, UNPROMPTED_ANSWER_BEATS
from tests.music import line
from tests.server.jams import CompositionRequest, JamHarness, ScriptedImproviser, as_played, off, on, onsets

PHRASE = line(48, 50, 52, 53)
PHRASE_END, DUE = 2.0, 3.0  # as `answer_after` is a beat
PEDAL_DOWN, PEDAL_UP = ControlChange(64, 127), ControlChange(64, 0)

IN_PITCH = Settings(approach="pitch")
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
def stage() -> JamHarness:
    """A jam in the event approach, all else as it comes."""
    return JamHarness()


@pytest.fixture
def stepping() -> JamHarness:
    """A jam in the pitch approach."""
    return JamHarness(settings=IN_PITCH)


def planned(stage: JamHarness) -> list[tuple[int, float]]:
    return [(note.pitch, note.onset_beats) for note in stage.jam.plan]


def velocities(timed: list[TimedMessage]) -> list[int]:
    return [item.message.velocity for item in timed if isinstance(item.message, NoteOn)]


class TestWhenItAnswers:
    def test_an_answer_begins_answer_after_beats_after_the_last_key(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        assert stage.run_to_end() == EVENT_ANSWER

    def test_and_not_a_moment_before(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        states = []
        for beat, due in ((2.999, []), (3.0, EVENT_ANSWER[:1])):
            assert stage.run_until(beat) == due
            states.append(stage.jam.state)
        assert states == ["waiting", "answering"]

    @pytest.mark.parametrize("answer_after", [0.125, 2.0, 16.0])
    def test_the_control_says_how_long_to_wait(self, answer_after: float) -> None:
        stage = JamHarness(settings=Settings(answer_after=answer_after))
        stage.play(PHRASE)
        assert stage.run_to_end()[0] == on(72, PHRASE_END + answer_after)

    def test_nothing_comes_before_anything_is_played(self, stage: JamHarness) -> None:
        assert stage.run_until(100.0) == []
        assert stage.jam.state == "listening"

    def test_a_held_key_keeps_it_from_answering(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.receive(NoteOn(55, 80), 2.5)
        assert stage.run_until(50.0) == []
        stage.receive(NoteOff(55), 50.0)
        assert stage.run_to_end()[0] == on(72, 51.0)

    def test_the_sustain_pedal_keeps_it_from_answering(self, stage: JamHarness) -> None:
        stage.receive(PEDAL_DOWN, 0.0)
        stage.play(PHRASE)
        assert stage.run_until(20.0) == []
        stage.receive(PEDAL_UP, 20.0)
        assert stage.run_to_end()[0] == on(72, 21.0)

    def test_a_pedal_half_way_down_counts_by_the_middle_of_its_way(self, stage: JamHarness) -> None:
        stage.receive(ControlChange(64, 63), 0.0)
        stage.play(PHRASE)
        assert stage.run_until(DUE) == [on(72, DUE)]
        stage.receive(NoteOn(60, 80), DUE)
        stage.receive(ControlChange(64, 64), 4.0)
        stage.receive(NoteOff(60), 4.5)
        stage.run_until(40.0)
        assert stage.jam.state == "listening"

    def test_a_note_in_the_last_moment_puts_it_off(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.play(line(55, start_beats=2.75))
        assert stage.run_to_end()[0] == on(72, 4.25)

    def test_other_messages_do_not_put_it_off(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        for message in (ControlChange(1, 90), OtherMessage(b"\xe0\x00\x50"), OtherMessage(b"\xf8"), NoteOff(99)):
            stage.receive(message, 2.5)
        assert stage.run_to_end() == EVENT_ANSWER

    def test_a_second_phrase_is_answered_like_the_first(self, stepping: JamHarness) -> None:
        stepping.play(PHRASE)
        stepping.run_until(8.0)
        stepping.play(line(48, 50, 52, 53, start_beats=8.0))
        assert onsets(stepping.run_to_end()) == [(60, 11.0), (62, 11.5), (64, 12.0), (65, 12.5)]

    def test_each_phrase_is_answered_once(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_to_end()
        assert stage.run_until(100.0) == []
        assert stage.jam.state == "listening"

    @pytest.mark.parametrize("controller", [120, 123])
    def test_all_notes_off_lets_go_of_keys_and_pedal(self, stage: JamHarness, controller: int) -> None:
        stage.receive(PEDAL_DOWN, 0.0)
        stage.receive(NoteOn(60, 80), 0.0)
        stage.receive(NoteOn(64, 80), 0.0)
        stage.receive(ControlChange(controller, 0), 2.0)
        assert stage.run_to_end()[0] == on(72, 3.0)


class TestChangingHowLongToWait:
    def test_longer_puts_off_an_answer_that_is_waiting(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.change("answer_after", 4.0, 2.5)
        assert stage.run_to_end()[0] == on(72, 6.0)

    def test_shorter_brings_it_forward(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.change("answer_after", 0.75, 2.5)
        assert stage.run_to_end()[0] == on(72, 2.75)

    def test_so_short_that_it_is_overdue_answers_at_once_and_whole(self) -> None:
        stage = JamHarness(settings=Settings(answer_after=16.0))
        stage.play(PHRASE)
        stage.change("answer_after", 1.0, 10.0)
        assert onsets(stage.run_to_end()) == [(72, 10.0), (74, 11.0), (76, 11.5)]

    def test_leaves_an_answer_under_way_as_it_is(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.change("answer_after", 8.0, 3.25)
        stage.run_to_end()
        assert stage.sent == EVENT_ANSWER


class TestRespond:
    def test_answers_at_once(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.act("respond", 2.25)
        assert onsets(stage.run_to_end()) == [(72, 2.25), (74, 3.25), (76, 3.75)]

    def test_answers_while_a_key_is_held_and_does_not_wait_for_it(self, stage: JamHarness) -> None:
        stage.receive(NoteOn(60, 80), 0.0)
        stage.act("respond", 1.5)
        assert stage.run_until(1.5) == [on(72, 1.5)]
        stage.receive(NoteOff(60), 2.0)
        assert onsets(stage.run_to_end()) == [(74, 2.5), (76, 3.0)]

    def test_answers_under_a_pedal(self, stage: JamHarness) -> None:
        stage.receive(PEDAL_DOWN, 0.0)
        stage.play(PHRASE)
        stage.act("respond", 2.0)
        assert stage.run_until(2.0) == [on(72, 2.0)]

    def test_to_nothing_plays_for_two_bars(self, stage: JamHarness) -> None:
        stage.act("respond", 1.0)
        timed = stage.run_to_end()
        assert (timed[0].beat, timed[-1].beat) == (1.0, 1.0 + UNPROMPTED_ANSWER_BEATS)

    def test_during_an_answer_begins_another_and_ends_what_sounds(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.act("respond", 3.25)
        assert stage.run_until(3.25) == [off(72, 3.25), on(72, 3.25)]

    def test_again_answers_the_same_phrase_again(self, stage: JamHarness) -> None:
        stage.play(line(*range(48, 56), velocity=33))
        stage.run_to_end()
        stage.act("respond", 20.0)
        timed = stage.run_to_end()
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
            ([Note(48, 0.0, 4.2, 80)], 4.0),  # hands that leave the keys a little late
            ([Note(48, 0.0, 4.3, 80)], 5.0),
            ([Note(48, 0.0, 99.0, 80)], LONGEST_ANSWER_BEATS),
            ([Note(48, 0.1, 3.0, 80)], 3.0),  # which binary fractions make 3.0000000000000004
        ],
    )
    def test_about_as_long_as_the_phrase(self, stage: JamHarness, notes: list[Note], beats: float) -> None:
        stage.play(notes)
        timed = stage.run_to_end()
        assert timed[-1].beat - timed[0].beat == pytest.approx(beats)

    @pytest.mark.parametrize(
        ("asked_beats", "beats"), [(0.001, SHORTEST_ASKED_BEATS), (0.25, 0.25), (1.0, 1.0), (8.0, 8.0), (256.0, 256.0)]
    )
    def test_or_as_the_control_says(self, asked_beats: float, beats: float) -> None:
        stage = JamHarness(settings=Settings(answer_length=asked_beats))
        stage.play(PHRASE)
        timed = stage.run_to_end()
        assert (timed[0].beat, timed[-1].beat) == (DUE, DUE + beats)


class TestWhatItPlays:
    def test_the_pitch_approach_plays_a_note_at_each_step(self, stepping: JamHarness) -> None:
        stepping.play(PHRASE)
        assert stepping.run_to_end() == PITCH_ANSWER

    def test_the_step_is_a_control(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", step=0.25))
        stage.play(PHRASE)
        assert onsets(stage.run_to_end())[:5] == [(60, 3.0), (62, 3.25), (64, 3.5), (65, 3.75), (60, 4.0)]

    def test_its_loudness_follows_the_phrase_note_by_note(self, stepping: JamHarness) -> None:
        for start_beats, velocity in ((0.0, 100), (0.5, 30), (1.0, 127)):
            stepping.play(line(48, start_beats=start_beats, velocity=velocity))
        assert velocities(stepping.run_to_end()) == [100, 30, 127, 100]

    def test_its_taste_is_the_controls(self) -> None:
        stage = JamHarness(settings=Settings(temperature=0.3, top_p=0.5, step=1.5))
        stage.play(PHRASE)
        stage.do_all_work()
        assert stage.event.requests[-1] == CompositionRequest(
            3.0, 5.0, SamplingSettings(0.3, 0.5, 1.5, closing_beats=0.5)
        )

    def test_a_pitch_struck_again_is_ended_first(self) -> None:
        stage = JamHarness()
        held = ScriptedImproviser("event", (72,), (0.5, 0.25))
        stage.jam.replace_improvisers({"pitch": stage.pitch, "event": held})
        stage.play(PHRASE)
        timed = stage.run_to_end()
        assert timed[:3] == [on(72, 3.0), off(72, 3.5), on(72, 3.5)]

    def test_a_pitch_struck_again_before_its_end_is_ended_first_and_once(self) -> None:
        stage = JamHarness()
        overlapping = Stretched("event", (72,), (0.5,))
        overlapping.stretch = 1.5
        stage.jam.replace_improvisers({"pitch": stage.pitch, "event": overlapping})
        stage.play(PHRASE)
        assert stage.run_to_end() == [
            *[on(72, 3.0), off(72, 3.5), on(72, 3.5), off(72, 4.0), on(72, 4.0), off(72, 4.5), on(72, 4.5)],
            off(72, 5.0),  # where the answer ends
        ]

    def test_the_plan_can_be_seen_before_it_sounds(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        assert planned(stage) == []
        stage.do_all_work()
        assert planned(stage) == [(72, 3.0), (74, 4.0), (76, 4.5)]
        stage.run_until(4.25)
        assert planned(stage) == [(76, 4.5)]


class TestPlayingOverIt:
    def test_ends_what_sounds_in_the_very_next_advance_and_nothing_more_comes(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(3.25)
        stage.jam.receive(NoteOn(55, 90), 3.25)
        assert stage.jam.advance(3.25) == [off(72, 3.25)]
        assert stage.run_until(50.0) == []
        assert stage.jam.plan == ()

    def test_drops_what_was_due_and_not_yet_handed_out(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(3.25)
        stage.jam.receive(NoteOn(55, 90), 4.75)
        assert stage.jam.advance(4.75) == [off(72, 4.75)]

    def test_does_not_wait_for_the_models(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(3.25)
        stage.jam.receive(NoteOn(55, 90), 3.25)
        assert stage.jam.has_work
        assert stage.jam.advance(3.25) == [off(72, 3.25)]

    def test_begins_a_new_phrase(self, stepping: JamHarness) -> None:
        stepping.play(PHRASE)
        stepping.play(line(55, start_beats=3.25, velocity=31))
        answered = stepping.run_to_end()
        assert onsets(answered) == [(60, 4.75), (62, 5.25), (64, 5.75), (65, 6.25)]
        assert set(velocities(answered)) == {31}

    def test_releasing_a_key_or_the_pedal_does_not_stop_it(self, stage: JamHarness) -> None:
        stage.receive(NoteOn(60, 80), 0.0)
        stage.act("respond", 1.0)
        stage.run_until(1.25)
        for message in (NoteOff(60), PEDAL_DOWN, PEDAL_UP):
            stage.receive(message, 1.5)
        assert onsets(stage.run_to_end()) == [(74, 2.0), (76, 2.5)]

    def test_a_key_that_came_before_a_note_but_was_read_after_it_ends_it_no_earlier_than_it_began(
        self, stage: JamHarness
    ) -> None:
        stage.play(PHRASE)
        stage.run_until(4.0)
        stage.jam.receive(NoteOn(55, 90), 3.995)
        assert stage.jam.advance(4.001) == [off(74, 4.0)]


class TestHearing:
    def test_both_hear_the_player_as_the_keys_go_down(self, stage: JamHarness) -> None:
        stage.receive(NoteOn(48, 80), 0.0)
        stage.receive(NoteOn(52, 80), 0.5)
        stage.do_all_work()
        assert stage.pitch.heard_notes == stage.event.heard_notes == [(48, 0.0), (52, 0.5)]

    def test_both_have_heard_player_and_answer_in_the_order_they_sounded(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(4.25)
        stage.receive(NoteOn(55, 80), 4.25)
        stage.do_all_work()
        played = [(note.pitch, note.onset_beats) for note in PHRASE]
        assert stage.event.heard_notes == [*played, (72, 3.0), (74, 4.0), (55, 4.25)]
        assert stage.pitch.heard_notes == stage.event.heard_notes

    def test_what_was_planned_and_did_not_sound_was_not_heard(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(2.5)
        assert len(stage.jam.plan) == 3
        stage.act("stop", 2.5)
        stage.receive(NoteOn(55, 80), 9.0)
        stage.do_all_work()
        assert stage.event.heard_notes[len(PHRASE) :] == [(55, 9.0)]

    def test_across_changes_of_approach_both_go_on_hearing_all(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.change("approach", "pitch", 3.25)
        stage.change("approach", "event", 4.25)
        stage.run_to_end()
        stage.do_all_work()
        sounded = [(note.pitch, note.onset_beats) for note in PHRASE] + onsets(stage.sent)
        assert stage.event.heard_notes == sounded
        assert stage.pitch.heard_notes == sounded


class TestChangingControlsInAnAnswer:
    def test_another_approach_takes_over_at_the_next_onset(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.change("approach", "pitch", 3.25)
        stage.run_to_end()
        assert stage.sent == [
            *EVENT_ANSWER[:2],
            *[on(60, 4.0), off(60, 4.5), on(62, 4.5), off(62, 5.0)],
        ]

    @pytest.mark.parametrize(
        ("control", "value", "taste"),
        [
            ("temperature", 0.2, SamplingSettings(0.2, 0.95, 0.5, closing_beats=0.5)),
            ("top_p", 0.3, SamplingSettings(0.9, 0.3, 0.5, closing_beats=0.5)),
        ],
    )
    def test_another_taste_replans_from_the_next_onset(
        self, stage: JamHarness, control: str, value: float, taste: SamplingSettings
    ) -> None:
        stage.play(PHRASE)
        stage.change(control, value, 3.25)
        stage.run_to_end()
        assert stage.event.requests[-1] == CompositionRequest(4.0, 5.0, taste)
        assert onsets(stage.sent) == [(72, 3.0), (72, 4.0)]

    @pytest.mark.parametrize(("control", "value"), [("step", 1.0), ("temperature", 0.9), ("approach", "event")])
    def test_what_is_nothing_to_the_approach_or_no_change_at_all_replans_nothing(
        self, stage: JamHarness, control: str, value: Value
    ) -> None:
        stage.play(PHRASE)
        stage.run_until(3.25)
        asked = len(stage.event.requests)
        stage.change(control, value, 3.25)
        stage.run_to_end()
        assert len(stage.event.requests) == asked
        assert stage.sent == EVENT_ANSWER

    def test_another_step_keeps_the_next_onset_and_goes_on_from_there(self, stepping: JamHarness) -> None:
        stepping.play(PHRASE)
        stepping.change("step", 0.25, 3.25)
        stepping.run_to_end()
        assert onsets(stepping.sent) == [
            *[(60, 3.0), (60, 3.5), (62, 3.75), (64, 4.0), (65, 4.25), (60, 4.5), (62, 4.75)],
        ]

    def test_a_fader_that_moves_and_moves_costs_no_note_its_time(self, stepping: JamHarness) -> None:
        stepping.play(PHRASE)
        for tick in range(64):
            stepping.change("temperature", 0.5 + tick / 100, DUE + tick / 32)
        stepping.run_to_end()
        assert [beat for _, beat in onsets(stepping.sent)] == [3.0, 3.5, 4.0, 4.5]

    def test_before_it_is_due_it_is_planned_as_a_whole(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(2.5)
        stage.change("approach", "pitch", 2.5)
        assert stage.run_to_end() == PITCH_ANSWER

    def test_a_longer_answer_goes_on(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.change("answer_length", 3.0, 4.75)
        stage.run_to_end()
        assert stage.sent == [*EVENT_ANSWER, on(72, 5.0), off(72, 6.0)]

    def test_a_shorter_answer_ends_with_the_note_that_sounds(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.change("answer_length", 1.0, 4.25)
        stage.run_to_end()
        assert stage.sent == EVENT_ANSWER[:4]
        assert stage.jam.state == "listening"

    def test_tempo_is_no_business_of_what_is_planned_in_beats(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.change("tempo", 200.0, 3.25)
        stage.run_to_end()
        assert stage.sent == EVENT_ANSWER
        assert stage.jam.settings.tempo == 200.0

    def test_while_nothing_is_planned_nothing_is(self, stage: JamHarness) -> None:
        stage.change("temperature", 0.2, 1.0)
        assert not stage.jam.has_work
        assert stage.run_to_end() == []

    def test_an_answer_cut_short_between_two_of_its_notes_leaves_it_listening(self) -> None:
        stage = JamHarness()
        with_a_rest = Stretched("event", (72,), (2.0,))
        stage.jam.replace_improvisers({"pitch": stage.pitch, "event": with_a_rest})
        stage.play(line(*range(48, 56)))
        stage.change("answer_length", 1.0, 6.5)
        stage.run_to_end()
        assert onsets(stage.sent) == [(72, 5.0)]
        assert stage.jam.state == "listening"


class Stretched(ScriptedImproviser):
    """Holds each note for longer or shorter than until the next, as the event approach does before a long rest."""

    stretch = 0.5

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        for plan in super().compose(start_beats, until_beats, settings, random):
            yield replace(plan, note=replace(plan.note, duration_beats=plan.note.duration_beats * self.stretch))


class TestStopping:
    def test_stop_ends_the_answer_and_listens(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.act("stop", 3.25)
        assert stage.run_until(3.25) == [off(72, 3.25)]
        assert stage.run_until(50.0) == []
        assert stage.jam.state == "listening"

    def test_stop_before_it_is_due_forgets_the_phrase(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.act("stop", 2.5)
        assert stage.run_until(50.0) == []

    def test_after_stop_the_next_phrase_is_answered(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.act("stop", 3.25)
        stage.play(line(48, 50, start_beats=8.0))
        assert stage.run_to_end()[0] == on(72, 10.0)

    def test_panic_ends_every_note_there_could_be(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.act("panic", 3.25)
        assert stage.run_until(3.25) == [
            off(72, 3.25),
            *(
                TimedMessage(ControlChange(controller, 0, channel), 3.25)
                for channel in range(16)
                for controller in (123, 120)
            ),
        ]
        assert stage.run_until(50.0) == []

    def test_panic_forgets_keys_whose_ends_never_came(self, stage: JamHarness) -> None:
        stage.receive(NoteOn(60, 80), 0.0)
        stage.receive(PEDAL_DOWN, 0.0)
        stage.act("panic", 8.0)
        stage.play(line(48, 50, start_beats=9.0))
        assert stage.run_to_end()[-1].beat == 13.0

    @pytest.mark.parametrize("action", ["stop", "respond"])
    def test_other_actions_know_what_is_still_held(self, stage: JamHarness, action: str) -> None:
        stage.receive(NoteOn(60, 80), 0.0)
        stage.act(action, 1.0)
        stage.run_until(20.0)
        stage.sent.clear()
        stage.play(line(48, 50, start_beats=20.0))
        assert stage.run_until(40.0) == []
        stage.receive(NoteOff(60), 40.0)
        assert stage.run_to_end()[0] == on(72, 41.0)

    def test_panic_while_nothing_sounds_still_says_so(self, stage: JamHarness) -> None:
        stage.act("panic", 1.0)
        assert len(stage.run_until(1.0)) == 32


class TestANewPack:
    def test_is_told_what_was_played_lately(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_to_end()
        event, pitch = ScriptedImproviser("event", (80,)), ScriptedImproviser("pitch", (90,))
        stage.jam.replace_improvisers({"pitch": pitch, "event": event})
        stage.do_all_work()
        sounded = [(note.pitch, note.onset_beats) for note in PHRASE] + onsets(stage.sent)
        assert event.heard_notes == pitch.heard_notes == sounded

    def test_an_answer_under_way_is_played_to_its_end_and_the_new_ones_hear_it(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(3.25)
        event, pitch = ScriptedImproviser("event", (80,)), ScriptedImproviser("pitch", (90,))
        stage.jam.replace_improvisers({"pitch": pitch, "event": event})
        stage.run_to_end()
        assert stage.sent == EVENT_ANSWER
        sounded = [(note.pitch, note.onset_beats) for note in PHRASE] + onsets(stage.sent)
        assert event.heard_notes == pitch.heard_notes == sounded

    def test_an_answer_that_is_not_yet_composed_is_still_to_all_of_the_phrase(self, stage: JamHarness) -> None:
        for timed in as_played(PHRASE):
            stage.jam.receive(timed.message, timed.beat)
        stage.jam.act("respond", 3.0)
        stage.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,))}
        )
        stage.run_to_end()
        assert stage.event.heard_notes[: len(PHRASE)] == [(note.pitch, note.onset_beats) for note in PHRASE]

    def test_another_taste_in_that_answer_is_still_the_old_ones(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(3.25)
        stage.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,))}
        )
        stage.change("temperature", 0.2, 3.5)
        assert onsets(stage.run_to_end()) == [(72, 4.0)]

    def test_another_approach_in_that_answer_is_the_new_ones(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(3.25)
        stage.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,))}
        )
        stage.change("approach", "pitch", 3.5)
        assert onsets(stage.run_to_end()) == [(90, 4.0), (90, 4.5)]

    def test_an_answer_that_waits_is_the_new_ones(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(2.5)
        stage.jam.replace_improvisers(
            {"pitch": ScriptedImproviser("pitch", (90,)), "event": ScriptedImproviser("event", (80,), (1.0,))}
        )
        assert stage.run_to_end() == [on(80, 3.0), off(80, 4.0), on(80, 4.0), off(80, 5.0)]


class TestTheTimeItNeeds:
    def test_it_wakes_for_nothing_until_the_player_brings_something_about(self, stage: JamHarness) -> None:
        assert stage.jam.wake_at() is None
        stage.receive(NoteOn(60, 80), 0.0)
        stage.do_all_work()
        assert stage.jam.wake_at() is None

    def test_it_wakes_for_the_first_note_then_for_each_end_and_beginning(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.do_all_work()
        woke = []
        while (beat := stage.jam.wake_at()) is not None:
            woke.append(beat)
            assert stage.jam.advance(beat)
        assert woke == [3.0, 4.0, 4.5, 5.0]

    def test_it_wakes_at_once_for_what_is_to_be_ended(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.run_until(3.25)
        stage.jam.receive(NoteOn(55, 80), 3.25)
        assert stage.jam.wake_at() == 3.25

    def test_there_is_nothing_to_think_of_before_anything_is_played(self, stage: JamHarness) -> None:
        assert not stage.jam.has_work
        stage.jam.do_work()
        assert stage.jam.wake_at() is None

    def test_it_thinks_a_little_at_a_time_and_hears_before_it_composes(self, stage: JamHarness) -> None:
        stage.jam.receive(NoteOn(48, 80), 0.0)
        stage.jam.receive(NoteOff(48), 0.5)
        thoughts = []
        while stage.jam.has_work:
            stage.jam.do_work()
            thoughts.append((len(stage.pitch.heard_notes), len(stage.event.heard_notes), len(stage.jam.plan)))
        assert thoughts == [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 1, 3)]

    def test_a_long_answer_is_composed_some_notes_ahead_as_it_goes(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", answer_length=16.0))
        stage.play(PHRASE)
        stage.do_all_work()
        assert len(stage.jam.plan) == NOTES_AHEAD
        assert stage.jam.advance(DUE) == [on(60, DUE)]
        thinking = stage.jam.has_work
        stage.do_all_work()
        assert (thinking, stage.jam.has_work) == (True, False)
        assert len(stage.jam.plan) == NOTES_AHEAD
        assert len(onsets(stage.run_to_end())) == 31

    def test_the_first_notes_sound_while_the_rest_is_being_composed(self) -> None:
        stage = JamHarness(settings=Settings(approach="pitch", answer_length=8.0))
        stage.play(PHRASE)
        while not stage.jam.plan:
            stage.jam.do_work()
        assert stage.jam.advance(DUE) == [on(60, DUE)]
        assert stage.jam.has_work

    def test_a_late_advance_hands_out_all_that_was_due_each_with_its_beat(self, stage: JamHarness) -> None:
        stage.play(PHRASE)
        stage.do_all_work()
        assert stage.jam.advance(4.6) == EVENT_ANSWER[:5]


class TestTheSameAgain:
    def test_the_same_input_gives_the_same_output(self) -> None:
        outputs = []
        for _ in range(2):
            stage = JamHarness(random_seed=5)
            stage.play(PHRASE)
            stage.change("approach", "pitch", 3.25)
            stage.run_to_end()
            outputs.append(stage.sent)
        assert outputs[0] == outputs[1] != []
