"""What happens in a jam, as values, for those who watch it: the panel, takes, lights. Knows no watcher, and waits for none.

The music thread puts; watchers take when they have time, each at its own pace. Whoever is too slow loses the oldest.
"""

from collections import deque
from dataclasses import dataclass

from bridge.midi.messages import Message
from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import Timeline
from model.notes import Note
from server.controls.control_table import Value
from server.jam.jam_output import JamState
from server.jam.modes import Turn

# Some minutes of very busy playing.
EVENTS_KEPT = 16_384


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The player did something."""

    message: Message
    at_s: float
    beat: float


@dataclass(frozen=True, slots=True)
class MessagePlayed:
    """The partner did: when it was handed to the port, and the beat it was meant for."""

    message: Message
    at_s: float
    beat: float


@dataclass(frozen=True, slots=True)
class ControlChanged:
    """A control has a new value."""

    control: str
    value: Value
    at_s: float
    beat: float


@dataclass(frozen=True, slots=True)
class ActionRequested:
    """An action was done."""

    action: str
    at_s: float
    beat: float


@dataclass(frozen=True, slots=True)
class TimelineChanged:
    """Time goes so from here on, as this source has it."""

    timeline: Timeline
    transport: Transport
    source: str
    at_s: float


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """How the jam stands: its state, whose turn it is where turns are taken, and what it has planned, with how much of each note came from memory."""

    state: JamState
    turn: Turn | None
    plan: tuple[Note, ...]
    at_s: float
    from_memory: tuple[float, ...] = ()


Event = MessageReceived | MessagePlayed | ControlChanged | ActionRequested | TimelineChanged | StatusChanged


class FeedSubscription:
    """One watcher's share of the feed: what has happened since it last took."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)

    def put(self, event: Event) -> None:
        """Something has happened."""
        self._events.append(event)

    def take_events(self) -> list[Event]:
        """All that has, the oldest first."""
        taken = []
        # One at a time: the music thread may put meanwhile, and iterating would trip over it.
        while self._events:
            taken.append(self._events.popleft())
        return taken


class Feed:
    """Where the music thread puts what happens."""

    def __init__(self) -> None:
        self._watches: tuple[FeedSubscription, ...] = ()
        self._stands: tuple[Event, ...] = ()
        self._kept: tuple[Event, ...] = ()

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody takes anything."""
        return bool(self._watches)

    def subscribe(self) -> FeedSubscription:
        """From now on, beginning with how things stand as far as that was ever put; give it back with `leave`."""
        watch = FeedSubscription()
        for event in (*self._kept, *self._stands):
            watch.put(event)
        self._watches = (*self._watches, watch)
        return watch

    def unsubscribe(self, watch: FeedSubscription) -> None:
        """Nobody takes from it any more."""
        self._watches = tuple(other for other in self._watches if other is not watch)

    def put(self, event: Event) -> None:
        """To all who watch; the last of those that say how things stand is kept for who comes later."""
        if isinstance(event, StatusChanged):
            self._stands = (event,)
        elif isinstance(event, TimelineChanged):
            self._kept = (event,)
        for watch in self._watches:
            watch.put(event)
