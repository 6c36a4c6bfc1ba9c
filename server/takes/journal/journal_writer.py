"""Turns the events of a jam into the lines of its journal, and thins out floods of them; knows no file and no clock."""

from collections.abc import Sequence

from server.controls.control_table import CONTROLS, Settings
from server.music.feed import ActionRequested, Event, SettingChanged, StatusChanged, TimelineChanged
from server.takes.journal.record_encoder import RecordEncoder
from server.takes.journal.records import JournalBegun, Record, with_time_origin
from server.takes.take_summary import RECORD, TakeSummary


class JournalWriter:
    """Encodes the events of one jam, batch by batch.

    `began_s` is the clock's second at which the journal starts; the seconds in its records count from there. Call
    `encode_start` first, then `encode_events` any number of times, then `encode_end`.
    """

    def __init__(self, begun: JournalBegun, began_s: float) -> None:
        self._begun = begun
        self._began_s = began_s
        self._encoder = RecordEncoder()
        self._summary = TakeSummary()
        self._last_values: dict[str, SettingChanged] = {}
        self._last_timeline: TimelineChanged | None = None

    @property
    def is_empty(self) -> bool:
        """Whether so far nothing was played and nothing marked."""
        return self._summary.is_empty

    def encode_start(self, settings: Settings) -> bytes:
        """The first lines: the date, and the value of every control."""
        self._summary.add(self._begun)
        names = [control.name for control in CONTROLS if control.kind != "action"]
        values = [SettingChanged(name, getattr(settings, name), self._began_s, 0.0) for name in names]
        return self._encoder.encode(self._begun) + self.encode_events(values)

    def encode_events(self, events: Sequence[Event]) -> bytes:
        """The lines of the next events, in order. Where they come in floods, call `thin_out` on them first."""
        lines = []
        for event in events:
            if isinstance(event, StatusChanged):
                continue
            record = with_time_origin(event, self._began_s)
            self._summary.add(record)
            if isinstance(record, SettingChanged):
                self._last_values[record.control] = record
            elif isinstance(record, TimelineChanged):
                self._last_timeline = record
            lines.append(self._encoder.encode(record))
        return b"".join(lines)

    def encode_memories(self, records: Sequence[Record]) -> bytes:
        """The lines of what the memories have heard; they are no events, and count for nothing in the summary."""
        return b"".join(map(self._encoder.encode, records))

    def encode_again(self) -> bytes:
        """The first lines of another journal of this jam, if what was written so far is lost: all but the notes."""
        self._encoder = RecordEncoder()
        records: list[Record] = [self._begun, *self._last_values.values()]
        if self._last_timeline is not None:
            records.append(self._last_timeline)
        return b"".join(map(self._encoder.encode, records))

    def encode_end(self, at_s: float) -> bytes:
        """The last line, with the summary of a jam that ends at `at_s` by the clock."""
        return self._encoder.encode(self._summary.journal_end(at_s - self._began_s))


def thin_out(events: Sequence[Event]) -> list[Event]:
    """Keeps, of many events about the same thing, only the last, so that floods do not fill the disk.

    Such things are a control that moves, an action that is repeated, and a tempo that follows a clock. Notes, pedals and
    the `record` control are kept in full.
    """
    kept: list[Event] = []
    seen: set[object] = set()
    for event in reversed(events):
        subject = _subject(event)
        if subject is None or subject not in seen:
            kept.append(event)
        if subject is not None:
            seen.add(subject)
    return kept[::-1]


def _subject(event: Event) -> object:
    """What an event is about: a later event with the same subject replaces it. None if every one counts."""
    match event:
        case SettingChanged(control) if control != RECORD:
            return (SettingChanged, control)
        case ActionRequested(action):
            return (ActionRequested, action)
        case TimelineChanged(timeline, transport, source):
            return (TimelineChanged, timeline.downbeat, timeline.meter, transport, source)
        case _:
            return None
