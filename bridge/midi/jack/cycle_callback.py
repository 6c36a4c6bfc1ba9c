"""The function that JACK calls in each cycle: it finds out whether there is work, and in nearly all cycles there is none.

Between two cycles other programs fill the CPU's caches, so each different instruction of Python costs about half a microsecond
here. That is why the values are variables of a closure, and not attributes of an object; functions beside it change them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

SIGNATURE = "int(*)(void)"
"""The type of the function in C: JACK's `JackProcessCallback` without its two arguments, for which cffi would make three objects in each
cycle. On every system that has JACK a C function may be called with more arguments than it takes."""


class Jack(Protocol):
    """The part of the module `jack` that is used here: the functions of libjack."""

    @property
    def _lib(self) -> Any: ...


class Doorbell(Protocol):
    """A number in shared memory; an array of cffi reads it in the fewest steps."""

    def __getitem__(self, index: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class CycleCallback:
    """The callback, and what may be asked of it and changed from any thread."""

    process: Callable[[], int]
    """Returns 0, as JACK wants it."""
    count: Callable[[], int]
    """Returns the number of cycles so far."""
    set_inputs: Callable[[tuple[object, ...]], None]
    """Sets JACK's pointers to the input ports to look into: each costs two calls into the library in each cycle."""
    set_period: Callable[[int], None]
    """Sets the number of frames of a cycle."""


def create_callback(
    jack: Jack,
    doorbell: Doorbell,
    on_work: Callable[[], None],
    on_error: Callable[[Exception], None],
) -> CycleCallback:
    """A callback that calls `on_work` where the number of the doorbell is not 0, or an input has an event.

    Exceptions go to `on_error`, as JACK would drop a client whose callback fails.
    """
    get_buffer, count_events = jack._lib.jack_port_get_buffer, jack._lib.jack_midi_get_event_count  # noqa: SLF001
    cycles = frames = 0
    inputs: tuple[object, ...] | None = None

    def work() -> int:
        try:
            on_work()
        except Exception as error:  # noqa: BLE001  counted by the client
            on_error(error)
        return 0

    def process() -> int:
        nonlocal cycles
        cycles += 1
        if doorbell[0]:
            return work()
        # Not the loop alone, which would make an iterator in each cycle.
        if inputs is not None:
            for pointer in inputs:
                if count_events(get_buffer(pointer, frames)):
                    return work()
        # Outputs are empty: a cycle that writes is followed by one that clears what was written.
        return 0

    def set_inputs(pointers: tuple[object, ...]) -> None:
        nonlocal inputs
        inputs = pointers or None

    def set_period(count: int) -> None:
        nonlocal frames
        frames = count

    return CycleCallback(process, lambda: cycles, set_inputs, set_period)
