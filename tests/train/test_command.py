import sys
from typing import Annotated

import pytest
import typer

from model.errors import PackError
from server.cli import judge_cli
from train.cli import train
from train.command import MOST_THREADS, MOST_WORKERS, run_command
from train.compare_cli import compare_approaches
from train.errors import CorpusError
from train.evaluate_cli import evaluate_pack


def greet(context: typer.Context, name: str, times: Annotated[int, typer.Option(min=1)] = 1) -> None:
    """Greet somebody."""
    typer.echo(f"{'hello ' * times}{name}, as {context.obj} asked")


def fail_by_train(name: str) -> None:
    raise CorpusError(f"{name} holds no MIDI file")


def fail_by_model(name: str) -> None:
    raise PackError(f"{name} is no pack")


def fail_otherwise(name: str) -> None:
    raise ZeroDivisionError(name)


def status_of(command: object, *arguments: str) -> object:
    assert callable(command)
    with pytest.raises(SystemExit) as ended:
        run_command(command, "fours greet", arguments)
    return ended.value.code


def test_the_command_is_run_on_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert not status_of(greet, "Anna", "--times", "2")
    assert capsys.readouterr().out == "hello hello Anna, as ['Anna', '--times', '2'] asked\n"


def test_without_arguments_they_are_those_of_this_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["greet", "Bela"])
    with pytest.raises(SystemExit):
        run_command(greet, "fours greet")
    assert capsys.readouterr().out == "hello Bela, as ['Bela'] asked\n"


@pytest.mark.parametrize(
    ("command", "option", "most"),
    [
        (train, "--threads", MOST_THREADS),
        (train, "--workers", MOST_WORKERS),
        (evaluate_pack, "--threads", MOST_THREADS),
        (evaluate_pack, "--workers", MOST_WORKERS),
        (compare_approaches, "--workers", MOST_WORKERS),
    ],
)
def test_more_threads_or_processes_than_a_system_starts_are_refused(
    command: object, option: str, most: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(command, option, "100000", "mine", "mine") == 2
    assert f"Invalid value for '{option}': Input should be less than or equal to {most}" in capsys.readouterr().err


def test_the_judge_starts_as_many_processes_as_the_others() -> None:
    assert judge_cli.MOST_WORKERS == MOST_WORKERS


@pytest.mark.parametrize(
    ("command", "message"),
    [(fail_by_train, "fours: tunes holds no MIDI file"), (fail_by_model, "fours: tunes is no pack")],
)
def test_errors_are_one_sentence_and_status_1(command: object, message: str) -> None:
    # The interpreter prints a status that is a text, and exits with 1.
    assert status_of(command, "tunes") == message


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(fail_otherwise, "fours greet", ["tunes"])


@pytest.mark.parametrize("arguments", [(), ("Anna", "--times", "0"), ("Anna", "--tmies", "2")])
def test_wrong_arguments_are_reported_with_the_name_of_the_command(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(greet, *arguments) == 2
    assert "Usage: fours greet " in capsys.readouterr().err


def test_its_help_is_its_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    assert not status_of(greet, "--help")
    assert "Greet somebody." in capsys.readouterr().out
