"""The two vocabularies: how notes become tokens and tokens notes; knows no network and no randomness.

Both read music one note at a time, from where the line stands (a `Cursor`), so that training files,
a seed and a phrase that is being played this moment are spelt by the same code.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.notes import CHORD_BEATS, MAX_CHORD_NOTES, Note, in_onset_order
from model.tokens.time_bins import TimeBins

Mask = npt.NDArray[np.bool_]

START = 0
"""The token that stands before every piece, in both vocabularies."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a line of music stands: the last onset, and the pitches that have sounded at it."""

    onset_beats: float | None = None
    chord: tuple[int, ...] = ()


class Vocabulary(Protocol):
    """What an improviser and a trainer need of either vocabulary."""

    @property
    def size(self) -> int: ...

    @property
    def pitches(self) -> tuple[int, ...]: ...

    def encode_note(self, note: Note, cursor: Cursor) -> tuple[tuple[int, ...], Cursor]:
        """The tokens that say `note` after what the cursor stands behind, and the cursor after it."""
        ...

    def token_names(self) -> tuple[str, ...]:
        """Each token's name, by token."""
        ...


def encode_notes(vocabulary: Vocabulary, notes: Iterable[Note]) -> list[int]:
    """A whole piece as tokens, the start token first."""
    tokens = [START]
    cursor = Cursor()
    for note in in_onset_order(notes):
        spelt, cursor = vocabulary.encode_note(note, cursor)
        tokens.extend(spelt)
    return tokens


def nearest_pitch(pitch: int, pitches: Sequence[int]) -> int:
    """The same note name in the octave nearest to `pitch` that the vocabulary holds, else the nearest pitch."""
    same_name = [known for known in pitches if (known - pitch) % 12 == 0]
    return min(same_name or pitches, key=lambda known: (abs(known - pitch), known))


@dataclass(frozen=True)
class PitchVocabulary:
    """Approach 1: the start token and one token for each pitch, in rising order; no time at all."""

    pitches: tuple[int, ...]

    @property
    def size(self) -> int:
        return 1 + len(self.pitches)

    def encode_note(self, note: Note, cursor: Cursor) -> tuple[tuple[int, ...], Cursor]:
        pitch = nearest_pitch(note.pitch, self.pitches)
        return (self._token_by_pitch[pitch],), Cursor(note.onset_beats, (pitch,))

    def pitch(self, token: int) -> int:
        return self.pitches[token - 1]

    def token_names(self) -> tuple[str, ...]:
        return ("START", *(str(pitch) for pitch in self.pitches))

    @cached_property
    def note_mask(self) -> Mask:
        """Which tokens may be sampled, shape (size,): every pitch, never the start."""
        mask = np.ones(self.size, dtype=np.bool_)
        mask[START] = False
        return mask

    def mask_for_pitches(self, pitches: Collection[int]) -> Mask:
        """Which tokens play one of these pitches, shape (size,)."""
        return np.array([False, *(pitch in pitches for pitch in self.pitches)])

    @cached_property
    def _token_by_pitch(self) -> dict[int, int]:
        return {pitch: 1 + index for index, pitch in enumerate(self.pitches)}


@dataclass(frozen=True)
class EventVocabulary:
    """Approach 2: the start token, then `NOTE_<pitch>`, then `TIME_<bin>` events in one dictionary.

    A TIME stands between two onsets and says how far apart they are; the notes of one chord follow
    each other without one. So music is: NOTE+ (TIME NOTE+)*.
    """

    pitches: tuple[int, ...]
    bins: TimeBins

    @property
    def size(self) -> int:
        return 1 + len(self.pitches) + len(self.bins)

    def encode_note(self, note: Note, cursor: Cursor) -> tuple[tuple[int, ...], Cursor]:
        pitch = nearest_pitch(note.pitch, self.pitches)
        tokens = (*self.encode_time(note.onset_beats, cursor), self._token_by_pitch[pitch])
        if len(tokens) == 1 and cursor.onset_beats is not None:
            return tokens, replace(cursor, chord=(*cursor.chord, pitch))
        return tokens, Cursor(note.onset_beats, (pitch,))

    def encode_time(self, onset_beats: float, cursor: Cursor) -> tuple[int, ...]:
        """The tokens that bring the line to an onset: one TIME, or none within a chord or before all music."""
        if cursor.onset_beats is None:
            return ()
        shift_beats = onset_beats - cursor.onset_beats
        if shift_beats < CHORD_BEATS:
            return ()
        return (self.first_time_token + self.bins.index(shift_beats),)

    @property
    def first_time_token(self) -> int:
        return 1 + len(self.pitches)

    def is_time(self, token: int) -> bool:
        return token >= self.first_time_token

    def pitch(self, token: int) -> int:
        return self.pitches[token - 1]

    def shift_beats(self, token: int) -> float:
        """How far a TIME token moves the line, in beats."""
        return self.bins.shifts[token - self.first_time_token]

    def token_names(self) -> tuple[str, ...]:
        notes = (f"NOTE_{pitch}" for pitch in self.pitches)
        times = (f"TIME_{index}" for index in range(len(self.bins)))
        return ("START", *notes, *times)

    def mask_for_pitches(self, pitches: Collection[int]) -> Mask:
        """Which tokens play one of these pitches, or move the line on, shape (size,)."""
        notes = [pitch in pitches for pitch in self.pitches]
        return np.array([False, *notes, *(True for _ in range(len(self.bins)))])

    def allowed_after(self, chord: Sequence[int], max_chord: int = MAX_CHORD_NOTES) -> Mask:
        """What may follow a chord as far as it has got, shape (size,): the grammar of the class's docstring.

        At a new onset (an empty chord) a note must come, so no two TIMEs follow each other; in a chord no
        pitch comes twice, and after `max_chord` notes the line must move on.
        """
        mask = self._note_mask.copy()
        if not chord:
            return mask
        mask[self.first_time_token :] = True
        if len(chord) >= max_chord:
            mask[: self.first_time_token] = False
        for pitch in chord:
            mask[self._token_by_pitch[pitch]] = False
        return mask

    @cached_property
    def _note_mask(self) -> Mask:
        mask = np.zeros(self.size, dtype=np.bool_)
        mask[1 : self.first_time_token] = True
        return mask

    @cached_property
    def _token_by_pitch(self) -> dict[int, int]:
        return {pitch: 1 + index for index, pitch in enumerate(self.pitches)}
