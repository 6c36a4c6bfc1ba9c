"""Passes changes on no faster than music can follow: of a control that is moved all the time, thirty values a second.

Each value composes what is planned anew, and a controller, a phone or an automation lane may send a thousand. The
first goes at once, the last always arrives, and an action waits for nothing. Knows no control; a loop keeps its time.
"""

from collections.abc import Callable

from server.controls.control_store import ControlReceiver
from server.controls.control_table import Value

INTERVAL_S = 1 / 30
"""No note is so short that the steps of a fader could be heard in it, and composing anew twice as often takes a core."""

CallLater = Callable[[float, Callable[[], None]], object]
"""Calls something after so many seconds: an asyncio loop's `call_later`."""


class ControlThrottle:
    """A performer in front of another; a desk's, so that whatever moves a control is paced."""

    def __init__(self, receiver: ControlReceiver, call_later: CallLater) -> None:
        self._receiver = receiver
        self._call_later = call_later
        self._waiting_values: dict[str, Value] = {}
        self._just_sent: set[str] = set()
        self._is_timer_running = False

    def change(self, control: str, value: Value) -> None:
        """A control has a new value."""
        if control in self._just_sent:
            self._waiting_values[control] = value
        else:
            self._receiver.change(control, value)
        self._just_sent.add(control)
        if not self._is_timer_running:
            self._is_timer_running = True
            self._call_later(INTERVAL_S, self._tick)

    def act(self, action: str) -> None:
        """An action was asked for: with everything as it was set before."""
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
