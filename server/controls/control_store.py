"""The control store: the current value of every control, and the only way to change one.

It knows no OSC and no port, and has no thread of its own: all its methods are called from the asyncio loop's thread.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bridge.fault_counter import FaultCounter
from server.controls.control_table import CONTROLS, Raw, Settings, Value, control_named, is_pressed

logger = logging.getLogger("fours.controls")

ORIGIN_MUSIC = "music"
"""The origin of a change that the jam itself made, such as a tempo that was tapped."""

Preparation = Callable[[Settings], None]
"""Called before a change, with the settings as they will be; raises an error to refuse the change."""


class ControlReceiver(Protocol):
    """Carries out the changes that the control store has accepted; in a jam it is the music thread."""

    def change(self, control: str, value: Value) -> None:
        """A control, by name, has a new value, which its row has parsed. Must not block."""
        ...

    def act(self, action: str) -> None:
        """An action, by name, is to be done now. Must not block."""
        ...


@dataclass(frozen=True, slots=True)
class AcceptedChange:
    """A control has a new value, or an action was done (then `value` is 1.0).

    `origin` names who changed it, such as a client's address; each source of changes chooses its own words.
    """

    control: str
    value: Value
    origin: str


@dataclass(frozen=True, slots=True)
class FailedChange:
    """A change that was accepted could not be carried out; `sentence` says why, and `origin` names the source of the change."""

    control: str
    sentence: str
    origin: str


ChangeListener = Callable[[AcceptedChange], None]
FailureListener = Callable[[FailedChange], None]


class ControlStore:
    """Parses new values, stores them, passes them to the receiver, and notifies the listeners.

    `preparations` holds, for some controls, what must be done before a change; an error raised there refuses the
    change.
    """

    def __init__(self, settings: Settings, receiver: ControlReceiver, preparations: Mapping[str, Preparation]) -> None:
        self._settings = settings
        self._receiver = receiver
        self._preparations = preparations
        self._listeners: tuple[ChangeListener, ...] = ()
        self._failure_listeners: tuple[FailureListener, ...] = ()
        self._origins: dict[str, str] = {}  # who set each control last
        self.faults = FaultCounter(logger, "a listener of the control store")

    @property
    def settings(self) -> Settings:
        """The current values of all controls."""
        return self._settings

    def value(self, name: str) -> Value | None:
        """The current value of a control; None for an action. Raises BadValue if there is no such control."""
        control = control_named(name)
        return None if control.kind == "action" else self._value(name)

    def values(self) -> dict[str, Value]:
        """The current value of every control that holds one, by name."""
        return {control.name: self._value(control.name) for control in CONTROLS if control.kind != "action"}

    def add_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """Calls `listener` after every accepted change, of any origin; returns a function that removes it again."""
        self._listeners = (*self._listeners, listener)

        def remove_listener() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return remove_listener

    def add_failure_listener(self, listener: FailureListener) -> Callable[[], None]:
        """Calls `listener` after every change that failed later; returns a function that removes it again."""
        self._failure_listeners = (*self._failure_listeners, listener)

        def remove_listener() -> None:
            self._failure_listeners = tuple(other for other in self._failure_listeners if other is not listener)

        return remove_listener

    def set(self, name: str, raw: Raw, origin: str = "") -> Value:
        """Sets a control, or does an action unless `raw` is 0; returns the parsed value.

        Raises BadValue if there is no such control or it does not accept `raw`, and any error that a preparation
        raises; then nothing has changed.
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
        self._origins[name] = origin
        self._receiver.change(name, value)
        self._notify(AcceptedChange(name, value, origin))
        return value

    def take_back(self, name: str, failed: Value, before: Value, sentence: str) -> None:
        """Sets a control back to `before`, as the accepted change to `failed` could not be carried out.

        A control that has been changed again meanwhile keeps its value. In either case the failure listeners are called
        with `sentence`.
        """
        origin = self._origins.get(name, "")
        if self._value(name) == failed:
            self._settings = self._settings.with_value(name, before)
            self._receiver.change(name, before)
            self._notify(AcceptedChange(name, before, ORIGIN_MUSIC))
        self._notify_failure(FailedChange(name, sentence, origin))

    def report_remark(self, name: str, sentence: str) -> None:
        """Sends a sentence about a value to its sender: it was accepted, but not all of it could be used."""
        self._notify_failure(FailedChange(name, sentence, self._origins.get(name, "")))

    def record_change(self, name: str, value: Value) -> None:
        """Stores a change that the receiver made itself, and notifies the listeners; the receiver is not called."""
        self._settings = self._settings.with_value(name, value)
        self._notify(AcceptedChange(name, value, ORIGIN_MUSIC))

    def _notify(self, change: AcceptedChange) -> None:
        for listener in self._listeners:
            try:
                listener(change)
            except Exception as error:  # noqa: BLE001  one listener that fails must not keep the others from the change
                self.faults.count(error)

    def _notify_failure(self, failure: FailedChange) -> None:
        for listener in self._failure_listeners:
            try:
                listener(failure)
            except Exception as error:  # noqa: BLE001  as in `_notify`
                self.faults.count(error)

    def _value(self, name: str) -> Value:
        value: Value = getattr(self._settings, name)
        return value
