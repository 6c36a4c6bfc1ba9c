from itertools import pairwise
from random import Random

import pytest

from bridge.timing.timeline import Timeline
from model.analysis.bars import COMMON_BARS
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.phrasing.touch import HeardPhrase, learn_touch
from server.controls.control_table import Settings
from server.jam.answering.answer import Answer
from server.jam.answering.groove import Groove
from server.jam.answering.rendition import Rendition, TouchAmounts
from server.jam.turns.turn_planner import BeatSpan
from tests.server.jams import ScriptedImproviser

SPAN = BeatSpan(8.0, 16.0)
FULL = TouchAmounts(1.0, 1.0, 1.0)
# Loud downbeats, detached, and swung by 60 %.
PHRASE = [
    Note(60, beat + place, 0.2, 100 if (beat + place) % 4 == 0 else 60) for beat in range(8) for place in (0.0, 0.6)
]


def rendition(phrase: list[Note] = PHRASE) -> Rendition:
    return Rendition(lambda: learn_touch([HeardPhrase(phrase, COMMON_BARS)], None), COMMON_BARS, SPAN)


def notes_of(amounts: TouchAmounts, phrase: list[Note] = PHRASE, groove: Groove | None = None) -> list[Note]:
    answer = Answer(
        ScriptedImproviser("event", (60, 62, 64)),
        SPAN,
        SamplingSettings(step_beats=0.5),
        Random(1),
        rendition(phrase),
        amounts,
        groove or Groove(),
        Timeline.start(120.0),
    )
    played = []
    while not answer.is_over:
        while answer.has_work:
            answer.do_work()
        if not answer.is_over:
            played.append(answer.take_next_note().as_played)
    return played


def test_without_touch_notes_are_as_planned_and_as_loud_as_the_phrase() -> None:
    played = notes_of(TouchAmounts())
    assert [note.onset_beats for note in played] == [8.0 + index / 2 for index in range(16)]
    assert {note.duration_beats for note in played} == {0.5}
    assert {note.velocity for note in played} == {65}


def test_with_touch_the_downbeats_are_loud() -> None:
    played = notes_of(FULL)
    loud = [note.velocity for note in played if round(note.onset_beats, 1) % 4 == 0]
    others = [note.velocity for note in played if round(note.onset_beats, 1) % 4 != 0]
    assert min(loud) > max(others) + 10


def test_with_touch_notes_are_as_detached_as_the_players() -> None:
    assert all(0.15 <= note.duration_beats <= 0.3 for note in notes_of(FULL)[:-1])


def test_with_touch_off_beats_are_swung_as_the_players() -> None:
    places = [note.onset_beats % 1.0 for note in notes_of(FULL)]
    assert places[0::2] == [0.0] * 8
    assert places[1::2] == pytest.approx([0.6] * 8, abs=0.012)


def test_notes_stay_in_order_and_within_the_answer() -> None:
    played = notes_of(FULL)
    assert [note.onset_beats for note in played] == sorted(note.onset_beats for note in played)
    assert max(note.end_beats for note in played) <= 16.0


@pytest.mark.parametrize("velocity", [1, 127])
def test_a_player_of_one_velocity_is_answered_with_it(velocity: int) -> None:
    phrase = [Note(60, index / 2, 0.5, velocity) for index in range(16)]
    assert {note.velocity for note in notes_of(FULL, phrase)} == {velocity}
    assert notes_of(FULL, phrase) == notes_of(TouchAmounts(), phrase)


def test_half_of_the_touch_is_half_of_the_difference() -> None:
    whole, half = (notes_of(TouchAmounts(amount, 0.0, 0.0)) for amount in (1.0, 0.5))
    assert all(
        abs((loud.velocity - 65) / 2 - (soft.velocity - 65)) <= 1 for loud, soft in zip(whole, half, strict=True)
    )


class TestControls:
    def test_touch_is_the_amount_of_all(self) -> None:
        assert TouchAmounts.from_settings(Settings(touch=0.4)) == TouchAmounts(0.4, 0.4, 0.4)

    def test_gate_wins_over_lengths(self) -> None:
        assert TouchAmounts.from_settings(Settings(gate=0.5)) == TouchAmounts(1.0, 0.0, 1.0)

    @pytest.mark.parametrize("settings", [Settings(quantize="1/8"), Settings(swing=60.0)])
    def test_swing_and_quantize_win_over_timing(self, settings: Settings) -> None:
        assert TouchAmounts.from_settings(settings) == TouchAmounts(1.0, 1.0, 0.0)


def test_learning_waits_for_the_first_note_to_be_composed() -> None:
    learnt = []

    def learn() -> None:
        learnt.append(True)

    Rendition(learn, COMMON_BARS, SPAN)  # type: ignore[arg-type]  # it is never called
    assert learnt == []


def test_an_answer_to_a_phrase_without_rests_has_none() -> None:
    full = [Note(60, beat / 2, 0.5, 80) for beat in range(16)]
    played = notes_of(FULL, full)
    assert all(note.end_beats == pytest.approx(after.onset_beats) for note, after in pairwise(played))
    assert played[-1].end_beats == 16.0


def test_an_answer_rests_half_as_much_as_the_phrase_to_twice_as_much() -> None:
    # Every second note is cut to half of its gap: a quarter of the phrase is rests.
    detached = [Note(60, beat / 2, 0.25 if beat % 2 else 0.5, 80) for beat in range(16)]
    played = notes_of(FULL, detached)
    assert 0.12 < 1.0 - sum(note.duration_beats for note in played) / 8.0 < 0.5
