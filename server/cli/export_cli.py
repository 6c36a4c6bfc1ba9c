"""The command `fours export`: it parses and prints; `server.export` does the work."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import ConfigOption, Controls
from server.controls.control_table import CONTROLS, TAKES_GROUP

SET_BY_EXPORT = frozenset(
    {control.name for control in CONTROLS if control.group in {"turns", "time", TAKES_GROUP}} | {"channel"}
) - {"answer_length", "tempo"}
"""The controls of turns, clocks, ports and takes: a file has none of these, and its bars are those of the seed."""


def export(
    *,
    seed: Annotated[
        Path, typer.Argument(metavar="SEED", help="A file of music (.mid, MusicXML, ABC): the phrase to answer.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .mid file to write.")],
    count: Annotated[
        int, typer.Option(min=1, max=999, help="How many answers to write, each in a file of its own.")
    ] = 1,
    answer_only: Annotated[bool, typer.Option(help="Leave the seed out of the file.")] = False,
    piano_roll: Annotated[Path | None, typer.Option(help="Draw seed and answer as a .png.")] = None,
    random_seed: Annotated[int, typer.Option(help="The same seed, settings and number give the same file.")] = 0,
    config: ConfigOption = None,
    controls: Controls,
) -> None:
    """Answer a file of music, and write the answer as a .mid file."""
    from server.config.config import load
    from server.export import ExportRequest, export_answers

    checked = load(config).with_values({f"controls.{name}": value for name, value in controls.items()})
    request = ExportRequest(seed, out, count, answer_only, piano_roll, random_seed)
    for path in export_answers(request, checked, own_tempo="tempo" in controls, say=_print_error):
        print(path)


def _print_error(sentence: str) -> None:
    print(sentence, file=sys.stderr)
