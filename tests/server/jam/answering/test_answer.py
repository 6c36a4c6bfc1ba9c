import gc
import math
import weakref
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.timeline import Timeline
from model.analysis.bars import COMMON_BARS
from model.approach import Approach
from model.improvising.improviser import PLANNED_VELOCITY, PlannedNote
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.phrasing.touch import NoteTouch, Touch, plain_touch
from server.jam.answering.answer import NOTES_AHEAD, Answer
from server.jam.answering.groove import Groove
from server.jam.answering.rendition import Rendition, TouchAmounts
from server.jam.turns.turn_planner import BeatSpan
from tests.server.jams import CompositionRequest, ScriptedImproviser

STRAIGHT = Groove()
PLAINLY = TouchAmounts()
WARM = SamplingSettings(temperature=0.9, top_p=0.95, step_beats=0.5)
COLD = SamplingSettings(temperature=0.2, top_p=0.95, step_beats=0.5)


def create_improviser(approach: Approach = "pitch", *pitches: int) -> ScriptedImproviser:
    return ScriptedImproviser(approach, pitches or (60, 62, 64))


def answer_of(
    improviser: ScriptedImproviser,
    *,
    until_beats: float = 6.0,
    groove: Groove = STRAIGHT,
    rendition: Rendition | None = None,
    amounts: TouchAmounts = PLAINLY,
) -> Answer:
    span = BeatSpan(4.0, until_beats)
    rendition = rendition or Rendition.plain(PLANNED_VELOCITY, span)
    return Answer(improviser, span, WARM, Random(1), rendition, amounts, groove, Timeline.start(120.0))


def compose(answer: Answer, notes: int) -> None:
    for _ in range(notes):
        answer.do_work()


def onsets(answer: Answer) -> list[float]:
    return [note.onset_beats for note in answer.plan]


def test_it_reads_nothing_from_its_improviser_before_the_first_work() -> None:
    improviser = create_improviser()
    answer = answer_of(improviser)
    assert improviser.requests == []
    assert answer.has_work
    assert not answer.is_over
    assert answer.next_note is None


def test_each_work_composes_one_note_until_the_span_is_full() -> None:
    answer = answer_of(create_improviser())
    grown = []
    for _ in range(6):
        answer.do_work()
        grown.append((len(answer.plan), answer.is_composing))
    assert grown == [(1, True), (2, True), (3, True), (4, True), (4, False), (4, False)]
    assert onsets(answer) == [4.0, 4.5, 5.0, 5.5]


def test_its_plan_reaches_some_notes_ahead_and_grows_as_notes_sound() -> None:
    answer = answer_of(create_improviser(), until_beats=24.0)
    while answer.has_work:
        answer.do_work()
    assert len(answer.plan) == NOTES_AHEAD
    answer.take_next_note()
    compose(answer, int(answer.has_work))
    assert len(answer.plan) == NOTES_AHEAD
    assert onsets(answer)[-1] == 4.0 + NOTES_AHEAD * 0.5


def test_it_composes_from_notes_that_were_heard_after_it_was_created() -> None:
    improviser = create_improviser()
    answer = answer_of(improviser)
    improviser.hear(Note(59, 3.5, 0.5, 80))
    compose(answer, 1)
    answer.take_next_note()
    assert improviser.heard_notes == [(59, 3.5), (60, 4.0)]


def test_without_touch_every_note_is_as_loud_as_the_rendition_says() -> None:
    span = BeatSpan(4.0, 6.0)
    answer = answer_of(create_improviser(), rendition=Rendition.plain(91, span))
    compose(answer, 9)
    assert [answer.take_next_note().as_played.velocity for _ in range(4)] == [91] * 4
    assert answer.is_over


def test_its_improviser_has_heard_only_the_notes_that_have_sounded() -> None:
    improviser = create_improviser()
    answer = answer_of(improviser)
    compose(answer, 9)
    answer.take_next_note()
    answer.take_next_note()
    assert improviser.heard_notes == [(60, 4.0), (62, 4.5)]


