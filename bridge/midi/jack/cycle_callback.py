"""The function that JACK calls in each cycle: it finds out whether there is work, which there hardly ever is.

Between two cycles other programs empty the CPU's caches, so each step of Python that differs from the others costs about
half a microsecond there. So the values are variables of a closure and not attributes of an object, and what they are
changed by are functions beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

SIGNATURE = "int(*)(uint32_t, uintptr_t)"
"""That of `JackProcessCallback`, with its pointer as a number: cffi would make an object for a pointer in each cycle."""
IN_NEXT_CYCLE = 0
"""The number of a cycle that is long past."""


class Jack(Protocol):
    """What is used of the module `jack`: the functions of libjack."""

    @property
    def _lib(self) -> Any: ...


class Doorbell(Protocol):
    """Shared memory, as bytes."""

    def __getitem__(self, index: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class CycleCallback:
    """The callback, and what may be asked of it and changed from any thread."""

    process: Callable[[int, int], int]
    """Takes the number of frames and an argument that is not used; returns 0, as JACK wants it."""
    count: Callable[[], int]
    """Returns the number of cycles so far."""
    set_inputs: Callable[[tuple[object, ...]], None]
    """Sets JACK's pointers to the input ports to look into: each costs two calls into the library in each cycle."""
    look_at: Callable[[int], None]
    """Sets the number of the cycle from which on there is work in any case."""


def create_callback(
    jack: Jack,
    doorbell: Doorbell,
    on_work: Callable[[int], None],
    on_error: Callable[[Exception], None],
) -> CycleCallback:
    """A callback that calls `on_work` with the number of frames: where the byte of the doorbell is not 0, an input has an event,
    or the cycle is one to look at. Exceptions go to `on_error`, as JACK would drop a client whose callback fails.
    """
    get_buffer, count_events = jack._lib.jack_port_get_buffer, jack._lib.jack_midi_get_event_count  # noqa: SLF001
    cycles, looked_at = 0, IN_NEXT_CYCLE
    inputs: tuple[object, ...] = ()

    def work(frames: int) -> int:
        try:
            on_work(frames)
        except Exception as error:  # noqa: BLE001  counted by the client
            on_error(error)
        return 0

    def process(frames: int, _argument: int) -> int:
        nonlocal cycles
        cycles += 1
        if doorbell[0] or cycles >= looked_at:
            return work(frames)
        for pointer in inputs:
            if count_events(get_buffer(pointer, frames)):
                return work(frames)
        # Outputs are empty: a cycle that writes is followed by one that clears what was written.
        return 0

    def set_inputs(pointers: tuple[object, ...]) -> None:
        nonlocal inputs
        inputs = pointers

    def look_at(number: int) -> None:
        nonlocal looked_at
        looked_at = number

    return CycleCallback(process, lambda: cycles, set_inputs, look_at)
