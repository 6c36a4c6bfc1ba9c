"""The two vocabularies: notes to tokens, and tokens to notes; knows no network and no randomness.

Both encode music one note at a time, starting from a position in the music (a `Cursor`), so that the same code encodes
training files, seeds and the phrase that is being played right now.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.notes import CHORD_BEATS, HIGHEST_PITCH, MAX_CHORD_NOTES, Note
from model.tokens.time_bins import TimeBins

Mask = npt.NDArray[np.bool_]
"""Which tokens are meant, shape (size of the vocabulary,)."""
Weights = npt.NDArray[np.float64]
"""How likely each token is, shape (size of the vocabulary,)."""

START = 0
"""The token before every piece, in both vocabularies."""


@dataclass(slots=True)  # not frozen, as one is made for every token; none is ever changed
class Cursor:
    """A position in the music: the last onset (None before all music), and the pitches that began there so far."""

    onset_beats: float | None = None
    chord: tuple[int, ...] = ()


class Vocabulary(Protocol):
    """The interface of both vocabularies. Tokens are numbers from 0, the start token, to `size` - 1."""

    @property
    def size(self) -> int:
        """The number of tokens."""
        ...

    @property
    def pitches(self) -> tuple[int, ...]:
        """The MIDI pitches that have a token, rising. The tokens of `pitches` are 1, 2, 3 and so on."""
        ...

    def encode_note(self, note: Note, cursor: Cursor) -> tuple[tuple[int, ...], Cursor]:
        """The tokens of `note`, which comes after `cursor`, and the cursor after the note.

        Only pitch and onset count. A pitch without a token is encoded as the nearest one (`nearest_pitch`).
        """
        ...


def nearest_pitch(pitch: int, pitches: Sequence[int]) -> int:
    """The same note name in the nearest octave that `pitches` has; where it has none, the nearest pitch."""
    same_name = [known for known in pitches if (known - pitch) % 12 == 0]
    return min(same_name or pitches, key=lambda known: (abs(known - pitch), known))


def _tokens_of_pitches(pitches: Sequence[int]) -> tuple[int, ...]:
    """The token of each MIDI pitch: its own, or that of the nearest pitch that has one."""
    token_by_pitch = {pitch: 1 + index for index, pitch in enumerate(pitches)}
    return tuple(token_by_pitch[nearest_pitch(pitch, pitches)] for pitch in range(HIGHEST_PITCH + 1))


@dataclass(frozen=True)
class PitchVocabulary:
    """Approach 1: the start token, then one token for each pitch, rising; no time."""

    pitches: tuple[int, ...]

    @property
    def size(self) -> int:
        return 1 + len(self.pitches)

    def encode_note(self, note: Note, cursor: Cursor) -> tuple[tuple[int, ...], Cursor]:
        token = self._token_by_pitch[note.pitch]
        return (token,), Cursor(note.onset_beats, (self.pitches[token - 1],))

    def pitch(self, token: int) -> int:
        return self.pitches[token - 1]

    def forbid_after(self, weights: Weights, chord: Sequence[int], max_chord: int = MAX_CHORD_NOTES) -> None:
        """Sets the weight of the start to 0: every pitch may come next."""
        weights[START] = 0.0

    def mask_for_pitches(self, pitches: Collection[int]) -> Mask:
        """The tokens that play one of these pitches."""
        return np.array([False, *(pitch in pitches for pitch in self.pitches)])

    @cached_property
    def _token_by_pitch(self) -> tuple[int, ...]:
        return _tokens_of_pitches(self.pitches)


@dataclass(frozen=True)
class EventVocabulary:
    """Approach 2: the start token, then `NOTE_<pitch>` tokens, then `TIME_<bin>` tokens.

    A TIME between two onsets says how far apart they are. The notes of one chord follow each other without a TIME. So the
    grammar of music is: NOTE+ (TIME NOTE+)*.
    """

    pitches: tuple[int, ...]
    bins: TimeBins

    @property
    def size(self) -> int:
        return 1 + len(self.pitches) + len(self.bins)

    def encode_note(self, note: Note, cursor: Cursor) -> tuple[tuple[int, ...], Cursor]:
        token = self._token_by_pitch[note.pitch]
        pitch = self.pitches[token - 1]
        tokens = (*self.encode_time(note.onset_beats, cursor), token)
        if len(tokens) == 1 and cursor.onset_beats is not None:
            return tokens, replace(cursor, chord=(*cursor.chord, pitch))
        return tokens, Cursor(note.onset_beats, (pitch,))

    def encode_time(self, onset_beats: float, cursor: Cursor) -> tuple[int, ...]:
        """The tokens that move the music to an onset: one TIME; none within a chord, or before all music."""
        if cursor.onset_beats is None:
            return ()
        shift_beats = onset_beats - cursor.onset_beats
        if shift_beats < CHORD_BEATS:
            return ()
        return (self.first_time_token + self.bins.index(shift_beats),)

    @cached_property
    def first_time_token(self) -> int:
        return 1 + len(self.pitches)

    def is_time(self, token: int) -> bool:
        return token >= self.first_time_token

    def pitch(self, token: int) -> int:
        return self.pitches[token - 1]

    def shift_beats(self, token: int) -> float:
        """How far a TIME token moves the music on, in beats."""
        return self.bins.shifts[token - self.first_time_token]

    def mask_for_pitches(self, pitches: Collection[int]) -> Mask:
        """The tokens that play one of these pitches, and all TIMEs."""
        notes = [pitch in pitches for pitch in self.pitches]
        return np.array([False, *notes, *(True for _ in range(len(self.bins)))])

    def forbid_after(self, weights: Weights, chord: Sequence[int], max_chord: int = MAX_CHORD_NOTES) -> None:
        """Sets the weights of the tokens to 0 that the grammar does not allow after the pitches of an unfinished chord.

        At a new onset (an empty chord) a note must come, so two TIMEs never follow each other. In a chord no pitch comes
        twice, and after `max_chord` notes a TIME must come.
        """
        weights[START] = 0.0
        if not chord:
            weights[self.first_time_token :].fill(0.0)
        elif len(chord) >= max_chord:
            weights[: self.first_time_token].fill(0.0)
        else:
            for pitch in chord:
                weights[self._token_by_pitch[pitch]] = 0.0

    @cached_property
    def _token_by_pitch(self) -> tuple[int, ...]:
        return _tokens_of_pitches(self.pitches)
