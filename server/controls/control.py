"""One control: a row of the table `server.controls.control_table.CONTROLS`, which parses values; knows no other row."""

import difflib
import math
from dataclasses import dataclass
from typing import Literal

from bridge.errors import cut_short, shown
from model.analysis.scale import parse_key_choice
from server.errors import BadValue

Value = float | str
"""A parsed value of a control; a whole number is an int."""
Raw = float | str | bool
"""A value as it comes in, before the control has parsed it; OSC sends true and false too."""

Kind = Literal["number", "choice", "key", "name", "action"]
Curve = Literal["", "log", "cubic"]
"""How a fader goes through a number's range: linearly, by equal ratios, or slowly at first."""

OSC_PREFIX = "/fours"
# OSC sends float32, which holds about this many decimals.
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Control:
    """One row of the table: everything that the command line, OSC, the panel, MIDI controllers and docs need of a control.

    `name` is its key in `config.toml`, its field in `Settings`, and the last part of its OSC address; with hyphens
    it is its option. `help` is one sentence for the musician. `group` sorts the controls where many are shown.

    `kind` says which of the other fields count:

    - `number`: from `low` to `high` in `unit`; a `whole` one has no fraction; `curve` is how a fader goes from `low` to `high`.
    - `choice` and `key`: one of `choices`; a key may be spelled in many ways (`model.analysis.scale`).
    - `name`: any text; `names` says what it names, such as a pack.
    - `action`: done at once; it holds no value and has no `default`. Every other kind has one.
    """

    name: str
    kind: Kind
    help: str
    group: str = ""
    default: Value | None = None
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    whole: bool = False
    curve: Curve = ""
    choices: tuple[str, ...] = ()
    names: str = ""

    @property
    def address(self) -> str:
        """The OSC address of the control."""
        return f"{OSC_PREFIX}/{self.name}"

    @property
    def allowed(self) -> str:
        """The values that the control accepts, in words."""
        match self.kind:
            case "number":
                unit = f" {self.unit}" if self.unit else ""
                return f"{self.low:g} to {self.high:g}{unit}"
            case "choice":
                return f"{', '.join(self.choices[:-1])} or {self.choices[-1]}"
            case "key":
                return "off, auto, live, or a key such as C minor or D dorian"
            case "name":
                return self.names
            case "action":
                return "1, to do it"

    def read(self, raw: Raw) -> Value:
        """Parses a value. A number may come as text, with a decimal comma too, and a choice as its index.

        Raises BadValue if it is of the wrong kind or out of range; the text says what is allowed.
        """
        match self.kind:
            case "number":
                return self._read_number(raw)
            case "choice" | "key":
                return self._read_choice(raw)
            case "name" if self.choices and not isinstance(raw, str):
                return self._read_choice(raw)
            case _ if isinstance(raw, str) and raw:
                return raw
            case _:
                raise BadValue(f"{self.name} is {self.allowed}, not {shown(raw)}")

    def _read_number(self, raw: Raw) -> float:
        try:
            number = float(raw.replace(",", ".")) if isinstance(raw, str) else float(raw)
        except (ValueError, OverflowError) as error:
            raise BadValue(f"{self.name} is a number, {self.allowed}, not {shown(raw)}") from error
        if not self.low <= number <= self.high:  # NaN fails too
            raise BadValue(f"{self.name} is {self.allowed}; {number:g} is out of range")
        # OSC sends 32 bits, in which 0.9 is 0.8999999762: store and report the number that was meant.
        return round(number) if self.whole else round(number, DECIMALS)

    def _read_choice(self, raw: Raw) -> str:
        if isinstance(raw, str):
            return self._read_key(raw) if self.kind == "key" else self._read_word(raw)
        if 0 <= raw < len(self.choices) and float(raw).is_integer():
            return self.choices[int(raw)]
        raise BadValue(f"{self.name} is {self.allowed}, or its index 0 to {len(self.choices) - 1}, not {shown(raw)}")

    def _read_word(self, raw: str) -> str:
        if raw in self.choices:
            return raw
        near = difflib.get_close_matches(raw, self.choices, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise BadValue(f"{self.name} is {self.allowed}, not {shown(raw)}{hint}")

    def _read_key(self, raw: str) -> str:
        try:
            return parse_key_choice(cut_short(raw))
        except ValueError as error:
            raise BadValue(f"{self.name}: {error}") from error
