"""How a command of this room is run: its arguments parsed, what is wrong said in one sentence; knows none of them."""

import sys
from collections.abc import Callable, Sequence

import typer

from model.errors import ModelError
from train.errors import TrainError


def run_command(command: Callable[..., None], name: str, arguments: Sequence[str] | None = None) -> None:
    """Runs `command` on `arguments`, those of this process where there are none; its context's `obj` is a list of them.

    Exits with status 1 and a sentence where a TrainError or ModelError is raised.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app(given, prog_name=name, obj=given)
    except (TrainError, ModelError) as error:
        raise SystemExit(f"fours: {error}") from None
