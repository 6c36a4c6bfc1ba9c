"""The jam's status as values to publish: state, turn, bar, beat, planned notes; knows no protocol, reads no clock.

It takes the feed's events, and is read with the present second; between two events it counts the beats itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from server.controls.control import OSC_PREFIX, Value
from server.jam.turns.modes import TurnSchedule
from server.music.feed import Event, StatusChanged, TimelineChanged

MOST_BEATS = 12
PORT_STATES = ("ok", "lost")


@dataclass(frozen=True, slots=True)
class Readout:
    """A value that is published and cannot be set: a number, or with `is_text` a text.

    `choices` are its possible values, where they are few and lamps can show them.
    """

    name: str
    help: str
    choices: tuple[str, ...] = ()
    is_text: bool = False

    @property
    def address(self) -> str:
        """Its OSC address."""
        return f"{OSC_PREFIX}/{self.name}"


READOUTS = (
    Readout(
        "state",
        "What it does: it listens, waits to answer, answers, or counts the bars in.",
        ("listening", "waiting", "answering", "counting"),
    ),
    Readout("turn", "Whose turn it is, in fours.", ("player", "partner", "nobody")),
    Readout("bar", "The bar of the song, from 1; below that it is counted in."),
    Readout(
        "beat",
        "The beat of the bar, from 1, in the meter's own notes: 6/8 has six.",
        tuple(str(beat) for beat in range(1, MOST_BEATS + 1)),
    ),
    Readout("planned", "How many notes are planned and have not sounded; at most some eight."),
    Readout("bpm", "How fast the beat goes, whoever keeps it."),
    Readout("midi_in", "Whether the MIDI input is there; one that is lost comes back by itself.", PORT_STATES),
    Readout("midi_out", "Whether the MIDI output is there; one that is lost comes back by itself.", PORT_STATES),
)


class JamStatus:
    """The latest status and timeline of the feed; before any event, the status of a jam that listens."""

    def __init__(self) -> None:
        self._status = StatusChanged("listening", None, (), 0.0)
        self._timeline: TimelineChanged | None = None

    def update(self, events: Iterable[Event]) -> None:
        """Takes events of the feed; only the latest status and timeline are kept."""
        for event in events:
            if isinstance(event, StatusChanged):
                self._status = event
            elif isinstance(event, TimelineChanged):
                self._timeline = event

    def values(self, now_s: float, turns: TurnSchedule) -> dict[str, Value]:
        """The value of each of `READOUTS` at a monotonic second; `bar` and `beat` are left out where no bars go by.

        `turns` must be those of the present controls.
        """
        status, timeline_event = self._status, self._timeline
        turn = None if status.turn is None else status.turn.side
        values: dict[str, Value] = {}
        if timeline_event is not None:
            timeline = timeline_event.timeline
            beat = timeline.beat_at(now_s)
            values["bpm"] = round(timeline.tempo_bpm, 1)
            if timeline_event.transport != "stopped":
                values["bar"], values["beat"] = _bar_and_beat(timeline, beat)
            if status.turn is not None:
                # Computed here: the feed has no event at the end of a turn in which nobody plays.
                turn = turns.at(beat, timeline).side
        counts_in = status.turn is not None and turn is None and status.state != "answering"
        values["state"] = "counting" if counts_in else status.state
        values["turn"] = turn or "nobody"
        values["planned"] = len(status.plan)
        values["midi_in"] = PORT_STATES[status.is_input_lost]
        values["midi_out"] = PORT_STATES[status.is_output_lost]
        return values

    def next_beat_s(self, now_s: float) -> float | None:
        """The monotonic second of the next beat; None where no beats go by."""
        event = self._timeline
        if event is None or event.transport == "stopped":
            return None
        timeline = event.timeline
        bar, into_bar = timeline.bar_at(timeline.beat_at(now_s))
        unit_beats = 4 / timeline.meter.denominator
        next_beats = (int((into_bar + LINE_TOLERANCE_BEATS) / unit_beats) + 1) * unit_beats
        return timeline.seconds_at(timeline.bar_line(bar) + min(next_beats, timeline.meter.beats_per_bar))


def _bar_and_beat(timeline: Timeline, beat: float) -> tuple[int, int]:
    """The bar and the beat as musicians count them, from 1, in the meter's own notes."""
    bar, into_bar = timeline.bar_at(beat)
    return bar + 1, int((into_bar + LINE_TOLERANCE_BEATS) * timeline.meter.denominator / 4) + 1
