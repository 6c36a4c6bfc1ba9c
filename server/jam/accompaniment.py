"""What the jam plays over: the chords that are known, and the band that plays them; knows no answer, no model and no clock.

All beats are quarter notes on the jam's timeline.
"""

import math
from collections.abc import Callable, Iterable

from bridge.midi.messages import Message
from bridge.timing.clock_messages import Transport
from bridge.timing.timeline import Timeline
from model.harmony.changes import ChartChanges
from model.harmony.chart import Chart
from model.notes import Note
from server.band.band_note import BandNote
from server.band.band_player import BandPlayer
from server.controls.control_table import Settings
from server.jam.chords.chord_source import CHORD_CONTROLS, ChordSource
from server.jam.jam_output import TimedMessage

BAND_CONTROLS = ("band", "feel", "swing", "meter")
"""Controls after whose change the band arranges again what has not sounded."""


class Accompaniment:
    """Joins the chords and the band. The jam calls it with the present beat, settings and timeline.

    `on_chords_changed` is called with the known chords after each change, as the last thing that a method does.
    """

    def __init__(self, random_seed: int, on_chords_changed: Callable[[ChartChanges | None], None]) -> None:
        self._on_chords_changed = on_chords_changed
        self._chords = ChordSource()
        self._band = BandPlayer(random_seed)
        self._is_silenced = False  # by `stop`, until the band is started again
        self._is_muted = False  # for now
        self._comes_in_again = False  # when it is no longer muted
        self._transport: Transport = "free"
        self.form_start_beats: float | None = None
        """The beat at which the band begins the form after its count-in: the jam takes it as a downbeat, and sets this to None."""
        self._ended: list[TimedMessage] = []
        self._must_go_on = False  # something has changed that may start or stop the band

    @property
    def chart(self) -> Chart | None:
        """The chart that was set."""
        return self._chords.chart

    @property
    def changes(self) -> ChartChanges | None:
        """The chords that are known; a new object after each change."""
        return self._chords.changes

    @property
    def band_plan(self) -> tuple[BandNote, ...]:
        """What the band has arranged last, up to a bar ahead."""
        return self._band.plan

    def is_of_chords(self, message: Message, settings: Settings) -> bool:
        """Whether a message of the player's belongs to the chords, and so not to the phrase."""
        return self._chords.is_of_chords(message, settings)

    def receive(self, message: Message, beat: float, timeline: Timeline, settings: Settings) -> None:
        """Takes a message of the chords."""
        self._chords.receive(message, beat, timeline, settings)
        self._update(beat, timeline, settings)

    def take_remarks(self) -> list[str]:
        """What is to be said about the chords that were heard since the last call, each sentence once in a jam."""
        return self._chords.take_remarks()

    def set_chart(self, chart: Chart | None, beat: float, timeline: Timeline, settings: Settings) -> None:
        """Sets the chart, None for none."""
        self._chords.set_chart(chart)
        self._note_change(settings)
        self._update(beat, timeline, settings)

    def on_change(self, control: str, beat: float, timeline: Timeline, settings: Settings) -> None:
        """A control has a new value, which `settings` has."""
        if control == "band":
            self._is_silenced = False
        self._note_change(settings)
        if control in BAND_CONTROLS:
            self._band.replan(beat)
        if control in CHORD_CONTROLS:
            self._update(beat, timeline, settings)

    def set_timeline(
        self, timeline: Timeline, transport: Transport, beat: float, settings: Settings, *, has_same_bars: bool
    ) -> None:
        """The bars, the song or the tempo have changed."""
        if transport != self._transport:
            self._transport, self._is_silenced = transport, False
            self._note_change(settings)
            self._stop_band(beat)
        if has_same_bars:
            return
        self._chords.on_bars_moved()
        self._band.replan(beat, timeline)
        self._update(beat, timeline, settings, has_moved=True)

    def play(self, beat: float) -> None:
        """Starts the band from the top, with a count-in, where it has something to play."""
        self._stop_band(beat)
        self._is_silenced, self._comes_in_again, self._must_go_on = False, False, True

    def stop(self, beat: float) -> None:
        """Silences the band until it is started again."""
        self._is_silenced, self._comes_in_again = True, False
        self._stop_band(beat)

    def mute(self, beat: float, *, is_muted: bool) -> None:
        """While muted, the band is silent; afterwards a band that was playing comes in where the form is by then."""
        self._comes_in_again |= self._band.is_started
        self._is_muted = is_muted
        self._stop_band(beat)
        self._must_go_on = not is_muted

    def hear_phrase(self, notes: Iterable[Note], beat: float, timeline: Timeline, settings: Settings) -> None:
        """Passes on the player's latest notes, for chords that are heard in the phrase."""
        self._chords.hear_phrase(notes, beat, timeline, settings)

    def bring_up_to(self, beat: float, timeline: Timeline, settings: Settings) -> None:
        """Updates the chords to `beat`, and starts or stops the band."""
        self._must_go_on = False
        has_changed = self._chords.advance(beat, timeline, settings)
        if has_changed:
            self._band.replan(beat)
        can_play = settings.band != "off" and self.changes is not None and self._transport != "stopped"
        if not can_play:
            self._stop_band(beat)
        elif not self._band.is_started and not self._is_silenced and not self._is_muted:
            comes_in_again, self._comes_in_again = self._comes_in_again, False
            if self._transport == "playing" or comes_in_again:
                self._band.join(beat, timeline)
            else:
                self.form_start_beats = self._band.start(beat, timeline)
        if has_changed:
            self._on_chords_changed(self.changes)

    def advance(self, beat: float, latest_beats: float, timeline: Timeline, settings: Settings) -> list[TimedMessage]:
        """The band's messages that are due by `beat`, in order; what is more than `latest_beats` late is left out."""
        if self._band.is_bar_due(beat, timeline):
            self._arrange(beat, timeline, settings)
        ended, self._ended = self._ended, []
        return [*ended, *(TimedMessage(*timed, is_band=True) for timed in self._band.advance(beat, latest_beats))]

    def wake_at(self, timeline: Timeline) -> float | None:
        """The next beat at which there is something to do, which may have passed; None where there is none."""
        return -math.inf if self._must_go_on or self._ended else self._band.wake_at(timeline)

    def has_work(self, beat: float, timeline: Timeline) -> bool:
        """Whether the band has a bar to arrange."""
        return self._band.has_work(beat, timeline)

    def do_work(self, beat: float, timeline: Timeline, settings: Settings) -> None:
        """Arranges the bar that comes next."""
        self._arrange(beat, timeline, settings)

    def _arrange(self, beat: float, timeline: Timeline, settings: Settings) -> None:
        self._band.arrange(beat, timeline, self.changes, self._chords.form_bars, settings)

    def _update(self, beat: float, timeline: Timeline, settings: Settings, *, has_moved: bool = False) -> None:
        if self._chords.update(timeline, settings):
            self._band.replan(beat, timeline if has_moved else None)
            self._on_chords_changed(self.changes)

    def _note_change(self, settings: Settings) -> None:
        self._must_go_on = settings.band != "off" or self._band.is_started

    def _stop_band(self, beat: float) -> None:
        if self._band.is_started:
            self._ended += [TimedMessage(*timed, is_band=True) for timed in self._band.stop(beat)]
