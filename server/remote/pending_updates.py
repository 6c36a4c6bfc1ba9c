"""The updates that one screen has yet to get, held back while a finger moves the same control; knows no protocol.

A fader that is being moved must not be moved back by its own echo, which comes a moment late. Once it has been at rest for
a moment, the accepted value is sent, and with it whatever else has changed meanwhile. Reads no clock: every method gets
the time in seconds.
"""

from collections.abc import Iterable

TOUCH_S = 0.150
"""How long after its last move a control counts as touched."""
FLASH_S = 0.150
"""How long the lamp of an action is lit after the action was done."""


class PendingUpdates:
    """The pending updates of one receiver: names of controls, each at most once, however often it has changed."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(names)
        self._held_until_s: dict[str, float] = {}

    def add(self, name: str) -> None:
        """Adds a control that has changed."""
        self._names[name] = None

    def hold_back(self, name: str, now_s: float) -> None:
        """Adds a control that the receiver's own finger has moved now: its update waits until the finger is at rest."""
        self._held_until_s[name] = now_s + TOUCH_S
        self._names[name] = None

    @property
    def is_empty(self) -> bool:
        """Whether no update is pending, not even one that is held back."""
        return not self._names

    def take_due(self, now_s: float) -> tuple[str, ...]:
        """Removes and returns the names whose updates are to be sent now, in the order in which they were added."""
        if not self._names:
            return ()
        taken = tuple(name for name in self._names if self._held_until_s.get(name, now_s) <= now_s)
        for name in taken:
            del self._names[name]
            self._held_until_s.pop(name, None)
        return taken


class ActionLamps:
    """The lamps of actions: each is lit for a moment after its action was done."""

    def __init__(self) -> None:
        self._lit_until_s: dict[str, float] = {}

    def flash(self, action: str, now_s: float) -> None:
        """Lights the lamp of an action."""
        self._lit_until_s[action] = now_s + FLASH_S

    def is_lit(self, action: str) -> bool:
        """Whether the lamp is lit; it stays lit until `take_expired` has returned it."""
        return action in self._lit_until_s

    @property
    def are_dark(self) -> bool:
        """Whether no lamp is lit."""
        return not self._lit_until_s

    def take_expired(self, now_s: float) -> tuple[str, ...]:
        """Switches off the lamps whose time is over, and returns their actions."""
        expired = tuple(action for action, until_s in self._lit_until_s.items() if until_s <= now_s)
        for action in expired:
            del self._lit_until_s[action]
        return expired
