"""Writes down everything that happens in a jam, whether or not anybody asks for it: from the feed into a journal.

It lives on the asyncio side and gives the disk its work in a thread of its own: whatever the disk does, the music plays
on. Knows the shelf, and nothing of how a jam comes about.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from bridge.fault_counter import FaultCounter
from bridge.timing.clock import Clock
from server.config.config import TakesSection
from server.controls.control_table import Settings
from server.errors import TakeError
from server.music.feed import Event, Feed, FeedSubscription
from server.takes.journal import JournalBegun
from server.takes.journal_file import JournalFile
from server.takes.journal_writer import JournalWriter, thin_out
from server.takes.take_export import journal_as_midi
from server.takes.take_library import TakeEntry, TakeLibrary, memory_path

logger = logging.getLogger("fours.takes")

WRITE_EVERY_S = 0.5
"""How much of a jam a crash of the process can lose."""
WRITES_PER_SYNC = 10
"""A power cut can lose five seconds: until a flush, what was written lies with the system. A flush takes a disk some 1 to
50 ms and wears a memory card, so it comes seldom; the process itself may die at any time without one."""
EVENTS_PER_BATCH, BREATH_S = 32, 0.01
"""So many take a third of a millisecond, which is less than the music thread waits for anybody; then others have their turn."""
MEGABYTE = 1_000_000

Say = Callable[[str], None]
SaveMemory = Callable[[Path], None]
"""Writes what a jam remembers to the file that belongs beside its journal."""


class Recorder:
    """Writes from `async with` on until it is left; `settings` are the controls' values at the start.

    Where the folder takes no journal, it says so and does nothing more. A jam that is kept gets its keepsake at the end.
    """

    def __init__(
        self,
        config: TakesSection,
        settings: Settings,
        feed: Feed,
        clock: Clock,
        now: datetime,
        say: Say,
        keepsake: SaveMemory,
    ) -> None:
        self._config = config
        self._shelf = TakeLibrary(config.data_folder)
        self._settings = settings
        self._feed = feed
        self._clock = clock
        self._now = now
        self._say = say
        self._keepsake = keepsake
        begun = JournalBegun(now.isoformat(timespec="seconds"), config.capture_minutes, config.long_silence_s)
        self._minutes = JournalWriter(begun, clock.now_s())
        self._stopping = asyncio.Event()
        self._faults = FaultCounter(logger, "recorder")
        self._has_failed = False
        self._turns = 0
        self._turn = asyncio.Lock()  # of writing: lines go in the order in which they were taken
        self._synced = True
        self._recording: tuple[JournalFile, FeedSubscription, asyncio.Task[None]] | None = None

    async def __aenter__(self) -> Self:
        try:
            file = self._shelf.create_journal(self._now)
        except OSError as error:
            self._say(f"Takes      nothing is written down: {self._shelf.folder}: {error.strerror or error}")
            return self
        self._say(f"Takes      {self._shelf.folder}")
        self._tidy()
        watch = self._feed.subscribe()
        self._put(file, self._minutes.encode_start(self._settings))
        self._recording = (file, watch, asyncio.create_task(self._run(file, watch), name="recorder"))
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._recording is None:
            return
        file, watch, task = self._recording
        self._stopping.set()
        await task
        self._feed.unsubscribe(watch)
        self._put(file, self._minutes.encode_end(self._clock.now_s()), sync=True)
        if not self._minutes.is_empty:
            # While the journal is still ours: what somebody else removed now would come back as a memory alone.
            await asyncio.to_thread(self._keepsake, memory_path(file.path))
        file.close()
        if self._minutes.is_empty:
            with suppress(OSError):
                file.path.unlink()

    async def as_midi(self, mark: int | None = None) -> bytes:
        """This jam up to now as the content of a `.mid` file, or one of its marks, counted from 1. Raises TakeError."""
        if self._recording is None:
            raise TakeError("this jam is not being written down, so there is nothing to take of it")
        file, watch, _ = self._recording
        await self._write(file, watch)
        return await asyncio.to_thread(journal_as_midi, file.path, mark)

    async def _run(self, file: JournalFile, watch: FeedSubscription) -> None:
        is_over = False
        while not is_over:  # and once more when it is: what has happened last counts too
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), WRITE_EVERY_S)
            is_over = self._stopping.is_set()
            try:
                await self._write(file, watch)
            except Exception as error:  # noqa: BLE001  what is wrong with one event must not keep those after it
                self._faults.count(error)

    async def _write(self, file: JournalFile, watch: FeedSubscription) -> None:
        """Writes what has happened since the last time."""
        async with self._turn:
            lines = await self._spell(thin_out(watch.take_events()))
            self._turns += 1
            sync = not self._synced and self._turns % WRITES_PER_SYNC == 0
            if lines or sync or self._has_failed:
                await asyncio.to_thread(self._put, file, lines, sync=sync)

    async def _spell(self, events: list[Event]) -> bytes:
        """The lines of these, some at a time: the music thread waits whenever another spells on and on."""
        lines = []
        for first in range(0, len(events), EVENTS_PER_BATCH):
            lines.append(self._minutes.encode_events(events[first : first + EVENTS_PER_BATCH]))
            if first + EVENTS_PER_BATCH < len(events):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), BREATH_S)
        return b"".join(lines)

    def _put(self, file: JournalFile, lines: bytes, *, sync: bool = False) -> None:
        try:
            file.append(lines)
            self._synced = False
            if sync:
                file.sync()
                self._synced = True
            self._has_failed = False
        except OSError as error:
            if not self._has_failed:
                logger.warning(
                    "what is played is not being written down, and the jam plays on; it is tried again: %s: %s",
                    file.path,
                    error.strerror or error,
                )
            self._has_failed = True

    def _tidy(self) -> None:
        """Sums up what a crash has left, and makes room."""
        mended = self._shelf.repair()
        if mended:
            self._say(f"Recovered  {_ids(mended)}, cut off before the end")
        config = self._config
        pruned = self._shelf.prune(self._now, config.keep_days, config.keep_mb * MEGABYTE)
        if pruned.removed:
            self._say(f"Removed    {_ids(pruned.removed)}: unmarked, and too old or too large")
        if pruned.marked_bytes > config.keep_mb * MEGABYTE:
            self._say(
                f"Full       marked jams alone take {pruned.marked_bytes / MEGABYTE:,.0f} MB, and takes.keep_mb is "
                f"{config.keep_mb:g}, so all others go at each start; `fours takes remove` some, or raise it"
            )


def _ids(rows: list[TakeEntry]) -> str:
    shown = [row.id for row in rows[:3]]
    return ", ".join(shown) + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")
