"""`Partner`: names and numbers that a DAW needs to connect, which are ports, OSC ports and controls; knows no DAW."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bridge.midi.ports import INPUT_NAME, OUTPUT_NAME
from model.pack.pack import available_packs
from server.config.config import Config, reachable_host
from server.controls.control import Control, Value
from server.controls.control_table import CONTROLS

NAME = "Trading Fours"
TEMPLATES = Path(__file__).with_name("templates")
TO_TRACK, FROM_TRACK = f"To {NAME}", f"From {NAME}"


@dataclass(frozen=True, slots=True)
class Partner:
    """The names that a DAW's file must hold.

    `midi_in` is the port that the partner listens to, so the DAW plays to it; `midi_out` is the port that the DAW hears it on.
    `tempo_bpm` is the tempo to set in the song, or None to leave the song's own.
    """

    midi_in: str
    midi_out: str
    osc_host: str
    osc_port: int
    reply_port: int
    controls: tuple[Control, ...]
    values: dict[str, Value]
    packs: tuple[str, ...]
    tempo_bpm: float | None = None

    @classmethod
    def of(cls, config: Config, tempo_bpm: float | None = None) -> Self:
        """The partner as this configuration makes it."""
        return cls(
            config.midi.input or INPUT_NAME,
            config.midi.output or OUTPUT_NAME,
            reachable_host(config.effective_osc.host),
            config.osc.port,
            config.osc.reply_port,
            CONTROLS,
            {control.name: getattr(config.settings, control.name) for control in CONTROLS if control.kind != "action"},
            tuple(available_packs(config.pack_folders)),
            tempo_bpm,
        )


def fill_template(name: str, values: dict[str, object]) -> bytes:
    """A template with each `@NAME@` replaced by its value, written as JSON: a literal in Lua and in JavaScript too."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", json.dumps(value, ensure_ascii=False) if value is not None else "null")
    return text.encode()
