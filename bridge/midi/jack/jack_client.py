"""The JACK client: reads and writes messages by their frame, in JACK's real-time thread. Runs in a process of its own.

The real-time thread must not wait. In the jam's process it would wait for other threads to release the interpreter: with
cycles of 64 frames, one in forty was not finished in time, which is a gap in the sound of every program on that server.
In this process no other thread runs while music is played.

No error leaves a callback; errors are counted in `faults`.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType

from bridge.midi.jack.client_port import ClientPort
from bridge.midi.jack.cycle_callback import SIGNATURE, create_callback
from bridge.midi.jack.jack_frames import Cycle, Latency
from bridge.midi.jack.jack_library import library_name, load_jack
from bridge.midi.jack.jack_pipes import (
    COUNTER_NUMBERS,
    DATE,
    GAPS,
    LOOK,
    MAX_MESSAGE_BYTES,
    MESSAGES,
    SHARED_BYTES,
    XRUNS,
    PipedMessage,
    Unpacker,
    pack,
)
from bridge.midi.jack.jack_times import JackTimes
from bridge.midi.jack.port_changes import PortChanges
from bridge.midi.ports import Direction
from bridge.timing.clock import MonotonicClock

CHUNK_BYTES = 65536
DATED_AFTER_OVERRUN = 16
"""After an overrun so many cycles are dated one by one, to know by how much the server stood still."""
DRAIN_CYCLES = 3
"""How many cycles a port stays open after its last message: if it is closed in the same cycle, JACK may lose the message."""


@dataclass(frozen=True, slots=True)
class Pipes:
    """The file descriptors of the pipes and the shared memory between the jam and its client."""

    received_fd: int
    """A pipe for the messages that arrive at our ports."""
    to_send_fd: int
    """A pipe for the messages that are to be sent."""
    shared_fd: int
    """Shared memory. The first byte of its doorbell is not 0 while there may be a message in the second pipe: reading a pipe in
    each cycle would cost far more. Its counters tell the jam of an overrun at once, as what it sent may be lost."""


class JackClient:
    """A client of the running server. Raises `jack.JackOpenError` where no server answers.

    JACK calls it in each cycle from its creation on. `on_gone` is called with a reason when the server ends. All
    methods are called from one thread, which must not be JACK's.
    """

    def __init__(self, name: str, pipes: Pipes, on_gone: Callable[[str], None]) -> None:
        jack = load_jack()
        self._client = jack.Client(name, no_start_server=True)
        self._jack_error = jack.JackError
        self._received_fd, self._to_send_fd = pipes.received_fd, pipes.to_send_fd
        self._doorbell = mmap.mmap(pipes.shared_fd, SHARED_BYTES)
        self._counters = memoryview(self._doorbell).cast("I")
        self._unpacker = Unpacker()
        self._ports: tuple[ClientPort, ...] = ()
        self._latency = Latency()
        self._clock = MonotonicClock()
        doorbell = jack._ffi.from_buffer("uint32_t[]", self._doorbell)  # noqa: SLF001
        self._callback = create_callback(jack, doorbell, self._process_messages, self._count_fault)
        self.faults: Counter[str] = Counter()
        self._rate: int = self._client.samplerate
        self._set_period(self._client.blocksize)
        ffi = jack._ffi  # noqa: SLF001
        pointer = int(ffi.cast("uintptr_t", self._client._ptr))  # noqa: SLF001
        self._times = JackTimes(ctypes.PyDLL(library_name()), self._client, pointer)
        self.xruns = 0
        self._gaps = 0
        self._dated_until_cycle = 0
        self.unread = 0
        """How many messages arrived and found the pipe to the jam full."""
        self.port_changes = PortChanges()
        self._connections_changed = False
        self._client.set_shutdown_callback(lambda _status, reason: on_gone(reason))
        self._set_process_callback(jack)
        self._client.set_xrun_callback(self._count_xrun)
        self._client.set_blocksize_callback(self._set_period)
        self._client.set_samplerate_callback(self._set_rate)
        self._client.set_port_connect_callback(self._on_connected, only_available=False)
        self._client.set_port_registration_callback(self.port_changes.on_registered, only_available=False)
        with suppress(AttributeError):  # JACK 1 has no such callback
            self._client.set_port_rename_callback(self.port_changes.on_renamed, only_available=False)
        self._client.activate()

    @property
    def name(self) -> str:
        """The client's name in JACK."""
        return str(self._client.name)

    @property
    def cycles(self) -> int:
        """The number of cycles so far; it does not change while the server stands still."""
        return self._callback.count()

    @property
    def frames(self) -> int:
        """The period, in frames."""
        return self._frames

    @property
    def rate(self) -> int:
        """The sample rate, in frames per second."""
        return self._rate

    @property
    def latency_s(self) -> float:
        """How much earlier than its frame a message is dated, and how much later than due one is sent."""
        return self._latency.at_s(self._clock.now_s(), self._frames / self._rate)

    @property
    def ports(self) -> tuple[ClientPort, ...]:
        """The ports that are open."""
        return self._ports

    def port_names(self, direction: Direction, *, with_own: bool = True) -> list[str]:
        """The names of the ports that a port of this direction can be connected to; `with_own`: those of this client too."""
        is_input = direction == "input"
        ports = self._client.get_ports(is_midi=True, is_output=is_input, is_input=not is_input)
        return [port.name for port in ports if with_own or not self._client.owns(port)]

    def open_port(self, number: int, direction: Direction, short_name: str, wanted: str | None) -> ClientPort:
        """Opens a port, and connects it to nothing."""
        ports = self._client.midi_inports if direction == "input" else self._client.midi_outports
        port = ClientPort(number, direction, ports.register(self._free_name(short_name)), wanted)
        self._set_ports((*self._ports, port))
        return port

    def connect(self, port: ClientPort, target: str) -> None:
        """Connects a port of ours to one of another program. Raises `jack.JackError`."""
        pair = (target, port.port.name) if port.direction == "input" else (port.port.name, target)
        self._client.connect(*pair)
        port.target = target

    def is_connected(self, port: ClientPort) -> bool:
        """Whether a port of ours is connected to its target."""
        try:
            return port.target in {other.name for other in self._client.get_all_connections(port.port)}
        except self._jack_error:
            return False

    def close_port(self, port: ClientPort) -> None:
        """Closes a port at once; messages that wait are lost."""
        self._set_ports(tuple(other for other in self._ports if other is not port))
        with suppress(self._jack_error):
            port.port.unregister()

    def end_all_notes(self) -> None:
        """Drops the messages that wait, ends the notes that sound, and releases all pedals, as the jam is gone."""
        for port in self._ports:
            port.end_notes()
        self._doorbell[LOOK] = 1

    def close(self) -> None:
        """Closes its client. It may take forever where the server stands still.

        A server that waits for its clients (`jackd -S`) stands still for five seconds, for all of them, if one just ends.
        """
        self._client.deactivate()
        self._client.close()

    def is_drained(self, port: ClientPort) -> bool:
        """Whether all messages of a port are out, and so long ago that it may be closed."""
        return not port.queue and self.cycles - port.last_cycle >= DRAIN_CYCLES

    def find_connected_inputs(self) -> None:
        """Looks which inputs are connected, so that the others are not read in each cycle. To be called now and then."""
        if not self._connections_changed:
            return
        self._connections_changed = False
        connected = [port for port in self._ports if port.direction == "input" and port.port.number_of_connections]
        self._callback.set_inputs(_pointers(connected))
        if self._connections_changed:
            # One may have been connected meanwhile.
            self._read_all_inputs()

    def date_next_cycle(self) -> None:
        """Has the next cycle dated. To be called now and then, to know whether JACK's dates can be believed: while nothing goes in or
        out no cycle is dated, as dating each would double what an idle client costs.
        """
        self._doorbell[DATE] = 1

    def compare_clocks(self) -> None:
        """Measures again how far our clock is ahead of JACK's, which changes where they are two clocks."""
        self._times.measure_offset()

    def _set_process_callback(self, jack: ModuleType) -> None:
        # Not through JACK-Client, whose wrapper would be one more Python function in each cycle.
        ffi = jack._ffi  # noqa: SLF001
        self._process = ffi.callback(SIGNATURE, self._callback.process)
        process = ffi.cast("JackProcessCallback", self._process)
        if jack._lib.jack_set_process_callback(self._client._ptr, process, ffi.NULL):  # noqa: SLF001
            raise self._jack_error("the process callback was refused")

    def _count_fault(self, error: Exception) -> None:
        self.faults[f"{type(error).__name__}: {error}"] += 1
        # What was not done is tried again.
        self._doorbell[LOOK] = 1

    def _process_messages(self) -> None:
        # Before ports and the pipe are read: what comes later rings again, and is found in the next cycle.
        is_rung = self._take_ring(MESSAGES) | self._take_ring(LOOK)
        self._doorbell[DATE] = self.cycles < self._dated_until_cycle
        cycle = self._times.date_cycle(self.cycles, self._frames, self._rate)
        self._release_doubtful_keys(cycle)
        latency_s = self._latency.at_s(cycle.starts_s, cycle.frames * cycle.frame_s)
        ports = self._ports
        for port in ports:
            if port.direction == "input":
                self._read_input(port, cycle, latency_s)
            else:
                port.queue.move_to(cycle.frame_zero_s - latency_s)
        if not is_rung:
            # Nothing waits at an output, which would have rung.
            return
        self._read_messages_to_send(ports)
        for port in ports:
            if port.direction == "output":
                self._write_output(port, cycle, latency_s)

    def _take_ring(self, byte: int) -> bool:
        if not self._doorbell[byte]:
            return False
        self._doorbell[byte] = 0
        return True

    def _read_input(self, port: ClientPort, cycle: Cycle, latency_s: float) -> None:
        events = [(offset, bytes(data)) for offset, data in port.port.incoming_midi_events()]
        for offset, message in port.new_events(events, is_repeat=self._times.is_repeat):
            if len(message) > MAX_MESSAGE_BYTES:
                continue
            self._latency.on_message(cycle.starts_s)
            port.keys.on_message(message)
            self._pass_on(port, message, cycle.second_of(offset) - latency_s, cycle.frame_zero_s - latency_s)

    def _release_doubtful_keys(self, cycle: Cycle) -> None:
        """Releases keys whose note-off was probably in a cycle that was missed."""
        has_gap, self._gaps = self._gaps != self._times.gaps, self._times.gaps
        self._counters[GAPS] = self._gaps % COUNTER_NUMBERS
        latency_s = self._latency.at_s(cycle.starts_s, self._frames / self._rate)
        for port in self._ports:
            if has_gap:
                port.keys.on_missed_cycle(cycle.starts_s)
            for release in port.keys.take_releases(cycle.starts_s):
                self._pass_on(port, release, cycle.starts_s - latency_s, cycle.frame_zero_s - latency_s)

    def _pass_on(self, port: ClientPort, message: bytes, at_s: float, frame_zero_s: float) -> None:
        try:
            os.write(self._received_fd, pack(PipedMessage(at_s, port.number, message, frame_zero_s)))
        except OSError:
            self.unread += 1

    def _read_messages_to_send(self, ports: tuple[ClientPort, ...]) -> None:
        """Moves messages from the pipe to the queues of their ports."""
        try:
            chunk = os.read(self._to_send_fd, CHUNK_BYTES)
        except BlockingIOError:
            return
        for message in self._unpacker.unpack(chunk):
            for port in ports:
                if port.number == message.port:
                    port.queue.put(message.at_s, message.data, message.frame_zero_s)

    def _write_output(self, port: ClientPort, cycle: Cycle, latency_s: float) -> None:
        out = port.port
        out.clear_buffer()
        written = []
        for offset, data in port.queue.take(cycle, latency_s):
            try:
                out.write_midi_event(offset, data)
            except self._jack_error:
                port.queue.put_back(data, cycle, latency_s)
                break
            written.append((offset, data))
        if written:
            port.last_cycle = self.cycles
            self._latency.on_message(cycle.starts_s)
            kept = port.queue.without_late(written, cycle, self._clock.now_s())
            if kept is not written:
                out.clear_buffer()
                for offset, data in kept:
                    out.write_midi_event(offset, data)
            for _, data in kept:
                port.on_sent(data)
        if port.queue or port.last_cycle == self.cycles:
            self._doorbell[LOOK] = 1

    def _set_ports(self, ports: tuple[ClientPort, ...]) -> None:
        # New tuples instead of lists that change: the real-time thread may be iterating over the old ones.
        self._ports = ports
        self._read_all_inputs()

    def _read_all_inputs(self) -> None:
        self._connections_changed = True
        self._callback.set_inputs(_pointers(port for port in self._ports if port.direction == "input"))
        self._doorbell[LOOK] = 1

    def _on_connected(self, _one: object, _other: object, is_connected: bool) -> None:  # noqa: FBT001  JACK-Client's order
        self._connections_changed = True
        if is_connected:
            self._read_all_inputs()

    def _count_xrun(self, _delayed_us: float) -> None:
        self.xruns += 1
        self._counters[XRUNS] = self.xruns % COUNTER_NUMBERS
        self._times.on_overrun()
        self._dated_until_cycle = self.cycles + DATED_AFTER_OVERRUN
        self._doorbell[LOOK] = 1

    def _set_period(self, frames: int) -> None:
        self._frames = frames
        self._callback.set_period(frames)
        self._doorbell[LOOK] = 1

    def _set_rate(self, rate: int) -> None:
        self._rate = rate
        self._doorbell[LOOK] = 1

    def _free_name(self, short_name: str) -> str:
        taken = {port.port.shortname for port in self._ports}
        names = (short_name, *(f"{short_name} {number}" for number in range(2, 100)))
        return next(name for name in names if name not in taken)


def _pointers(ports: Iterable[ClientPort]) -> tuple[object, ...]:
    return tuple(port.port._ptr for port in ports)  # noqa: SLF001
