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
from server.controls.control_store import Change
from server.controls.control_table import BY_NAME
from server.errors import BadMessage, ServerError
from server.panel.jam_handle import Stage
from server.panel.page_messages import CONTROL_CHANGE, Learn, Ping, Play, Said, Set, read
from server.panel.page_view import Json, View, as_bindings, as_text, as_values, control_table
from server.panel.rate_limiter import Allowance
from server.remote.midi_learn import Outcome

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


class Guest:
    """One page."""

    def __init__(self, name: str, now_s: float, cut: Callable[[], None]) -> None:
        self.name = name
        self.outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX)
        self.down: dict[tuple[int, int], bytes] = {}
        """The keys and pedals that it holds, each with the message that lets it go."""
        self.allowance = Allowance(SAID_PER_S, SAID_AT_ONCE, now_s)
        self.refusals = Allowance(REFUSALS_PER_S, REFUSALS_AT_ONCE, now_s)
        self.refused = 0
        self._cut = cut

    @property
    def is_behind(self) -> bool:
        """Whether half of what can be laid out for it waits to be fetched: it had better ask for no more."""
        return self.outbox.qsize() > OUTBOX // 2

    def tell(self, text: str) -> None:
        """Lays out a message; where there is no room, the page is cut off."""
        try:
            self.outbox.put_nowait(text)
        except asyncio.QueueFull:
            self._cut()


