"""`Rendition`: how the planned notes of one answer are played, by the touch of the player or the pack; knows no clock.

It stands between the plan, which says what is played, and the groove's places. A control that is set wins: `velocity`, `gate`, and
for the timing `swing` and `quantize`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from model.analysis.bars import Bars
from model.improvising.improviser import PlannedNote
from model.notes import SHORTEST_NOTE_BEATS, Note
from model.phrasing.touch import NotePlace, NoteTouch, Touch, plain_touch
from server.controls.choices import STRAIGHT_SWING
from server.controls.control_table import PERCENT, Settings
from server.jam.turns.turn_planner import BeatSpan

# An answer without an end is one phrase after another, each of this many beats.
ENDLESS_PHRASE_BEATS = 16.0
# No note moves further than this share of the way to its neighbour, so that two never change places.
MOST_OF_GAP = 0.25
FULL_GATE = 1.0
# Where this much rest is owed or more, a last note is cut short for a breath; it sounds for half of its length at least.
LEAST_BREATH_BEATS = 0.5
LEAST_LAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class TouchAmounts:
    """How much of a touch is played, each from 0 (plain) to 1: of its loudness, of its lengths, and of its timing."""

    loudness: float = 0.0
    lengths: float = 0.0
    timing: float = 0.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """What the controls leave to the touch; a fixed `velocity` replaces that of each note when it sounds."""
        is_on_grid = settings.quantize != "off" or settings.swing != STRAIGHT_SWING * PERCENT
        return cls(
            settings.touch,
            settings.touch if settings.gate == FULL_GATE else 0.0,
            0.0 if is_on_grid else settings.touch,
        )


class Rendition:
    """The touch of one answer, learnt when its first note is composed: learning is model work, and a key that goes up must not wait."""

    def __init__(self, learn: Callable[[], Touch], bars: Bars | None, span: BeatSpan) -> None:
        """`bars` are those of the answer; None where the player's phrase fits no bars."""
        self._learn = learn
        self._touch: Touch | None = None
        self._bars, self._span = bars, span

    @classmethod
    def plain(cls, velocity: float, span: BeatSpan) -> Self:
        """Every note as loud as this, to its end, and on its place."""
        return cls(lambda: plain_touch(velocity), None, span)

    @property
    def touch(self) -> Touch:
        """The touch, learnt now if it has not been."""
        if self._touch is None:
            self._touch = self._learn()
        return self._touch

    @property
    def plain_velocity(self) -> float:
        """How loud every note is without touch."""
        return self.touch.mean_velocity

    def feel(
        self,
        planned: PlannedNote,
        previous_onset_beats: float | None,
        chance: float,
        rested_beats: float = 0.0,
        rest_weight: float = 1.0,
    ) -> NoteTouch:
        """How a planned note is played; `chance` is in [0, 1).

        Up to its onset, nothing of the answer sounded for `rested_beats`; the answer rests `rest_weight` times as much as the phrase.
        """
        note, span = planned.note, self._span
        passed_beats = note.onset_beats - span.start_beats
        length_beats = ENDLESS_PHRASE_BEATS if math.isinf(span.beats) else max(span.beats, SHORTEST_NOTE_BEATS)
        progress = passed_beats % ENDLESS_PHRASE_BEATS if math.isinf(span.beats) else passed_beats
        place = NotePlace(
            note.onset_beats,
            note.duration_beats,
            note.pitch,
            min(progress / length_beats, 1.0),
            self._bars,
            previous_onset_beats,
        )
        owed_beats = self._owed_rest_beats(note, rested_beats, rest_weight)
        feel = self.touch.feel(place, chance, owed_beats)
        before_beats = note.onset_beats - previous_onset_beats if previous_onset_beats is not None else math.inf
        late_beats = min(
            max(feel.late_beats, -MOST_OF_GAP * before_beats),
            MOST_OF_GAP * max(note.duration_beats, SHORTEST_NOTE_BEATS),
        )
        share = feel.share if planned.fills_gap else 1.0
        if planned.is_last and owed_beats is not None:
            share = self.touch.on_length_grid(_last_share(note.duration_beats, owed_beats), note.duration_beats)
        return replace(feel, share=share, late_beats=late_beats)

    def _owed_rest_beats(self, note: Note, rested_beats: float, rest_weight: float) -> float | None:
        """How long nothing should sound after a note, for the share of rests up to the next onset to be that of the phrase, by its weight.

        None where the phrase's rests are not known, and in an answer without an end.
        """
        rest_share = self.touch.rest_share
        if rest_share is None or math.isinf(self._span.beats):
            return None
        return rest_weight * rest_share * (note.end_beats - self._span.start_beats) - rested_beats


def _last_share(length_beats: float, owed_rest_beats: float) -> float:
    """How much of its length a last note sounds, which leaves the rests that are still owed, but never less than half."""
    if owed_rest_beats < LEAST_BREATH_BEATS:
        return 1.0
    return max(1.0 - owed_rest_beats / length_beats, LEAST_LAST_SHARE)


def with_feel(placed: Note, feel: NoteTouch, plain_velocity: float, amounts: TouchAmounts) -> Note:
    """A note that the groove has placed, as it is played."""
    velocity = plain_velocity + amounts.loudness * (feel.velocity - plain_velocity)
    length = 1.0 + amounts.lengths * (feel.share - 1.0)
    return Note(
        placed.pitch,
        placed.onset_beats + amounts.timing * feel.late_beats,
        max(placed.duration_beats * length, SHORTEST_NOTE_BEATS),
        round(velocity),
    )
