"""`CONTROLS`, the one table of what can be adjusted: config, command line, OSC, and docs derive from it; does nothing itself.

`Settings` declares each control as a field, so that the jam reads it by name and type; `ACTIONS` are the
controls that do something at once and keep no value.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, cast

from model.approach import APPROACHES, Approach
from server.errors import BadValue

Value = float | str
Raw = float | str | bool
"""What comes in before its row has read it: OSC sends true and false too."""

Kind = Literal["number", "choice", "name", "action"]

OSC_PREFIX = "/fours"


@dataclass(frozen=True, slots=True)
class Control:
    """One row of the table; numbers have `low` and `high`, choices their `choices`, names any text."""

    name: str
    kind: Kind
    help: str
    default: Value | None = None
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    choices: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Its OSC address."""
        return f"{OSC_PREFIX}/{self.name}"

    @property
    def allowed(self) -> str:
        """What it takes, in words."""
        if self.kind == "number":
            return f"{self.low:g} to {self.high:g}" + (f" {self.unit}" if self.unit else "")
        if self.kind == "choice":
            return " or ".join(self.choices)
        return "the name of a pack" if self.kind == "name" else "1, to do it"

    def read(self, raw: Raw) -> Value:
        """The value that `raw` means: numbers as text too, with a decimal comma too, and choices by index too.

        Raises BadValue where it is of the wrong kind or out of range, saying what is allowed.
        """
        if self.kind == "number":
            return self._read_number(raw)
        if self.kind == "choice":
            return self._read_choice(raw)
        if not isinstance(raw, str) or not raw:
            raise BadValue(f"{self.name} is {self.allowed}, not {raw!r}")
        return raw

    def _read_number(self, raw: Raw) -> float:
        try:
            number = float(raw.replace(",", ".")) if isinstance(raw, str) else float(raw)
        except (ValueError, OverflowError) as error:
            raise BadValue(f"{self.name} is a number, {self.allowed}, not {raw!r}") from error
        if not self.low <= number <= self.high:  # NaN fails too
            raise BadValue(f"{self.name} is {self.allowed}; {number:g} is out of range")
        # OSC sends 32 bits, in which 0.9 is 0.8999999762: what was meant is what is kept, and told.
        return round(number, 6)

    def _read_choice(self, raw: Raw) -> str:
        if isinstance(raw, str):
            if raw in self.choices:
                return raw
            near = difflib.get_close_matches(raw, self.choices, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadValue(f"{self.name} is {self.allowed}, not {raw!r}{hint}")
        if 0 <= raw < len(self.choices) and float(raw).is_integer():
            return self.choices[int(raw)]
        raise BadValue(f"{self.name} is {self.allowed}, or its index 0 to {len(self.choices) - 1}, not {raw!r}")


# The three kinds of row; each says its default's type, so that a field of `Settings` is declared in one line.
def _number(default: float, low: float, high: float, about: str, unit: str = "") -> float:
    row = {"kind": "number", "help": about, "low": low, "high": high, "unit": unit}
    return field(default=default, metadata=row)


def _name(default: str, about: str) -> str:
    return field(default=default, metadata={"kind": "name", "help": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The value of every control that keeps one; each field is a row of the table."""

    approach: Approach = field(
        default="event",
        metadata={
            "kind": "choice",
            "help": "How it answers: pitch at a fixed step, or event with a rhythm of its own.",
            "choices": APPROACHES,
        },
    )
    temperature: float = _number(0.9, 0.1, 2.0, "How daring the choice of notes is; 1 is as the model learnt it.")
    top_p: float = _number(0.95, 0.05, 1.0, "Leave out the unlikeliest notes: keep this share of the probability.")
    pack: str = _name("songbook", "The trained pack that answers, by its name or folder.")
    tempo: float = _number(120.0, 20.0, 400.0, "How fast a beat goes.", unit="bpm")
    answer_after: float = _number(1.0, 0.125, 16.0, "How long all keys must be up before it answers.", unit="beats")
    answer_length: float = _number(0.0, 0.0, 256.0, "How long an answer is; 0: as long as the phrase.", unit="beats")
    step: float = _number(0.5, 0.0625, 4.0, "From note to note in the pitch approach.", unit="beats")

    def with_value(self, name: str, value: Value) -> "Settings":
        """The same with one control at a value that its row has read."""
        return replace(self, **{name: value})  # type: ignore[arg-type]  # the row has seen to the type


ACTIONS = (
    Control("respond", "action", "Answer now, without waiting for the phrase to end."),
    Control("stop", "action", "End the answer and listen."),
    Control("panic", "action", "End every note there could be, and listen."),
)

CONTROLS: tuple[Control, ...] = (
    *(Control(row.name, default=cast("Value", row.default), **row.metadata) for row in fields(Settings)),
    *ACTIONS,
)
BY_NAME: Mapping[str, Control] = {control.name: control for control in CONTROLS}


def control_named(name: str) -> Control:
    """The row of that name. Raises BadValue where there is none, with the nearest name."""
    try:
        return BY_NAME[name]
    except KeyError:
        near = difflib.get_close_matches(name, BY_NAME, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(BY_NAME)}"
        raise BadValue(f"there is no control {name}; {hint}") from None


def is_pressed(raw: Raw) -> bool:
    """Whether a momentary button is down: an action is done at 1 and not at the 0 of its release."""
    try:
        number = float(raw)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise BadValue(f"an action takes 1, to do it, not {raw!r}")
    return number != 0.0