class Guests:
    """All of them; `begin` and `end` are called in the asyncio loop."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._view = View()
        self._watch = stage.player.feed.watch()
        self._changed: dict[str, Json] = {}
        self._guests: set[Guest] = set()
        self._came = 0
        self._pupil: Guest | None = None  # who asked for the last lesson
        self._figures_s = 0.0
        self._ticking: asyncio.TimerHandle | None = None
        self._ignore = stage.desk.listen(self._on_change)
        self.refused: Counter[str] = Counter()
        """What was refused, by kind."""

    @property
    def are_full(self) -> bool:
        """Whether no more fit in."""
        return len(self._guests) >= MOST_GUESTS

    def begin(self) -> None:
        """Begins to look at what happens."""
        self._tick()

    def end(self) -> None:
        """Nobody looks any more; what pages hold is let go."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._ignore()
        self._stage.player.feed.leave(self._watch)
        for guest in tuple(self._guests):
            self.leave(guest)

    def enter(self, cut: Callable[[], None]) -> Guest:
        """A page comes, and is told how everything stands; `cut` ends its connection at once."""
        self._catch_up()
        self._came += 1
        guest = Guest(f"panel {self._came}", self._stage.clock.now_s(), cut)
        self._guests.add(guest)
        guest.tell(as_text(self._welcome()))
        # The next tick may be a second away, as nobody was there.
        self._tick()
        return guest

    def leave(self, guest: Guest) -> None:
        """A page is gone: who pressed a key lets it go, be it by falling off the line."""
        self._guests.discard(guest)
        if guest is self._pupil and self._stage.lessons.control is not None:
            self._learn(guest, None)
        for release in guest.down.values():
            self._play(release, self._stage.clock.now_s())
        guest.down.clear()

    def hear(self, guest: Guest, text: str | bytes) -> bool:
        """What a page said; False where it says too much, and is to be listened to more slowly."""
        return self._hear(guest, text, self._stage.clock.now_s()) and not guest.is_behind

    def _hear(self, guest: Guest, text: str | bytes, now_s: float) -> bool:
        try:
            said = read(text)
            # The end of a note is always taken: there are no more of them than of beginnings.
            if not (isinstance(said, Play) and said.is_note_off and said.key in guest.down) and not (
                guest.allowance.allows(now_s)
            ):
                self._refuse(guest, "flood", f"more than {SAID_PER_S:g} messages a second: some were left out", now_s)
                return False
            self._take(guest, said, now_s)
        except BadMessage as error:
            self._refuse(guest, "message", str(error), now_s)
            return guest.allowance.allows(now_s)
        except (ServerError, ModelError) as error:
            self._refuse(guest, "value", str(error), now_s)
        return True

    def spread(self, message: Mapping[str, Json]) -> None:
        """Tells all of them."""
        text = as_text(message)
        for guest in tuple(self._guests):
            guest.tell(text)

    def _take(self, guest: Guest, said: Said, now_s: float) -> None:
        match said:
            case Play(data):
                _hold(guest, said)
                self._play(data, now_s)
            case Set(control, value):
                self._stage.desk.set(control, value, guest.name)
            case Learn(control):
                self._learn(guest, control)
            case Ping(sent_ms):
                guest.tell(as_text({"type": "pong", "sent_ms": sent_ms, "now_s": now_s}))

    def _play(self, data: bytes, now_s: float) -> None:
        # A key of a page is no echo of ours. A knob or a pedal may be bound, as those of the port are.
        is_key = data[0] & 0xF0 != CONTROL_CHANGE
        (self._stage.player.hear_here if is_key else self._stage.move)(data, now_s)

    def _learn(self, guest: Guest, control: str | None) -> None:
        lessons = self._stage.lessons
        if control is None:
            lessons.give_up()
        else:
            lessons.begin(control, self._on_outcome)
        self._pupil = guest
        self.spread({"type": "news", **self._knobs()})

    def _on_outcome(self, outcome: Outcome) -> None:
        said: dict[str, Json] = {"sentence": outcome.sentence, "is_wrong": outcome.is_wrong}
        self.spread({"type": "news", **self._knobs(), "said": said})

    def _knobs(self) -> dict[str, Json]:
        """What is bound where, and what waits for a knob."""
        lessons = self._stage.lessons
        return {"bindings": as_bindings(lessons.bindings), "learning": lessons.control}

    def _refuse(self, guest: Guest, kind: str, reason: str, now_s: float) -> None:
        """Counts it, and says why, but not more often than one can read."""
        guest.refused += 1
        self.refused[kind] += 1
        if guest.refusals.allows(now_s):
            values: dict[str, Json] = as_values(self._stage.desk.values()) if kind == "value" else {}
            guest.tell(as_text({"type": "refused", "reason": reason, "count": guest.refused, "values": values}))

    def _on_change(self, change: Change) -> None:
        if BY_NAME[change.control].kind != "action":
            self._changed[change.control] = change.value

    def _tick(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        self._ticking = asyncio.get_running_loop().call_later(TICK_S if self._guests else IDLE_TICK_S, self._tick)
        self._catch_up()

    def _catch_up(self) -> None:
        """Tells those who are there what has happened since the last time."""
        news = self._view.news(self._watch.take())
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
            self.spread({"type": "news", "now_s": now_s, **news})

    def _welcome(self) -> dict[str, Json]:
        wiring = self._stage.wiring
        return {
            "type": "welcome",
            "now_s": self._stage.clock.now_s(),
            "controls": control_table({"pack": self._stage.packs()}),
            "values": as_values(self._stage.desk.values()),
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
            **self._view.whole(),
        }

    def _figures(self) -> dict[str, Json]:
        """How late notes left lately, in milliseconds, what was refused, and how many look on."""
        player = self._stage.player
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


def _hold(guest: Guest, play: Play) -> None:
    """Remembers what the page holds, and how to let it go."""
    channel, number = play.key
    if play.is_note_on:
        guest.down[play.key] = encode(NoteOff(number, channel))
    elif play.is_note_off:
        guest.down.pop(play.key, None)
    elif number == SUSTAIN_PEDAL:
        # Beyond the pitches, so that a pedal is no key.
        pedal = (channel, PITCHES + number)
        if play.data[2]:
            guest.down[pedal] = encode(ControlChange(SUSTAIN_PEDAL, 0, channel))
        else:
            guest.down.pop(pedal, None)
