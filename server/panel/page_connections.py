"""The pages that are there: each is told what happens and may play, and none can hold up another, or the jam; knows no HTTP.

What happens is taken from the feed some forty times a second, spelt once, and laid out for each page. A page that
does not fetch what is laid out for it is cut off: nothing is kept for it without end.
"""

import asyncio
import statistics
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice

from bridge.midi.messages import SUSTAIN_PEDAL, ControlChange, NoteOff, encode
from model.errors import ModelError
from server.controls.control_store import AcceptedChange
from server.controls.control_table import BY_NAME
from server.errors import BadMessage, ServerError
from server.panel.jam_handle import JamHandle
from server.panel.page_messages import (
    CONTROL_CHANGE,
    LearnControl,
    PageMessage,
    Ping,
    PlayMessage,
    SetControl,
    read_page_message,
)
from server.panel.page_view import Json, PageView, as_bindings, as_text, as_values, control_table
from server.panel.rate_limiter import RateLimiter
from server.remote.midi_learn import LearnOutcome

TICK_S, IDLE_TICK_S = 1 / 40, 1.0
FIGURES_EVERY_S = 0.5
MOST_GUESTS = 16
"""So many pages at once: more than a band has."""

OUTBOX = 256
"""Messages laid out for one page: six seconds of them, which is longer than a page that lives ever takes."""

SAID_PER_S, SAID_AT_ONCE = 500.0, 500.0
"""What one page may say: a keyboard with three knobs that are all turned says some three hundred a second."""

REFUSALS_PER_S, REFUSALS_AT_ONCE = 5.0, 20.0
LATENESSES_SHOWN = 512
PITCHES = 128


class PageConnection:
    """One page."""

    def __init__(self, name: str, now_s: float, cut: Callable[[], None]) -> None:
        self.name = name
        self.outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX)
        self.held: dict[tuple[int, int], bytes] = {}
        """The keys and pedals that it holds, each with the message that lets it go."""
        self.allowance = RateLimiter(SAID_PER_S, SAID_AT_ONCE, now_s)
        self.refusals = RateLimiter(REFUSALS_PER_S, REFUSALS_AT_ONCE, now_s)
        self.refused = 0
        self._cut = cut

    @property
    def is_behind(self) -> bool:
        """Whether half of what can be laid out for it waits to be fetched: it had better ask for no more."""
        return self.outbox.qsize() > OUTBOX // 2

    def send(self, text: str) -> None:
        """Lays out a message; where there is no room, the page is cut off."""
        try:
            self.outbox.put_nowait(text)
        except asyncio.QueueFull:
            self._cut()


