"""The recorder: writes everything that happens in a jam from the feed into a journal, without being asked to.

It runs on the asyncio loop and writes to the disk in a worker thread, so that a slow disk never holds up the music. It
knows the take library, and not how a jam is set up.
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
"""A crash of the process loses at most so much of a jam."""
WRITES_PER_SYNC = 10
"""A power cut loses at most five seconds: until a flush, data that was written is only in the operating system's cache. A
flush takes 1 to 50 ms on most disks and wears a memory card, so it is rare; a crash of the process alone needs none."""
EVENTS_PER_BATCH, PAUSE_S = 32, 0.01
"""Encoding one batch takes a third of a millisecond, less than the music thread waits for any other thread; then comes a
pause for the others."""
MEGABYTE = 1_000_000

Say = Callable[[str], None]
SaveMemory = Callable[[Path], None]
"""Writes what the jam remembers to this file beside its journal. Called in a worker thread."""


class Recorder:
    """Records a jam while its `async with` block runs; `settings` are the values of the controls at the start.

    If the folder takes no journal, it says so and records nothing. At the end, an empty journal is removed; for any other,
    `save_memory` is called.
    """

    def __init__(
        self,
        config: TakesSection,
        settings: Settings,
        feed: Feed,
        clock: Clock,
        now: datetime,
        say: Say,
        save_memory: SaveMemory,
    ) -> None:
        self._config = config
        self._library = TakeLibrary(config.data_folder)
        self._settings = settings
        self._feed = feed
        self._clock = clock
        self._now = now
        self._say = say
        self._save_memory = save_memory
        begun = JournalBegun(now.isoformat(timespec="seconds"), config.capture_minutes, config.long_silence_s)
        self._writer = JournalWriter(begun, clock.now_s())
        self._stopping = asyncio.Event()
        self._faults = FaultCounter(logger, "recorder")
        self._has_failed = False
        self._write_count = 0
        self._write_lock = asyncio.Lock()  # keeps the lines in the order in which their events were taken from the feed
        self._is_synced = True
        self._recording: tuple[JournalFile, FeedSubscription, asyncio.Task[None]] | None = None

    async def __aenter__(self) -> Self:
        try:
            file = self._library.create_journal(self._now)
        except OSError as error:
            self._say(f"Takes      nothing is written down: {self._library.folder}: {error.strerror or error}")
            return self
        self._say(f"Takes      {self._library.folder}")
        self._tidy_library()
        subscription = self._feed.subscribe()
        self._append(file, self._writer.encode_start(self._settings))
        task = asyncio.create_task(self._run(file, subscription), name="recorder")
        self._recording = (file, subscription, task)
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._recording is None:
            return
        file, subscription, task = self._recording
        self._stopping.set()
        await task
        self._feed.unsubscribe(subscription)
        self._append(file, self._writer.encode_end(self._clock.now_s()), sync=True)
        if not self._writer.is_empty:
            # The journal is still locked: otherwise another process could remove it now, and a memory alone would be left.
            await asyncio.to_thread(self._save_memory, memory_path(file.path))
        file.close()
        if self._writer.is_empty:
            with suppress(OSError):
                file.path.unlink()

    async def as_midi(self, mark: int | None = None) -> bytes:
        """This jam up to now as the bytes of a `.mid` file, or one of its marks; `mark` is its number, counted from 1.

        Raises TakeError if the jam is not recorded, has no such mark, or nothing was played in it.
        """
        if self._recording is None:
            raise TakeError("this jam is not being written down, so there is nothing to take of it")
        file, subscription, _ = self._recording
        await self._write_new_events(file, subscription)
        return await asyncio.to_thread(journal_as_midi, file.path, mark)

    async def _run(self, file: JournalFile, subscription: FeedSubscription) -> None:
        is_stopping = False
        while not is_stopping:  # and once more after the stop, for the last events
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), WRITE_EVERY_S)
            is_stopping = self._stopping.is_set()
            try:
                await self._write_new_events(file, subscription)
            except Exception as error:  # noqa: BLE001  one bad event must not keep later events from being written
                self._faults.count(error)

    async def _write_new_events(self, file: JournalFile, subscription: FeedSubscription) -> None:
        """Writes the events since the last call."""
        async with self._write_lock:
            lines = await self._encode(thin_out(subscription.take_events()))
            self._write_count += 1
            sync = not self._is_synced and self._write_count % WRITES_PER_SYNC == 0
            if lines or sync or self._has_failed:
                await asyncio.to_thread(self._append, file, lines, sync=sync)

    async def _encode(self, events: list[Event]) -> bytes:
        """The lines of the events, in batches with pauses: a long computation in this thread would delay the music thread."""
        lines = []
        for first in range(0, len(events), EVENTS_PER_BATCH):
            lines.append(self._writer.encode_events(events[first : first + EVENTS_PER_BATCH]))
            if first + EVENTS_PER_BATCH < len(events):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), PAUSE_S)
        return b"".join(lines)

    def _append(self, file: JournalFile, lines: bytes, *, sync: bool = False) -> None:
        """Writes lines to the disk; a failure is logged once, until writing succeeds again."""
        try:
            file.append(lines)
            self._is_synced = False
            if sync:
                file.sync()
                self._is_synced = True
            self._has_failed = False
        except OSError as error:
            if not self._has_failed:
                logger.warning(
                    "what is played is not being written down, and the jam plays on; it is tried again: %s: %s",
                    file.path,
                    error.strerror or error,
                )
            self._has_failed = True

    def _tidy_library(self) -> None:
        """Repairs journals that a crash has left behind, and removes old ones to make room."""
        repaired = self._library.repair()
        if repaired:
            self._say(f"Recovered  {_ids(repaired)}, cut off before the end")
        config = self._config
        pruned = self._library.prune(self._now, config.keep_days, config.keep_mb * MEGABYTE)
        if pruned.removed:
            self._say(f"Removed    {_ids(pruned.removed)}: unmarked, and too old or too large")
        if pruned.marked_bytes > config.keep_mb * MEGABYTE:
            self._say(
                f"Full       marked jams alone take {pruned.marked_bytes / MEGABYTE:,.0f} MB, and takes.keep_mb is "
                f"{config.keep_mb:g}, so all others go at each start; `fours takes remove` some, or raise it"
            )


def _ids(entries: list[TakeEntry]) -> str:
    shown = [entry.id for entry in entries[:3]]
    return ", ".join(shown) + (f" and {len(entries) - 3} more" if len(entries) > 3 else "")
