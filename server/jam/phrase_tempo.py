"""The tempo that a phrase was played in, in place of the one that it was counted in; knows no model and no clock."""

import math
from dataclasses import dataclass

from bridge.timing.timeline import Timeline
from model.analysis.pulse import find_pulse
from server.jam.phrase import Phrase

# How sure one must be of a tempo to take it up.
SURE_ENOUGH = 0.7
# Hands come a little early: a phrase that begins so near before a beat begins on it.
EARLY_HANDS_BEATS = 0.125


@dataclass(frozen=True, slots=True)
class PhraseTempo:
    """A tempo, and where in it the phrase's first bar begins; what was a beat's length is `stretch` beats' now."""

    tempo_bpm: float
    downbeat: float
    stretch: float


def tempo_of(phrase: Phrase, timeline: Timeline, beat: float) -> PhraseTempo | None:
    """The tempo of a phrase that was heard by `timeline` up to `beat`; None where it has none that one could be sure of.

    In that tempo, as in the one before, it is `beat` now: what was played lies further back, or less far.
    """
    onsets_s = [timeline.seconds_at(note.onset_beats) for note in phrase.notes]
    pulse = find_pulse(onsets_s, timeline.tempo_bpm)
    if pulse is None or pulse.confidence < SURE_ENOUGH:
        return None
    now_s = timeline.seconds_at(beat)

    def counted(at_s: float) -> float:
        return beat - (now_s - at_s) * pulse.tempo_bpm / 60

    a_beat = counted(pulse.beat_s)
    downbeat = a_beat + math.floor(counted(min(onsets_s)) - a_beat + EARLY_HANDS_BEATS)
    return PhraseTempo(pulse.tempo_bpm, downbeat, pulse.tempo_bpm / timeline.tempo_bpm)
