"""So many a second, and so many at once: how much one page may say; reads no clock."""


class RateLimiter:
    """Fills at `per_s` up to `at_once`; each thing that is allowed takes one out."""

    def __init__(self, per_s: float, at_once: float, now_s: float) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._left = at_once
        self._counted_s = now_s

    def try_acquire(self, now_s: float) -> bool:
        """Whether there is one left, which is then taken."""
        self._left = min(self._left + (now_s - self._counted_s) * self._per_s, self._at_once)
        self._counted_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
