"""The summary of a journal: how many notes it has, and which stretches were marked; knows no file and no beats."""

from bridge.midi.messages import ALL_NOTES_OFF, ALL_SOUND_OFF, ControlChange, Message, NoteOff, NoteOn
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged
from server.takes.journal.records import JournalBegun, JournalEnded, Mark, MarkKind, MemoryBegun, MemoryHeard, Record

RECORD: MarkKind = "record"
CAPTURE: MarkKind = "capture"
SECONDS_PER_MINUTE = 60.0

Side = type[MessageReceived] | type[MessagePlayed]
"""The player or the partner, named by the type of its events."""
SoundingNote = tuple[Side, int, int]
"""Side, channel, pitch."""


class TakeSummary:
    """Sums up one jam from its records, given in order, live or read back; `journal_end` may be called at any time."""

    def __init__(self) -> None:
        self._begun = JournalBegun("", 0.0, 0.0)
        self._last_record_s = 0.0
        self._heard_notes = self._played_notes = 0
        self._marks: list[Mark] = []
        self._recording_since_s: float | None = None
        # A capture needs only the stretch of playing since the last long silence: when it began and when it ended.
        self._sounding: set[SoundingNote] = set()
        self._stretch_s: tuple[float, float] | None = None

    def add(self, record: Record) -> None:
        """Takes the next record into account."""
        match record:
            case JournalBegun():
                self._begun = record
            case MessageReceived(message, at_s):
                self._heard_notes += self._count_note(MessageReceived, message, at_s)
            case MessagePlayed(message, at_s, is_band=False):
                self._played_notes += self._count_note(MessagePlayed, message, at_s)
            case SettingChanged("record", value, at_s):
                self._set_recording(at_s, is_on=value == "on")
            case ActionRequested("capture", at_s):
                self._capture(at_s)
        if not isinstance(record, JournalBegun | MemoryBegun | MemoryHeard):
            self._last_record_s = max(self._last_record_s, record.at_s)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was played and nothing marked, so that the journal need not be kept."""
        return not (self._heard_notes or self._played_notes or self._marks)

    def journal_end(self, at_s: float | None = None) -> JournalEnded:
        """The last record of a journal whose jam ends at `at_s`, or with its last event."""
        at_s = self._last_record_s if at_s is None else max(at_s, self._last_record_s)
        open_mark = [] if self._recording_since_s is None else [Mark(RECORD, self._recording_since_s, at_s)]
        return JournalEnded(at_s, self._heard_notes, self._played_notes, (*self._marks, *open_mark))

    def _count_note(self, side: Side, message: Message, at_s: float) -> int:
        """Keeps track of the sounding notes; returns 1 if a note begins, else 0."""
        match message:
            case NoteOn(pitch, _, channel):
                silence_s = self._begun.silence_s
                if self._stretch_s is None or not (self._sounding or at_s - self._stretch_s[1] < silence_s):
                    self._stretch_s = (at_s, at_s)
                self._sounding.add((side, channel, pitch))
                self._extend_stretch(at_s)
                return 1
            case NoteOff(pitch, channel) if (side, channel, pitch) in self._sounding:
                self._sounding.remove((side, channel, pitch))
                self._extend_stretch(at_s)
            case ControlChange(controller, _, channel) if controller in {ALL_SOUND_OFF, ALL_NOTES_OFF}:
                ended = {note for note in self._sounding if note[:2] == (side, channel)}
                if ended:
                    self._sounding -= ended
                    self._extend_stretch(at_s)
        return 0

    def _extend_stretch(self, until_s: float) -> None:
        if self._stretch_s is not None:
            self._stretch_s = (self._stretch_s[0], until_s)

    def _set_recording(self, at_s: float, *, is_on: bool) -> None:
        if is_on and self._recording_since_s is None:
            self._recording_since_s = at_s
        elif not is_on and self._recording_since_s is not None:
            self._marks.append(Mark(RECORD, self._recording_since_s, at_s))
            self._recording_since_s = None

    def _capture(self, at_s: float) -> None:
        """Marks the last stretch of playing, back to the long silence before it, however long ago that was."""
        if self._stretch_s is None:
            return
        from_s, until_s = self._stretch_s
        if self._sounding:
            until_s = at_s
        self._marks.append(
            Mark(CAPTURE, max(from_s, until_s - self._begun.capture_minutes * SECONDS_PER_MINUTE), until_s)
        )
