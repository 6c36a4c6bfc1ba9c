"""Derives an answer's sampling settings from the controls, the phrase and the key; knows no jam and no clock."""

from collections.abc import Collection, Iterable

from model.analysis.scale import AUTO_KEY, NO_KEY, Key, parse_key
from model.harmony.changes import Changes
from model.improvising.novelty import Novelty
from model.improvising.rhythm import Rhythm
from model.improvising.sampling_settings import SamplingSettings
from model.notes import HIGHEST_PITCH, LOWEST_PITCH, Note
from server.controls.control_table import Settings
from server.jam.turns.turn_planner import BeatSpan

# No note of an answer begins in its last beat, so that it ends on a held note; in a short answer, in its last quarter.
CLOSING_BEATS, CLOSING_SHARE = 1.0, 0.25
# How many of the latest notes of a phrase count as just played: a few bars.
RECENT_NOTES = 32


def sampling_settings_for(
    settings: Settings,
    span: BeatSpan,
    phrase: Collection[Note],
    detected_key: Key | None,
    novelty: Novelty,
    changes: Changes | None = None,
) -> SamplingSettings:
    """The sampling settings for an answer to `phrase` within `span`, over the chords of `changes`.

    `detected_key` is the key the player plays in.
    """
    phrase_rhythm = Rhythm.from_notes(phrase) if settings.rhythm == "phrase" and phrase else None
    return SamplingSettings(
        settings.temperature,
        settings.top_p,
        settings.step,
        rhythm=phrase_rhythm,
        rhythm_from_beats=span.start_beats if phrase_rhythm else 0.0,
        time_scale=settings.time_scale,
        max_chord=settings.max_polyphony,
        pitches=_allowed_pitches(settings, _allowed_pitch_classes(settings, phrase, detected_key)),
        closing_beats=min(CLOSING_BEATS, CLOSING_SHARE * span.beats),
        memory=settings.memory,
        learn_answer=settings.learn_from == "both",
        novelty=novelty,
        changes=changes,
        harmony=settings.harmony,
        transpose=settings.transpose,
    )


def _allowed_pitch_classes(
    settings: Settings, phrase: Iterable[Note], detected_key: Key | None
) -> frozenset[int] | None:
    """The pitch classes of the key; None where all are allowed.

    With a detected key, what the player just played is allowed too: a blue note is not a mistake.
    """
    if settings.key == NO_KEY:
        return None
    if settings.key != AUTO_KEY:
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
