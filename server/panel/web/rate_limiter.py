"""A rate limiter (token bucket): a number of events per second, and a number at once. It reads no clock."""


class RateLimiter:
    """Starts with `at_once` events allowed, and regains `per_s` of them each second, up to `at_once` again."""

    def __init__(self, per_s: float, at_once: float, now_s: float) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._left = at_once
        self._updated_at_s = now_s

    def try_acquire(self, now_s: float) -> bool:
        """Whether one more event is allowed now; if so, it is counted."""
        self._left = min(self._left + (now_s - self._updated_at_s) * self._per_s, self._at_once)
        self._updated_at_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
