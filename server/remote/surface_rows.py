"""The rows and lights of a control surface, made from the table of controls; knows no app and no place on a screen."""

from collections.abc import Sequence

from bridge.surfaces.surface import LabelledAddress, StatusLights, SurfaceRow
from server.controls.control import OSC_PREFIX, Control, Value
from server.controls.control_table import CONTROLS, Settings
from server.controls.fader import fader_position, has_fader
from server.controls.labels import address_part, label_text
from server.jam.readouts import Readout
from server.remote.osc_controls import NORM, READOUT_BY_NAME, SYNC, TEXT

MOST_NAMES = 6
CAPTIONS = {"player": "your turn", "partner": "its turn"}
"""What a light shows instead of the readout's own value."""
TEXT_READOUTS = ("bar", "bpm", "chord", "next_chord")
"""The readouts that are shown as text beside the lights."""


def control_rows(settings: Settings, packs: Sequence[str]) -> tuple[SurfaceRow, ...]:
    """A row for each control, with its value in `settings`; each of `packs` gets a button."""
    return tuple(_row(control, settings, packs) for control in CONTROLS)


def status_lights() -> StatusLights:
    """The readouts on a surface: lights for the state, the turn and the beats, and bar and tempo as text."""
    state, turn, beat = (READOUT_BY_NAME[name] for name in ("state", "turn", "beat"))
    return StatusLights(
        light_groups=(_lights(state), tuple(light for light in _lights(turn) if light.caption in CAPTIONS.values())),
        values=tuple(
            LabelledAddress(name.replace("_", " "), f"{READOUT_BY_NAME[name].address}/{TEXT}") for name in TEXT_READOUTS
        ),
        beats=_lights(beat),
        sync_address=f"{OSC_PREFIX}/{SYNC}",
    )


def _row(control: Control, settings: Settings, packs: Sequence[str]) -> SurfaceRow:
    if control.kind == "action":
        return SurfaceRow(control.name, control.group, action_address=control.address)
    value: Value = getattr(settings, control.name)
    fader = has_fader(control)
    return SurfaceRow(
        control.name,
        control.group,
        fader_address=f"{control.address}/{NORM}" if fader else "",
        text_address=f"{control.address}/{TEXT}",
        choices=_choices(control, _buttons(control, packs)),
        fader_position=fader_position(control, value) if fader else 0.0,
        chosen_caption=str(value),
        value_text=label_text(control, value),
    )


def _buttons(control: Control, packs: Sequence[str]) -> tuple[str, ...]:
    """The choices that get a button: all of a choice, of names the first ones, which is as many as can be read."""
    if control.kind != "name":
        return control.choices
    return (control.choices or tuple(packs))[:MOST_NAMES]


def _choices(row: Control | Readout, choices: Sequence[str]) -> tuple[LabelledAddress, ...]:
    return tuple(
        LabelledAddress(
            CAPTIONS.get(choice, choice) if isinstance(row, Readout) else choice,
            f"{row.address}/{address_part(choice)}",
        )
        for choice in choices
    )


def _lights(readout: Readout) -> tuple[LabelledAddress, ...]:
    return _choices(readout, readout.choices)
