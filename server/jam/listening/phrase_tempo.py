"""Finds the tempo that a phrase was played in, where it differs from the timeline's; knows no model and no clock."""

import math
from dataclasses import dataclass

from bridge.timing.timeline import Timeline
from model.analysis.pulse import find_pulse
from server.jam.listening.phrase import NOTES_KEPT, Phrase

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


class TempoDetection:
    """When the tempo of the phrase is to be detected: at a beat of the rest after it, and then as soon as there is time."""

    def __init__(self) -> None:
        self.next_beat: float | None = None
        """The beat at which it becomes due; None where it is due already, or where no tempo is to be detected."""
        self.is_due = False

    def schedule(self, beat: float | None) -> None:
        """Detects the tempo at this beat and not before, or not at all."""
        self.next_beat, self.is_due = beat, False

    def advance(self, beat: float) -> None:
        """The time is `beat` by now."""
        if self.next_beat is not None and self.next_beat <= beat:
            self.next_beat, self.is_due = None, True


def find_phrase_tempo(phrase: Phrase, timeline: Timeline, beat: float) -> PhraseTempo | None:
    """The tempo of a phrase that was recorded in `timeline`'s beats up to now, `beat`; None where none is certain.

    The present beat has the same number in both tempos; the beats of what was played before it differ. A phrase so long
    that its first notes may be missing has none.
    """
    if len(phrase.notes) == NOTES_KEPT:
        return None
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