class PageConnections:
    """All of them; `begin` and `end` are called in the asyncio loop."""

    def __init__(self, stage: JamHandle) -> None:
        self._stage = stage
        self._view = PageView()
        self._watch = stage.music.feed.subscribe()
        self._changed: dict[str, Json] = {}
        self._guests: set[PageConnection] = set()
        self._came = 0
        self._pupil: PageConnection | None = None  # who asked for the last lesson
        self._figures_s = 0.0
        self._ticking: asyncio.TimerHandle | None = None
        self._ignore = stage.controls.add_listener(self._on_change)
        self.refused: Counter[str] = Counter()
        """What was refused, by kind."""

    @property
    def is_full(self) -> bool:
        """Whether no more fit in."""
        return len(self._guests) >= MOST_GUESTS

    def start(self) -> None:
        """Begins to look at what happens."""
        self._tick()

    def stop(self) -> None:
        """Nobody looks any more; what pages hold is let go."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._ignore()
        self._stage.music.feed.unsubscribe(self._watch)
        for guest in tuple(self._guests):
            self.disconnect(guest)

    def connect(self, cut: Callable[[], None]) -> PageConnection:
        """A page comes, and is told how everything stands; `cut` ends its connection at once."""
        self._catch_up()
        self._came += 1
        guest = PageConnection(f"panel {self._came}", self._stage.clock.now_s(), cut)
        self._guests.add(guest)
        guest.send(as_text(self._welcome()))
        # The next tick may be a second away, as nobody was there.
        self._tick()
        return guest

    def disconnect(self, guest: PageConnection) -> None:
        """A page is gone: who pressed a key lets it go, be it by falling off the line."""
        self._guests.discard(guest)
        if guest is self._pupil and self._stage.midi_learn.waiting_control is not None:
            self._learn(guest, None)
        for release in guest.held.values():
            self._play(release, self._stage.clock.now_s())
        guest.held.clear()

    def receive(self, guest: PageConnection, text: str | bytes) -> bool:
        """What a page said; False where it says too much, and is to be listened to more slowly."""
        return self._hear(guest, text, self._stage.clock.now_s()) and not guest.is_behind

    def _hear(self, guest: PageConnection, text: str | bytes, now_s: float) -> bool:
        try:
            said = read_page_message(text)
            # The end of a note is always taken: there are no more of them than of beginnings.
            if not (isinstance(said, PlayMessage) and said.is_note_off and said.key in guest.held) and not (
                guest.allowance.try_acquire(now_s)
            ):
                self._refuse(guest, "flood", f"more than {SAID_PER_S:g} messages a second: some were left out", now_s)
                return False
            self._take(guest, said, now_s)
        except BadMessage as error:
            self._refuse(guest, "message", str(error), now_s)
            return guest.allowance.try_acquire(now_s)
        except (ServerError, ModelError) as error:
            self._refuse(guest, "value", str(error), now_s)
        return True

    def broadcast(self, message: Mapping[str, Json]) -> None:
        """Tells all of them."""
        text = as_text(message)
        for guest in tuple(self._guests):
            guest.send(text)

    def _take(self, guest: PageConnection, said: PageMessage, now_s: float) -> None:
        match said:
            case PlayMessage(data):
                _hold(guest, said)
                self._play(data, now_s)
            case SetControl(control, value):
                self._stage.controls.set(control, value, guest.name)
            case LearnControl(control):
                self._learn(guest, control)
            case Ping(sent_ms):
                guest.send(as_text({"type": "pong", "sent_ms": sent_ms, "now_s": now_s}))

    def _play(self, data: bytes, now_s: float) -> None:
        # A key of a page is no echo of ours. A knob or a pedal may be bound, as those of the port are.
        is_key = data[0] & 0xF0 != CONTROL_CHANGE
        (self._stage.music.receive_without_echo if is_key else self._stage.receive_controller)(data, now_s)

    def _learn(self, guest: PageConnection, control: str | None) -> None:
        lessons = self._stage.midi_learn
        if control is None:
            lessons.cancel()
        else:
            lessons.start(control, self._on_outcome)
        self._pupil = guest
        self.broadcast({"type": "news", **self._knobs()})

    def _on_outcome(self, outcome: LearnOutcome) -> None:
        said: dict[str, Json] = {"sentence": outcome.sentence, "is_wrong": outcome.is_error}
        self.broadcast({"type": "news", **self._knobs(), "said": said})

    def _knobs(self) -> dict[str, Json]:
        """What is bound where, and what waits for a knob."""
        lessons = self._stage.midi_learn
        return {"bindings": as_bindings(lessons.bindings), "learning": lessons.waiting_control}

    def _refuse(self, guest: PageConnection, kind: str, reason: str, now_s: float) -> None:
        """Counts it, and says why, but not more often than one can read."""
        guest.refused += 1
        self.refused[kind] += 1
        if guest.refusals.try_acquire(now_s):
            values: dict[str, Json] = as_values(self._stage.controls.values()) if kind == "value" else {}
            guest.send(as_text({"type": "refused", "reason": reason, "count": guest.refused, "values": values}))

    def _on_change(self, change: AcceptedChange) -> None:
        if BY_NAME[change.control].kind != "action":
            self._changed[change.control] = change.value

    def _tick(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        self._ticking = asyncio.get_running_loop().call_later(TICK_S if self._guests else IDLE_TICK_S, self._tick)
        self._catch_up()

    def _catch_up(self) -> None:
        """Tells those who are there what has happened since the last time."""
        news = self._view.updates(self._watch.take_events())
        changed, self._changed = self._changed, {}
        if not self._guests:
            return
        if changed:
            news["values"] = changed
        now_s = self._stage.clock.now_s()
        if now_s - self._figures_s >= FIGURES_EVERY_S:
            self._figures_s = now_s
            news["figures"] = self._figures()
        if news:
            self.broadcast({"type": "news", "now_s": now_s, **news})

    def _welcome(self) -> dict[str, Json]:
        wiring = self._stage.wiring
        return {
            "type": "welcome",
            "now_s": self._stage.clock.now_s(),
            "controls": control_table({"pack": self._stage.packs()}),
            "values": as_values(self._stage.controls.values()),
            "wiring": {
                "midi_in": wiring.midi_in,
                "midi_out": wiring.midi_out,
                "midi_api": wiring.midi_api,
                "osc": wiring.osc,
                "ms_per_token": {str(approach): ms for approach, ms in wiring.ms_per_token.items()},
            },
            **self._knobs(),
            "offers": {"takes": self._stage.takes is not None},
            "figures": self._figures(),
            **self._view.full_state(),
        }

    def _figures(self) -> dict[str, Json]:
        """How late notes left lately, in milliseconds, what was refused, and how many look on."""
        player = self._stage.music
        latest_s = list(islice(reversed(player.lateness_s.copy()), LATENESSES_SHOWN))
        lateness: dict[str, Json] = {}
        if len(latest_s) > 1:
            hundredths = statistics.quantiles(latest_s, n=100, method="inclusive")
            lateness = {"p50": round(hundredths[49] * 1000, 2), "p99": round(hundredths[98] * 1000, 2)}
        return {
            "lateness_ms": lateness,
            "refused": self.refused.total() + player.faults.counts.total(),
            "panels": len(self._guests),
        }


def _hold(guest: PageConnection, play: PlayMessage) -> None:
    """Remembers what the page holds, and how to let it go."""
    channel, number = play.key
    if play.is_note_on:
        guest.held[play.key] = encode(NoteOff(number, channel))
    elif play.is_note_off:
        guest.held.pop(play.key, None)
    elif number == SUSTAIN_PEDAL:
        # Beyond the pitches, so that a pedal is no key.
        pedal = (channel, PITCHES + number)
        if play.data[2]:
            guest.held[pedal] = encode(ControlChange(SUSTAIN_PEDAL, 0, channel))
        else:
            guest.held.pop(pedal, None)
