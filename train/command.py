"""Runs one training command: parses its arguments and reports errors as one sentence; knows none of the commands."""

import sys
from collections.abc import Callable, Sequence

import typer

from model.errors import ModelError
from train.errors import TrainError


def run_command(command: Callable[..., None], name: str, arguments: Sequence[str] | None = None) -> None:
    """Runs `command` as a Typer app named `name`, on `arguments` or, where there are none, on those of this process.

    `context.obj` of the command is the list of its arguments. Exits with status 1 and one sentence where a TrainError
    or ModelError is raised.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app(given, prog_name=name, obj=given)
    except (TrainError, ModelError) as error:
        raise SystemExit(f"fours: {error}") from None
