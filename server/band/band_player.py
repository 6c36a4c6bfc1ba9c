"""Plays the band in time: counts in, arranges each bar shortly before it begins, and ends every note; no clock and no port.

All beats are quarter notes on the jam's timeline. Each bar is arranged on its own from the chart, so a jump in the
song, another chart or another feel takes effect with the next note.
"""

import math
from collections import deque

from bridge.midi.messages import Message, NoteOff, NoteOn
from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from model.harmony.changes import Changes
from server.band.arranger import Arranger, Bar
from server.band.band_note import BAND_CHANNELS, BandNote
from server.band.drums import count_in
from server.band.pulses import pulses_of
from server.controls.control_table import PERCENT, Settings

# A bar is arranged this long before it begins: its first notes may be shown and scheduled ahead.
ARRANGE_AHEAD_BEATS = 1.0
# A bar that began no longer ago than this is played from its first beat; what is too late to sound is left out by `advance`.
JUST_PASSED_BEATS = 0.25
# What was struck no longer ago than this is not struck again: as a song jumps, the note of the place that it leaves has been sent already.
JUST_STRUCK_BEATS = 0.1
# The drums mark where a form begins and ends, at most once in so many bars.
FEWEST_BARS_MARKED = 8

TimedBandMessage = tuple[Message, float]
"""A message, and the beat at which it is due."""
_Key = tuple[int, int]  # channel, pitch


