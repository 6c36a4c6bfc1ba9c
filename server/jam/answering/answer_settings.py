"""Derives an answer's sampling settings from the controls, the phrase and the key; knows no jam and no clock."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from statistics import fmean, median

from model.analysis.bars import COMMON_BARS, PLACE_TOLERANCE_BEATS, Bars
from model.analysis.scale import AUTO_KEY, LIVE_KEY, NO_KEY, Key, parse_key
from model.harmony.changes import Changes
from model.improvising.melodic_motion import Melody
from model.improvising.novelty import Novelty, outline_of, self_quoting
from model.improvising.rhythm import Rhythm
from model.improvising.sampling_settings import SamplingSettings
from model.improvising.varied_rhythm import VariedRhythm
from model.notes import CHORD_BEATS, HIGHEST_PITCH, LOWEST_PITCH, ROUNDING_BEATS, SHORTEST_NOTE_BEATS, Note
from model.phrasing.parallel_rhythm import ParallelRhythm
from model.phrasing.phrase_ends import Ending, PhraseEnds
from model.phrasing.phrasing import PLAIN, Phrasing
from server.controls.control_table import Settings
from server.jam.turns.modes import OCCASIONS
from server.jam.turns.turn_planner import BeatSpan

# No note of an answer begins in its last half beat, or as much time as is usual between the phrase's onsets, so that it ends on a held
# note; in a short answer, in its last quarter.
CLOSING_BEATS, CLOSING_SHARE = 0.5, 0.25
# In a turn it is the last two beats: the player's turn follows, and half of that time is air.
TURN_CLOSING_BEATS = 2.0
# The rhythm of a phrase is taken from this many of its latest notes.
NOTES_OF_RHYTHM = 64
# No answer keeps its player waiting for more than this share of a bar.
LATEST_FIRST_SHARE = 0.5
# How many of the latest notes of a phrase count as just played: a few bars.
RECENT_NOTES = 32
# The jam gets the key of a set in Ableton Live by its name; the word alone means that it is not known now.
HEARD_KEYS = frozenset({AUTO_KEY, LIVE_KEY})


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What an answer follows besides the controls.

    `phrase` are the notes that it answers, and `detected_key` the key that the player plays in, if one was found; `key_probabilities`
    says how sure that is, and is empty before the first note. `bars` are those of
    the jam, `phrase_bars` those that the phrase was played in (None where it fits none), and `phrasing` is that of the pack.
    `random_seed` decides how a rhythm is varied; it stays the same when the answer is planned again. `changes` are the chords.
    """

    phrase: Collection[Note]
    detected_key: Key | None = None
    novelty: Novelty | None = None
    bars: Bars = COMMON_BARS
    phrase_bars: Bars | None = None
    phrasing: Phrasing = PLAIN
    random_seed: int = 0
    changes: Changes | None = None
    key_probabilities: Mapping[Key, float] = field(default_factory=dict)

    def answer_bars(self, start_beats: float) -> Bars:
        """The bars of an answer that begins at this beat."""
        return (self.phrase_bars or self.bars).continued_at(start_beats)


def sampling_settings_for(settings: Settings, span: BeatSpan, context: AnswerContext) -> SamplingSettings:
    """The sampling settings for an answer within `span`."""
    phrase = context.phrase
    takes_turns = OCCASIONS[settings.mode] == "turn"
    longest_beats = TURN_CLOSING_BEATS if takes_turns else min(CLOSING_BEATS, _usual_gap_beats(phrase))
    closing_beats = min(longest_beats, CLOSING_SHARE * span.beats)
    riff = self_quoting(outline_of(phrase))
    parallel = _parallel_rhythm(settings, span, context)
    ending = _ending(settings, span, context, closing_beats, parallel, is_half_close=takes_turns)
    rhythm = _rhythm(settings, span, context, ending)
    return SamplingSettings(
        settings.temperature,
        settings.top_p,
        settings.step,
        rhythm=rhythm,
        rhythm_from_beats=0.0 if rhythm is None else span.start_beats,
        time_scale=settings.time_scale,
        max_chord=settings.max_polyphony,
        pitches=_allowed_pitches(settings, _allowed_pitch_classes(settings, phrase, context.detected_key)),
        closing_beats=closing_beats,
        ending=ending,
        memory=settings.memory,
        learn_answer=settings.learn_from == "both",
        novelty=context.novelty,
        self_quoting=riff,
        melody=_melody(settings, context, riff),
        changes=context.changes,
        harmony=settings.harmony,
        transpose=settings.transpose,
        parallel=parallel,
    )


