"""The recorder: writes everything that happens in a jam from the feed into a journal, always.

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
from server.music.feed import Event, Feed, FeedSubscription
from server.takes.journal.journal_file import BACKLOG_BYTES, JournalFile
from server.takes.journal.journal_writer import JournalWriter, thin_out
from server.takes.journal.records import JournalBegun
from server.takes.memories.memory_journal import Memories, MemoryJournal
from server.takes.take_library import TakeLibrary, memory_path, shortened_ids, tell_recovered

logger = logging.getLogger("fours.takes")

WRITE_EVERY_S = 0.5
"""A crash of the process loses at most this much of a jam."""
WRITES_PER_SYNC = 10
"""A power cut loses at most five seconds: until a flush, data that was written is only in the operating system's cache.
A flush takes 1 to 50 ms on most disks and wears a memory card, so it is rare; a crash of the process alone needs none.
"""
ROUNDS_UNTIL_IDLE = 4
"""After this many writes without an event, the recorder sleeps until the next one. It writes the memories too, which change only some
milliseconds after an event."""
LOOK_EVERY_S = 2.0
"""How often it checks, while it sleeps, that its file is still in its place. Two checks a second took a third of the processor time that
a jam uses while nobody plays."""
EVENTS_PER_BATCH, PAUSE_S = 32, 0.01
"""Encoding one batch takes a third of a millisecond, less than the music thread waits for any other thread; then comes
a pause for the others."""
MEGABYTE = 1_000_000

Say = Callable[[str], None]
SaveMemory = Callable[[Path], None]
"""Writes what the jam remembers to this file beside its journal. Called in a worker thread."""


class Recorder:
    """Records a jam while its `async with` block runs; `settings` are the values of the controls at the start.

    `memory_file` is another file that the jam's memories are saved in at its end: if the process is killed, the next
    start saves them. If the folder takes no journal, it says so and records nothing. At the end, an empty journal is
    removed; for any other, `save_memory` is called.
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
        memories: Callable[[], Memories] = dict,
        memory_file: Path | None = None,
    ) -> None:
        self._config = config
        self._library = TakeLibrary(config.data_folder)
        self._settings = settings
        self._feed = feed
        self._clock = clock
        self._now = now
        self._say = say
        self._save_memory = save_memory
        self._memories = memories
        self._memory_journal = MemoryJournal(memories)
        begun = JournalBegun(
            now.isoformat(timespec="seconds"),
            config.capture_minutes,
            config.long_silence_s,
            str(memory_file.resolve()) if memory_file else "",
        )
        self._writer = JournalWriter(begun, clock.now_s())
        self._stopping = asyncio.Event()
        self._faults = FaultCounter(logger, "recorder")
        self._has_failed = False
        self._write_count = 0
        self._rounds_without_events = 0
        self._is_synced = True
        self._file: JournalFile
        self._recording: tuple[FeedSubscription, asyncio.Task[None]] | None = None

    async def __aenter__(self) -> Self:
        try:
            file = self._library.create_journal(self._now)
        except OSError as error:
            self._say(f"Takes      nothing is recorded: {self._library.folder}: {error.strerror or error}")
            return self
        self._say(f"Takes      {self._library.folder}")
        self._tidy_library()
        if any(len(memory) for memory in self._memories().values()):
            # The memories that the jam begins with, as its journal holds only what is added to them.
            self._save_memory(memory_path(file.path))
        subscription = self._feed.subscribe()
        self._file = file
        self._append(self._writer.encode_start(self._settings))
        task = asyncio.create_task(self._run(subscription), name="recorder")
        self._recording = (subscription, task)
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._recording is None:
            return
        subscription, task = self._recording
        self._stopping.set()
        await task
        self._feed.unsubscribe(subscription)
        await asyncio.to_thread(self._append, self._writer.encode_end(self._clock.now_s()), sync=True)
        file = self._file
        is_in_place = file.is_in_place
        if not self._writer.is_empty and is_in_place:
            # The journal is still locked: otherwise another process could remove it now, and a memory alone would be
            # left.
            await asyncio.to_thread(self._save_memory, memory_path(file.path))
        elif not self._writer.is_empty:
            self._say(
                f"This jam is not recorded: its journal is gone from {file.path.parent}, and no other could be made"
            )
        file.close()
        if self._writer.is_empty and is_in_place:
            for path in (memory_path(file.path), file.path):
                with suppress(OSError):
                    path.unlink()

    async def _run(self, subscription: FeedSubscription) -> None:
        is_stopping = False
        # One task for all rounds: `wait_for` would make one, and cancel it, in each.
        stop = asyncio.create_task(self._stopping.wait(), name="recorder-stop")
        while not is_stopping:  # and once more after the stop, for the last events
            if not self._is_idle or await self._wait_for_event(subscription, stop):
                await asyncio.wait((stop,), timeout=WRITE_EVERY_S)
            is_stopping = self._stopping.is_set()
            try:
                await self._write_new_events(subscription)
            except Exception as error:  # noqa: BLE001  one bad event must not keep later events from being written
                self._faults.count(error)

    @property
    def _is_idle(self) -> bool:
        """Whether nothing has happened lately, and all that has happened is on the disk."""
        return self._rounds_without_events > ROUNDS_UNTIL_IDLE and self._is_synced and not self._has_failed

    async def _wait_for_event(self, subscription: FeedSubscription, stop: asyncio.Task[bool]) -> bool:
        """Waits until an event is there, until the stop, or for `LOOK_EVERY_S`; returns whether an event is there."""
        loop, is_there = asyncio.get_running_loop(), asyncio.Event()

        def on_next_event() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(is_there.set)

        subscription.notify_once(on_next_event)
        waiting = asyncio.create_task(is_there.wait(), name="recorder-event")
        await asyncio.wait((stop, waiting), timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return is_there.is_set()

    async def _write_new_events(self, subscription: FeedSubscription) -> None:
        """Writes the events, and what the memories have heard, since the last call."""
        events = thin_out(subscription.take_events())
        lines = await self._encode(events)
        self._write_count += 1
        self._rounds_without_events = 0 if events else self._rounds_without_events + 1
        sync = not self._is_synced and self._write_count % WRITES_PER_SYNC == 0
        await asyncio.to_thread(self._append, lines, sync=sync)

    async def _encode(self, events: list[Event]) -> bytes:
        """The lines of the events, in batches with pauses: a long computation in this thread would delay the music thread."""
        lines = []
        for first in range(0, len(events), EVENTS_PER_BATCH):
            lines.append(self._writer.encode_events(events[first : first + EVENTS_PER_BATCH]))
            if first + EVENTS_PER_BATCH < len(events):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), PAUSE_S)
        return b"".join(lines)

    def _append(self, lines: bytes, *, sync: bool = False) -> None:
        """Writes lines to the disk; a failure is logged once, until writing succeeds again."""
        lines += self._writer.encode_memories(self._memory_journal.new_records())
        try:
            self._keep_in_place()
        except OSError as error:
            self._report_failure(error)
            # Into the file that is gone: another is made from it as soon as one can be.
            with suppress(OSError):
                self._file.append(lines)
            return
        try:
            if lines or sync or self._has_failed:
                self._file.append(lines)
                self._is_synced = False
            if sync:
                self._file.sync()
                self._is_synced = True
            self._has_failed = False
        except OSError as error:
            self._report_failure(error)

    def _report_failure(self, error: OSError) -> None:
        if not self._has_failed:
            logger.warning(
                "what is played cannot be recorded; the jam plays on, and recording is tried again: %s: %s",
                self._file.path,
                error.strerror or error,
            )
        self._has_failed = True

    def _keep_in_place(self) -> None:
        """Makes another journal in the place of one that was removed or renamed, with all that was in it.

        Raises OSError.
        """
        lost = self._file
        if lost.is_in_place:
            return
        file = self._library.create_journal(self._now)
        try:
            try:
                content = lost.content()
            except OSError:  # a network disk keeps no file that was removed
                self._memory_journal.start_again()
                content = self._writer.encode_again()
            content += lost.waiting
            for start in range(0, len(content), BACKLOG_BYTES):
                file.append(content[start : start + BACKLOG_BYTES])
        except OSError:
            file.close()
            with suppress(OSError):
                file.path.unlink()
            raise
        lost.close()
        self._file = file
        logger.warning("the journal of this jam was removed or renamed: it is written again, to %s", file.path)

    def _tidy_library(self) -> None:
        """Repairs journals that a crash has left behind, and removes old ones to make room."""
        tell_recovered(self._library.repair(), self._say)
        config = self._config
        pruned = self._library.prune(self._now, config.keep_days, config.keep_mb * MEGABYTE)
        if pruned.removed:
            self._say(f"Removed    {shortened_ids(pruned.removed)}: unmarked, and too old or too large")
        if pruned.marked_bytes > config.keep_mb * MEGABYTE:
            self._say(
                f"Full       marked jams alone take {pruned.marked_bytes / MEGABYTE:,.0f} MB, and takes.keep_mb is "
                f"{config.keep_mb:g}, so all other jams are removed at each start; remove some with `fours takes remove`, or raise takes.keep_mb"
            )
