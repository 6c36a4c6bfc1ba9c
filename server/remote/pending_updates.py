"""What somebody is yet to be told of, and nothing while a finger of theirs is on it; knows no wire and reads no clock.

A fader that is being moved must not be moved back by its own echo, which comes a moment late. It is told the value
that was taken once it has been at rest for a moment, as is whatever else was changed meanwhile.
"""

from collections.abc import Iterable

TOUCH_S = 0.150
"""How long a finger counts as on what it last moved."""
FLASH_S = 0.150
"""How long the light of an action shines that was done."""


class PendingUpdates:
    """One listener's share: names, each at most once, however often it has changed."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(names)
        self._held_until_s: dict[str, float] = {}

    def add(self, name: str) -> None:
        """It is to be told of this."""
        self._names[name] = None

    def hold_back(self, name: str, now_s: float) -> None:
        """Its own finger has moved this."""
        self._held_until_s[name] = now_s + TOUCH_S
        self._names[name] = None

    def take_due(self, now_s: float) -> tuple[str, ...]:
        """What it is to be told of now."""
        if not self._names:
            return ()
        taken = tuple(name for name in self._names if self._held_until_s.get(name, now_s) <= now_s)
        for name in taken:
            del self._names[name]
            self._held_until_s.pop(name, None)
        return taken


class ActionLamps:
    """Those of actions: each shines for a moment after its action was done."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}

    def flash(self, action: str, now_s: float) -> None:
        """It was done."""
        self._until_s[action] = now_s + FLASH_S

    def is_lit(self, action: str) -> bool:
        """Whether it does, as far as `gone_out` was asked."""
        return action in self._until_s

    def take_expired(self, now_s: float) -> tuple[str, ...]:
        """Those that shine no longer."""
        gone = tuple(action for action, until_s in self._until_s.items() if until_s <= now_s)
        for action in gone:
            del self._until_s[action]
        return gone
