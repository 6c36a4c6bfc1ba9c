"""Finds the tempo that a phrase was played in, where it differs from the timeline's; knows no model and no clock."""

import math
from dataclasses import dataclass

from bridge.timing.timeline import Timeline
from model.analysis.pulse import find_pulse
from server.jam.listening.phrase import Phrase

# How confident the detection must be, from 0 to 1, for its tempo to be used.
MIN_CONFIDENCE = 0.7
# Players come a little early: a phrase that begins at most this long before a beat begins on that beat.
EARLY_TOLERANCE_BEATS = 0.125


@dataclass(frozen=True, slots=True)
class PhraseTempo:
    """A tempo, and the beat at which the phrase's first bar begins in it.

    One beat of the old tempo is `stretch` beats of this one.
    """

    tempo_bpm: float
    downbeat: float
    stretch: float


def find_phrase_tempo(phrase: Phrase, timeline: Timeline, beat: float) -> PhraseTempo | None:
    """The tempo of a phrase that was recorded in `timeline`'s beats up to now, `beat`; None where none is certain.

    The present beat has the same number in both tempos; the beats of what was played before it differ.
    """
    onsets_s = [timeline.seconds_at(note.onset_beats) for note in phrase.notes]
    pulse = find_pulse(onsets_s, timeline.tempo_bpm)
    if pulse is None or pulse.confidence < MIN_CONFIDENCE:
        return None
    now_s = timeline.seconds_at(beat)

    def new_beat(at_s: float) -> float:
        return beat - (now_s - at_s) * pulse.tempo_bpm / 60

    a_beat = new_beat(pulse.beat_s)
    downbeat = a_beat + math.floor(new_beat(min(onsets_s)) - a_beat + EARLY_TOLERANCE_BEATS)
    return PhraseTempo(pulse.tempo_bpm, downbeat, pulse.tempo_bpm / timeline.tempo_bpm)
