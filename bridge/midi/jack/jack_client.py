"""The JACK client, in a process of its own: messages in and out by their frame, from JACK's real-time thread.

It runs beside the jam and not in it, for the real-time thread may wait for nobody: in the jam's own interpreter it would
wait for other threads, and with cycles of 64 frames one in forty was not finished in time, which every other program
on that JACK server hears as a gap. Here no other thread does anything while music is made.

Errors: nothing escapes a callback; what goes wrong in one is counted.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import mmap
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from bridge.midi.jack.jack_frames import Cycle, CycleDates, Latency, SendQueue
from bridge.midi.jack.jack_library import library_name
from bridge.midi.jack.jack_pipes import DOORBELL_BYTES, LONGEST_BYTES, Unpacker, pack
from bridge.midi.ports import Direction
from bridge.timing.clock import MonotonicClock

if TYPE_CHECKING:
    import jack

CHUNK_BYTES = 65536
CLOCK_TRIES = 5
DATED_WHEN_IDLE_S = 0.25
"""How often a cycle is dated while nothing goes in or out, to know whether JACK's dates can be believed. Dating each cycle
would double what an idle client costs."""
AT_ONCE_S = 0.0
"""A second long past."""
LAST_CYCLES = 3
"""So many cycles a port stays after its last message: one that goes in the very cycle of its last messages may lose them."""

WORK_PENDING = -1
"""No value that the doorbell can have."""

Microseconds = ctypes.c_uint64
Notes = set[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Pipes:
    """How messages get from the jam to its client and back: the numbers of open files."""

    received_fd: int
    """A pipe: what comes in at our ports."""
    to_send_fd: int
    """A pipe: what is to go out."""
    doorbell_fd: int
    """Memory of both processes, of which the first byte changes with each message in the second pipe: to look into a
    pipe in each cycle costs far more."""


@dataclass(slots=True, eq=False)
class ClientPort:
    """One of our ports: what it is called, what it is connected to, and if it is an output, what waits and sounds."""

    number: int
    direction: Direction
    port: jack.OwnMidiPort
    wanted: str | None = None
    """The text by which an existing port was asked for; None for a port that others connect."""
    target: str | None = None
    """The name of that port, as long as it is there."""
    queue: SendQueue = field(default_factory=SendQueue)
    sounding: Notes = field(default_factory=set)
    channels: set[int] = field(default_factory=set)
    last_cycle: int = 0
    """The cycle in which something was written last."""


@dataclass(slots=True)
class CycleState:
    """All that an idle cycle reads, in one small object: between two cycles other programs have emptied the CPU's caches."""

    cycles: int = 0
    """The number of cycles so far."""
    doorbell: int = WORK_PENDING
    """The value of the doorbell at the last look into the pipe; WORK_PENDING where the next cycle has work in any case."""
    inputs: tuple[object, ...] = ()
    """JACK's pointers to the input ports."""
    dated_every: int = 1
    """In how many idle cycles one is dated."""


