"""What a journal comes to, record by record: how many notes, and which stretches were marked; knows no file and no beats."""

from bridge.midi.messages import ALL_NOTES_OFF, ALL_SOUND_OFF, ControlChange, Message, NoteOff, NoteOn
from server.music.feed import ActionRequested, ControlChanged, MessagePlayed, MessageReceived
from server.takes.journal import JournalBegun, JournalEnded, Mark, MarkKind, Record

RECORD: MarkKind = "record"
CAPTURE: MarkKind = "capture"
SECONDS_PER_MINUTE = 60.0

Key = tuple[type[MessageReceived] | type[MessagePlayed], int, int]


class TakeSummary:
    """Told each record of one jam in its turn, live or as it is read back; `ended` may be asked at any time."""

    def __init__(self) -> None:
        self._begun = JournalBegun("", 0.0, 0.0)
        self._at_s = 0.0
        self._heard = self._played = 0
        self._marks: list[Mark] = []
        self._recording_s: float | None = None
        # Of what sounds, the stretch since the last long silence is all that a capture asks about.
        self._sounding: set[Key] = set()
        self._stretch: tuple[float, float] | None = None

    def add(self, record: Record) -> None:
        """The next record."""
        match record:
            case JournalBegun():
                self._begun = record
            case MessageReceived(message, at_s):
                self._heard += self._sound(MessageReceived, message, at_s)
            case MessagePlayed(message, at_s):
                self._played += self._sound(MessagePlayed, message, at_s)
            case ControlChanged("record", value, at_s):
                self._record(at_s, is_on=value == "on")
            case ActionRequested("capture", at_s):
                self._capture(at_s)
        if not isinstance(record, JournalBegun):
            self._at_s = max(self._at_s, record.at_s)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was played and nothing marked: nobody would miss it."""
        return not (self._heard or self._played or self._marks)

    def journal_end(self, at_s: float | None = None) -> JournalEnded:
        """What it comes to if the jam ends at `at_s`, or with the last record."""
        at_s = self._at_s if at_s is None else max(at_s, self._at_s)
        open_mark = [] if self._recording_s is None else [Mark(RECORD, self._recording_s, at_s)]
        return JournalEnded(at_s, self._heard, self._played, (*self._marks, *open_mark))

    def _sound(self, who: type[MessageReceived] | type[MessagePlayed], message: Message, at_s: float) -> int:
        """Notices what sounds; how many notes begin."""
        match message:
            case NoteOn(pitch, _, channel):
                silence_s = self._begun.silence_s
                if self._stretch is None or not (self._sounding or at_s - self._stretch[1] < silence_s):
                    self._stretch = (at_s, at_s)
                self._sounding.add((who, channel, pitch))
                self._last_s(at_s)
                return 1
            case NoteOff(pitch, channel) if (who, channel, pitch) in self._sounding:
                self._sounding.remove((who, channel, pitch))
                self._last_s(at_s)
            case ControlChange(controller, _, channel) if controller in {ALL_SOUND_OFF, ALL_NOTES_OFF}:
                ended = {key for key in self._sounding if key[:2] == (who, channel)}
                if ended:
                    self._sounding -= ended
                    self._last_s(at_s)
        return 0

    def _last_s(self, at_s: float) -> None:
        if self._stretch is not None:
            self._stretch = (self._stretch[0], at_s)

    def _record(self, at_s: float, *, is_on: bool) -> None:
        if is_on and self._recording_s is None:
            self._recording_s = at_s
        elif not is_on and self._recording_s is not None:
            self._marks.append(Mark(RECORD, self._recording_s, at_s))
            self._recording_s = None

    def _capture(self, at_s: float) -> None:
        """Back to the last long silence before what was played last, however long ago that was."""
        if self._stretch is None:
            return
        from_s, until_s = self._stretch
        if self._sounding:
            until_s = at_s
        self._marks.append(
            Mark(CAPTURE, max(from_s, until_s - self._begun.capture_minutes * SECONDS_PER_MINUTE), until_s)
        )
