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

    def __init__(self, performer: ControlReceiver, later: CallLater) -> None:
        self._performer = performer
        self._later = later
        self._waiting: dict[str, Value] = {}
        self._resting: set[str] = set()
        self._is_set = False

    def change(self, control: str, value: Value) -> None:
        """A control has a new value."""
        if control in self._resting:
            self._waiting[control] = value
        else:
            self._performer.change(control, value)
        self._resting.add(control)
        if not self._is_set:
            self._is_set = True
            self._later(INTERVAL_S, self._tick)

    def act(self, action: str) -> None:
        """An action was asked for: with everything as it was set before."""
        self._pass_on()
        self._performer.act(action)

    def _tick(self) -> None:
        self._resting = set(self._waiting)
        self._pass_on()
        self._is_set = bool(self._resting)
        if self._is_set:
            self._later(INTERVAL_S, self._tick)

    def _pass_on(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for control, value in waiting.items():
            self._performer.change(control, value)
