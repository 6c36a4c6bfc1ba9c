from random import Random

import pytest

from bridge.timing.timeline import Timeline
from model.approach import Approach
from model.improvising.improviser import PLANNED_VELOCITY
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from server.jam.answer import DEFAULT_VELOCITY, NOTES_AHEAD, Answer
from server.jam.groove import Groove
from server.jam.turn_planner import BeatSpan
from tests.server.jams import CompositionRequest, ScriptedImproviser

STRAIGHT = Groove()
TASTE = SamplingSettings(temperature=0.9, top_p=0.95, step_beats=0.5)
COLD = SamplingSettings(temperature=0.2, top_p=0.95, step_beats=0.5)


def partner(approach: Approach = "pitch", *pitches: int) -> ScriptedImproviser:
    return ScriptedImproviser(approach, pitches or (60, 62, 64))


def answer_of(
    scripted: ScriptedImproviser, *velocities: int, until_beats: float = 6.0, groove: Groove = STRAIGHT
) -> Answer:
    return Answer(scripted, BeatSpan(4.0, until_beats), TASTE, Random(1), velocities, groove, Timeline.start(120.0))


def compose(answer: Answer, notes: int) -> None:
    for _ in range(notes):
        answer.do_work()


def onsets(answer: Answer) -> list[float]:
    return [note.onset_beats for note in answer.plan]


def test_it_asks_nothing_of_its_improviser_before_it_is_told_to_compose() -> None:
    scripted = partner()
    answer = answer_of(scripted)
    assert scripted.requests == []
    assert answer.has_work
    assert not answer.is_over
    assert answer.next_note is None


def test_it_composes_a_note_at_a_time_until_there_are_no_more() -> None:
    answer = answer_of(partner())
    grown = []
    for _ in range(6):
        answer.do_work()
        grown.append((len(answer.plan), answer.is_composing))
    assert grown == [(1, True), (2, True), (3, True), (4, True), (4, False), (4, False)]
    assert onsets(answer) == [4.0, 4.5, 5.0, 5.5]


def test_its_plan_reaches_some_notes_ahead_and_then_waits_until_one_has_sounded() -> None:
    answer = answer_of(partner(), until_beats=24.0)
    while answer.has_work:
        answer.do_work()
    assert len(answer.plan) == NOTES_AHEAD
    answer.take_next_note()
    compose(answer, int(answer.has_work))
    assert len(answer.plan) == NOTES_AHEAD
    assert onsets(answer)[-1] == 4.0 + NOTES_AHEAD * 0.5


def test_it_hears_what_was_played_between_its_making_and_its_composing() -> None:
    scripted = partner()
    answer = answer_of(scripted)
    scripted.hear(Note(59, 3.5, 0.5, 80))
    compose(answer, 1)
    answer.take_next_note()
    assert scripted.heard_notes == [(59, 3.5), (60, 4.0)]


def test_loudness_follows_the_phrase_round_and_round() -> None:
    answer = answer_of(partner(), 90, 40)
    compose(answer, 9)
    assert [answer.take_next_note().as_played.velocity for _ in range(4)] == [90, 40, 90, 40]
    assert answer.is_over


def test_without_a_phrase_it_is_of_middling_loudness() -> None:
    answer = answer_of(partner())
    compose(answer, 1)
    assert answer.take_next_note().as_played == Note(60, 4.0, 0.5, DEFAULT_VELOCITY)


def test_its_improviser_has_heard_what_has_sounded_and_no_more() -> None:
    scripted = partner()
    answer = answer_of(scripted)
    compose(answer, 9)
    answer.take_next_note()
    answer.take_next_note()
    assert scripted.heard_notes == [(60, 4.0), (62, 4.5)]


class TestReplan:
    def test_the_next_note_keeps_its_onset(self) -> None:
        scripted, other = partner(), partner("event", 72)
        answer = answer_of(scripted)
        compose(answer, 9)
        answer.take_next_note()
        answer.replan(other, 6.0, COLD)
        assert answer.next_note is None
        compose(answer, 9)
        assert other.requests == [CompositionRequest(4.5, 6.0, COLD)]
        assert onsets(answer) == [4.5, 5.0, 5.5]

    def test_before_anything_is_composed_it_begins_where_it_would_have(self) -> None:
        scripted = partner()
        answer = answer_of(scripted)
        answer.replan(scripted, 6.0, COLD)
        compose(answer, 1)
        assert scripted.requests == [CompositionRequest(4.0, 6.0, COLD)]

    def test_twice_without_composing_in_between_loses_no_time(self) -> None:
        scripted = partner()
        answer = answer_of(scripted)
        compose(answer, 9)
        answer.take_next_note()
        answer.replan(scripted, 6.0, TASTE)
        answer.replan(scripted, 6.0, COLD)
        compose(answer, 9)
        assert scripted.requests[-1] == CompositionRequest(4.5, 6.0, COLD)

    def test_after_its_last_composed_note_it_goes_on_where_that_ends(self) -> None:
        scripted = partner()
        answer = answer_of(scripted)
        compose(answer, 1)
        answer.take_next_note()
        answer.replan(scripted, 6.0, COLD)
        compose(answer, 1)
        assert scripted.requests[-1] == CompositionRequest(4.5, 6.0, COLD)

    def test_once_all_has_sounded_it_stays_over(self) -> None:
        scripted = partner()
        answer = answer_of(scripted)
        compose(answer, 9)
        for _ in range(4):
            answer.take_next_note()
        answer.replan(scripted, 6.0, COLD)
        assert answer.is_over

    def test_a_longer_answer_goes_on_after_all_has_sounded(self) -> None:
        scripted = partner()
        answer = answer_of(scripted)
        compose(answer, 9)
        for _ in range(4):
            answer.take_next_note()
        answer.replan(scripted, 7.0, TASTE)
        compose(answer, 9)
        assert list(answer.plan) == [
            Note(60, 6.0, 0.5, PLANNED_VELOCITY),
            Note(62, 6.5, 0.5, PLANNED_VELOCITY),
        ]

    @pytest.mark.parametrize("until_beats", [4.5, 4.0, 1.0])
    def test_a_shorter_answer_ends_where_it_already_is(self, until_beats: float) -> None:
        scripted = partner()
        answer = answer_of(scripted)
        compose(answer, 9)
        answer.take_next_note()
        answer.replan(scripted, until_beats, TASTE)
        compose(answer, 9)
        assert answer.is_over