def bar_of(number: int, start_beats: float, form_bars: int) -> Bar:
    """The bar of this number in a form of `form_bars` bars, 0 where no form is known. A short form is marked once in several rounds."""
    if form_bars == 0:
        return Bar(start_beats, number)
    marked_bars = form_bars * -(-FEWEST_BARS_MARKED // form_bars)
    place = number % marked_bars
    return Bar(start_beats, number, begins_form=place == 0, ends_form=place == marked_bars - 1)


def _from_bar_line(beat: float, timeline: Timeline) -> float:
    """The bar line that `beat` has only just passed, else `beat`: a song that starts or jumps is known of a little after its first beat."""
    bar, into_bar = timeline.bar_at(beat)
    return timeline.bar_line(bar) if into_bar <= JUST_PASSED_BEATS else beat


class BandPlayer:
    """The band of a jam. It plays while `band` is on, a chart is there and bars go by.

    Where no song is followed, it is started (`start`), and counts one bar in; where one is followed, it plays while the
    song does. All methods must be called from one thread; none blocks.
    """

    def __init__(self, random_seed: int) -> None:
        self._random_seed = random_seed
        self._arranger = Arranger(random_seed)
        self._is_started = False
        self._from_beats = 0.0  # the first beat of the form, once the band is started
        self._planned: deque[BandNote] = deque()
        self._next_bar: int | None = None  # the next bar to be arranged; None while nothing is planned
        self._shown: tuple[BandNote, ...] = ()
        self._sounding: dict[_Key, float] = {}  # until which beat
        self._struck: dict[_Key, float] = {}  # at which beat last
        self._downbeat = 0.0  # of the timeline by which the last bar was arranged

    @property
    def is_playing(self) -> bool:
        """Whether it plays or counts in."""
        return self._next_bar is not None or bool(self._planned) or bool(self._sounding)

    @property
    def is_started(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._is_started

    @property
    def plan(self) -> tuple[BandNote, ...]:
        """The notes that were arranged last, with those that had not sounded then: a new value once a bar, and not with each note."""
        return self._shown

    def start(self, beat: float, timeline: Timeline) -> float:
        """Starts: a bar is counted in from the next bar line on; returns the beat at which the form begins."""
        first_beat = timeline.bar_line_at_or_after(beat)
        self._is_started = True
        self._from_beats = first_beat + timeline.meter.beats_per_bar
        self._planned.clear()
        self._next_bar = None
        self._arranger = Arranger(self._random_seed)
        for note in count_in(pulses_of(timeline.meter)):
            self._planned.append(
                BandNote(note.instrument, note.pitch, first_beat + note.onset_beats, note.duration_beats, note.velocity)
            )
        self._shown = tuple(self._planned)
        return self._from_beats

    def join(self, beat: float, timeline: Timeline) -> None:
        """Plays from `beat` on, without a count-in: a song is followed, and is under way."""
        self._is_started = True
        self._from_beats = _from_bar_line(beat, timeline)
        self._planned.clear()
        self._next_bar, self._shown = None, ()

    def stop(self, beat: float) -> list[TimedBandMessage]:
        """Stops, and ends what sounds."""
        self._is_started = False
        self._planned.clear()
        self._next_bar, self._shown = None, ()
        return self._end_all(beat)

    def replan(self, beat: float, moved_to: Timeline | None = None) -> None:
        """Arranges again what has not sounded: the chart, the feel, the bars or the place in the song have changed.

        `moved_to` is the timeline with the new bars or the new place, where it is one of these. Where that is more than
        a tap that came late, the chord and the bass note of the old place end.
        """
        if moved_to is not None and abs(moved_to.downbeat - self._downbeat) > JUST_PASSED_BEATS:
            self._sounding = {
                key: end if key[0] == BAND_CHANNELS["drums"] else min(end, beat) for key, end in self._sounding.items()
            }
        # The clicks of a count-in go on.
        self._planned = deque(note for note in self._planned if note.onset_beats < self._from_beats)
        self._next_bar = None
        self._from_beats = max(self._from_beats, beat if moved_to is None else _from_bar_line(beat, moved_to))
        self._shown = tuple(self._planned)

    def has_work(self, beat: float, timeline: Timeline) -> bool:
        """Whether a bar is to be arranged by now."""
        at = self._arrange_at(timeline)
        return at is not None and at <= beat

    def is_bar_due(self, beat: float, timeline: Timeline) -> bool:
        """Whether a bar that is not arranged has begun: there was no time to arrange it before."""
        at = self._arrange_at(timeline)
        return at is not None and at + ARRANGE_AHEAD_BEATS <= beat

    def arrange(
        self, beat: float, timeline: Timeline, changes: Changes | None, form_bars: int, settings: Settings
    ) -> None:
        """Arranges the bar that comes next. `form_bars` is the length of the form in bars, 0 where there is none."""
        if changes is None:
            return
        is_first = self._next_bar is None
        from_beats = max(_from_bar_line(beat, timeline), self._from_beats) if is_first else self._from_beats
        number = timeline.bar_at(from_beats)[0] if self._next_bar is None else self._next_bar
        bar = bar_of(number, timeline.bar_line(number), form_bars)
        notes = self._arranger.notes(
            bar, changes, timeline.meter, settings.band, settings.feel, settings.swing / PERCENT
        )
        self._planned.extend(note for note in notes if note.onset_beats >= from_beats - LINE_TOLERANCE_BEATS)
        self._next_bar, self._downbeat = number + 1, timeline.downbeat
        self._shown = tuple(self._planned)

    def advance(self, beat: float, latest_beats: float) -> list[TimedBandMessage]:
        """The messages due by `beat` in order; at equal beats notes end before notes begin.

        A note that is more than `latest_beats` late is left out.
        """
        due: list[TimedBandMessage] = []
        while self._planned and self._planned[0].onset_beats <= beat:
            note = self._planned.popleft()
            due += self._ends_until(note.onset_beats)
            if note.onset_beats < beat - latest_beats:
                continue
            due += self._strike(note)
        return due + self._ends_until(beat)

    def wake_at(self, timeline: Timeline) -> float | None:
        """The next beat at which `arrange` or `advance` has something to do; None where there is none."""
        beats = [note.onset_beats for note in list(self._planned)[:1]]
        beats += self._sounding.values()
        at = self._arrange_at(timeline)
        if at is not None:
            beats.append(at)
        return min(beats, default=None)

    def _arrange_at(self, timeline: Timeline) -> float | None:
        """From which beat on the next bar is arranged; None while the band is stopped."""
        if not self._is_started:
            return None
        begins = self._from_beats if self._next_bar is None else timeline.bar_line(self._next_bar)
        return begins - ARRANGE_AHEAD_BEATS

    def _strike(self, note: BandNote) -> list[TimedBandMessage]:
        """The messages of a note that begins; none where it is a drum, or goes on, and was struck just before.

        What its instrument struck before ends: chart, feel or place may have changed while it sounds.
        """
        key, at_beats = (note.channel, note.pitch), note.onset_beats
        is_struck = at_beats - self._struck.get(key, -math.inf) < JUST_STRUCK_BEATS
        self._struck[key] = at_beats
        if is_struck and key in self._sounding:
            self._sounding[key] = note.end_beats
            return []
        if is_struck and note.instrument == "drums":
            return []
        ended = [other for other in self._sounding if other == key or self._gives_way(other, note)]
        for other in ended:
            del self._sounding[other]
        self._sounding[key] = note.end_beats
        messages: list[Message] = [NoteOff(pitch, channel) for channel, pitch in ended]
        messages.append(NoteOn(note.pitch, note.velocity, note.channel))
        return [(message, at_beats) for message in messages]

    def _gives_way(self, key: _Key, note: BandNote) -> bool:
        """Whether a sounding note ends as `note` begins: any of the bass, and those of an earlier chord."""
        if key[0] != note.channel or note.instrument == "drums":
            return False
        return note.instrument == "bass" or self._struck[key] < note.onset_beats

    def _ends_until(self, beat: float) -> list[TimedBandMessage]:
        ended = sorted((end, key) for key, end in self._sounding.items() if end <= beat)
        for _, key in ended:
            del self._sounding[key]
        return [(NoteOff(pitch, channel), end) for end, (channel, pitch) in ended]

    def _end_all(self, beat: float) -> list[TimedBandMessage]:
        keys, self._sounding = sorted(self._sounding), {}
        return [(NoteOff(pitch, channel), beat) for channel, pitch in keys]
