"""The connections of the pages: each gets all events and may play, and none can hold up another page or the jam.

It knows no HTTP.

The feed is read some forty times a second. Each message is encoded as JSON once and put into every page's outbox. A
page that does not read its outbox is disconnected, so that no outbox grows without end.
"""

import asyncio
import logging
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from bridge.fault_counter import FaultCounter
from bridge.midi.messages import SUSTAIN_PEDAL, ControlChange, NoteOff, encode
from server.controls.control_store import AcceptedChange, FailedChange
from server.controls.control_table import BY_NAME
from server.errors import FORESEEN, BadMessage
from server.jam.turns.modes import TurnSchedule
from server.panel.jam_handle import JamHandle
from server.panel.pages.page_messages import (
    CONTROL_CHANGE,
    LearnControl,
    PageMessage,
    Ping,
    PlayMessage,
    SetControl,
    read_page_message,
)
from server.panel.pages.page_view import Json, PageView, as_bindings, control_rows, to_json
from server.panel.web.rate_limiter import RateLimiter
from server.remote.midi_learn import LearnOutcome

logger = logging.getLogger("fours.panel")

TICK_S, IDLE_TICK_S = 1 / 40, 1.0
FIGURES_EVERY_S = 0.5
MOST_PAGES = 16
"""How many pages at the same time; more than a band has members."""

OUTBOX_SIZE = 256
"""In messages, six seconds of them. A page that still works reads them sooner."""

MESSAGES_PER_S, MESSAGES_AT_ONCE = 500.0, 500.0
"""From one page. A keyboard with three knobs that are turned sends some three hundred a second."""

REFUSALS_PER_S, REFUSALS_AT_ONCE = 5.0, 20.0
LATENESS_SAMPLES = 512
LEAST_CLOCK_ERRORS = 24
PITCHES = 128


class PageConnection:
    """One connected page."""

    def __init__(self, name: str, now_s: float, abort: Callable[[], None]) -> None:
        self.name = name
        self.outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX_SIZE)
        self.releases: dict[tuple[int, int], bytes] = {}
        """For each key and pedal that the page holds down, the MIDI message that releases it."""
        self.message_limiter = RateLimiter(MESSAGES_PER_S, MESSAGES_AT_ONCE, now_s)
        self.refusal_limiter = RateLimiter(REFUSALS_PER_S, REFUSALS_AT_ONCE, now_s)
        self.refused_count = 0
        self.unsaid_refusal = ""
        """The latest reason for a refusal that the page has not been told; empty for none."""
        self.shows_wrong_value = False
        """Whether the page may show a value that it has set and that was refused."""
        self._abort = abort

    @property
    def is_behind(self) -> bool:
        """Whether half of the outbox waits to be sent: then the page should not ask for more."""
        return self.outbox.qsize() > OUTBOX_SIZE // 2

    def send(self, text: str) -> None:
        """Puts a message into the outbox; where that is full, the page is disconnected."""
        try:
            self.outbox.put_nowait(text)
        except asyncio.QueueFull:
            self._abort()


