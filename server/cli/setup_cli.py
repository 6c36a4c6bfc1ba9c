"""The command `fours setup`: it parses and prints; `server.setup` does the work."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import ConfigOption

DAW_HELP = "live, reaper, bitwig, ardour, dawproject (for Cubase and Studio One), ableton-link or touchosc."


def setup(
    *,
    daw: Annotated[str, typer.Argument(metavar="DAW", help=DAW_HELP)],
    to: Annotated[Path | None, typer.Option(help="Write into this folder instead of the DAW's own.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove what an earlier setup wrote.")] = False,
    tempo: Annotated[float | None, typer.Option(min=20, max=400, help="Set this tempo in the DAW's song, too.")] = None,
    config: ConfigOption = None,
) -> None:
    """Set up a DAW: write the file that it takes, and say what is left to click."""
    from platformdirs import user_data_path

    from server.config.config import load
    from server.setup.daw_folders import Machine
    from server.setup.own_files import OwnFiles
    from server.setup.setup_command import find_daw, set_up, take_down

    row, loaded = find_daw(daw), load(config)
    machine = Machine(sys.platform, Path.home(), os.environ)
    own_files = OwnFiles(user_data_path("fours", appauthor=False))
    if to is not None:
        # The list of what was written must mean the same file wherever fours is run next.
        to = to.absolute()
    if remove:
        take_down(row, loaded, machine, own_files, print, to=to)
    else:
        set_up(row, loaded, machine, own_files, print, to=to, tempo_bpm=tempo)
