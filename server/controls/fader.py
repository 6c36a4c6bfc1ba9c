"""A control as the way of a fader, 0 to 1, and the seven bits of a MIDI controller; knows no wire and no port.

Numbers go along their row's curve, whole ones stop at each; choices and keys lie side by side.
"""

import math

from server.controls.control import Control, Raw, Value
from server.errors import BadValue

TOP_CC = 127
# More than seven bits, and than the pixels of a fader, tell apart.
POSITION_DECIMALS = 6


def has_fader(control: Control) -> bool:
    """Whether a fader makes sense: not for names and actions."""
    return control.kind in {"number", "choice", "key"}


def fader_position(control: Control, value: Value) -> float:
    """How far up the fader a value is."""
    if isinstance(value, str):
        return round(control.choices.index(value) / (len(control.choices) - 1), POSITION_DECIMALS)
    return round(min(max(_position_of_number(control, value), 0.0), 1.0), POSITION_DECIMALS)


def value_at_position(control: Control, raw: Raw) -> Value:
    """The value at a share of the fader's way. Raises BadValue where it is none, or the control has no fader."""
    if not has_fader(control):
        raise BadValue(f"{control.name} has no norm; it takes {control.allowed}")
    try:
        share = float(raw.replace(",", ".")) if isinstance(raw, str) else float(raw)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"{control.name}/norm is a number, 0 to 1, not {raw!r}") from error
    if not 0.0 <= share <= 1.0:  # NaN fails too
        raise BadValue(f"{control.name}/norm is 0 to 1; {share:g} is out of range")
    if control.choices:
        return control.choices[round(share * (len(control.choices) - 1))]
    return control.read(min(max(_number_at_position(control, share), control.low), control.high))


def cc_value(control: Control, value: Value) -> int:
    """The value as a controller sends and shows it, 0 to 127."""
    return round(fader_position(control, value) * TOP_CC)


def value_from_cc(control: Control, cc_value: int) -> Value:
    """The value that a controller means. Raises BadValue where the control has no fader."""
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


def _number_at_position(control: Control, share: float) -> float:
    match control.curve:
        case "log":
            return control.low * float((control.high / control.low) ** share)
        case "cubic":
            return control.low + (control.high - control.low) * share**3
        case _:
            return control.low + (control.high - control.low) * share
