"""The chords that a take was played over, as markers: those of its charts, and those that the jam heard; knows no file format.

The chords are not in the journal. They follow from the charts, bars and notes that are, by the jam's own `ChordSource`.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from operator import itemgetter

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.timeline import Timeline
from model.defaults import DEFAULT_TEMPO_BPM
from model.errors import ChartError
from model.files.song import Marker
from model.harmony.chart import NO_CHART, Chart
from model.harmony.chord import Chord
from model.harmony.chord_markers import changes_between, marker_text
from model.harmony.notations.text_chart import read_text_chart
from model.notes import Note
from server.controls.control_table import BY_NAME, Settings
from server.errors import BadValue
from server.jam.chords.chord_listener import BARS_KEPT, LATE_BEATS
from server.jam.chords.chord_source import CHORD_CONTROLS, ChordSource
from server.music.feed import MessageReceived, SettingChanged, TimelineChanged
from server.takes.songs.score_bars import ScoreLayout
from server.takes.take import Take

_HEARD_FROM = frozenset({"channel", "below", "phrase"})

TimedChord = tuple[float, Chord | None]
"""The jam's beat at which a chord begins, and the chord; None for no chord."""


def chord_markers(take: Take, layout: ScoreLayout) -> list[Marker]:
    """A marker with the symbol of each chord that the jam played over, where it began; the first stands where the song begins."""
    found: list[TimedChord] = []
    for beat, chord in _chords_of(take):
        if beat >= take.until_beats:
            break
        begins_at = max(beat, layout.from_beats)
        if found and begins_at - found[-1][0] < LATE_BEATS:
            begins_at, _ = found.pop()  # a chord that was still being struck, or one from before the song begins
        if not found or found[-1][1] != chord:
            found.append((begins_at, chord))
    return [Marker(layout.score_beat(beat), marker_text(chord)) for beat, chord in found]


def _chords_of(take: Take) -> Iterator[TimedChord]:
    """The chords of the whole jam up to the end of the take, in order: what was heard before a mark is known within it."""
    recording = take.recording
    whole = recording.timeline
    events: list[tuple[float, SettingChanged | TimelineChanged | MessageReceived]] = [
        *((change.beat, change) for change in recording.setting_changes),
        *((whole.beat_at(change.at_s), change) for change in recording.timeline_changes),
        *((received.beat, received) for received in recording.received),
    ]
    replayed = _Replay()
    for beat, event in sorted(events, key=itemgetter(0)):
        if beat >= take.until_beats:
            break
        yield from replayed.go_on(beat)
        replayed.take(event, beat)
    yield from replayed.go_on(take.until_beats)


class _Replay:
    """Follows the chords of a jam by its events, in order."""

    def __init__(self) -> None:
        self._source = ChordSource()
        self._settings = Settings(chart=NO_CHART)
        self._timeline = Timeline.start(DEFAULT_TEMPO_BPM)
        self._beat: float | None = None
        self._held: dict[int, Note] = {}
        self._phrase: list[Note] = []

    def go_on(self, beat: float) -> Iterator[TimedChord]:
        """The chords from the last beat to this one. What is heard counts once a bar is over."""
        if self._beat is None or beat <= self._beat:
            self._beat = beat if self._beat is None else self._beat
            return
        if self._settings.chords_from in _HEARD_FROM:
            bar, _ = self._timeline.bar_at(self._beat)
            last_bar, _ = self._timeline.bar_at(beat)
            if last_bar - bar > BARS_KEPT:
                self._source.on_bars_moved()
                bar = last_bar - 1
            for number in range(bar + 1, last_bar + 1):
                yield from self._until(self._timeline.bar_line(number))
        yield from self._until(beat)

    def take(self, event: SettingChanged | TimelineChanged | MessageReceived, beat: float) -> None:
        """Takes the next event."""
        match event:
            case TimelineChanged(timeline):
                if (timeline.downbeat, timeline.meter) != (self._timeline.downbeat, self._timeline.meter):
                    self._source.on_bars_moved()
                self._timeline = timeline
            case SettingChanged("chart", value):
                self._source.set_chart(_chart_of(str(value)))
            case SettingChanged(control, value) if control in CHORD_CONTROLS:
                with suppress(BadValue):  # a journal may come from a version with other choices
                    self._settings = self._settings.with_value(control, BY_NAME[control].read(value))
            case MessageReceived(message) if self._source.is_of_chords(message, self._settings):
                self._source.receive(message, beat, self._timeline, self._settings)
            case MessageReceived(NoteOn(pitch, velocity)):
                self._held[pitch] = Note(pitch, beat, 0.0, velocity)
            case MessageReceived(NoteOff(pitch)) if pitch in self._held:
                note = self._held.pop(pitch)
                self._phrase.append(replace(note, duration_beats=beat - note.onset_beats))
        self._source.update(self._timeline, self._settings)

    def _until(self, beat: float) -> Iterator[TimedChord]:
        """The chords from the last beat to this one, as known at the last one; then adds what was heard since."""
        if self._beat is not None and self._source.changes is not None:
            yield from changes_between(self._source.changes, self._beat, beat)
        self._beat = beat
        if self._settings.chords_from in _HEARD_FROM:
            self._source.hear_phrase(self._phrase, beat, self._timeline, self._settings)
            self._phrase = [
                note for note in self._phrase if note.end_beats > beat - 8 * self._timeline.meter.beats_per_bar
            ]
            self._source.advance(beat, self._timeline, self._settings)


def _chart_of(value: str) -> Chart | None:
    """The chart of a value of the control: the jam puts the whole chart into the feed as text. A name alone is no chart yet."""
    if "|" not in value:
        return None
    try:
        return read_text_chart(value)
    except ChartError:
        return None
