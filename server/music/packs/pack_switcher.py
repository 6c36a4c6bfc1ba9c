"""Switches packs while the jam plays: loads each one in a separate thread, and hands its models over when they are ready.

Neither the event loop nor the music thread waits for it. It knows no controls and no OSC.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from model.approach import Approach
from model.improvising.improviser import Improviser
from model.notes import Note
from server.music.packs.pack_loader import LoadedPack
from server.music.packs.retired_models import RetiredModels

logger = logging.getLogger("fours.packs")

CLOSE_S = 1.0
"""How long `close` waits for a load to end: one step of it takes a few tenths of a second."""
CHECK_S = 0.1
"""How long to wait for the disk to find a pack. A disk that takes longer is dead or asleep: then the pack counts as present,
and a fault in it is reported later."""
QUIET_S = 0.03
"""Each step of loading starts when no note is due for this time. A step holds the interpreter lock for a few milliseconds at
most, but this thread has no priority: on a busy machine other programs may interrupt it, and the music thread would wait."""
LONGEST_WAIT_S = 0.5
FREE_EVERY_S = 1.0
"""How often the loading thread looks whether models that were replaced can be freed."""

Load = Callable[[str, Callable[[], None]], LoadedPack]
"""Loads the pack with this name or in this folder; calls its second argument before each step that holds the interpreter lock."""
OnFailed = Callable[[str, str, Exception], None]
"""Called when an accepted pack could not be loaded, with its name, the name of the pack that stays, and the error."""


class ModelReceiver(Protocol):
    """Takes over the models of a loaded pack: the music thread."""

    def wait_for_quiet(self, quiet_s: float, at_most_s: float) -> None:
        """Blocks until nothing is due for `quiet_s`, and for `at_most_s` at most."""
        ...

    def sounded_notes(self, at_most_s: float) -> tuple[int, Sequence[tuple[Note, bool]]]:
        """Returns how many notes have sounded, and the latest of them, each with whether a model should learn it."""
        ...

    def replace_improvisers(self, improvisers: Mapping[Approach, Improviser], heard_count: int) -> None:
        """Replaces the models. The new ones have already heard the first `heard_count` of the notes that sounded."""
        ...


class PackSwitcher:
    """Loads one pack at a time. Of several requests that come meanwhile, only the last one counts.

    Use it from one thread. It calls `on_failed` in the loading thread.
    """

    def __init__(
        self,
        load: Load,
        exists: Callable[[str], None],
        receiver: ModelReceiver,
        on_failed: OnFailed,
        current_name: str,
        current_models: Iterable[Improviser] = (),
    ) -> None:
        """`exists` raises PackError if there is no such pack; it may read from the disk.

        `current_name` is the pack that plays, `current_models` are its models.
        """
        self._load = load
        self._exists = exists
        self._receiver = receiver
        self._on_failed = on_failed
        self._current_name = current_name
        self._current_models = tuple(current_models)
        self._retired_models = RetiredModels()
        self._requests: SimpleQueue[tuple[str, float]] = SimpleQueue()
        self._checking: threading.Thread | None = None
        self._loading: threading.Thread | None = None
        self._is_closed = threading.Event()

    def switch_to(self, name: str, tempo_bpm: float) -> None:
        """Switches to the pack with this name, or in this folder, as soon as it is loaded.

        Raises PackError if there is no such pack. Any other fault in the pack is reported to `on_failed` later.
        """
        self._check(name)
        self._requests.put((name, tempo_bpm))
        if self._loading is None:
            # A daemon thread, because a disk that never answers must not keep the process from ending.
            self._loading = threading.Thread(target=self._run, name="packs", daemon=True)
            self._loading.start()

    def close(self) -> None:
        """Stops loading; returns when the loading thread has ended, or after a second where a disk does not answer.

        A thread that is still inside ONNX Runtime when the interpreter ends would abort the process.
        """
        self._is_closed.set()
        if self._loading is not None:
            self._requests.put(("", 0.0))
            self._loading.join(CLOSE_S)

    def _check(self, name: str) -> None:
        if self._checking is not None and self._checking.is_alive():
            return  # the disk has not answered the last check yet
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
            try:
                name, tempo_bpm = self._next_request()
            except _ClosedError:
                return
            try:
                while True:
                    name, tempo_bpm = self._requests.get_nowait()
            except Empty:
                pass
            if self._is_closed.is_set():
                return
            try:
                self._switch(name, tempo_bpm)
            except _ClosedError:
                return
            except Exception as error:  # noqa: BLE001  reported to the user; the next pack can still be loaded
                self._on_failed(name, self._current_name, error)

    def _next_request(self) -> tuple[str, float]:
        """Waits for the next request, and frees meanwhile what was replaced and is no longer used."""
        while self._retired_models:
            try:
                return self._requests.get(timeout=FREE_EVERY_S)
            except Empty:
                self._retired_models.free_unused(self._wait_for_quiet)
        return self._requests.get()

    def _switch(self, name: str, tempo_bpm: float) -> None:
        self._retired_models.free_unused(self._wait_for_quiet)
        loaded_pack = self._load(name, self._wait_for_quiet)
        improvisers = loaded_pack.improvisers(tempo_bpm, self._wait_for_quiet)
        heard_count, notes = self._receiver.sounded_notes(LONGEST_WAIT_S)
        for note, learn in notes:
            for improviser in improvisers.values():
                self._wait_for_quiet()
                improviser.hear(note, learn=learn)
        if self._requests.empty():
            self._receiver.replace_improvisers(improvisers, heard_count)
            self._retired_models.add(self._current_models)
            self._current_models = tuple(improvisers.values())
            self._current_name = name
            logger.info("pack %s", loaded_pack.pack.name)
            if loaded_pack.remark:
                logger.warning("pack %s: %s", loaded_pack.pack.name, loaded_pack.remark)
        else:
            self._retired_models.add(improvisers.values())

    def _wait_for_quiet(self) -> None:
        if self._is_closed.is_set():
            raise _ClosedError
        self._receiver.wait_for_quiet(QUIET_S, LONGEST_WAIT_S)
        if self._is_closed.is_set():
            raise _ClosedError


class _ClosedError(Exception):
    """The switcher was closed while it loaded a pack."""
