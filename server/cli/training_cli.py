"""The commands `fours train`, `evaluate` and `compare`: the package `train` parses their arguments and does the work."""

import importlib
from typing import Any

import typer

from model.extras import install_hint


def train(context: typer.Context) -> None:
    """Train a pack on folders of MIDI files (needs the extra `train`)."""
    _run_training_command("train.cli", context)


def evaluate(context: typer.Context) -> None:
    """Measure a pack on music that it has not seen (needs the extra `train`)."""
    _run_training_command("train.evaluate_cli", context)


def compare(context: typer.Context) -> None:
    """Compare a pack's two approaches on one page (needs the extra `train`)."""
    _run_training_command("train.compare_cli", context)


def _run_training_command(module: str, context: typer.Context) -> None:
    """Runs a command of the package `train`, which parses its own arguments; its dependencies may not be installed."""
    training_module(module).main(context.args)


def training_module(name: str) -> Any:
    """A module of the package `train`; ends the process with one sentence where its dependencies are not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"fours: this command needs {error.name}, which is not installed: {install_hint('train')}"
        ) from error
