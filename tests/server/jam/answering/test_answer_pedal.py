import pytest

from bridge.midi.messages import SUSTAIN_PEDAL, ControlChange, NoteOn
from server.controls.control_table import Value
from server.jam.answering.answer_pedal import AnswerPedal, pedal_period_beats
from tests.music import line
from tests.server.jams import JamHarness, plain_settings

DOWN, UP = ControlChange(SUSTAIN_PEDAL, 127, 0), ControlChange(SUSTAIN_PEDAL, 0, 0)


class TestPeriod:
    def test_it_is_about_as_long_as_the_player_holds_the_pedal(self) -> None:
        assert pedal_period_beats([(0.0, 1.8), (2.0, 3.9), (4.0, 5.9)], 6.0) == 2.0

    def test_a_player_who_does_not_pedal_has_none(self) -> None:
        assert pedal_period_beats([], 8.0) is None

    def test_a_pedal_pressed_for_a_moment_is_no_pedalling(self) -> None:
        assert pedal_period_beats([(0.0, 0.5)], 8.0) is None


class TestChanges:
    def test_it_is_lifted_before_a_note_and_pressed_after_it(self) -> None:
        pedal = AnswerPedal()
        assert pedal.changes_at(0.0, 2.0, 0) == ([], [DOWN])
        assert pedal.changes_at(1.5, 2.0, 0) == ([], [])
        assert pedal.changes_at(2.0, 2.0, 0) == ([UP], [DOWN])

    def test_on_another_channel_the_old_one_is_lifted(self) -> None:
        pedal = AnswerPedal()
        pedal.changes_at(0.0, 4.0, 0)
        assert pedal.changes_at(1.0, 4.0, 2) == ([UP], [ControlChange(SUSTAIN_PEDAL, 127, 2)])

    def test_it_is_lifted_once(self) -> None:
        pedal = AnswerPedal()
        pedal.changes_at(0.0, 4.0, 0)
        assert (pedal.lift(), pedal.lift()) == ([UP], [])


def pedals_of(harness: JamHarness) -> list[ControlChange]:
    return [item.message for item in harness.sent if isinstance(item.message, ControlChange)]


def pedalled_jam(*, lifts: bool = True, **controls: Value) -> JamHarness:
    """A jam that answers a phrase of two bars, with the pedal down for nearly two beats each time."""
    harness = JamHarness(settings=plain_settings(approach="pitch", touch=1.0, **controls))
    for start in (0.0, 2.0, 4.0, 6.0):
        harness.receive(ControlChange(SUSTAIN_PEDAL, 127, 0), start)
        harness.play(line(60, 62, 64, start_beats=start + 0.25))
        if lifts:
            harness.receive(ControlChange(SUSTAIN_PEDAL, 0, 0), start + 1.9)
    return harness


class TestInTheJam:
    def test_a_pedalled_phrase_gets_a_pedalled_answer_that_ends_lifted(self) -> None:
        harness = pedalled_jam()
        harness.run_to_end()
        pedals = pedals_of(harness)
        assert pedals.count(DOWN) >= 3
        assert pedals[-1] == UP

    @pytest.mark.parametrize("action", ["stop", "panic"])
    def test_a_stop_lifts_it(self, action: str) -> None:
        harness = pedalled_jam()
        harness.run_until(10.0)
        assert pedals_of(harness)[-1] == DOWN
        harness.act(action, 10.0)
        harness.run_until(10.1)
        assert UP in pedals_of(harness)[-16 * 3 :]
        assert not isinstance(harness.sent[-1].message, NoteOn)

    def test_playing_over_the_answer_lifts_it(self) -> None:
        harness = pedalled_jam()
        harness.run_until(10.0)
        harness.receive(NoteOn(50, 80), 10.1)
        harness.run_until(10.2)
        assert pedals_of(harness)[-1] == UP

    @pytest.mark.parametrize(("control", "value"), [("touch", 0.0), ("feel_from", "pack")])
    def test_without_the_players_touch_there_is_no_pedal(self, control: str, value: Value) -> None:
        harness = pedalled_jam()
        harness.change(control, value, 7.95)
        harness.run_to_end()
        assert pedals_of(harness) == []

    def test_a_pedal_that_is_never_lifted_is_not_taken_up(self) -> None:
        harness = pedalled_jam(lifts=False, hold_limit_s=2.0)
        harness.run_until(40.0)
        assert any(isinstance(item.message, NoteOn) for item in harness.sent)
        assert pedals_of(harness) == []