class PageConnections:
    """All connected pages. All methods must be called from the asyncio loop's thread, `start` before `connect`."""

    def __init__(self, jam: JamHandle) -> None:
        self._jam = jam
        self._view = PageView()
        self._subscription = jam.music_thread.feed.subscribe()
        self._changed_values: dict[str, Json] = {}
        self._connections: set[PageConnection] = set()
        self._connected_count = 0  # since the start, for the names
        self._learner: PageConnection | None = None  # the page that last asked for MIDI learn
        self._figures_at_s = 0.0
        self._tick_timer: asyncio.TimerHandle | None = None
        self._remove_listener = jam.controls.add_listener(self._on_control_changed)
        self._remove_failure_listener = jam.controls.add_failure_listener(self._on_change_failed)
        self.refused_counts: Counter[str] = Counter()
        """How many messages were refused, by kind."""
        self.faults = FaultCounter(logger, "panel")
        """The errors that no message should lead to, counted by kind."""

    @property
    def is_full(self) -> bool:
        """Whether no more pages may connect."""
        return len(self._connections) >= MOST_PAGES

    def start(self) -> None:
        """Starts to read the feed regularly."""
        self._tick()

    def stop(self) -> None:
        """Stops reading the feed, and disconnects all pages, which releases the keys that they hold."""
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        self._remove_listener()
        self._remove_failure_listener()
        self._jam.music_thread.feed.unsubscribe(self._subscription)
        for connection in tuple(self._connections):
            self.disconnect(connection)

    def connect(self, abort: Callable[[], None]) -> PageConnection:
        """Adds a page; its first message is the full state. `abort` must end its connection at once."""
        self._send_updates()
        self._connected_count += 1
        connection = PageConnection(f"panel {self._connected_count}", self._jam.clock.now_s(), abort)
        self._connections.add(connection)
        connection.send(to_json(self._welcome()))
        # If no page was there, the next tick may be a second away.
        self._tick()
        return connection

    def disconnect(self, connection: PageConnection) -> None:
        """Removes a page, also one whose connection broke, and releases the keys and pedals that it holds."""
        self._connections.discard(connection)
        if connection is self._learner and self._jam.midi_learn.waiting_control is not None:
            self._learn(connection, None)
        for release in connection.releases.values():
            self._play(release, self._jam.clock.now_s())
        connection.releases.clear()

    def receive(self, connection: PageConnection, text: str | bytes) -> bool:
        """Handles what a page has sent. False where it sends too much, and the caller should read it more slowly."""
        return self._handle(connection, text, self._jam.clock.now_s()) and not connection.is_behind

    def broadcast(self, message: Mapping[str, Json]) -> None:
        """Sends a message to all pages."""
        text = to_json(message)
        for connection in tuple(self._connections):
            connection.send(text)

    def _handle(self, connection: PageConnection, text: str | bytes, now_s: float) -> bool:
        message: PageMessage | None = None
        try:
            message = read_page_message(text)
            # What ends something held is exempt from the limit, so that no key and no pedal hangs; there is no more of it than of
            # what began it.
            ends_held = (
                isinstance(message, PlayMessage) and message.is_release and _held_key(message) in connection.releases
            )
            if not ends_held and not connection.message_limiter.try_acquire(now_s):
                reason = f"more than {MESSAGES_PER_S:g} messages a second: some were left out"
                self._refuse(connection, "flood", reason, now_s, message)
                return False
            self._execute(connection, message, now_s)
        except BadMessage as error:
            self._refuse(connection, "message", str(error), now_s, message)
            return connection.message_limiter.try_acquire(now_s)
        except FORESEEN as error:
            self._refuse(connection, "value", str(error), now_s, message)
        except Exception as error:  # noqa: BLE001  after any error in one message the page stays connected
            self.faults.count(error)
            reason = "this could not be done; the log of the jam has the reason"
            self._refuse(connection, "fault", reason, now_s, message)
        return True

    def _execute(self, connection: PageConnection, message: PageMessage, now_s: float) -> None:
        match message:
            case PlayMessage(data):
                _track_held(connection, message)
                self._play(data, now_s)
            case SetControl(control, value):
                self._jam.controls.set(control, value, connection.name)
            case LearnControl(control):
                self._learn(connection, control)
            case Ping(sent_ms):
                connection.send(to_json({"type": "pong", "sent_ms": sent_ms, "now_s": now_s}))

    def _play(self, data: bytes, now_s: float) -> None:
        # A key of a page cannot be an echo of our own output. A controller may be bound, like those of the MIDI port.
        is_key = data[0] & 0xF0 != CONTROL_CHANGE
        (self._jam.music_thread.receive_from_page if is_key else self._jam.receive_controller)(data, now_s)

    def _learn(self, connection: PageConnection, control: str | None) -> None:
        midi_learn = self._jam.midi_learn
        if control is None:
            midi_learn.cancel()
        else:
            midi_learn.start(control, self._on_learn_outcome)
        self._learner = connection
        self.broadcast({"type": "news", **self._learn_state()})

    def _on_learn_outcome(self, outcome: LearnOutcome) -> None:
        message: dict[str, Json] = {"sentence": outcome.sentence, "is_error": outcome.is_error}
        self.broadcast({"type": "news", **self._learn_state(), "outcome": message})

    def _learn_state(self) -> dict[str, Json]:
        """The bindings, and the control that waits for its knob."""
        midi_learn = self._jam.midi_learn
        return {"bindings": as_bindings(midi_learn.bindings), "learning": midi_learn.waiting_control}

    def _refuse(
        self, connection: PageConnection, kind: str, reason: str, now_s: float, message: PageMessage | None = None
    ) -> None:
        """Counts a refused message, and sends the reason, but not more often than a person can read: of many at once the last one's, later.

        A page that shows a value which does not hold also gets those that do: after a `set`, and where `message` is None,
        as what could not be read may have been one.
        """
        connection.refused_count += 1
        self.refused_counts[kind] += 1
        connection.unsaid_refusal = reason
        connection.shows_wrong_value |= message is None or isinstance(message, SetControl)
        self._say_refusal(connection, now_s)

    def _say_refusal(self, connection: PageConnection, now_s: float) -> None:
        """Sends the latest reason if it is not said yet, unless the page was told of others a moment ago."""
        if connection.unsaid_refusal and connection.refusal_limiter.try_acquire(now_s):
            values: dict[str, Json] = {**self._jam.controls.values()} if connection.shows_wrong_value else {}
            refusal: dict[str, Json] = {
                "type": "refused",
                "reason": connection.unsaid_refusal,
                "count": connection.refused_count,
                "values": values,
            }
            connection.send(to_json(refusal))
            connection.unsaid_refusal, connection.shows_wrong_value = "", False

    def _on_control_changed(self, change: AcceptedChange) -> None:
        if BY_NAME[change.control].kind != "action":
            self._changed_values[change.control] = change.value

    def _on_change_failed(self, failure: FailedChange) -> None:
        # A value that nobody has set since the start concerns everyone.
        for connection in self._connections:
            if failure.origin in {connection.name, ""}:
                self._refuse(connection, "value", failure.sentence, self._jam.clock.now_s())

    def _tick(self) -> None:
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        delay_s = TICK_S if self._connections else IDLE_TICK_S
        self._tick_timer = asyncio.get_running_loop().call_later(delay_s, self._tick)
        self._send_updates()

    def _send_updates(self) -> None:
        """Sends all pages what has happened since the last time."""
        news = self._view.updates(self._subscription.take_events())
        changed_values, self._changed_values = self._changed_values, {}
        if not self._connections:
            return
        if changed_values:
            news["values"] = changed_values
        now_s = self._jam.clock.now_s()
        for connection in tuple(self._connections):
            self._say_refusal(connection, now_s)
        if readouts := self._readout_updates(now_s):
            news["readouts"] = readouts
        if now_s - self._figures_at_s >= FIGURES_EVERY_S:
            self._figures_at_s = now_s
            news["figures"] = self._figures()
        if news:
            self.broadcast({"type": "news", "now_s": now_s, **news})

    def _readout_updates(self, now_s: float) -> dict[str, Json]:
        settings = self._jam.controls.settings
        return self._view.readout_updates(now_s, TurnSchedule(settings.turn_bars, settings.begins))

    def _welcome(self) -> dict[str, Json]:
        wiring = self._jam.wiring
        self._readout_updates(self._jam.clock.now_s())
        return {
            "type": "welcome",
            "now_s": self._jam.clock.now_s(),
            "controls": control_rows({"pack": self._jam.pack_names()}),
            "values": self._jam.controls.values(),
            "wiring": {
                "midi_in": wiring.midi_in,
                "midi_out": wiring.midi_out,
                "osc": wiring.osc,
                "ms_per_token": {str(approach): ms for approach, ms in wiring.ms_per_token.items()},
                "offset": {"ms": wiring.offset.ms, "source": wiring.offset.source},
            },
            **self._learn_state(),
            "offers": {"takes": self._jam.takes is not None},
            "figures": self._figures(),
            **self._view.full_state(),
        }

    def _figures(self) -> dict[str, Json]:
        """How late the latest notes left, and how far a followed clock is from our beat, in milliseconds; what the MIDI ports are
        and add; how much was refused or failed; how many pages there are.
        """
        music_thread = self._jam.music_thread
        midi_in, midi_out = self._jam.describe_ports()
        latest_s = list(islice(reversed(music_thread.lateness_s.copy()), LATENESS_SAMPLES))
        lateness: dict[str, Json] = {}
        if len(latest_s) > 1:
            percentiles = statistics.quantiles(latest_s, n=100, method="inclusive")
            lateness = {"p50": round(percentiles[49] * 1000, 2), "p99": round(percentiles[98] * 1000, 2)}
        return {
            "lateness_ms": lateness,
            "clock_ms": _clock_figures(list(music_thread.clock_errors_s.copy())),
            "latency_ms": round(self._jam.latency_s() * 1000, 1),
            "ports": {"midi_in": midi_in, "midi_out": midi_out},
            "refused": self.refused_counts.total() + music_thread.faults.counts.total(),
            "panels": len(self._connections),
        }


