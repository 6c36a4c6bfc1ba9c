from server.controls.control_table import CONTROLS
from server.jam.control_effects import OTHER_CONTROLS, PLACING_CONTROLS, RECOMPOSING_CONTROLS, TURN_CONTROLS


def test_every_control_that_holds_a_value_has_its_effect_on_planned_notes_named_once() -> None:
    named = [*RECOMPOSING_CONTROLS, *PLACING_CONTROLS, *TURN_CONTROLS, *OTHER_CONTROLS]
    assert sorted(named) == sorted(control.name for control in CONTROLS if control.kind != "action")
