import inspect
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from server.controls.cli_options import with_control_options
from server.controls.control_table import CONTROLS, Value

Came = dict[str, Any]


def command(renamed: dict[str, str] | None = None) -> tuple[typer.Typer, Came]:
    """A command with the options of all controls, and where what reaches it is kept."""
    came: Came = {}

    def play(*, loud: bool = False, controls: dict[str, Value]) -> None:
        """Play."""
        came.update(loud=loud, controls=controls)

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(with_control_options(play, renamed))
    return app, came


def called(*arguments: str, renamed: dict[str, str] | None = None) -> Came:
    made, came = command(renamed)
    result = CliRunner().invoke(made, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return came


def test_there_is_an_option_for_each_control_that_keeps_a_value() -> None:
    made, _ = command()
    flags = {flag for parameter in get_command(made).params for flag in parameter.opts}
    wanted = {f"--{row.name.replace('_', '-')}" for row in CONTROLS if row.kind != "action"}
    assert wanted <= flags
    assert not {f"--{row.name}" for row in CONTROLS if row.kind == "action"} & flags


def test_only_what_is_given_reaches_the_command_read_by_its_row() -> None:
    assert called() == {"loud": False, "controls": {}}
    given = called("--temperature", "0,5", "--approach", "pitch", "--answer-after", "2", "--loud")
    assert given == {"loud": True, "controls": {"temperature": 0.5, "approach": "pitch", "answer_after": 2.0}}


def test_a_nought_is_given_too() -> None:
    assert called("--answer-length", "0")["controls"] == {"answer_length": 0.0}


def test_a_control_may_go_by_another_name() -> None:
    assert called("--length", "8", renamed={"answer_length": "length"})["controls"] == {"answer_length": 8.0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--temperature", "9"), "temperature is 0.1 to 2; 9 is out of range"),
        (("--temperature", "hot"), "temperature is a number, 0.1 to 2, not 'hot'"),
        (("--approach", "evnt"), "did you mean event?"),
        (("--temprature", "1"), "No such option: --temprature"),
    ],
)
def test_what_a_control_does_not_take_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    made, came = command()
    result = CliRunner().invoke(made, arguments, terminal_width=200, env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
    assert came == {}


def test_each_option_says_what_it_does_what_it_takes_and_its_default() -> None:
    made, _ = command()
    helps = {parameter.name: getattr(parameter, "help", "") for parameter in get_command(made).params}
    for row in CONTROLS:
        if row.kind != "action":
            assert row.help in helps[row.name]
            assert row.allowed in helps[row.name]
            assert "default" in helps[row.name]


def test_the_command_keeps_its_own_name_and_help() -> None:
    def play(*, controls: dict[str, Value]) -> None:
        """Play."""

    made = with_control_options(play)
    assert made.__name__ == "play"
    assert made.__doc__ == "Play."
    assert "controls" not in inspect.signature(made).parameters
