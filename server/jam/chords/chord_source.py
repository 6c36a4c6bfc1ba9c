"""The chords that the jam plays over: from a chart, or heard on a channel, in the left hand or in the phrase. No clock.

All beats are quarter notes on the jam's timeline.
"""

from collections.abc import Iterable

from bridge.midi.messages import Message, NoteOff, NoteOn
from bridge.timing.timeline import Timeline
from model.harmony.changes import ChartChanges
from model.harmony.chart import Chart
from model.notes import Note
from server.controls.control_table import Settings
from server.jam.chords.chord_listener import ChordListener
from server.jam.chords.chord_remarks import ChordRemarks

CHORD_CONTROLS = ("chords_from", "chord_channel", "chords_below")
"""The controls that say where the chords come from."""


class ChordSource:
    """Holds the chart, and hears chords as the controls ask for; `changes` is what is known of them now."""

    def __init__(self) -> None:
        self.chart: Chart | None = None
        self.changes: ChartChanges | None = None
        """None where no chord is known. A new object after each change."""
        self._listener = ChordListener()
        self._remarks = ChordRemarks()
        self._phrase_bar: int | None = None  # the bar of the phrase that is heard now

    @property
    def form_bars(self) -> int:
        """The length of the form in bars; 0 where it is not known."""
        return len(self.changes.chart.bars) if self.changes is not None and self.changes is not self._unformed else 0

    @property
    def _unformed(self) -> ChartChanges | None:
        """The chord that is heard while no form is known yet; None once one is."""
        return None if self._listener.form_bars else self._listener.changes

    def set_chart(self, chart: Chart | None) -> None:
        """Sets the chart; None for none. `update` makes it the chords in force."""
        self.chart = chart

    def is_of_chords(self, message: Message, settings: Settings) -> bool:
        """Whether a message belongs to the chords, and so not to the phrase."""
        if not isinstance(message, NoteOn | NoteOff):
            return False
        if settings.chords_from == "channel":
            return message.channel == settings.chord_channel - 1
        return settings.chords_from == "below" and message.pitch < settings.chords_below

    def receive(self, message: Message, beat: float, timeline: Timeline, settings: Settings) -> None:
        """Takes a message of the chords."""
        if isinstance(message, NoteOn):
            self._listener.press(message.pitch, beat, timeline)
            self._remarks.press(message.pitch, settings)
        elif isinstance(message, NoteOff):
            self._listener.release(message.pitch)
            self._remarks.release(message.pitch, settings)

    def take_remarks(self) -> list[str]:
        """What is to be said about the chords that were heard since the last call, each sentence once in a jam."""
        return self._remarks.take()

    def hear_phrase(self, notes: Iterable[Note], beat: float, timeline: Timeline, settings: Settings) -> None:
        """Where chords are taken from the phrase: names that of each bar that is over by `beat`."""
        if settings.chords_from != "phrase":
            return
        bar, _ = timeline.bar_at(beat)
        if self._phrase_bar is not None and self._phrase_bar < bar:
            heard = [note for note in notes if note.end_beats > timeline.bar_line(self._phrase_bar)]
            for number in range(max(self._phrase_bar, bar - 8), bar):
                self._listener.hear_phrase(heard, timeline, number)
        self._phrase_bar = bar

    def on_bars_moved(self) -> None:
        """Forgets the form that was heard: the song has jumped, or its bars have another length."""
        self._listener.forget()
        self._phrase_bar = None

    def advance(self, beat: float, timeline: Timeline, settings: Settings) -> bool:
        """Goes on to `beat`; returns whether `changes` has been replaced."""
        if settings.chords_from in {"channel", "below", "phrase"}:
            self._listener.advance(beat, timeline)
        return self.update(timeline, settings)

    def update(self, timeline: Timeline, settings: Settings) -> bool:
        """Sets `changes` by the controls, the chart and the bars; returns whether it has been replaced."""
        before = self.changes
        match settings.chords_from:
            case "off":
                self.changes = None
            case "chart":
                self.changes = self._of_chart(timeline)
            case _:
                # Until something is heard, the chart is the best that is known.
                self.changes = self._listener.changes or self._of_chart(timeline)
        return self.changes is not before

    def _of_chart(self, timeline: Timeline) -> ChartChanges | None:
        if self.chart is None:
            return None
        now, beats_per_bar = self.changes, timeline.meter.beats_per_bar
        if (
            now is not None
            and now.chart is self.chart
            and (now.downbeat, now.beats_per_bar) == (timeline.downbeat, beats_per_bar)
        ):
            return now
        return ChartChanges(self.chart, timeline.downbeat, beats_per_bar, 4 / timeline.meter.denominator)