class JackClient:
    """A client of the running server, active from the start; raises `jack.JackOpenError` where no server answers."""

    def __init__(self, name: str, pipes: Pipes, on_gone: Callable[[str], None]) -> None:
        """Opens it, and has JACK call it from now on."""
        jack = load_jack()
        self._library = ctypes.PyDLL(library_name())
        self._client = jack.Client(name, no_start_server=True)
        self._jack_error = jack.JackError
        self._received_fd, self._to_send_fd = pipes.received_fd, pipes.to_send_fd
        self._doorbell = mmap.mmap(pipes.doorbell_fd, DOORBELL_BYTES)
        self._state = CycleState()
        self._unpacker = Unpacker()
        self._ports: tuple[ClientPort, ...] = ()
        self._dates = CycleDates()
        self._latency = Latency()
        self._clock = MonotonicClock()
        self._rate: int = self._client.samplerate
        self._take_period(self._client.blocksize)
        self._prepare_calls(jack)
        self.offset_s = self.measure_offset_s()
        self.xruns = 0
        self.unread = 0
        """How many messages that came in nobody fetched."""
        self.ports_changed = False
        self.faults: Counter[str] = Counter()
        self._client.set_shutdown_callback(lambda _status, reason: on_gone(reason))
        self._set_process_callback(jack)
        self._client.set_xrun_callback(self._count_xrun)
        self._client.set_blocksize_callback(self._take_period)
        self._client.set_samplerate_callback(self._take_rate)
        self._client.set_port_registration_callback(self._notice_ports, only_available=False)
        self._client.activate()

    @property
    def name(self) -> str:
        """The name under which JACK knows us."""
        return str(self._client.name)

    @property
    def cycles(self) -> int:
        """How many cycles there were; a server that stands still is known by it."""
        return self._state.cycles

    @property
    def frames(self) -> int:
        """The period."""
        return self._frames

    @property
    def rate(self) -> int:
        """The sample rate."""
        return self._rate

    @property
    def latency_s(self) -> float:
        """How much earlier than its frame a message is dated, and how much later than due one is written."""
        return self._latency.at_s(self._clock.now_s(), self._frames / self._rate)

    @property
    def ports(self) -> tuple[ClientPort, ...]:
        """Those that are open."""
        return self._ports

    def names(self, direction: Direction) -> list[str]:
        """The ports that could be listened to, or played to."""
        listens = direction == "input"
        return [port.name for port in self._client.get_ports(is_midi=True, is_output=listens, is_input=not listens)]

    def open(self, number: int, direction: Direction, short_name: str, wanted: str | None) -> ClientPort:
        """A new port of ours."""
        ports = self._client.midi_inports if direction == "input" else self._client.midi_outports
        made = ClientPort(number, direction, ports.register(self._free_name(short_name)), wanted)
        self._set_ports((*self._ports, made))
        return made

    def connect(self, port: ClientPort, target: str) -> None:
        """Connects a port of ours to another's; raises `jack.JackError`."""
        pair = (target, port.port.name) if port.direction == "input" else (port.port.name, target)
        self._client.connect(*pair)
        port.target = target

    def close(self, port: ClientPort) -> None:
        """Takes a port away, at once."""
        self._set_ports(tuple(other for other in self._ports if other is not port))
        with suppress(self._jack_error):
            port.port.unregister()

    def release(self) -> None:
        """Whoever played is gone: what waits is dropped, and what sounds is ended."""
        for port in self._ports:
            port.queue.clear()
            for channel, pitch in sorted(port.sounding):
                port.queue.put(AT_ONCE_S, bytes((0x80 | channel, pitch, 0)))
            for channel in sorted(port.channels):
                port.queue.put(AT_ONCE_S, bytes((0xB0 | channel, 64, 0)))
                port.queue.put(AT_ONCE_S, bytes((0xB0 | channel, 123, 0)))
        self._state.doorbell = WORK_PENDING

    def has_sent(self, port: ClientPort) -> bool:
        """Whether all that it was given has gone out, some cycles ago."""
        return not port.queue and self.cycles - port.last_cycle >= LAST_CYCLES

    def measure_offset_s(self) -> float:
        """How far our clock is ahead of JACK's. On Linux they are the same."""
        tries = []
        for _ in range(CLOCK_TRIES):
            before_s = self._clock.now_s()
            jack_s = float(self._library.jack_get_time()) / 1e6
            after_s = self._clock.now_s()
            tries.append((after_s - before_s, (before_s + after_s) / 2 - jack_s))
        return min(tries)[1]

    def _set_process_callback(self, jack: ModuleType) -> None:
        # Not by JACK-Client, whose wrapper is one Python function more in each cycle.
        self._process = jack._ffi.callback("JackProcessCallback", self._create_process())  # noqa: SLF001
        if jack._lib.jack_set_process_callback(self._client._ptr, self._process, jack._ffi.NULL):  # noqa: SLF001
            raise self._jack_error("the process callback was refused")

    def _create_process(self) -> Callable[[int, object], int]:
        """What JACK calls in each cycle. Nearly always there is nothing to do, so until that is known it does the least."""
        get_buffer, count_events, doorbell, state = self._get_buffer, self._count_events, self._doorbell, self._state

        def process(frames: int, _argument: object) -> int:
            state.cycles = number = state.cycles + 1
            has_work = True
            if doorbell[0] == state.doorbell:
                for pointer in state.inputs:
                    if count_events(get_buffer(pointer, frames)):
                        break
                else:
                    # Outputs are empty: a cycle that writes is followed by one that clears what was written.
                    if number % state.dated_every:
                        return 0
                    has_work = False
            try:
                if has_work:
                    self._work(frames)
                else:
                    self._dated(frames)
            except Exception as error:  # noqa: BLE001  JACK would drop a client whose callback fails
                self.faults[f"{type(error).__name__}: {error}"] += 1
            return 0

        return process

    def _work(self, frames: int) -> None:
        # Before anything is read: what comes after this look is looked for again in the next cycle.
        self._state.doorbell = self._doorbell[0]
        cycle = self._dated(frames)
        latency_s = self._latency.at_s(cycle.starts_s, frames / self._rate)
        ports = self._ports
        for port in ports:
            if port.direction == "input":
                self._read(port, cycle, latency_s)
        self._fetch(ports)
        for port in ports:
            if port.direction == "output":
                self._write(port, cycle, latency_s)

    def _read(self, port: ClientPort, cycle: Cycle, latency_s: float) -> None:
        for offset, data in port.port.incoming_midi_events():
            if len(data) > LONGEST_BYTES:
                continue
            self._latency.notice(cycle.starts_s)
            try:
                os.write(self._received_fd, pack(cycle.second_of(offset) - latency_s, port.number, bytes(data)))
            except OSError:
                self.unread += 1

    def _fetch(self, ports: tuple[ClientPort, ...]) -> None:
        """Takes what is to be sent out of the pipe."""
        try:
            chunk = os.read(self._to_send_fd, CHUNK_BYTES)
        except BlockingIOError:
            return
        for due_s, number, data in self._unpacker.take(chunk):
            for port in ports:
                if port.number == number:
                    port.queue.put(due_s, data)

    def _write(self, port: ClientPort, cycle: Cycle, latency_s: float) -> None:
        out = port.port
        out.clear_buffer()
        for offset, data in port.queue.take(cycle, latency_s):
            try:
                out.write_midi_event(offset, data)
            except self._jack_error:
                port.queue.put_back(data, cycle, latency_s)
                break
            port.last_cycle = self.cycles
            self._latency.notice(cycle.starts_s)
            _note(port, data)
        if port.queue or port.last_cycle == self.cycles:
            self._state.doorbell = WORK_PENDING

    def _dated(self, frames: int) -> Cycle:
        now_s = self._clock.now_s()
        if self._cycle_times(self._pointer, *self._references):
            # JACK knows no times yet, as in its first cycles.
            return self._dates.date(self.cycles, self._client.last_frame_time, frames, self._rate, None, now_s)
        by_jack_s = self._begins.value / 1e6 + self.offset_s
        return self._dates.date(self.cycles, self._frame.value, frames, self._rate, by_jack_s, now_s)

    def _prepare_calls(self, jack: ModuleType) -> None:
        """JACK's own functions, for what JACK-Client does not wrap (a cycle's second) or wraps in too many steps."""
        self._get_buffer = jack._lib.jack_port_get_buffer  # noqa: SLF001
        self._count_events = jack._lib.jack_midi_get_event_count  # noqa: SLF001
        self._cycle_times = self._library.jack_get_cycle_times
        self._library.jack_get_time.restype = Microseconds
        ffi = jack._ffi  # noqa: SLF001
        self._pointer = ctypes.c_void_p(int(ffi.cast("uintptr_t", self._client._ptr)))  # noqa: SLF001
        self._begins, self._following = Microseconds(), Microseconds()
        self._frame, self._period_us = ctypes.c_uint32(), ctypes.c_float()
        values = (self._frame, self._begins, self._following, self._period_us)
        self._references = tuple(ctypes.byref(value) for value in values)

    def _set_ports(self, ports: tuple[ClientPort, ...]) -> None:
        # New tuples, and not lists that change: the real-time thread goes through the old ones meanwhile.
        self._ports = ports
        self._state.inputs = tuple(port.port._ptr for port in ports if port.direction == "input")  # noqa: SLF001
        self._state.doorbell = WORK_PENDING

    def _count_xrun(self, _delayed_us: float) -> None:
        self.xruns += 1

    def _take_period(self, frames: int) -> None:
        self._frames = frames
        self._state.dated_every = max(1, int(DATED_WHEN_IDLE_S * self._rate / frames))
        self._state.doorbell = WORK_PENDING

    def _take_rate(self, rate: int) -> None:
        self._rate = rate
        self._take_period(self._frames)

    def _notice_ports(self, _port: object, _registered: bool) -> None:  # noqa: FBT001  JACK-Client's order
        self.ports_changed = True

    def _free_name(self, short_name: str) -> str:
        taken = {port.port.shortname for port in self._ports}
        names = (short_name, *(f"{short_name} {number}" for number in range(2, 100)))
        return next(name for name in names if name not in taken)


def load_jack() -> ModuleType:
    """JACK-Client; raises OSError where there is no JACK library."""
    name = library_name()
    if name is not None:
        # It looks for the library by starting ldconfig or a compiler, neither of which sees one of PipeWire's folder.
        found = name
        ctypes.util.find_library = lambda name: found  # noqa: ARG005  called by position or by name
    return import_module("jack")


def _note(port: ClientPort, data: bytes) -> None:
    """Keeps account of what sounds."""
    status = data[0]
    kind, channel = status >> 4, status & 0x0F
    if kind == 9 and data[2]:
        port.sounding.add((channel, data[1]))
        port.channels.add(channel)
    elif kind in (8, 9):
        port.sounding.discard((channel, data[1]))
