"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from server.controls.control_table import Value

Controls = dict[str, Value]
"""The values of the control options that were given, by the control's name."""

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The configuration; without it config.toml of this folder, if there.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs: JSON.")]
