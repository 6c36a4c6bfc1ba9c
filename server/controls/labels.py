"""How choices are written where only letters will do, in addresses and labels; knows no control's meaning and no wire.

OSC addresses may hold no blank and none of # * , / ? [ ] { }: so a blank, a slash and whatever else is forbidden
becomes _, and the sharp of a key becomes s: `1_8t`, `6_8`, `D_dorian`, `Fs_minor`.
"""

import re

from server.controls.control import Control, Value

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]")


def address_part(choice: str) -> str:
    """A choice as the last part of an address."""
    return _FORBIDDEN.sub("_", choice.replace("#", "s"))


def label_text(control: Control, value: Value) -> str:
    """A value as a label shows it: four digits at most that tell, and the unit."""
    text = value if isinstance(value, str) else f"{value:.4g}"
    unit = control.unit.removesuffix("s") if value == 1 and len(control.unit) > 2 else control.unit
    return f"{text} {unit}" if unit else text
