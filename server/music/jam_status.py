"""How the jam stands, as a stage shows it: state, whose turn, bar and beat, what is planned; knows no wire and reads no clock.

It is told what the feed brings, and asked with the second; between two events it counts the beats itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from server.controls.control import OSC_PREFIX, Value
from server.jam.modes import TurnSchedule
from server.music.feed import Event, StatusChanged, TimelineChanged

MOST_BEATS = 12


@dataclass(frozen=True, slots=True)
class Readout:
    """Something that is told and cannot be set; `choices` are what it may be, where lights can show it."""

    name: str
    help: str
    choices: tuple[str, ...] = ()

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
)


class JamStatus:
    """The present state of things; before the feed has brought anything, that of a jam which listens."""

    def __init__(self) -> None:
        self._stands = StatusChanged("listening", None, (), 0.0)
        self._kept: TimelineChanged | None = None

    def update(self, events: Iterable[Event]) -> None:
        """What has happened; only how it stands now is kept."""
        for event in events:
            if isinstance(event, StatusChanged):
                self._stands = event
            elif isinstance(event, TimelineChanged):
                self._kept = event

    def values(self, now_s: float, turns: TurnSchedule) -> dict[str, Value]:
        """The value of each of `TELLS`; without bars and beats where none go by. `turns` are how they are taken."""
        stands, kept = self._stands, self._kept
        turn = None if stands.turn is None else stands.turn.side
        values: dict[str, Value] = {}
        if kept is not None:
            timeline = kept.timeline
            beat = timeline.beat_at(now_s)
            values["bpm"] = round(timeline.tempo_bpm, 1)
            if kept.transport != "stopped":
                values["bar"], values["beat"] = _bar_and_beat(timeline, beat)
            if stands.turn is not None:
                # Counted here: at the end of a turn in which nobody plays nothing happens, and the feed is silent.
                turn = turns.at(beat, timeline).side
        counts_in = stands.turn is not None and turn is None and stands.state != "answering"
        values["state"] = "counting" if counts_in else stands.state
        values["turn"] = turn or "nobody"
        values["planned"] = len(stands.plan)
        return values

    def next_beat_s(self, now_s: float) -> float | None:
        """The second of the next beat; None where none goes by."""
        kept = self._kept
        if kept is None or kept.transport == "stopped":
            return None
        timeline = kept.timeline
        bar, into_bar = timeline.bar_at(timeline.beat_at(now_s))
        unit = 4 / timeline.meter.denominator
        next_into = (int((into_bar + LINE_TOLERANCE_BEATS) / unit) + 1) * unit
        return timeline.seconds_at(timeline.bar_line(bar) + min(next_into, timeline.meter.beats_per_bar))


def _bar_and_beat(timeline: Timeline, beat: float) -> tuple[int, int]:
    """As musicians count: both from 1."""
    bar, into_bar = timeline.bar_at(beat)
    return bar + 1, int((into_bar + LINE_TOLERANCE_BEATS) * timeline.meter.denominator / 4) + 1
