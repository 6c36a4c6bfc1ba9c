"""Loads the pack, or the chart, that a jam begins with, in a thread of its own: a disk that never answers holds up neither Ctrl-C nor the start.

It knows no session.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from model.errors import PackError
from server.music.packs.pack_loader import LoadedPack

SAY_AFTER_S = 2.0
"""A pack loads in a few tenths of a second, so after this its disk is asleep, slow or gone."""
GIVE_UP_AFTER_S = 30.0
"""A disk that was asleep, or a network that was down, has answered by then."""
CLOSE_S = 1.0
"""How long to wait for a load under way when the jam is stopped: a thread inside ONNX Runtime at its end would abort the process."""


T = TypeVar("T")


class StoppedAtStart(Exception):
    """The jam was stopped while its first pack or chart was loading."""


async def load_first_pack(
    name: str, load: Callable[[], LoadedPack], stop_requested: asyncio.Event, say: Callable[[str], None]
) -> LoadedPack:
    """Returns what `load` returns in another thread, and raises what it raises.

    Raises StoppedAtStart where a stop is requested first, and PackError where the disk does not answer for `GIVE_UP_AFTER_S`.
    """
    try:
        return await load_at_start(f"pack {name}", load, stop_requested, say)
    except TimeoutError as error:
        raise PackError(
            f"pack {name} or the folder of packs is on a disk that has not answered for {GIVE_UP_AFTER_S:g} s; "
            "begin with a pack of the program, such as songbook"
        ) from error


async def load_at_start(
    what: str, load: Callable[[], T], stop_requested: asyncio.Event, say: Callable[[str], None]
) -> T:
    """Returns what `load` returns in another thread, and raises what it raises. `what` names it for the line that says what is waited for.

    Raises StoppedAtStart where a stop is requested first, and TimeoutError where the disk does not answer for `GIVE_UP_AFTER_S`.
    """
    loop = asyncio.get_running_loop()
    outcomes: list[T] = []
    errors: list[Exception] = []
    is_over = asyncio.Event()

    def run() -> None:
        try:
            outcomes.append(load())
        except Exception as error:  # noqa: BLE001  raised below, in the caller's thread
            errors.append(error)
        with suppress(RuntimeError):  # the loop is closed: the jam has ended
            loop.call_soon_threadsafe(is_over.set)

    # A daemon thread, because a disk that never answers must not keep the process from ending.
    loading = threading.Thread(target=run, name="start", daemon=True)
    loading.start()
    waits = [asyncio.create_task(event.wait()) for event in (is_over, stop_requested)]
    try:
        done, _ = await asyncio.wait(waits, timeout=SAY_AFTER_S, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            say(f"Waiting for the disk with {what}. Ctrl-C ends the jam.")
            await asyncio.wait(waits, timeout=GIVE_UP_AFTER_S - SAY_AFTER_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if stop_requested.is_set():
        loading.join(CLOSE_S)
        raise StoppedAtStart
    if errors:
        raise errors[0]
    if not outcomes:
        raise TimeoutError
    return outcomes[0]
