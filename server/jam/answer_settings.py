"""From the controls to what an improviser composes by and how its notes are placed; knows no jam and no clock."""

from collections.abc import Collection, Iterable

from model.analysis.scale import HEARD_KEY, NO_KEY, Key, read_key
from model.improvising.improviser import SamplingSettings
from model.improvising.novelty import Novelty
from model.improvising.rhythm import Rhythm
from model.notes import HIGHEST_PITCH, LOWEST_PITCH, Note
from server.controls.control_table import PERCENT, Settings
from server.jam.groove import Groove
from server.jam.turn_planner import BeatSpan

# In its last beat no note of an answer begins, so that it ends on one that is held; in a short one in its last quarter.
CLOSING_BEATS, CLOSING_SHARE = 1.0, 0.25
# The latest notes of a phrase: a few bars.
JUST_PLAYED = 32


def sampling_settings_for(
    settings: Settings, span: BeatSpan, phrase: Collection[Note], heard_key: Key | None, novelty: Novelty
) -> SamplingSettings:
    """What an answer within `span` to `phrase` is composed by, where the player is heard in `heard_key`."""
    borrowed = Rhythm.of(phrase) if settings.rhythm == "phrase" and phrase else None
    return SamplingSettings(
        settings.temperature,
        settings.top_p,
        settings.step,
        rhythm=borrowed,
        rhythm_from_beats=span.start_beats if borrowed else 0.0,
        time_scale=settings.time_scale,
        max_chord=settings.max_polyphony,
        pitches=_pitches(settings, _pitch_classes(settings, phrase, heard_key)),
        closing_beats=min(CLOSING_BEATS, CLOSING_SHARE * span.beats),
        memory=settings.memory,
        learns=settings.learn_from == "both",
        novelty=novelty,
    )


def groove_from(settings: Settings) -> Groove:
    """How the notes of an answer are placed."""
    return Groove(settings.quantize, settings.swing / PERCENT, settings.gate)


def _pitch_classes(settings: Settings, phrase: Iterable[Note], heard_key: Key | None) -> frozenset[int] | None:
    """Those of the key; of one that is heard also what was just played, as a blue note is no mistake."""
    if settings.key == NO_KEY:
        return None
    if settings.key != HEARD_KEY:
        return read_key(settings.key).pitch_classes
    just_played = list(phrase)[-JUST_PLAYED:]
    return None if heard_key is None else heard_key.pitch_classes | {note.pitch % 12 for note in just_played}


def _pitches(settings: Settings, classes: frozenset[int] | None) -> frozenset[int] | None:
    """What may be played, before it is transposed; None where that is everything.

    Where the range has nothing of the key, the range decides: that is what an instrument can play.
    """
    low, high = sorted((settings.low, settings.high))
    if classes is None and (low, high) == (LOWEST_PITCH, HIGHEST_PITCH):
        return None
    in_range = frozenset(pitch - settings.transpose for pitch in range(low, high + 1))
    return frozenset(p for p in in_range if classes is None or (p + settings.transpose) % 12 in classes) or in_range