class TestReplan:
    def test_the_next_note_keeps_its_onset(self) -> None:
        improviser, other = create_improviser(), create_improviser("event", 72)
        answer = answer_of(improviser)
        compose(answer, 9)
        answer.take_next_note()
        answer.replan(other, 6.0, COLD)
        assert answer.next_note is None
        compose(answer, 9)
        assert other.requests == [CompositionRequest(4.5, 6.0, COLD)]
        assert onsets(answer) == [4.5, 5.0, 5.5]

    def test_before_anything_is_composed_it_keeps_its_start(self) -> None:
        improviser = create_improviser()
        answer = answer_of(improviser)
        answer.replan(improviser, 6.0, COLD)
        compose(answer, 1)
        assert improviser.requests == [CompositionRequest(4.0, 6.0, COLD)]

    def test_the_improviser_is_told_what_the_answer_has_played_and_when(self) -> None:
        told: list[tuple[tuple[int, ...], tuple[float, ...]]] = []

        class Improviser(ScriptedImproviser):
            def compose(
                self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
            ) -> Iterator[PlannedNote]:
                told.append((settings.answer_outline, settings.answer_onsets))
                return super().compose(start_beats, until_beats, settings, random)

        answer = answer_of(Improviser("event", (60, 62, 64)))
        compose(answer, 4)
        answer.take_next_note()
        answer.replan(answer.improviser, 6.0, COLD, from_beats=4.5)
        answer.take_next_note()
        compose(answer, 1)
        assert told == [((), ()), ((60, 62), (4.0, 4.5))]

    def test_replanning_twice_without_work_between_keeps_the_onset(self) -> None:
        improviser = create_improviser()
        answer = answer_of(improviser)
        compose(answer, 9)
        answer.take_next_note()
        answer.replan(improviser, 6.0, WARM)
        answer.replan(improviser, 6.0, COLD)
        compose(answer, 9)
        assert improviser.requests[-1] == CompositionRequest(4.5, 6.0, COLD)

    def test_after_its_last_composed_note_it_goes_on_at_the_end_of_that_note(self) -> None:
        improviser = create_improviser()
        answer = answer_of(improviser)
        compose(answer, 1)
        answer.take_next_note()
        answer.replan(improviser, 6.0, COLD)
        compose(answer, 1)
        assert improviser.requests[-1] == CompositionRequest(4.5, 6.0, COLD)

    def test_an_answer_that_is_over_stays_over(self) -> None:
        improviser = create_improviser()
        answer = answer_of(improviser)
        compose(answer, 9)
        for _ in range(4):
            answer.take_next_note()
        answer.replan(improviser, 6.0, COLD)
        assert answer.is_over

    def test_a_later_end_continues_an_answer_that_was_over(self) -> None:
        improviser = create_improviser()
        answer = answer_of(improviser)
        compose(answer, 9)
        for _ in range(4):
            answer.take_next_note()
        answer.replan(improviser, 7.0, WARM)
        compose(answer, 9)
        assert list(answer.plan) == [
            Note(60, 6.0, 0.5, PLANNED_VELOCITY),
            Note(62, 6.5, 0.5, PLANNED_VELOCITY),
        ]

    @pytest.mark.parametrize("until_beats", [4.5, 4.0, 1.0])
    def test_an_end_that_has_passed_ends_the_answer_now(self, until_beats: float) -> None:
        improviser = create_improviser()
        answer = answer_of(improviser)
        compose(answer, 9)
        answer.take_next_note()
        answer.replan(improviser, until_beats, WARM)
        compose(answer, 9)
        assert answer.is_over


class LateThenOnTime(Rendition):
    """Plays the first note that it is asked for half a beat late, and all others on time."""

    def __init__(self, span: BeatSpan) -> None:
        super().__init__(lambda: plain_touch(PLANNED_VELOCITY), None, span)
        self._late_beats = 0.5

    def feel(self, *_place: object, **_more: object) -> NoteTouch:
        late_beats, self._late_beats = self._late_beats, 0.0
        return NoteTouch(PLANNED_VELOCITY, 1.0, late_beats)


def test_a_note_that_is_composed_again_is_not_due_before_the_one_it_replaces() -> None:
    improviser = create_improviser()
    answer = answer_of(improviser, rendition=LateThenOnTime(BeatSpan(4.0, 6.0)), amounts=TouchAmounts(timing=1.0))
    compose(answer, 1)
    assert onsets(answer) == [4.5]
    answer.replan(improviser, 6.0, WARM)
    compose(answer, 1)
    assert onsets(answer) == [4.5]


