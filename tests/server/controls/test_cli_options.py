import inspect
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from server.controls.cli_options import with_control_options
from server.controls.control_table import CONTROLS, Value

Arguments = dict[str, Any]


def command(shorter: dict[str, str] | None = None) -> tuple[typer.Typer, Arguments]:
    """A command with the options of all controls, and a dict that gets its arguments."""
    passed: Arguments = {}

    def play(*, loud: bool = False, controls: dict[str, Value]) -> None:
        """Play."""
        passed.update(loud=loud, controls=controls)

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(with_control_options(play, shorter))
    return app, passed


def passed_arguments(*arguments: str, shorter: dict[str, str] | None = None) -> Arguments:
    command_app, passed = command(shorter)
    result = CliRunner().invoke(command_app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return passed


def test_there_is_an_option_for_each_control_that_holds_a_value() -> None:
    command_app, _ = command()
    flags = {flag for parameter in get_command(command_app).params for flag in parameter.opts}
    wanted = {f"--{row.name.replace('_', '-')}" for row in CONTROLS if row.kind != "action"}
    assert wanted <= flags
    assert not {f"--{row.name}" for row in CONTROLS if row.kind == "action"} & flags


def test_only_given_values_reach_the_command_and_they_are_parsed() -> None:
    assert passed_arguments() == {"loud": False, "controls": {}}
    given = passed_arguments("--temperature", "0,5", "--approach", "pitch", "--answer-after", "2", "--loud")
    assert given == {"loud": True, "controls": {"temperature": 0.5, "approach": "pitch", "answer_after": 2.0}}


def test_zero_counts_as_given() -> None:
    assert passed_arguments("--answer-length", "0")["controls"] == {"answer_length": 0.0}


def test_a_control_that_is_left_out_has_no_option() -> None:
    passed: Arguments = {}

    def play(*, controls: dict[str, Value]) -> None:
        """Play."""
        passed.update(controls)

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(with_control_options(play, left_out={"pack"}))
    flags = {flag for parameter in get_command(app).params for flag in parameter.opts}
    assert "--approach" in flags
    assert "--pack" not in flags
    assert CliRunner().invoke(app, ["--temperature", "0.5"], catch_exceptions=False).exit_code == 0
    assert passed == {"temperature": 0.5}


@pytest.mark.parametrize("flag", ["--length", "--answer-length"])
def test_an_option_can_have_a_shorter_name_too(flag: str) -> None:
    assert passed_arguments(flag, "8", shorter={"answer_length": "length"})["controls"] == {"answer_length": 8.0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--temperature", "9"), "temperature is 0.1 to 2; 9 is out of range"),
        (("--temperature", "hot"), "temperature is a number, 0.1 to 2, not 'hot'"),
        (("--approach", "evnt"), "did you mean event?"),
        (("--temprature", "1"), "No such option: --temprature"),
    ],
)
def test_a_value_that_a_control_does_not_accept_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    command_app, passed = command()
    result = CliRunner().invoke(
        command_app, arguments, terminal_width=200, env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    )
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
    assert passed == {}


def test_the_help_of_each_option_has_purpose_accepted_values_and_default() -> None:
    command_app, _ = command()
    helps = {parameter.name: getattr(parameter, "help", "") for parameter in get_command(command_app).params}
    for row in CONTROLS:
        if row.kind != "action":
            assert row.help in helps[row.name]
            assert row.allowed in helps[row.name]
            assert "default" in helps[row.name]


def test_the_command_keeps_its_name_and_help() -> None:
    def play(*, controls: dict[str, Value]) -> None:
        """Play."""

    command_app = with_control_options(play)
    assert command_app.__name__ == "play"
    assert command_app.__doc__ == "Play."
    assert "controls" not in inspect.signature(command_app).parameters


def test_two_options_of_one_name_are_an_error_that_names_it() -> None:
    def command(tempo: float | None = None, *, controls: dict[str, Value]) -> None: ...

    with pytest.raises(ValueError, match="command has two options named tempo: give the control another name"):
        with_control_options(command)
