"""The feed of a jam's events, as values, for the recorder, the panel and surfaces; it knows and waits for none of them.

The music thread puts events in; each subscriber takes them on its own thread when it has time. A subscriber that is
too slow loses the oldest events. Seconds (`at_s`) are monotonic, beats are quarter notes on the jam's timeline.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.midi.messages import Message
from bridge.timing.clock_messages import Transport
from bridge.timing.timeline import Timeline
from server.controls.control_table import Value
from server.jam.jam_output import JamStatus

# Some minutes of very busy playing.
EVENTS_KEPT = 16_384


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The player played a message: when it arrived, and the beat of that second."""

    message: Message
    at_s: float
    beat: float


@dataclass(frozen=True, slots=True)
class MessagePlayed:
    """The jam played a message: when it was handed to the port, and the beat that it was due at. `is_band`: the band played it."""

    message: Message
    at_s: float
    beat: float
    is_band: bool = False


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """A control has a new value."""

    control: str
    value: Value
    at_s: float
    beat: float


@dataclass(frozen=True, slots=True)
class ActionRequested:
    """An action was requested, and is done next."""

    action: str
    at_s: float
    beat: float


@dataclass(frozen=True, slots=True)
class TimelineChanged:
    """The timeline, the transport of the song that is followed, or the clock that leads (`source`) has changed."""

    timeline: Timeline
    transport: Transport
    source: str
    at_s: float


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The status of the jam, or of its ports, has changed. A port is lost while its device or the MIDI system is gone."""

    jam: JamStatus
    at_s: float = field(compare=False)  # the same status a moment later is no change
    is_input_lost: bool = False
    is_output_lost: bool = False


Event = MessageReceived | MessagePlayed | SettingChanged | ActionRequested | TimelineChanged | StatusChanged


class FeedSubscription:
    """One subscriber's queue of events."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._on_next_event: Callable[[], None] | None = None

    def put(self, event: Event) -> None:
        """Appends an event; the oldest one is lost where the queue is full. For the music thread."""
        self._events.append(event)
        if self._on_next_event is not None:
            self._notify()

    def notify_once(self, on_next_event: Callable[[], None]) -> None:
        """Calls `on_next_event` once, when the next event comes, or at once where one is waiting already.

        A subscriber that nothing happens for can sleep until then. The call is made in the music thread, so it must be short; in rare cases
        it is made twice.
        """
        self._on_next_event = on_next_event
        if self._events:
            self._notify()

    def _notify(self) -> None:
        on_next_event, self._on_next_event = self._on_next_event, None
        if on_next_event is not None:
            on_next_event()

    def take_events(self) -> list[Event]:
        """Takes all events since the last call, the oldest first. For the subscriber's thread."""
        taken = []
        # One at a time: the music thread may put an event meanwhile, which an iteration would not survive.
        while self._events:
            taken.append(self._events.popleft())
        return taken


class Feed:
    """Passes each event on to every subscriber. It holds no lock, so the music thread never waits.

    `put` is for the music thread; `subscribe` and `unsubscribe` are for one other thread.
    """

    def __init__(self) -> None:
        self._subscriptions: tuple[FeedSubscription, ...] = ()
        self._last_status: tuple[Event, ...] = ()
        self._last_timeline: tuple[Event, ...] = ()

    def subscribe(self) -> FeedSubscription:
        """A new subscription, to be ended with `unsubscribe`.

        Its first events are the last `TimelineChanged` and the last `StatusChanged`, where there were any. An event that is put
        meanwhile may come twice, and an older status before it, but the last status in the queue is always the latest one.
        """
        subscription = FeedSubscription()
        # Registered first: what the music thread puts from here on arrives by itself.
        self._subscriptions = (*self._subscriptions, subscription)
        given: tuple[Event, ...] | None = None
        # Where one of the last events changes between its reading and its `put`, the older one stands after it: once more.
        while (last := (*self._last_timeline, *self._last_status)) != given:
            given = last
            for event in last:
                subscription.put(event)
        return subscription

    def unsubscribe(self, subscription: FeedSubscription) -> None:
        """Ends a subscription: it gets no more events."""
        self._subscriptions = tuple(other for other in self._subscriptions if other is not subscription)

    def put(self, event: Event) -> None:
        """Passes an event on; the last timeline and the last status are kept for later subscribers."""
        if isinstance(event, StatusChanged):
            self._last_status = (event,)
        elif isinstance(event, TimelineChanged):
            self._last_timeline = (event,)
        for subscription in self._subscriptions:
            subscription.put(event)
