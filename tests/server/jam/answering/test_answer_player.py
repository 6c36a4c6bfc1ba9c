"""How the planned notes of an answer become messages, and how an answer ends."""

import pytest

from bridge.midi.messages import ALL_NOTES_OFF, ControlChange
from bridge.timing.timeline import Timeline
from server.controls.control_table import Value
from server.jam.answering.answer_planner import AnswerPlanner
from server.jam.answering.answer_player import AnswerPlayer
from server.jam.listening.input_state import InputState
from server.jam.model_feed import ModelFeed
from server.jam.turns.turn_planner import BeatSpan, TurnPlanner
from tests.server.jams import ScriptedImproviser, off, on, plain_settings

VELOCITY = 99


def planner(**controls: Value) -> AnswerPlanner:
    """Plans answers of the pitches 60, 62, 64, a beat each."""
    models = {"pitch": ScriptedImproviser("pitch", (60, 62, 64)), "event": ScriptedImproviser("event", (72,))}
    settings = plain_settings(approach="pitch", step=1.0, velocity=VELOCITY, **controls)
    answers = AnswerPlanner(settings, 0, TurnPlanner(Timeline.start(120.0)), ModelFeed(models), InputState())  # type: ignore[arg-type]  # scripted
    answers.pass_time(0.0)
    return answers


def play_answer(answers: AnswerPlanner, until_beats: float = 3.0) -> AnswerPlayer:
    """The player of an answer from beat 0 on, which is composed as far as it is planned ahead."""
    answers.plan(BeatSpan(0.0, until_beats))
    assert answers.answer is not None
    while answers.answer.has_work:
        answers.answer.do_work()
    return AnswerPlayer(answers)


def test_plays_each_note_and_ends_it_where_the_next_one_begins() -> None:
    player = play_answer(planner())
    assert player.next_beat == 0.0
    assert player.advance(1.0) == [on(60, 0.0, VELOCITY), off(60, 1.0), on(62, 1.0, VELOCITY)]
    assert player.next_beat == 2.0


def test_has_finished_once_its_last_note_has_ended() -> None:
    answers = planner()
    player = play_answer(answers)
    player.advance(2.0)
    while_it_sounds = player.has_finished
    answers.pass_time(3.0)
    assert player.advance(3.0) == [off(64, 3.0)]
    assert (while_it_sounds, player.has_finished) == (False, True)
    assert player.next_beat == 3.0


def test_an_answer_that_is_ended_ends_at_the_present_beat_what_sounds() -> None:
    answers = planner()
    player = play_answer(answers)
    player.advance(0.0)
    answers.pass_time(0.5)
    player.end_answer(ended_beat=0.25)
    assert answers.answer is None
    assert player.next_beat == 0.5
    assert player.take_ended() == [off(60, 0.5)]
    assert player.take_ended() == []
    assert player.next_beat is None


@pytest.mark.parametrize("channel", [0, 15])
def test_silence_ends_all_on_every_channel(channel: int) -> None:
    player = play_answer(planner())
    player.silence(0.0)
    assert ControlChange(ALL_NOTES_OFF, 0, channel) in [timed.message for timed in player.take_ended()]
