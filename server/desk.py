"""The desk: the present value of every control, and the one way to change one; knows no OSC, no port, no thread of its own."""

from collections.abc import Callable, Mapping
from typing import Protocol

from server.controls import CONTROLS, Raw, Settings, Value, control_named, is_pressed

Preparation = Callable[[Settings], None]


class Performer(Protocol):
    """Whoever carries out what the desk has checked: the player, in a jam."""

    def change(self, control: str, value: Value) -> None: ...

    def act(self, action: str) -> None: ...


class Desk:
    """Reads what comes in by its control's row, passes it on, and remembers it.

    `before` has, for some controls, what is to be done first, with the settings as they will be; what it raises refuses
    the change.
    """

    def __init__(self, settings: Settings, performer: Performer, before: Mapping[str, Preparation]) -> None:
        self._settings = settings
        self._performer = performer
        self._before = before

    def value(self, name: str) -> Value | None:
        """The present value of a control; None for an action. Raises BadValue where there is no such control."""
        control = control_named(name)
        return None if control.kind == "action" else self._value(name)

    def values(self) -> dict[str, Value]:
        """The present value of every control that keeps one."""
        return {control.name: self._value(control.name) for control in CONTROLS if control.kind != "action"}

    def set(self, name: str, raw: Raw) -> Value:
        """Sets a control, or does an action at anything but 0; the value as it was read.

        Raises BadValue, with nothing changed, where there is no such control or it cannot take `raw`, and
        whatever a preparation raises.
        """
        control = control_named(name)
        if control.kind == "action":
            if is_pressed(raw):
                self._performer.act(name)
                return 1.0
            return 0.0
        value = control.read(raw)
        settings = self._settings.with_value(name, value)
        if name in self._before:
            self._before[name](settings)
        self._settings = settings
        self._performer.change(name, value)
        return value

    def note(self, name: str, value: Value) -> None:
        """A control was changed by whoever performs; there is nothing more to do."""
        self._settings = self._settings.with_value(name, value)

    def _value(self, name: str) -> Value:
        value: Value = getattr(self._settings, name)
        return value
