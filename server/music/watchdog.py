"""Watches the music thread from the asyncio loop. If the thread hangs, the watchdog ends the sounding notes and reports it.

No error ends the music thread, but a driver, a model's library or a file system may block it forever. The watchdog
reads no clock. It counts its own checks, so a process that was suspended, and the watchdog with it, does not look like
a hang.
"""

import asyncio
import logging
from typing import Protocol, Self

logger = logging.getLogger("fours.music")

CHECK_EVERY_S = 0.25
CHECK_IDLE_EVERY_S = 1.0
"""How often the thread is checked, and how often while it is idle: each check wakes the process."""
CHECKS_UNTIL_HUNG = 4
"""Without progress for a second, the thread counts as hung: the longest piece of its work takes some milliseconds."""


class WatchedThread(Protocol):
    """What the watchdog sees of the music thread."""

    @property
    def progress(self) -> int | None:
        """A number that changes with each round of its loop; None while it has nothing to do."""
        ...

    @property
    def is_idle(self) -> bool:
        """Whether it waits and has nothing planned, so no note of its own sounds."""
        ...

    def end_notes_from_outside(self) -> bool:
        """Ends every sounding note, from another thread.

        Returns False if the port itself is in use, so nothing can be sent.
        """
        ...


class Watchdog:
    """Checks the thread regularly while its `async with` block runs."""

    def __init__(self, watched: WatchedThread) -> None:
        self._watched = watched
        self._last_progress: int | None = None
        self._checks_without_progress = 0
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._schedule()
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @property
    def next_check_in_s(self) -> float:
        """How many seconds after a check the next one is made."""
        return CHECK_IDLE_EVERY_S if self._watched.is_idle else CHECK_EVERY_S

    def check(self) -> None:
        """Checks once whether the thread has made progress since the last check. Call it from the event loop."""
        progress = self._watched.progress
        if progress is None or progress != self._last_progress:
            if self._checks_without_progress >= CHECKS_UNTIL_HUNG:
                logger.warning("the music thread works again")
            self._checks_without_progress = 0
        else:
            self._checks_without_progress += 1
            if self._checks_without_progress == CHECKS_UNTIL_HUNG:
                is_silent = self._watched.end_notes_from_outside()
                logger.error(
                    "the music thread hangs; %s. If it stays so, end the jam and start it again",
                    "all sounding notes were ended"
                    if is_silent
                    else "the MIDI port hangs with it, so notes may go on sounding",
                )
        self._last_progress = progress

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.next_check_in_s, self._check_again)

    def _check_again(self) -> None:
        self._schedule()
        self.check()
