"""Runs one training command: parses its arguments and reports errors as one sentence; knows none of the commands.

It holds the options that several commands have.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from model.errors import ModelError
from train.errors import TrainError

# Far more than help. A system that cannot start so many threads ends the process, in torch, without a word.
MOST_THREADS = 256
# Windows waits for no more processes at once.
MOST_WORKERS = 61

ThreadsOption = Annotated[int, typer.Option(min=0, max=MOST_THREADS, help="CPU threads; 0 for torch's own choice.")]
WorkersOption = Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Processes that read music files.")]


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
