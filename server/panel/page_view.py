"""What a page is told of the jam, as JSON; remembers how it stands and what was played lately, and knows no page."""

import dataclasses
import json
import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn
from bridge.timing.timeline import Timeline
from server.controls.cc_bindings import CcBinding, CcBindings, takes_cc
from server.controls.control import Control, Value
from server.controls.control_table import CONTROLS
from server.music.feed import ActionRequested, Event, MessagePlayed, MessageReceived, StatusChanged, TimelineChanged

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

# What a page that comes later still draws.
RECENT_EVENTS = 512
# Tempo changes that what is still drawn was played in; a clock that is followed makes some fifty a second.
SEGMENTS_TOLD = 4
# A tenth of a millisecond: far less than can be seen or heard.
DECIMALS = 4


class PageView:
    """Takes what the feed brings; `whole` is for a page that comes, `news` for those that are there."""

    def __init__(self) -> None:
        self._stands: StatusChanged | None = None
        self._kept: TimelineChanged | None = None
        self._recent: deque[list[Json]] = deque(maxlen=RECENT_EVENTS)

    def updates(self, events: Iterable[Event]) -> dict[str, Json]:
        """What has happened, each kind in the order in which it did; empty where nothing did that a page shows."""
        notes: list[list[Json]] = []
        asked: list[Json] = []
        told: dict[str, Json] = {}
        for event in events:
            match event:
                case MessageReceived(message, at_s, _):
                    notes += _notes("player", message, at_s)
                case MessagePlayed(message, at_s, _):
                    notes += _notes("partner", message, at_s)
                case ActionRequested(action):
                    asked.append(action)
                case StatusChanged():
                    self._stands = event
                    told["stands"] = None
                case TimelineChanged():
                    self._kept = event
                    told["time"] = None
                case _:
                    pass  # a control's new value, which the desk tells of
        # Only how it stands at last: a clock that is followed changes the time with each of its ticks.
        told.update({key: value for key, value in self.status().items() if key in told})
        self._recent.extend(notes)
        if notes:
            told["notes"] = notes
        if asked:
            told["asked"] = asked
        return told

    def full_state(self) -> dict[str, Json]:
        """How everything stands, and what was played lately."""
        return {"notes": list(self._recent), **self.status()}

    def status(self) -> dict[str, Json]:
        """How the jam stands, and how time goes, as far as that is known."""
        told: dict[str, Json] = {}
        if self._stands is not None:
            told["stands"] = _as_standing(self._stands)
        if self._kept is not None:
            told["time"] = _as_time(self._kept)
        return told


def as_text(message: Mapping[str, Json]) -> str:
    """As it goes out."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def control_table(options: Mapping[str, Sequence[str]]) -> list[Json]:
    """Every row of the table; `options` are the names there are for those that take a name."""
    return [_as_row(control, options.get(control.name, ())) for control in CONTROLS]


def as_values(values: Mapping[str, Value]) -> dict[str, Json]:
    """The controls' values."""
    return dict(values)


def as_bindings(bindings: CcBindings) -> dict[str, Json]:
    """Where each control that a knob can move is bound, or None."""
    return {control.name: _as_binding(bindings.binding_of(control.name)) for control in CONTROLS if takes_cc(control)}


def _as_binding(binding: CcBinding | None) -> Json:
    return None if binding is None else {"cc": binding.cc, "channel": binding.channel}


def _as_row(control: Control, options: Sequence[str]) -> dict[str, Json]:
    # By field, so that what a row has more one day reaches the page without a word here.
    row = {field.name: getattr(control, field.name) for field in dataclasses.fields(control)}
    if options:
        row["choices"] = tuple(options)
    return {name: value for name, value in row.items() if not (isinstance(value, float) and math.isinf(value))}


def _notes(side: str, message: Message, at_s: float) -> list[list[Json]]:
    """A message as a page draws and sounds it: side, second, status without channel, and its two values."""
    match message:
        case NoteOn(pitch, velocity):
            return [[side, round(at_s, DECIMALS), "on", pitch, velocity]]
        case NoteOff(pitch):
            return [[side, round(at_s, DECIMALS), "off", pitch, 0]]
        case ControlChange(controller, value):
            return [[side, round(at_s, DECIMALS), "control", controller, value]]
        case _:
            return []


def _as_standing(stands: StatusChanged) -> dict[str, Json]:
    turn = stands.turn
    return {
        "state": stands.state,
        "turn": None
        if turn is None
        else {"side": turn.side, "start_beats": turn.start_beats, "end_beats": turn.end_beats},
        "plan": [
            [note.pitch, *(round(part, DECIMALS) for part in (note.onset_beats, note.duration_beats, from_memory))]
            for note, from_memory in zip(stands.plan, chain(stands.from_memory, repeat(0.0)), strict=False)
        ],
    }


def _as_time(kept: TimelineChanged) -> dict[str, Json]:
    timeline: Timeline = kept.timeline
    return {
        "segments": [[segment.at_s, segment.beat, segment.tempo_bpm] for segment in timeline.segments[-SEGMENTS_TOLD:]],
        "meter": [timeline.meter.numerator, timeline.meter.denominator],
        "downbeat": timeline.downbeat,
        "transport": kept.transport,
        "source": kept.source,
    }
