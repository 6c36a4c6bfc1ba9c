"""Command-line options made from `CONTROLS`: one for each control that keeps a value; knows no command."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from server.controls.control_table import CONTROLS, Control, Value
from server.errors import BadValue

HELP_PANEL = "Controls"


def with_control_options(command: Callable[..., None], renamed: Mapping[str, str] | None = None) -> Callable[..., None]:
    """The command with an option for each control; their values reach it as `controls`, those given only.

    `renamed` gives a control another option, such as `length` for `answer_length`.
    """
    names = {control.name: (renamed or {}).get(control.name, control.name) for control in CONTROLS}
    rows = [control for control in CONTROLS if control.kind != "action"]

    @functools.wraps(command)
    def called(**given: object) -> None:
        values = {row.name: given.pop(names[row.name]) for row in rows}
        command(**given, controls={name: value for name, value in values.items() if value is not None})

    own = [row for row in inspect.signature(command).parameters.values() if row.name != "controls"]
    options = [_option(row, names[row.name]) for row in rows]
    signature = inspect.Signature(
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + options
    )
    vars(called)["__signature__"] = signature
    called.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return called


def _option(control: Control, name: str) -> inspect.Parameter:
    flag = "--" + name.replace("_", "-")
    about = f"{control.help} ({control.allowed}; default {_value_text(control.default)})"
    option = typer.Option(
        flag, help=about, rich_help_panel=HELP_PANEL, metavar=_metavar(control), parser=_parser_of(control)
    )
    annotation = Annotated[_ParsedValue | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


class _ParsedValue:
    """What an option's parser hands on; typer calls a parser for a type that it does not know."""


def _parser_of(control: Control) -> Callable[[str], Value]:
    def read(raw: str) -> Value:
        try:
            return control.read(raw)
        except BadValue as error:
            raise typer.BadParameter(str(error)) from error

    return read


def _metavar(control: Control) -> str:
    if control.kind == "choice":
        return "|".join(control.choices)
    return (control.unit or control.kind).upper()


def _value_text(value: Value | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
