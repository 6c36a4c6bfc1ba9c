"""Which MIDI CC moves which control, as written in the configuration; knows no port and no control values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from bridge.errors import shown
from bridge.midi.controller_moves import LAST_CC, CcMove
from server.controls.control import Control
from server.controls.control_table import control_named
from server.controls.fader import has_fader
from server.errors import BadValue

CHANNELS = 16
CC_SECTION = "midi.cc"
"""The section of config.toml that holds the bindings."""

ConfigBinding = int | dict[str, int]
"""A binding as config.toml holds it: 21, or { cc = 21, channel = 3 }."""


def is_bindable(control: Control) -> bool:
    """Whether a knob, a fader or a pedal can move the control."""
    return has_fader(control) or control.kind == "action"


@dataclass(frozen=True, slots=True)
class CcBinding:
    """A CC number (0 to 119), on one channel (1 to 16), or on any channel where `channel` is None."""

    cc: int
    channel: int | None = None

    @classmethod
    def read(cls, control: str, toml_value: object) -> Self:
        """Parses the binding of a control as config.toml holds it.

        Raises BadValue if it is not a binding, or if no CC can move this control.
        """
        if not is_bindable(control_named(control)):
            way_out = "; let program changes choose it (midi.program_change)" if control == "pack" else ": it is a text"
            raise BadValue(f"{control} takes no CC{way_out}")
        table = {"cc": toml_value} if not isinstance(toml_value, dict) else toml_value
        if "cc" not in table or not set(table) <= {"cc", "channel"}:
            raise BadValue(
                f"{control} is bound to a CC, such as 21 or {{ cc = 21, channel = 3 }}, not to {_toml(toml_value)}"
            )
        channel = table.get("channel")
        return cls(
            _whole_number(f"the CC of {control}", table["cc"], 0, LAST_CC),
            None if channel is None else _whole_number(f"the channel of {control}", channel, 1, CHANNELS),
        )

    @property
    def as_toml(self) -> str:
        """The binding as config.toml holds it."""
        return str(self.cc) if self.channel is None else f"{{ cc = {self.cc}, channel = {self.channel} }}"

    def __str__(self) -> str:
        return f"CC {self.cc}" if self.channel is None else f"CC {self.cc} on channel {self.channel}"


class CcBindings:
    """All bindings in use, immutable: a change makes a new object, so another thread may go on reading this one."""

    def __init__(self, by_control: Mapping[str, CcBinding]) -> None:
        self._by_control = dict(by_control)
        self._control_by_cc = {(binding.cc, binding.channel): name for name, binding in by_control.items()}

    @classmethod
    def read(cls, toml_table: Mapping[str, object]) -> Self:
        """Parses the section of config.toml. Raises BadValue with one line for each mistake."""
        bindings: dict[str, CcBinding] = {}
        owners: dict[CcBinding, str] = {}
        mistakes = []
        for control, entry in toml_table.items():
            try:
                binding = CcBinding.read(control, entry)
                if binding in owners:
                    raise BadValue(f"{control} and {owners[binding]} are both on {binding}")
                bindings[control], owners[binding] = binding, control
            except BadValue as error:
                mistakes.append(str(error))
        if mistakes:
            raise BadValue("\n".join(mistakes))
        return cls(bindings)

    def control_moved_by(self, move: CcMove) -> str | None:
        """The control that a CC message moves, or None: a binding to its channel goes before one to any channel."""
        return self._control_by_cc.get((move.cc, move.channel + 1)) or self._control_by_cc.get((move.cc, None))

    def binding_of(self, control: str) -> CcBinding | None:
        """The binding of a control, or None if it has none."""
        return self._by_control.get(control)

    @property
    def by_control(self) -> Mapping[str, CcBinding]:
        """A copy of all bindings, by the control's name."""
        return dict(self._by_control)

    def binding_to_learn(self, control: str, move: CcMove, *, any_channel: bool = False) -> CcBinding:
        """The binding that would let the CC message `move` control this control; changes nothing.

        Raises BadValue if that CC already moves another control.
        """
        binding = CcBinding(move.cc, None if any_channel else move.channel + 1)
        # The first look finds a binding to any channel too: the new one would silently take this channel away from it.
        for owner in (self.control_moved_by(move), self._control_by_cc.get((binding.cc, binding.channel))):
            if owner not in {None, control}:
                owned = self._by_control[owner] if owner else binding
                raise BadValue(
                    f"{owned} moves {owner} already; let {owner} learn another knob, or take its line out of [{CC_SECTION}]"
                )
        return binding

    def with_binding(self, control: str, binding: CcBinding) -> "CcBindings":
        """A copy in which the control has this binding instead of the one it had."""
        return CcBindings({**self._by_control, control: binding})


def _whole_number(what: str, number: object, low: int, high: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise BadValue(f"{what} is {low} to {high}, not {_toml(number)}")
    return number


def _toml(value: object) -> str:
    return repr(value).lower() if isinstance(value, bool) else shown(value)
