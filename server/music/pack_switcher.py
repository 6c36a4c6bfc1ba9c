"""Switches packs while the jam plays: loads them in a thread of its own, and seats them when they are ready.

Neither the event loop nor the music thread waits for it. It knows no control and no OSC.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from model.approach import Approach
from model.improvising.improviser import Improviser
from model.notes import Note
from server.music.pack_loader import LoadedPack

logger = logging.getLogger("fours.packs")

CHECK_S = 0.1
"""A disk says in far less time whether there is such a pack. One that does not is dead, or asleep: then the pack counts as
there, and what is wrong with it is told later."""
QUIET_S = 0.03
"""Each step of the loading begins where no note is due for so long. A step keeps the interpreter for some milliseconds at most,
but on a busy machine other programs may run meanwhile, as this thread has no priority, and the music thread would wait."""
LONGEST_WAIT_S = 0.5

Load = Callable[[str, Callable[[], None]], LoadedPack]
"""Loads the pack of a name or in a folder; calls its argument before each step that keeps the interpreter."""
OnFailed = Callable[[str, str, Exception], None]
"""A pack that was accepted could not be loaded: its name, that of the pack that stays, and why."""


class PackSeat(Protocol):
    """Where packs are seated: the music thread."""

    def wait_for_quiet(self, quiet_s: float, at_most_s: float) -> None:
        """Returns once nothing is due for `quiet_s`, or after `at_most_s`."""
        ...

    def sounded_notes(self, at_most_s: float) -> tuple[int, Sequence[tuple[Note, bool]]]:
        """How many notes have sounded, and the latest of them, each with whether it is remembered."""
        ...

    def seat(self, improvisers: Mapping[Approach, Improviser], heard_count: int) -> None:
        """New models, which have heard so many of the notes that sounded, take over."""
        ...


class PackSwitcher:
    """Loads one pack at a time, and of several that are asked for meanwhile only the last one.

    Used from one thread; `on_failed` is called in the loading thread.
    """

    def __init__(
        self, load: Load, exists: Callable[[str], None], seat: PackSeat, on_failed: OnFailed, seated: str
    ) -> None:
        """`seated` is the name of the pack that plays. `exists` raises a PackError where there is no such pack; it may read from the disk."""
        self._load = load
        self._exists = exists
        self._seat = seat
        self._on_failed = on_failed
        self._seated = seated
        self._requests: SimpleQueue[tuple[str, float]] = SimpleQueue()
        self._checking: threading.Thread | None = None
        self._loading: threading.Thread | None = None

    def switch_to(self, name: str, tempo_bpm: float) -> None:
        """The pack of this name, or in this folder, takes over as soon as it is loaded.

        Raises a PackError where there is no such pack. Any other fault in it is told to `on_failed` later.
        """
        self._check(name)
        self._requests.put((name, tempo_bpm))
        if self._loading is None:
            # A daemon: a disk that never answers must not keep the process from ending.
            self._loading = threading.Thread(target=self._run, name="packs", daemon=True)
            self._loading.start()

    def _check(self, name: str) -> None:
        if self._checking is not None and self._checking.is_alive():
            return  # the disk has not even answered the last question
        errors: list[Exception] = []

        def check() -> None:
            try:
                self._exists(name)
            except Exception as error:  # noqa: BLE001  raised below, in the caller's thread
                errors.append(error)

        self._checking = threading.Thread(target=check, name="pack check", daemon=True)
        self._checking.start()
        self._checking.join(CHECK_S)
        if errors:
            raise errors[0]

    def _run(self) -> None:
        while True:
            name, tempo_bpm = self._requests.get()
            try:
                while True:
                    name, tempo_bpm = self._requests.get_nowait()
            except Empty:
                pass
            try:
                self._switch(name, tempo_bpm)
            except Exception as error:  # noqa: BLE001  told to the user; the next pack can still be loaded
                self._on_failed(name, self._seated, error)

    def _switch(self, name: str, tempo_bpm: float) -> None:
        loaded_pack = self._load(name, lambda: self._seat.wait_for_quiet(QUIET_S, LONGEST_WAIT_S))
        improvisers = loaded_pack.improvisers(tempo_bpm)
        heard_count, notes = self._seat.sounded_notes(LONGEST_WAIT_S)
        for note, learn in notes:
            for improviser in improvisers.values():
                self._seat.wait_for_quiet(QUIET_S, LONGEST_WAIT_S)
                improviser.hear(note, learn=learn)
        if self._requests.empty():
            self._seat.seat(improvisers, heard_count)
            self._seated = name
            logger.info("pack %s", loaded_pack.pack.name)
