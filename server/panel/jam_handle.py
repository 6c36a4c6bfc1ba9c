"""What a jam hands the panel: the desk, the player's ears, the feed, knobs, and what is bound where; does nothing itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.midi.ports import Receiver
from bridge.timing.clock import Clock
from model.approach import Approach
from server.controls.control_store import ControlStore
from server.music.music_thread import MusicThread
from server.remote.midi_learn import MidiLearn


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What is bound where, for whoever looks; `ms_per_token` was measured at the start."""

    midi_in: str
    midi_out: str
    midi_api: str
    osc: str
    ms_per_token: Mapping[Approach, float]


@dataclass(frozen=True, slots=True)
class TakeListing:
    """One take, as it is listed; of what is marked in a jam, the notes are not counted."""

    id: str
    began_at: str
    seconds: float
    notes: int | None


class TakeSource(Protocol):
    """Where takes are kept, for a jam that keeps them."""

    def rows(self) -> Sequence[TakeListing]:
        """The newest first. May read from the disk, so it is asked in a thread."""
        ...

    def midi(self, name: str) -> bytes:
        """One as a `.mid` file. Raises ServerError where there is none of that name."""
        ...


@dataclass(frozen=True, slots=True)
class JamHandle:
    """All that the panel touches; `packs` tells the names of those that can be chosen.

    Knobs and pedals go where those of the MIDI port go, to `move`, as they may be bound.
    """

    controls: ControlStore
    music: MusicThread
    clock: Clock
    wiring: ConnectionInfo
    receive_controller: Receiver
    midi_learn: MidiLearn
    packs: Callable[[], Sequence[str]]
    takes: TakeSource | None = None