def _usual_gap_beats(phrase: Iterable[Note]) -> float:
    """The median time between onsets; infinite for a phrase of one onset."""
    onsets = sorted({note.onset_beats for note in phrase})
    gaps = [after - before for before, after in pairwise(onsets) if after - before >= CHORD_BEATS]
    return median(gaps) if gaps else math.inf


def first_onset_beats(settings: Settings, span: BeatSpan, context: AnswerContext) -> float:
    """Where the first note of an answer within `span` begins: as far into its bar as a bar of the phrase begins, chosen at random.

    So an answer to a player who often comes in after the beat does the same. It begins at once where it does not begin on a bar line,
    where no bars are known, and in the pitch approach, whose rhythm says when notes come.
    """
    bars = context.phrase_bars
    if settings.approach != "event" or bars is None or not context.phrase:
        return span.start_beats
    if bars.place(span.start_beats) > PLACE_TOLERANCE_BEATS:
        return span.start_beats
    first_places: dict[float, float] = {}
    for note in context.phrase:
        line = bars.line_at_or_before(note.onset_beats)
        first_places[line] = min(bars.place(note.onset_beats), first_places.get(line, math.inf))
    place = Random(f"first onset {context.random_seed}").choice(list(first_places.values()))
    latest_beats = min(LATEST_FIRST_SHARE * bars.beats_per_bar, CLOSING_SHARE * span.beats)
    return span.start_beats + (place if PLACE_TOLERANCE_BEATS < place <= latest_beats else 0.0)


def _rhythm(
    settings: Settings, span: BeatSpan, context: AnswerContext, ending: Ending | None
) -> Rhythm | VariedRhythm | None:
    """The rhythm of the pitch approach from the answer's first beat on; None for a fixed step.

    Where it has no onset in the answer, which may be short, the rhythm of the phrase has one, or a fixed step.
    """
    if settings.approach != "pitch" or settings.rhythm == "fixed" or not context.phrase:
        return None
    notes = list(context.phrase)[-NOTES_OF_RHYTHM:]
    if settings.rhythm == "varied":
        answer_bars = context.answer_bars(span.start_beats)
        phrase_bars = context.phrase_bars or Bars(
            notes[0].onset_beats, answer_bars.beats_per_bar, answer_bars.pulse_beats
        )
        varied = VariedRhythm.from_notes(notes, phrase_bars, answer_bars, span.start_beats, context.random_seed)
        if ending is not None and varied.bars == answer_bars:
            varied = replace(varied, last_line_beats=ending.line_beats, parallel=ending.parallel)
        if _has_onset_in(varied, span):
            return varied
    rhythm = Rhythm.from_notes(context.phrase)
    return rhythm if _has_onset_in(rhythm, span) else None


def _has_onset_in(rhythm: Rhythm | VariedRhythm, span: BeatSpan) -> bool:
    times = rhythm.unroll(span.start_beats, span.start_beats)
    first_beats = next(onset for onset, _ in times if onset >= span.start_beats - ROUNDING_BEATS)
    return first_beats <= span.until_beats - SHORTEST_NOTE_BEATS


