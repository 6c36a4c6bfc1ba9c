"""The jam as JSON for the pages: encodes events, status, timeline and controls. It knows no page and no socket."""

import dataclasses
import json
import math
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import chain, repeat

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn
from bridge.timing.timeline import Timeline
from server.controls.cc_bindings import CcBinding, CcBindings, is_bindable
from server.controls.control import Control, Value
from server.controls.control_table import CONTROLS
from server.jam.jam_output import JamStatus
from server.jam.turns.modes import TurnSchedule
from server.music.feed import ActionRequested, Event, MessagePlayed, MessageReceived, StatusChanged, TimelineChanged
from server.music.latest_status import LatestStatus

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

# The note messages that a page gets when it connects: more than fit on its piano roll.
RECENT_NOTES = 512
# The latest tempo changes, in which everything on the piano roll was played. A followed clock makes some fifty a
# second.
SEGMENTS_SENT = 4
# A tenth of a millisecond: far less than can be seen or heard.
DECIMALS = 4


class PageView:
    """Turns events of the feed into parts of messages, and keeps what a page that connects later needs."""

    def __init__(self) -> None:
        self._status: StatusChanged | None = None
        self._timeline: TimelineChanged | None = None
        self._recent_notes: deque[list[Json]] = deque(maxlen=RECENT_NOTES)
        self._latest_status = LatestStatus()
        self._readouts: dict[str, Value] = {}

    def updates(self, events: Sequence[Event]) -> dict[str, Json]:
        """What the events changed, by kind, each kind in the order of its events; empty where a page shows none of it."""
        self._latest_status.update(events)
        notes: list[list[Json]] = []
        actions: list[Json] = []
        changed: set[str] = set()
        for event in events:
            match event:
                case MessageReceived(message, at_s, _):
                    notes += _note_rows("player", message, at_s)
                case MessagePlayed(message, at_s, _):
                    notes += _note_rows("partner", message, at_s)
                case ActionRequested(action):
                    actions.append(action)
                case StatusChanged():
                    self._status = event
                    changed.add("status")
                case TimelineChanged():
                    self._timeline = event
                    changed.add("time")
                case _:
                    pass  # a control's new value, which comes from the control store
        # Only the latest status and timeline: a followed clock changes the timeline with each of its ticks.
        updates = {key: value for key, value in self._status_and_time().items() if key in changed}
        self._recent_notes.extend(notes)
        if notes:
            updates["notes"] = notes
        if actions:
            updates["actions"] = actions
        return updates

    def readout_updates(self, now_s: float, turns: TurnSchedule) -> dict[str, Json]:
        """The readouts that have changed since the last call, at a monotonic second; `turns` are those of the controls."""
        values = self._latest_status.readout_values(now_s, turns)
        changed = {name: value for name, value in values.items() if self._readouts.get(name) != value}
        self._readouts = values
        return {**changed}

    def full_state(self) -> dict[str, Json]:
        """The recent notes and the readouts, and the status and the timeline as far as they are known."""
        return {"notes": list(self._recent_notes), "readouts": {**self._readouts}, **self._status_and_time()}

    def _status_and_time(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        if self._status is not None:
            found["status"] = _as_status(self._status.jam)
        if self._timeline is not None:
            found["time"] = _as_time(self._timeline)
        return found


def to_json(message: Mapping[str, Json]) -> str:
    """A message as it is sent."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def control_rows(options: Mapping[str, Sequence[str]]) -> list[Json]:
    """The table of controls; `options` has the choices of controls that take a name, such as the packs."""
    return [_control_row(control, options.get(control.name, ())) for control in CONTROLS]


def as_bindings(bindings: CcBindings) -> dict[str, Json]:
    """For each control that a knob can move, its controller (`cc`) and channel, or None where it is not bound."""
    return {
        control.name: _as_binding(bindings.binding_of(control.name)) for control in CONTROLS if is_bindable(control)
    }


def _as_binding(binding: CcBinding | None) -> Json:
    return None if binding is None else {"cc": binding.cc, "channel": binding.channel}


def _control_row(control: Control, options: Sequence[str]) -> dict[str, Json]:
    # All fields, so that a new field of the table reaches the page without a change here.
    row = {field.name: getattr(control, field.name) for field in dataclasses.fields(control)}
    if options:
        row["choices"] = tuple(options)
    # JSON has no infinity: a range without a limit lacks that limit.
    return {name: value for name, value in row.items() if not (isinstance(value, float) and math.isinf(value))}


def _note_rows(side: str, message: Message, at_s: float) -> list[list[Json]]:
    """A message as a page draws and sounds it: side, second, kind, and two values. Empty for other kinds of messages."""
    match message:
        case NoteOn(pitch, velocity):
            return [[side, round(at_s, DECIMALS), "on", pitch, velocity]]
        case NoteOff(pitch):
            return [[side, round(at_s, DECIMALS), "off", pitch, 0]]
        case ControlChange(controller, value):
            return [[side, round(at_s, DECIMALS), "control", controller, value]]
        case _:
            return []


def _as_status(status: JamStatus) -> dict[str, Json]:
    turn = status.turn
    return {
        "state": status.state,
        "turn": None
        if turn is None
        else {"side": turn.side, "start_beats": turn.start_beats, "end_beats": turn.end_beats},
        "plan": [
            [note.pitch, *(round(part, DECIMALS) for part in (note.onset_beats, note.duration_beats, from_memory))]
            for note, from_memory in zip(status.plan, chain(status.from_memory, repeat(0.0)), strict=False)
        ],
    }


def _as_time(change: TimelineChanged) -> dict[str, Json]:
    timeline: Timeline = change.timeline
    return {
        "segments": [[segment.at_s, segment.beat, segment.tempo_bpm] for segment in timeline.segments[-SEGMENTS_SENT:]],
        "meter": [timeline.meter.numerator, timeline.meter.denominator],
        "downbeat": timeline.downbeat,
        "transport": change.transport,
        "source": change.source,
    }
