"""What controllers are told back: where motor faders go, which buttons light up; bound controls only. Knows no port.

Reads no clock; nothing is told to a knob while a hand moves it.
"""

from collections.abc import Iterator

from bridge.midi.controller_moves import CcMove
from server.controls.control import Control
from server.controls.control_store import AcceptedChange, ControlStore
from server.controls.control_table import BY_NAME
from server.controls.fader import TOP_CC, cc_value
from server.remote.cc_input import CcInput
from server.remote.pending_updates import ActionLamps, PendingUpdates


class CcFeedback:
    """The way back of some knobs."""

    def __init__(self, knobs: CcInput, desk: ControlStore) -> None:
        self._knobs = knobs
        self._desk = desk
        self._due = PendingUpdates(knobs.bindings.by_control)
        self._lights = ActionLamps()

    def on_control_changed(self, change: AcceptedChange, now_s: float) -> None:
        """A control was changed, by whomever."""
        if BY_NAME[change.control].kind == "action":
            self._lights.flash(change.control, now_s)
        self._due.add(change.control)

    def on_control_moved(self, control: str, now_s: float) -> None:
        """A hand has moved its knob."""
        self._due.hold_back(control, now_s)

    def take_due(self, now_s: float) -> Iterator[CcMove]:
        """What is to be told now."""
        for action in self._lights.take_expired(now_s):
            self._due.add(action)
        for name in self._due.take_due(now_s):
            binding = self._knobs.bindings.binding_of(name)
            if binding is not None:
                heard = self._knobs.channels.get(name, 0)
                channel = heard if binding.channel is None else binding.channel - 1
                yield CcMove(binding.cc, self._place(BY_NAME[name]), channel)

    def _place(self, control: Control) -> int:
        value = self._desk.value(control.name)
        if value is None:
            return TOP_CC if self._lights.is_lit(control.name) else 0
        return cc_value(control, value)