def _clock_figures(errors_s: Sequence[float]) -> dict[str, Json]:
    """How much later than our beat the ticks of a clock come, and half of the range that eight in ten of them are in.

    In milliseconds; empty where no clock is followed.
    """
    if len(errors_s) < LEAST_CLOCK_ERRORS:
        return {}
    tenths = statistics.quantiles(errors_s, n=10, method="inclusive")
    return {"offset": round(tenths[4] * 1000, 1), "jitter": round((tenths[8] - tenths[0]) * 500, 1)}


def _track_held(connection: PageConnection, message: PlayMessage) -> None:
    """Adds a key or pedal that the page now holds, with the message that releases it, or removes a released one."""
    channel, number = message.key
    if message.is_release:
        connection.releases.pop(_held_key(message), None)
    elif message.is_note_on:
        connection.releases[_held_key(message)] = encode(NoteOff(number, channel))
    elif number == SUSTAIN_PEDAL:
        connection.releases[_held_key(message)] = encode(ControlChange(SUSTAIN_PEDAL, 0, channel))


def _held_key(message: PlayMessage) -> tuple[int, int]:
    """The key of what a message holds or ends, in `PageConnection.releases`."""
    channel, number = message.key
    # Numbers beyond the pitches, so that a pedal is not mistaken for a key.
    return channel, number + PITCHES if message.kind == CONTROL_CHANGE else number
