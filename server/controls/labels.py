"""How values are spelled in OSC addresses and on labels; knows neither what a control does nor OSC packets.

OSC 1.0 addresses may hold no space and none of # * , / ? [ ] { }. So a space, a slash and every other forbidden
character becomes _, and the sharp of a key becomes s: `1_8t`, `6_8`, `D_dorian`, `Fs_minor`.
"""

import re

from server.controls.control import Control, Value

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]")


def address_part(choice: str) -> str:
    """A choice as the last part of an OSC address."""
    return _FORBIDDEN.sub("_", choice.replace("#", "s"))


def label_text(control: Control, value: Value) -> str:
    """A value as a label shows it: with at most four significant digits, and its unit."""
    text = value if isinstance(value, str) else f"{value:.4g}"
    unit = control.unit.removesuffix("s") if value == 1 and len(control.unit) > 2 else control.unit
    return f"{text} {unit}" if unit else text