def test_a_note_that_is_composed_again_follows_the_last_one_that_is_still_played() -> None:
    improviser, befores = create_improviser(), []

    class Noting(LateThenOnTime):
        def feel(self, *place: object, **_more: object) -> NoteTouch:
            befores.append(place[1])
            return NoteTouch(PLANNED_VELOCITY, 1.0, 0.0)

    answer = answer_of(improviser, rendition=Noting(BeatSpan(4.0, 6.0)))
    compose(answer, 3)
    answer.take_next_note()
    answer.replan(improviser, 6.0, WARM)
    compose(answer, 1)
    assert befores == [None, 4.0, 4.5, 4.0]


class LateBy(Rendition):
    """Plays its notes so many beats late, one after the other; early where that is negative."""

    def __init__(self, span: BeatSpan, late_beats: list[float]) -> None:
        super().__init__(lambda: plain_touch(PLANNED_VELOCITY), None, span)
        self._late_beats = iter(late_beats)

    def feel(self, *_place: object, **_more: object) -> NoteTouch:
        return NoteTouch(PLANNED_VELOCITY, 1.0, next(self._late_beats))


@given(
    st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=4),
    st.sampled_from([Groove(), Groove("1/8"), Groove("1/4"), Groove(swing=0.66), Groove("1/16", 0.6, 0.5)]),
)
def test_a_note_stands_where_all_that_sounded_before_puts_it(late_beats: list[float], groove: Groove) -> None:
    rendition = LateBy(BeatSpan(4.0, 6.0), late_beats)
    answer = answer_of(create_improviser(), groove=groove, rendition=rendition, amounts=TouchAmounts(timing=1.0))
    compose(answer, 5)
    while answer.plan:
        answer.take_next_note()
        plan = answer.plan
        answer.set_touch(TouchAmounts(timing=1.0))  # places all notes again
        assert answer.plan == plan


def test_a_key_that_the_player_plays_waits_for_nothing_that_only_the_next_note_needs() -> None:
    learnt: list[float] = []
    asked: list[SamplingSettings] = []

    def sampling() -> SamplingSettings:
        asked.append(WARM)
        return WARM

    def learn() -> Touch:
        learnt.append(PLANNED_VELOCITY)
        return plain_touch(PLANNED_VELOCITY)

    answer = answer_of(create_improviser(), amounts=TouchAmounts(loudness=1.0))
    compose(answer, 4)
    answer.take_next_note()
    for pitch in (72, 76):
        note = Note(pitch, 4.6, 0.25, 90)
        answer.add_heard_note(note, COMMON_BARS, sampling, lambda: Rendition(learn, None, answer.span), from_beats=4.5)
    assert (asked, learnt) == ([], [])
    answer.take_unheard_notes()
    compose(answer, 2)
    assert (asked, learnt) == ([WARM], [PLANNED_VELOCITY])


def test_a_control_that_moves_just_after_a_key_leaves_the_touch_of_the_phrase_with_that_key() -> None:
    answer = answer_of(create_improviser(), amounts=TouchAmounts(loudness=1.0))
    compose(answer, 4)
    answer.take_next_note()
    louder = Rendition.plain(PLANNED_VELOCITY + 20, answer.span)
    answer.add_heard_note(Note(72, 4.6, 0.25, 90), COMMON_BARS, lambda: WARM, lambda: louder, from_beats=-math.inf)
    answer.replan(answer.improviser, answer.span.until_beats, WARM)
    answer.take_unheard_notes()
    compose(answer, 2)
    assert {note.velocity for note in answer.plan} == {PLANNED_VELOCITY + 20}


def test_an_answer_that_is_dropped_in_the_middle_is_freed_at_once() -> None:
    answer = answer_of(create_improviser())
    compose(answer, 4)
    answer.take_next_note()
    rendition = Rendition.plain(PLANNED_VELOCITY, answer.span)
    answer.add_heard_note(Note(72, 4.6, 0.25, 90), COMMON_BARS, lambda: WARM, lambda: rendition, from_beats=4.5)
    answer.take_unheard_notes()
    compose(answer, 1)
    answer.replan(answer.improviser, answer.span.until_beats, WARM)
    compose(answer, 1)
    is_alive = weakref.ref(answer)
    gc.disable()
    try:
        del answer
        assert is_alive() is None
    finally:
        gc.enable()
