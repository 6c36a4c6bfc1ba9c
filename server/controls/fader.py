"""Control values as fader positions, 0 to 1, and as the seven bits of a MIDI CC; knows no OSC and no port.

A number follows the curve of its row, and a whole number stops at each integer. Choices and keys are spaced evenly.
"""

import math

from server.controls.control import Control, Raw, Value
from server.errors import BadValue

TOP_CC = 127
# Finer than seven bits, and finer than the pixels of a fader.
POSITION_DECIMALS = 6


def has_fader(control: Control) -> bool:
    """Whether a fader can show the control; names and actions have no fader."""
    return control.kind in {"number", "choice", "key"}


def fader_position(control: Control, value: Value) -> float:
    """The position of a value on its fader, 0 to 1."""
    if isinstance(value, str):
        return round(control.choices.index(value) / (len(control.choices) - 1), POSITION_DECIMALS)
    return round(min(max(_position_of_number(control, value), 0.0), 1.0), POSITION_DECIMALS)


def value_at_position(control: Control, raw: Raw) -> Value:
    """The value at a fader position, 0 to 1. Raises BadValue if `raw` is not one, or the control has no fader."""
    if not has_fader(control):
        raise BadValue(f"{control.name} has no norm; it takes {control.allowed}")
    try:
        position = float(raw.replace(",", ".")) if isinstance(raw, str) else float(raw)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"{control.name}/norm is a number, 0 to 1, not {raw!r}") from error
    if not 0.0 <= position <= 1.0:  # NaN fails too
        raise BadValue(f"{control.name}/norm is 0 to 1; {position:g} is out of range")
    if control.choices:
        return control.choices[round(position * (len(control.choices) - 1))]
    return control.read(min(max(_number_at_position(control, position), control.low), control.high))


def cc_value(control: Control, value: Value) -> int:
    """The value as a MIDI controller sends and shows it, 0 to 127."""
    return round(fader_position(control, value) * TOP_CC)


def value_from_cc(control: Control, cc_value: int) -> Value:
    """The value for a CC value, 0 to 127. Raises BadValue if the control has no fader."""
    return value_at_position(control, cc_value / TOP_CC)


def _position_of_number(control: Control, value: float) -> float:
    match control.curve:
        case "log":
            return math.log(value / control.low) / math.log(control.high / control.low)
        case "cubic":
            return math.cbrt(_linear_position(control, value))
        case _:
            return _linear_position(control, value)


def _linear_position(control: Control, value: float) -> float:
    return (value - control.low) / (control.high - control.low)


def _number_at_position(control: Control, position: float) -> float:
    match control.curve:
        case "log":
            return control.low * float((control.high / control.low) ** position)
        case "cubic":
            return control.low + (control.high - control.low) * position**3
        case _:
            return control.low + (control.high - control.low) * position
