"""The desk: the present value of every control, and the one way to change one; knows no OSC, no port, no thread of its own."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bridge.fault_counter import FaultCounter
from server.controls.control_table import CONTROLS, Raw, Settings, Value, control_named, is_pressed

logger = logging.getLogger("fours.desk")

ORIGIN_MUSIC = "music"
"""Whose change it is where nobody moved anything, such as a tempo that was tapped."""

Preparation = Callable[[Settings], None]


class ControlReceiver(Protocol):
    """Whoever carries out what the desk has checked: the player, in a jam."""

    def change(self, control: str, value: Value) -> None: ...

    def act(self, action: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AcceptedChange:
    """A control has this value now, or an action was done (at 1.0); `origin` is whoever did it, in words of its own."""

    control: str
    value: Value
    origin: str


ChangeListener = Callable[[AcceptedChange], None]


class ControlStore:
    """Reads what comes in by its control's row, passes it on, remembers it, and tells all who listen.

    `before` has, for some controls, what is to be done first, with the settings as they will be; what it raises refuses
    the change.
    """

    def __init__(self, settings: Settings, receiver: ControlReceiver, preparations: Mapping[str, Preparation]) -> None:
        self._settings = settings
        self._receiver = receiver
        self._preparations = preparations
        self._listeners: tuple[ChangeListener, ...] = ()
        self.faults = FaultCounter(logger, "a listener of the desk")

    @property
    def settings(self) -> Settings:
        """All present values."""
        return self._settings

    def value(self, name: str) -> Value | None:
        """The present value of a control; None for an action. Raises BadValue where there is no such control."""
        control = control_named(name)
        return None if control.kind == "action" else self._value(name)

    def values(self) -> dict[str, Value]:
        """The present value of every control that keeps one."""
        return {control.name: self._value(control.name) for control in CONTROLS if control.kind != "action"}

    def add_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """From now on `listener` hears of every accepted change, whoever made it; what is returned ends that."""
        self._listeners = (*self._listeners, listener)

        def leave() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return leave

    def set(self, name: str, raw: Raw, origin: str = "") -> Value:
        """Sets a control, or does an action at anything but 0; the value as it was read.

        Raises BadValue, with nothing changed, where there is no such control or it cannot take `raw`, and
        whatever a preparation raises.
        """
        control = control_named(name)
        if control.kind == "action":
            if not is_pressed(raw):
                return 0.0
            self._receiver.act(name)
            self._notify(AcceptedChange(name, 1.0, origin))
            return 1.0
        value = control.read(raw)
        settings = self._settings.with_value(name, value)
        if name in self._preparations:
            self._preparations[name](settings)
        self._settings = settings
        self._receiver.change(name, value)
        self._notify(AcceptedChange(name, value, origin))
        return value

    def record_change(self, name: str, value: Value) -> None:
        """A control was changed by whoever performs: it is remembered and told of, and there is nothing more to do."""
        self._settings = self._settings.with_value(name, value)
        self._notify(AcceptedChange(name, value, ORIGIN_MUSIC))

    def _notify(self, change: AcceptedChange) -> None:
        for listener in self._listeners:
            try:
                listener(change)
            except Exception as error:  # noqa: BLE001  one screen that fails must not keep the others from hearing of it
                self.faults.count(error)

    def _value(self, name: str) -> Value:
        value: Value = getattr(self._settings, name)
        return value
