"""Recognises our own messages when they come straight back. Knows no ports and reads no clock: the time is an argument."""

from collections import deque
from collections.abc import Callable

ECHO_WINDOW_S = 0.030
"""A loop through a DAW returns a message within its buffer, some 3 to 25 ms. A player who repeats a note is slower."""


class EchoGuard:
    """Remembers the messages sent lately. For each of them, one equal message that is received counts as its echo."""

    def __init__(self, window_s: Callable[[], float] = lambda: ECHO_WINDOW_S) -> None:
        """`window_s` returns how long after a message its echo may come, which may change while music plays."""
        self._window_s = window_s
        self._sent: deque[tuple[bytes, float]] = deque()

    def record_sent(self, data: bytes, at_s: float) -> None:
        """Records that `data` is sent at `at_s`. To be called before sending, as the echo may be quick."""
        self._drop_old(at_s)
        self._sent.append((data, at_s))

    def is_echo(self, data: bytes, at_s: float) -> bool:
        """Whether `data`, received at `at_s`, is an echo of a message sent. Each message sent has one echo at most."""
        self._drop_old(at_s)
        for entry in self._sent:
            if entry[0] == data and entry[1] <= at_s:
                self._sent.remove(entry)
                return True
        return False

    def _drop_old(self, at_s: float) -> None:
        window_s = self._window_s()
        while self._sent and at_s - self._sent[0][1] > window_s:
            self._sent.popleft()
