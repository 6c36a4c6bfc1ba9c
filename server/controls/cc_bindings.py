"""Which knob moves which control: a table of MIDI CC numbers, as the configuration has it; knows no port and no values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from bridge.midi.controller_moves import LAST_CC, CcMove
from server.controls.control import Control
from server.controls.control_table import control_named
from server.controls.fader import has_fader
from server.errors import BadValue

CHANNELS = 16
CC_SECTION = "midi.cc"
"""Where bindings stand in config.toml."""

ConfigBinding = int | dict[str, int]
"""How a binding stands in config.toml: 21, or { cc = 21, channel = 3 }."""


def takes_cc(control: Control) -> bool:
    """Whether a knob or a pedal can move it."""
    return has_fader(control) or control.kind == "action"


@dataclass(frozen=True, slots=True)
class CcBinding:
    """A CC, on one channel (1 to 16) or on any."""

    cc: int
    channel: int | None = None

    @classmethod
    def read(cls, control: str, written: object) -> Self:
        """The binding of a control as it is written. Raises BadValue where it is none, or the control takes none."""
        if not takes_cc(control_named(control)):
            raise BadValue(f"{control} takes no CC; let program changes choose it (midi.program_change)")
        table = {"cc": written} if not isinstance(written, dict) else written
        if "cc" not in table or not set(table) <= {"cc", "channel"}:
            raise BadValue(
                f"{control} is bound to a CC, such as 21 or {{ cc = 21, channel = 3 }}, not to {_toml(written)}"
            )
        channel = table.get("channel")
        return cls(
            _whole(f"the CC of {control}", table["cc"], 0, LAST_CC),
            None if channel is None else _whole(f"the channel of {control}", channel, 1, CHANNELS),
        )

    @property
    def as_toml(self) -> str:
        """As it stands in config.toml."""
        return str(self.cc) if self.channel is None else f"{{ cc = {self.cc}, channel = {self.channel} }}"

    def __str__(self) -> str:
        return f"CC {self.cc}" if self.channel is None else f"CC {self.cc} on channel {self.channel}"


class CcBindings:
    """The bindings in force; another object whenever one has changed, so that a thread may go on reading it."""

    def __init__(self, by_control: Mapping[str, CcBinding]) -> None:
        self._by_control = dict(by_control)
        self._controls = {(binding.cc, binding.channel): name for name, binding in by_control.items()}

    @classmethod
    def read(cls, written: Mapping[str, object]) -> Self:
        """Those that are written. Raises BadValue with a line for each mistake."""
        read: dict[str, CcBinding] = {}
        owners: dict[CcBinding, str] = {}
        mistakes = []
        for control, entry in written.items():
            try:
                binding = CcBinding.read(control, entry)
                if binding in owners:
                    raise BadValue(f"{control} and {owners[binding]} are both on {binding}")
                read[control], owners[binding] = binding, control
            except BadValue as error:
                mistakes.append(str(error))
        if mistakes:
            raise BadValue("\n".join(mistakes))
        return cls(read)

    def control_moved_by(self, move: CcMove) -> str | None:
        """The control that a knob moves: one that is bound on its channel, else one that is bound on any."""
        return self._controls.get((move.cc, move.channel + 1)) or self._controls.get((move.cc, None))

    def binding_of(self, control: str) -> CcBinding | None:
        """Where a control is bound."""
        return self._by_control.get(control)

    @property
    def by_control(self) -> Mapping[str, CcBinding]:
        """All of them."""
        return dict(self._by_control)

    def learn(self, control: str, move: CcMove, *, any_channel: bool = False) -> CcBinding:
        """The binding of a control to a knob that was moved. Raises BadValue where that moves another control already."""
        binding = CcBinding(move.cc, None if any_channel else move.channel + 1)
        # One that is bound on any channel would go on without this one, and say nothing.
        for owner in (self.control_moved_by(move), self._controls.get((binding.cc, binding.channel))):
            if owner not in {None, control}:
                bound = self._by_control[owner] if owner else binding
                raise BadValue(
                    f"{bound} moves {owner} already; let {owner} learn another knob, or take its line out of [{CC_SECTION}]"
                )
        return binding

    def with_binding(self, control: str, binding: CcBinding) -> "CcBindings":
        """The same, but this control is bound there, and nowhere else."""
        return CcBindings({**self._by_control, control: binding})


def _whole(what: str, number: object, low: int, high: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise BadValue(f"{what} is {low} to {high}, not {_toml(number)}")
    return number


def _toml(value: object) -> str:
    return repr(value).lower() if isinstance(value, bool) else repr(value)
