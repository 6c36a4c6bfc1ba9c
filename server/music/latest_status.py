"""The latest status of the jam, taken from the feed, and the values of all readouts at a second. It reads no clock."""

from collections.abc import Iterable

from bridge.timing.timeline import LINE_TOLERANCE_BEATS
from server.controls.control import Value
from server.jam.jam_output import JamStatus
from server.jam.readouts import READOUTS, JamMoment
from server.jam.turns.modes import TurnSchedule
from server.music.feed import Event, StatusChanged, TimelineChanged


class LatestStatus:
    """The latest status and timeline of the feed; before any event, the status of a jam that listens."""

    def __init__(self) -> None:
        self._status = StatusChanged(JamStatus(), 0.0)
        self._timeline: TimelineChanged | None = None

    def update(self, events: Iterable[Event]) -> None:
        """Takes events of the feed; only the latest status and timeline are kept."""
        for event in events:
            if isinstance(event, StatusChanged):
                self._status = event
            elif isinstance(event, TimelineChanged):
                self._timeline = event

    def readout_values(self, now_s: float, turns: TurnSchedule) -> dict[str, Value]:
        """The value of each of `READOUTS` at a monotonic second; one whose value is not known is left out.

        `turns` must be those of the present controls.
        """
        moment = self._moment(now_s, turns)
        values = ((readout.name, readout.value(moment)) for readout in READOUTS)
        return {name: value for name, value in values if value is not None}

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

    def _moment(self, now_s: float, turns: TurnSchedule) -> JamMoment:
        status, event = self._status, self._timeline
        timeline = None if event is None else event.timeline
        return JamMoment(
            status.jam,
            turns,
            timeline,
            None if timeline is None else timeline.beat_at(now_s),
            event is not None and event.transport != "stopped",
            status.is_input_lost,
            status.is_output_lost,
        )
