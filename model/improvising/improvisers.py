"""The improvisers of the two approaches, which differ in how a token continues the music, and the function that creates one."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import dropwhile
from math import inf
from random import Random

from model.approach import Approach
from model.engines.engine import Engine
from model.harmony.changes import place_among
from model.harmony.preference.chord_preference import ChordPreference
from model.improvising.base_improviser import BaseImproviser
from model.improvising.closing import latest_onset_beats
from model.improvising.forecast import Forecast
from model.improvising.forecast_point import ForecastPoint
from model.improvising.improviser import PLANNED_VELOCITY, Improviser, PlannedNote, Snapshot
from model.improvising.rhythm import Rhythm
from model.improvising.sampling_settings import SamplingSettings
from model.improvising.varied_rhythm import VariedRhythm
from model.memory.backoff import with_odds
from model.memory.memory import Memory
from model.notes import CHORD_BEATS, ROUNDING_BEATS, SHORTEST_NOTE_BEATS, create_note
from model.phrasing.phrasing import PLAIN, Phrasing
from model.tokens.vocabulary import Cursor, EventVocabulary, PitchVocabulary

# The model does not forecast how long a note lasts. No note of an answer is held longer than this, a bar of 4/4.
LONGEST_NOTE_BEATS = 4.0
# More onsets of an answer than `novelty` and `ParallelRhythm` ever look back at.
MAX_OUTLINE_ONSETS = 64
# In the answer to a riff, a phrase that quotes itself whole, the contexts of a memory leave this share of the odds that forecast best to the network,
# where a time may come and before a note. The less the phrase quotes itself (`self_quoting`), the nearer it is to 1.
RIFF_TIME_ODDS, RIFF_NOTE_ODDS = 0.3, 0.2


class PitchImproviser(BaseImproviser[PitchVocabulary]):
    """Approach 1: one pitch after another, in a given rhythm: a note every `step_beats`, or that of a phrase."""

    approach: Approach = "pitch"

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        settings = self._over_chords(settings)
        vocabulary, forecast = self._vocabulary, Forecast(self._vocabulary, settings)
        rhythm: Rhythm | VariedRhythm | None = settings.rhythm
        from_beats = settings.rhythm_from_beats
        if rhythm is None:
            rhythm, from_beats = Rhythm.fixed(settings.step_beats), start_beats
        times = dropwhile(lambda time: time[0] < start_beats - ROUNDING_BEATS, rhythm.unroll(from_beats, start_beats))
        latest_beats = latest_onset_beats(until_beats, settings.closing_beats)
        riff_until_beats = _riff_until_beats(settings)
        riff_strength = with_odds(settings.memory, RIFF_NOTE_ODDS**settings.self_quoting)
        current = self._current
        point = _first_point(start_beats, until_beats, settings)
        onset_beats, duration_beats = next(times)
        bars, changes = settings.bars, settings.changes if settings.harmony > 0.0 else None
        while onset_beats <= until_beats - SHORTEST_NOTE_BEATS:
            point.onset_beats, point.end_beats = onset_beats, min(onset_beats + duration_beats, until_beats)
            point.place = None if bars is None else bars.grid_place(onset_beats)
            if changes is not None:
                point.chord_place = place_among(changes, onset_beats, settings.transpose)
            strength = riff_strength if onset_beats < riff_until_beats else settings.memory
            token, memory_share = self._draw(current, forecast, point, strength, random)
            pitch = vocabulary.pitch(token)
            point.outline.append(pitch)
            del point.outline[:-MAX_OUTLINE_ONSETS]
            cursor = Cursor(onset_beats, (pitch,))
            current = self._advance(current, token, cursor, point.place, point.chord_place, learn=settings.learn_answer)
            next_beats, next_duration_beats = next(times)
            is_last = next_beats > latest_beats
            if forecast.closing is not None:
                is_last = is_last or random.random() < forecast.closing.chance_after(onset_beats, pitch)
            fills_gap = settings.rhythm is None and not is_last
            if is_last and settings.ending is not None:
                end_beats = onset_beats + settings.ending.last_length_beats(onset_beats, random.random())
            elif is_last and not isinstance(settings.rhythm, Rhythm):
                end_beats = until_beats
            else:
                end_beats = min(onset_beats + duration_beats, until_beats)
            note = create_note(pitch, onset_beats, end_beats - onset_beats, PLANNED_VELOCITY)
            yield PlannedNote(note, current, memory_share, fills_gap, is_last)
            if is_last:
                return
            onset_beats, duration_beats = next_beats, next_duration_beats


class EventImproviser(BaseImproviser[EventVocabulary]):
    """Approach 2: notes and the time between them, both as learnt. A note lasts until the next onset."""

    approach: Approach = "event"

    def compose(
        self, start_beats: float, until_beats: float, settings: SamplingSettings, random: Random
    ) -> Iterator[PlannedNote]:
        settings = self._over_chords(settings)
        vocabulary, forecast = self._vocabulary, Forecast(self._vocabulary, settings)
        # The network hears the rest before the first note like any other rest; then a note must come. However soon
        # that note comes, it is a new onset, and does not belong to the chord that was heard last.
        last_beats = self._current.cursor.onset_beats
        new_onset_beats = start_beats if last_beats is None else max(start_beats, last_beats + CHORD_BEATS)
        bars, learn = settings.bars, settings.learn_answer
        changes = settings.changes if settings.harmony > 0.0 else None
        current = replace(self._current, cursor=Cursor(start_beats))
        for rest in vocabulary.encode_time(new_onset_beats, self._current.cursor):
            place = None if bars is None or last_beats is None else bars.grid_place(last_beats)
            current = self._advance(current, rest, current.cursor, place, learn=learn)
        onset_beats, latest_beats = start_beats, latest_onset_beats(until_beats, settings.closing_beats)
        point = _first_point(start_beats, until_beats, settings)
        chord: list[tuple[int, float, Snapshot]] = []
        first_time, shifts, pitches = vocabulary.first_time_token, vocabulary.bins.shifts, vocabulary.pitches
        strength, closing = settings.memory, forecast.closing
        riff, riff_until_beats = settings.self_quoting, _riff_until_beats(settings)
        riff_strengths = [with_odds(strength, odds**riff) for odds in (RIFF_NOTE_ODDS, RIFF_TIME_ODDS)]
        while onset_beats <= until_beats - SHORTEST_NOTE_BEATS:
            if not chord:
                point.onset_beats, point.chord = onset_beats, ()
                point.place = None if bars is None else bars.grid_place(onset_beats)
                if changes is not None:
                    point.chord_place = place_among(changes, onset_beats, settings.transpose)
            of_notes, of_times = riff_strengths if onset_beats < riff_until_beats else (strength, strength)
            token, memory_share = self._draw(current, forecast, point, of_times if chord else of_notes, random)
            if token < first_time:
                pitch = pitches[token - 1]
                point.chord = (*point.chord, pitch)
                cursor = Cursor(onset_beats, point.chord)
                current = self._advance(current, token, cursor, point.place, point.chord_place, learn=learn)
                chord.append((pitch, memory_share, current))
                continue
            next_beats = onset_beats + shifts[token - first_time] * settings.time_scale
            duration_beats = next_beats - onset_beats
            is_last, highest = next_beats > latest_beats, max(point.chord)
            if closing is not None and not is_last:
                chance = closing.chance_beyond_times(onset_beats, until_beats, highest)
                is_last = chance > 0.0 and random.random() < chance
            if is_last:
                next_beats, duration_beats = until_beats, until_beats - onset_beats
                if settings.ending is not None:
                    duration_beats = settings.ending.last_length_beats(onset_beats, random.random())
            duration_beats = min(duration_beats, LONGEST_NOTE_BEATS)
            for pitch, memory_share, after in chord:
                note = create_note(pitch, onset_beats, duration_beats, PLANNED_VELOCITY)
                yield PlannedNote(note, after, memory_share, not is_last, is_last)
            point.outline.append(highest)
            point.onsets.append(onset_beats)
            del point.outline[:-MAX_OUTLINE_ONSETS], point.onsets[:-MAX_OUTLINE_ONSETS]
            chord.clear()
            onset_beats = next_beats
            current = self._advance(current, token, Cursor(onset_beats), point.place, learn=learn)


def _first_point(start_beats: float, until_beats: float, settings: SamplingSettings) -> ForecastPoint:
    outline, onsets = list(settings.answer_outline), list(settings.answer_onsets)
    return ForecastPoint(start_beats, until_beats, start_beats, outline=outline, onsets=onsets)


def _riff_until_beats(settings: SamplingSettings) -> float:
    """Until when an answer to a riff keeps closer to it: in its last bar it ends as any other."""
    return inf if settings.ending is None else settings.ending.from_beats


def create_improviser(
    engine: Engine,
    vocabulary: PitchVocabulary | EventVocabulary,
    memory: Memory | None = None,
    phrasing: Phrasing = PLAIN,
    chord_preference: ChordPreference | None = None,
) -> Improviser:
    """The improviser of the vocabulary's approach.

    Without a memory it plays what the network forecasts alone, and without a preference it takes no account of chords.
    """
    if isinstance(vocabulary, EventVocabulary):
        return EventImproviser(engine, vocabulary, memory, phrasing, chord_preference)
    return PitchImproviser(engine, vocabulary, memory, phrasing, chord_preference)
