"""Bitwig Studio's files: a controller script with the partner's ports and controls, and a project template in the DAWproject format."""

from pathlib import PurePosixPath

from server.controls.control import Control
from server.setup.daws.dawproject import dawproject_bytes
from server.setup.partner import NAME, Partner, fill_template

SCRIPT = PurePosixPath("Controller Scripts", NAME, "TradingFours.control.js")
PROJECT = PurePosixPath("Projects", f"{NAME}.dawproject")
STEPS = 1_000
"""How many steps Bitwig's faders have."""


def bitwig_files(partner: Partner) -> dict[PurePosixPath, bytes]:
    """The files below Bitwig Studio's folder in the user's documents."""
    script = fill_template(
        "bitwig.control.js",
        {
            "NAME": NAME,
            "MIDI_IN": partner.midi_in,
            "MIDI_OUT": partner.midi_out,
            "OSC_HOST": partner.osc_host,
            "OSC_PORT": partner.osc_port,
            "REPLY_PORT": partner.reply_port,
            "CONTROLS": [_control(control, partner) for control in partner.controls],
        },
    )
    return {SCRIPT: script, PROJECT: dawproject_bytes(partner)}


def _control(control: Control, partner: Partner) -> dict[str, object]:
    row: dict[str, object] = {
        "kind": control.kind,
        "address": control.address,
        "label": control.name.replace("_", " "),
        "page": control.group,
        "help": control.help,
    }
    if control.kind == "action":
        return row
    if control.kind == "number":
        step = 1 if control.whole else (control.high - control.low) / STEPS
        numbers = {"low": control.low, "high": control.high, "step": step, "unit": control.unit}
        return {**row, **numbers, "value": partner.values[control.name]}
    value = partner.values[control.name]
    choices = list(control.choices or dict.fromkeys((*partner.packs, str(value))))
    return {**row, "choices": choices, "value": value}
