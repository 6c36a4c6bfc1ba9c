"""Command-line options made from `CONTROLS`, one for each control that holds a value; knows no command."""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Annotated

import typer

from server.controls.control_table import CONTROLS, Control, Value
from server.errors import BadValue

HELP_PANEL = "Controls"


def with_control_options(
    command: Callable[..., None],
    shorter: Mapping[str, str] | None = None,
    left_out: Collection[str] = (),
    defaults: Mapping[str, str] | None = None,
) -> Callable[..., None]:
    """Wraps a command so that it has an option for each control.

    The command gets the values of the options that were given, parsed, as its keyword argument `controls`. `shorter`
    gives a control's option another name beside its own, such as `length` for `answer_length`. The controls `left_out`
    have none. `defaults` says of a control what it is where its option is not given. Raises ValueError where two options have the same name.
    """
    with_value = [control for control in CONTROLS if control.kind != "action" and control.name not in left_out]

    @functools.wraps(command)
    def wrapper(**arguments: object) -> None:
        values = {control.name: arguments.pop(control.name) for control in with_value}
        command(**arguments, controls={name: value for name, value in values.items() if value is not None})

    own = [parameter for parameter in inspect.signature(command).parameters.values() if parameter.name != "controls"]
    options = [
        _option(control, (shorter or {}).get(control.name), (defaults or {}).get(control.name))
        for control in with_value
    ]
    names = [*(parameter.name for parameter in (*own, *options)), *(shorter or {}).values()]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise ValueError(
            f"{command.__name__} has two options named {', '.join(doubled)}: give the control another name"
        )
    signature = inspect.Signature(
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + options
    )
    # typer reads the signature and the annotations of what it is given.
    vars(wrapper)["__signature__"] = signature
    wrapper.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return wrapper


def _option(control: Control, shorter: str | None, default: str | None) -> inspect.Parameter:
    flags = ["--" + name.replace("_", "-") for name in (shorter, control.name) if name is not None]
    text = f"{control.help} ({control.allowed}; default {default or _value_text(control.default)})"
    option = typer.Option(
        *flags, help=text, rich_help_panel=HELP_PANEL, metavar=_metavar(control), parser=_parser_of(control)
    )
    annotation = Annotated[_ParsedValue | None, option]
    return inspect.Parameter(control.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


class _ParsedValue:
    """Stands for the type of a parsed value: typer calls an option's parser only for a type that it does not know."""


def _parser_of(control: Control) -> Callable[[str], Value]:
    def parse(raw: str) -> Value:
        try:
            return control.read(raw)
        except BadValue as error:
            raise typer.BadParameter(str(error)) from error

    return parse


def _metavar(control: Control) -> str:
    if control.kind == "choice":
        return "|".join(control.choices)
    return (control.unit or control.kind).upper()


def _value_text(value: Value | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
