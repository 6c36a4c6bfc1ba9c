"""The space bar of a terminal: the seconds at which it is pressed. The terminal is as it was before once the block is left."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self

from bridge.timing.clock import Clock
from server.errors import CalibrationError

POLL_S = 0.05
"""How long a wait for a key may hold up the end of the block; a key itself is seen at once."""
WINDOWS_POLL_S = 0.002
"""On Windows one cannot wait for a key, only look for one."""
CTRL_C = "\x03"


class SpaceBar:
    """Collects the presses while it is entered. Raises CalibrationError on entering if `stream` is no terminal."""

    def __init__(self, stream: IO[str] | None, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._closing = threading.Event()
        self._restore: Callable[[], None] = _do_nothing
        self._thread = threading.Thread(target=self._watch, name="space-bar", daemon=True)
        self.pressed_s: list[float] = []
        """The seconds of the presses so far."""

    def __enter__(self) -> Self:
        if self._stream is None or not self._stream.isatty():
            raise CalibrationError(
                "Without a terminal there is no space bar to tap on: run fours calibrate --by-ear in one."
            )
        self._restore = _read_keys_at_once(self._stream.fileno())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
        self._closing.set()
        self._thread.join()

    def _watch(self) -> None:
        if sys.platform == "win32":
            import msvcrt

            while not self._closing.wait(WINDOWS_POLL_S):
                while msvcrt.kbhit():
                    self._take(msvcrt.getwch())
        else:
            import select

            assert self._stream is not None
            descriptor = self._stream.fileno()
            while not self._closing.is_set():
                if select.select([descriptor], [], [], POLL_S)[0]:
                    keys = os.read(descriptor, 64)
                    if not keys:  # the terminal is closed
                        return
                    self._take(keys.decode(errors="replace"))

    def _take(self, keys: str) -> None:
        if " " in keys:
            self.pressed_s.append(self._clock.now_s())
        elif CTRL_C in keys:  # only Windows passes it on as a key
            signal.raise_signal(signal.SIGINT)


def _read_keys_at_once(descriptor: int) -> Callable[[], None]:
    """Makes a terminal pass on each key as it is pressed, without showing it; returns what undoes that."""
    if sys.platform == "win32":
        return _do_nothing
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)

    def restore() -> None:
        # What was typed and not read is dropped: the shell must not get it.
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)

    return restore


def _do_nothing() -> None:
    """Where nothing was changed, nothing is undone."""
