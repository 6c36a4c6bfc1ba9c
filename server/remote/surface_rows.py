"""The rows and lamps of a control surface, made from the table of controls; knows no app and no place on a screen."""

from collections.abc import Sequence

from bridge.surfaces.surface import Choice, Lamps, Row
from server.controls.control import OSC_PREFIX, Control, Value
from server.controls.control_table import CONTROLS, Settings
from server.controls.fader import has_fader, share_of
from server.controls.labels import shown, spelt
from server.music.jam_status import Tell
from server.remote.osc_controls import NORM, SYNC, TELL_BY_NAME, TEXT

CAPTIONS = {"player": "your turn", "partner": "its turn"}
BESIDE = ("bar", "bpm")


def rows(settings: Settings, packs: Sequence[str]) -> tuple[Row, ...]:
    """A row for each control, at its value in `settings`; `packs` have a button each."""
    return tuple(_row(control, settings, packs) for control in CONTROLS)


def lamps() -> Lamps:
    """What is told: lights for the state and the turn, the bar and the tempo beside them, and the beats."""
    state, turn, beat = (TELL_BY_NAME[name] for name in ("state", "turn", "beat"))
    return Lamps(
        lines=(_lights(state), tuple(light for light in _lights(turn) if light.caption in CAPTIONS.values())),
        values=tuple(Choice(name, f"{TELL_BY_NAME[name].address}/{TEXT}") for name in BESIDE),
        beats=_lights(beat),
        sync=f"{OSC_PREFIX}/{SYNC}",
    )


def _row(control: Control, settings: Settings, packs: Sequence[str]) -> Row:
    if control.kind == "action":
        return Row(control.name, control.group, action=control.address)
    value: Value = getattr(settings, control.name)
    fader = has_fader(control)
    return Row(
        control.name,
        control.group,
        fader=f"{control.address}/{NORM}" if fader else "",
        text=f"{control.address}/{TEXT}",
        choices=_choices(control, control.choices or (tuple(packs) if control.kind == "name" else ())),
        share=share_of(control, value) if fader else 0.0,
        chosen=str(value),
        shown=shown(control, value),
    )


def _choices(row: Control | Tell, choices: Sequence[str]) -> tuple[Choice, ...]:
    return tuple(
        Choice(CAPTIONS.get(choice, choice) if isinstance(row, Tell) else choice, f"{row.address}/{spelt(choice)}")
        for choice in choices
    )


def _lights(tell: Tell) -> tuple[Choice, ...]:
    return _choices(tell, tell.choices)
