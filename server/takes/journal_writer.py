"""The minutes of a jam: what of all that happens is worth writing down, as lines of its journal; knows no file and no clock."""

from collections.abc import Sequence

from server.controls.control_table import CONTROLS, Settings
from server.music.feed import ActionRequested, ControlChanged, Event, StatusChanged, TimelineChanged
from server.takes.journal import JournalBegun, RecordEncoder, with_time_origin
from server.takes.take_summary import RECORD, TakeSummary


class JournalWriter:
    """Takes the events of one jam, some at a time; seconds are counted from `began_s`."""

    def __init__(self, begun: JournalBegun, began_s: float) -> None:
        self._begun = begun
        self._began_s = began_s
        self._scribe = RecordEncoder()
        self._tally = TakeSummary()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was played and nothing marked so far."""
        return self._tally.is_empty

    def encode_start(self, settings: Settings) -> bytes:
        """The first lines: where every control stands."""
        self._tally.add(self._begun)
        rows = [row.name for row in CONTROLS if row.kind != "action"]
        turned = [ControlChanged(name, getattr(settings, name), self._began_s, 0.0) for name in rows]
        return self._scribe.encode(self._begun) + self.encode_events(turned)

    def encode_events(self, events: Sequence[Event]) -> bytes:
        """The lines of what has happened since the last time, thinned already where there was much of it."""
        lines = []
        for event in events:
            if isinstance(event, StatusChanged):
                continue
            record = with_time_origin(event, self._began_s)
            self._tally.add(record)
            lines.append(self._scribe.encode(record))
        return b"".join(lines)

    def encode_end(self, at_s: float) -> bytes:
        """The last line: what it all comes to."""
        return self._scribe.encode(self._tally.journal_end(at_s - self._began_s))


def thin_out(events: Sequence[Event]) -> list[Event]:
    """Of what was moved or asked for over and over, and of a tempo that is followed, the last: floods must not fill a disk."""
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
    """What a later event about the same replaces; None for what each time counts."""
    match event:
        case ControlChanged(control) if control != RECORD:
            return (ControlChanged, control)
        case ActionRequested(action):
            return (ActionRequested, action)
        case TimelineChanged(timeline, transport, source):
            return (TimelineChanged, timeline.downbeat, timeline.meter, transport, source)
        case _:
            return None
