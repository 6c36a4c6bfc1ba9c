"""Sends values back to MIDI controllers: motor faders move, buttons light up; for bound controls only. Knows no port.

It reads no clock; every method gets the time in seconds. A knob gets no feedback while a hand moves it. All methods run
on the asyncio loop.
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
    """Collects the changes of the controls that are bound in `cc_input`, and returns the CC values to send."""

    def __init__(self, cc_input: CcInput, controls: ControlStore) -> None:
        self._cc_input = cc_input
        self._controls = controls
        self._pending = PendingUpdates(cc_input.bindings.by_control)
        self._lamps = ActionLamps()

    def on_control_changed(self, change: AcceptedChange, now_s: float) -> None:
        """A control was changed, by any source."""
        if BY_NAME[change.control].kind == "action":
            self._lamps.flash(change.control, now_s)
        self._pending.add(change.control)

    def on_control_moved(self, control: str, now_s: float) -> None:
        """A hand has moved the knob of this control."""
        self._pending.hold_back(control, now_s)

    def add_all(self) -> None:
        """Adds every control that is bound: what shows them has lost its values."""
        for control in self._cc_input.bindings.by_control:
            self._pending.add(control)

    @property
    def is_pending(self) -> bool:
        """Whether there is something to send now, or will be without a further change."""
        return not (self._pending.is_empty and self._lamps.are_dark)

    def take_due(self, now_s: float) -> Iterator[CcMove]:
        """The values to send now, each once."""
        for action in self._lamps.take_expired(now_s):
            self._pending.add(action)
        for name in self._pending.take_due(now_s):
            binding = self._cc_input.bindings.binding_of(name)
            if binding is not None:
                # Bound on any channel: the answer goes to the channel on which the knob moved last.
                last_channel = self._cc_input.channels.get(name, 0)
                channel = last_channel if binding.channel is None else binding.channel - 1
                yield CcMove(binding.cc, self._cc_value(BY_NAME[name]), channel)

    def _cc_value(self, control: Control) -> int:
        value = self._controls.value(control.name)
        if value is None:
            return TOP_CC if self._lamps.is_lit(control.name) else 0
        return cc_value(control, value)
