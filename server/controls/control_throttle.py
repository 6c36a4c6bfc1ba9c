"""The throttle for control changes: passes on at most thirty values a second of each control; knows no control.

Each value makes the jam compose its plan again, and a controller, a phone or an automation lane may send a thousand
values a second. The first value is passed on at once, the last one always arrives, and an action never waits. The
timing comes from the caller's event loop; all methods run in that loop's thread.
"""

from collections.abc import Callable

from server.controls.control_store import ControlReceiver
from server.controls.control_table import Value

INTERVAL_S = 1 / 30
"""No note is so short that one could hear a fader's steps in it, and composing twice as often would take a whole core."""

CallLater = Callable[[float, Callable[[], None]], object]
"""Calls a function after a number of seconds, as an asyncio loop's `call_later` does."""


class ControlThrottle:
    """A `ControlReceiver` in front of another one; the control store sends all changes through it."""

    def __init__(self, receiver: ControlReceiver, call_later: CallLater) -> None:
        self._receiver = receiver
        self._call_later = call_later
        self._waiting_values: dict[str, Value] = {}
        self._just_sent: set[str] = set()
        self._is_timer_running = False

    def change(self, control: str, value: Value) -> None:
        """Passes the value on now, or at the next tick if the control has just changed."""
        if control in self._just_sent:
            self._waiting_values[control] = value
        else:
            self._receiver.change(control, value)
        self._just_sent.add(control)
        if not self._is_timer_running:
            self._is_timer_running = True
            self._call_later(INTERVAL_S, self._tick)

    def act(self, action: str) -> None:
        """Passes the values that wait on first, so that the action uses them; then the action, at once."""
        self._send_waiting()
        self._receiver.act(action)

    def _tick(self) -> None:
        self._just_sent = set(self._waiting_values)
        self._send_waiting()
        self._is_timer_running = bool(self._just_sent)
        if self._is_timer_running:
            self._call_later(INTERVAL_S, self._tick)

    def _send_waiting(self) -> None:
        waiting, self._waiting_values = self._waiting_values, {}
        for control, value in waiting.items():
            self._receiver.change(control, value)
