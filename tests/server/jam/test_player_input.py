"""What follows from the player's keys, beside the phrase: held keys that expire, a tempo that is detected, an answer that ends."""

import pytest

from bridge.midi.messages import ControlChange, NoteOff, NoteOn
from bridge.timing.timeline import Timeline
from server.controls.control_table import Value
from server.jam.answering.answer_planner import AnswerPlanner
from server.jam.answering.answer_player import AnswerPlayer
from server.jam.listening.input_state import InputState
from server.jam.model_feed import ModelFeed
from server.jam.player_input import PlayerInput
from server.jam.turns.turn_planner import BeatSpan, TurnPlanner
from tests.server.jams import ScriptedImproviser, plain_settings


class Parts:
    """A player's input and the parts that it acts on, at 120 bpm."""

    def __init__(self, **controls: Value) -> None:
        models = {"pitch": ScriptedImproviser("pitch", (60,)), "event": ScriptedImproviser("event", (72,))}
        self.state, self.turns = InputState(), TurnPlanner(Timeline.start(120.0))
        self.answers = AnswerPlanner(plain_settings(**controls), 0, self.turns, ModelFeed(models), self.state)  # type: ignore[arg-type]  # scripted
        self.input = PlayerInput(self.state, self.turns, self.answers, AnswerPlayer(self.answers))
        self.answers.pass_time(0.0)


def test_without_keys_nothing_is_to_be_done() -> None:
    parts = Parts()
    assert parts.input.next_beat is None
    assert not parts.input.has_work


def test_a_key_that_is_held_for_too_long_no_longer_counts() -> None:
    parts = Parts(hold_limit_s=5.0)
    parts.input.receive(NoteOn(60, 80), 1.0)
    expires_beat = parts.input.next_beat
    parts.input.advance(11.0)
    assert (expires_beat, parts.input.next_beat) == (11.0, None)
    assert not parts.state.phrase.is_held


def test_the_tempo_is_detected_in_the_rest_and_not_while_keys_move() -> None:
    parts = Parts(tempo_from="phrase", answer_after=1.0)
    parts.input.receive(NoteOn(60, 80), 0.0)
    parts.input.receive(NoteOff(60), 1.0)
    assert parts.input.next_beat == 1.5
    parts.input.advance(1.5)
    in_the_rest = parts.input.has_work
    parts.input.receive(NoteOn(62, 80), 1.75)
    assert (in_the_rest, parts.input.has_work) == (True, False)


@pytest.mark.parametrize(("over", "ends"), [("yield", True), ("overlap", False)])
def test_a_key_ends_an_answer_that_plays_only_where_the_jam_yields(over: str, ends: bool) -> None:  # noqa: FBT001  the expected answer
    parts = Parts(over=over)
    parts.answers.plan(BeatSpan(0.0, 8.0))
    parts.answers.pass_time(1.0)
    parts.input.receive(NoteOn(60, 80), 1.0)
    assert (parts.answers.answer is None) == ends


def test_a_knob_is_no_key() -> None:
    parts = Parts()
    parts.input.receive(ControlChange(1, 64), 1.0)
    assert parts.input.next_beat is None
