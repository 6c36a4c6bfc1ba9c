"""The jam handle: all of a running jam that the panel may use. It does nothing itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.midi.ports import Receiver
from bridge.timing.clock import Clock
from server.controls.control_store import ControlStore
from server.music.music_thread import MusicThread
from server.panel.wiring import Wiring
from server.remote.midi_learn import MidiLearn


@dataclass(frozen=True, slots=True)
class TakeListing:
    """One entry of the list of takes: a jam, or a marked stretch of one, whose notes are not counted (None).

    `began_at` is when the jam began, in ISO 8601 with the offset from UTC; empty where that is not known.
    """

    id: str
    began_at: str
    seconds: float
    notes: int | None


class TakeSource(Protocol):
    """Provides the takes of a jam that records them."""

    async def listings(self) -> Sequence[TakeListing]:
        """The takes, the newest first. Raises ServerError if they cannot be read."""
        ...

    async def as_midi(self, name: str) -> bytes:
        """One take, by the id of its listing, as a `.mid` file. Raises ServerError if there is none with that id."""
        ...


@dataclass(frozen=True, slots=True)
class JamHandle:
    """All of a jam that the panel uses, from the asyncio loop's thread only.

    `receive_controller` takes control changes of a page, as raw bytes and the second at which they came; like those of
    the MIDI port they may be bound to controls. `pack_names` returns the packs that can be chosen now. `takes` is None
    where the jam records none. `latency_s` returns the delay that the MIDI system adds now, 0 where it is not known, and
    `describe_ports` what the input and the output are now: another server may have another period.
    """

    controls: ControlStore
    music_thread: MusicThread
    clock: Clock
    wiring: Wiring
    receive_controller: Receiver
    midi_learn: MidiLearn
    pack_names: Callable[[], Sequence[str]]
    takes: TakeSource | None = None
    latency_s: Callable[[], float] = lambda: 0.0
    describe_ports: Callable[[], tuple[str, str]] = lambda: ("", "")