def _parallel_rhythm(settings: Settings, span: BeatSpan, context: AnswerContext) -> ParallelRhythm | None:
    """The rhythm of the phrase over the answer; None where the controls ask for other times or no memory, or no bars are known.

    In the pitch approach only the last bar of a varied rhythm keeps to it.
    """
    bars = context.phrase_bars
    keeps_time = settings.rhythm == "varied" if settings.approach == "pitch" else settings.time_scale == 1.0
    if bars is None or not keeps_time or (settings.approach == "event" and settings.memory == 0.0):
        return None
    notes = list(context.phrase)[-NOTES_OF_RHYTHM:]
    answer_bars = context.answer_bars(span.start_beats)
    return ParallelRhythm.of_phrase(notes, bars, answer_bars, span.start_beats, context.random_seed)


def _keys(settings: Settings, context: AnswerContext) -> Mapping[Key, float]:
    """The keys that the answer may be in, with their probabilities: the one that is set, or those that were heard."""
    return context.key_probabilities if settings.key in {NO_KEY, *HEARD_KEYS} else {parse_key(settings.key): 1.0}


def _melody(settings: Settings, context: AnswerContext, riff: float) -> Melody | None:
    """Where the answer keeps to chords, they decide which notes suit instead."""
    if context.changes is not None and settings.harmony > 0.0:
        return None
    return Melody.after_phrase(context.phrase, _keys(settings, context), settings.transpose, riff)


def _ending(
    settings: Settings,
    span: BeatSpan,
    context: AnswerContext,
    closing_beats: float,
    parallel: ParallelRhythm | None,
    *,
    is_half_close: bool,
) -> Ending | None:
    """How the answer ends: a half close, and a breath for the player, where the player's turn follows.

    None where the answer has no end, or the pack does not know how phrases end.
    """
    ends = context.phrasing.ends
    if ends is None or math.isinf(span.until_beats):
        return None
    keys = _keys(settings, context)
    return Ending(
        ends,
        context.answer_bars(span.start_beats),
        span.start_beats,
        span.until_beats,
        _stability(ends, keys, context.phrase, settings.transpose, is_half_close=is_half_close) if keys else None,
        closing_beats / 2 if is_half_close else 0.0,
        closing_beats,
        parallel,
    )


def _stability(
    ends: PhraseEnds, keys: Mapping[Key, float], phrase: Collection[Note], transpose: int, *, is_half_close: bool
) -> tuple[float, ...]:
    """The weight of each pitch class as the last one, before transposition; the keys are those of what sounds.

    The mean weight of the phrase's notes is 1, so weights do not change how often a note is the last.
    """
    sounding = ends.mean_stability(keys, "half" if is_half_close else "full")
    usual = fmean(sounding[note.pitch % 12] for note in phrase) if phrase else 0.0
    if usual > 0.0:
        sounding = tuple(weight / usual for weight in sounding)
    return tuple(sounding[(pitch_class + transpose) % 12] for pitch_class in range(12))


def _allowed_pitch_classes(
    settings: Settings, phrase: Iterable[Note], detected_key: Key | None
) -> frozenset[int] | None:
    """The pitch classes of the key; None where all are allowed.

    With a detected key, what the player just played is allowed too: a blue note is not a mistake.
    """
    if settings.key == NO_KEY:
        return None
    if settings.key not in HEARD_KEYS:
        return parse_key(settings.key).pitch_classes
    recent = list(phrase)[-RECENT_NOTES:]
    return None if detected_key is None else detected_key.pitch_classes | {note.pitch % 12 for note in recent}


def _allowed_pitches(settings: Settings, pitch_classes: frozenset[int] | None) -> frozenset[int] | None:
    """The pitches that may be composed, before transposition; None where all are allowed.

    Where the range contains no pitch of the key, the whole range is allowed: it is what the instrument can play.
    """
    low, high = sorted((settings.low, settings.high))
    if pitch_classes is None and (low, high) == (LOWEST_PITCH, HIGHEST_PITCH):
        return None
    in_range = frozenset(pitch - settings.transpose for pitch in range(low, high + 1))
    in_key = frozenset(p for p in in_range if pitch_classes is None or (p + settings.transpose) % 12 in pitch_classes)
    return in_key or in_range
