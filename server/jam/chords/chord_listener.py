"""Hears chords, beat by beat, and finds the form of a song from them. It reads no clock and sends nothing."""

from bisect import bisect_right
from collections import deque

from bridge.timing.timeline import Timeline
from model.analysis.key_finder import KeyFinder
from model.harmony.changes import ChartChanges
from model.harmony.chart import Chart, ChartBar
from model.harmony.chord import Chord
from model.harmony.chord_naming import is_cluster, name_chord
from model.harmony.form_finder import BarChords, form_length
from model.harmony.melody_chord import chord_of_melody
from model.notes import Note

# A hand that comes down late still means the beat before it, and one that comes a little early the beat after it.
LATE_BEATS, EARLY_BEATS = 0.3, 0.15
BARS_KEPT = 256
CHANGES_KEPT = 1024


class ChordListener:
    """The chords that sound and those of the bars so far; `changes` predicts the next ones once the form is known."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._heard: deque[tuple[float, Chord]] = deque(maxlen=CHANGES_KEPT)  # chords and the beats that they begin at
        self._bars: dict[int, BarChords] = {}
        self._key_finder = KeyFinder()  # the key of the phrases, by which the chord of a bar is likelier or not
        self._next_bar: int | None = None  # the first bar that is not finished
        self.changes: ChartChanges | None = None
        """What is known of the chords; None until the first one is heard."""
        self.form_bars = 0
        """The length of the form in bars; 0 until it is known."""

    def press(self, pitch: int, beat: float, timeline: Timeline) -> None:
        """A key of the chords goes down. Notes that make no chord, single or a cluster, leave the present one in force."""
        self._held.add(pitch)
        chord = name_chord(self._held)
        if chord is not None:
            self._add(chord, beat, timeline)
        elif is_cluster(self._held):
            # Its keys came one by one, and the first of them may have been taken for a chord.
            self._take_back(beat)
            self._predict_last(timeline)

    def release(self, pitch: int) -> None:
        """A key of the chords comes up; the chord counts on until another one is heard."""
        self._held.discard(pitch)

    def hear_phrase(self, notes: list[Note], timeline: Timeline, bar: int) -> None:
        """Names the likeliest chord of a bar that is over, from the player's notes in it and the key of those heard so far."""
        start, end = timeline.bar_line(bar), timeline.bar_line(bar + 1)
        beats: dict[int, float] = {}
        for note in notes:
            sounding = min(note.end_beats, end) - max(note.onset_beats, start)
            if sounding > 0.0:
                beats[note.pitch % 12] = beats.get(note.pitch % 12, 0.0) + sounding
                if note.onset_beats >= start:
                    self._key_finder.hear(note.pitch, note.duration_beats, note.onset_beats)
        chord = chord_of_melody(beats, self._key_finder.key)
        if chord is not None:
            self._add(chord, start, timeline)

    def advance(self, beat: float, timeline: Timeline) -> bool:
        """Finishes the bars that are over by `beat`; returns whether what is known of the chords has changed."""
        present, _ = timeline.bar_at(beat - LATE_BEATS)
        if not self._heard:
            return False
        if self._next_bar is None:
            self._next_bar = timeline.bar_at(self._heard[0][0] + LATE_BEATS)[0]
        changed = False
        while self._next_bar < present:
            changed |= self._finish_bar(self._next_bar, timeline)
            self._next_bar += 1
        return changed

    def forget(self) -> None:
        """Forgets what was heard: the song has jumped or the bars have changed, so it predicts nothing any more."""
        self._bars.clear()
        self._heard.clear()
        self._next_bar, self.form_bars = None, 0

    def _add(self, chord: Chord, beat: float, timeline: Timeline) -> None:
        self._heard.append((self._take_back(beat), chord))
        self._predict_last(timeline)

    def _take_back(self, beat: float) -> float:
        """Forgets the chords that were still being struck at `beat`, and returns the beat at which the first of them began."""
        while self._heard and self._heard[-1][0] > beat - LATE_BEATS:
            beat = min(self._heard.pop()[0], beat)
        return beat

    def _predict_last(self, timeline: Timeline) -> None:
        """While no form is known, predicts that the last chord goes on."""
        if self.form_bars:
            return
        self.changes = None
        if self._heard:
            chart = Chart((ChartBar((self._heard[-1][1],)),))
            self.changes = ChartChanges(chart, timeline.downbeat, timeline.meter.beats_per_bar)

    def _finish_bar(self, bar: int, timeline: Timeline) -> bool:
        start = timeline.bar_line(bar)
        beats = max(round(timeline.meter.beats_per_bar), 1)
        chords = [self._chord_at(start + index + LATE_BEATS) for index in range(beats)]
        self._bars[bar] = tuple(chords)
        if len(self._bars) > BARS_KEPT:
            del self._bars[min(self._bars)]
        length = form_length(self._bars, bar) or 0
        if length:
            first = bar - length + 1
            form = Chart(tuple(_bar(self._bars[number]) for number in range(first, bar + 1)))
            self.changes = ChartChanges(form, timeline.bar_line(first), timeline.meter.beats_per_bar)
        was_known, self.form_bars = self.form_bars, length
        return bool(length) or was_known != length

    def _chord_at(self, beat: float) -> Chord | None:
        index = bisect_right(self._heard, beat + EARLY_BEATS, key=lambda heard: heard[0])
        return self._heard[index - 1][1] if index else None


def _bar(chords: BarChords) -> ChartBar:
    """The bar of the chords of its beats: a chord that goes on is written once."""
    starts = [index for index, chord in enumerate(chords) if index == 0 or chord != chords[index - 1]]
    return ChartBar(tuple(chords[index] for index in starts), tuple(map(float, starts)))
