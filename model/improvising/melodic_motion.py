"""`MelodicMotion`: the factor that has an answer's melody move as people's do, by weights that `Melody` takes from the phrase.

Network and memory alone stay on the phrase's pitches more than people do, come back to accidentals that people play once, repeat
notes more often after a phrase that does not, and less often after one that does, and repeat their own intervals less often. The weights were chosen on validation files (docs/training.md). Of a phrase that
quotes itself, as riffs do, people stay on the pitches, too, and go on with its motifs rather than with their own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from model.analysis.scale import Key
from model.harmony.chord import OCTAVE
from model.improvising.forecast_point import ForecastPoint
from model.improvising.novelty import outline_of
from model.improvising.sampling import Weights
from model.notes import HIGHEST_PITCH, Note, in_onset_order
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary

# How many times as likely a pitch becomes that the phrase does not have, and one that is outside the key.
NEW_WEIGHT = 1.5
OUTSIDE_WEIGHT = 0.45
# And the last one again: the more, the more notes of the phrase are repeated, up to this; as if a few more notes were repeated, and a few more were not.
MOST_REPEAT_WEIGHT = 1.4
MORE_REPEATED, MORE_OF_ALL = 0.06, 0.14
# And one that goes on as the answer did before, after the same interval: so an answer develops motifs of its own, at any height.
ECHO_WEIGHT = 2.7
# And one that no note of the answer has had yet, at any octave.
UNUSED_WEIGHT = 1.25


@dataclass(frozen=True, slots=True)
class Melody:
    """What a melody continues: the weight of each of the 128 pitches, by the phrase and the key, and the phrase's last pitch.

    `echo_weight` is that of pitches that go on as the answer did before, `repeat_weight` that of the last pitch again, and
    `unused_weight` that of pitches that the answer has had at no octave.
    """

    of_pitch: tuple[float, ...]
    last_pitch: int
    echo_weight: float = ECHO_WEIGHT
    repeat_weight: float = 1.0
    unused_weight: float = 1.0

    @classmethod
    def after_phrase(
        cls,
        phrase: Collection[Note],
        key_probabilities: Mapping[Key, float],
        transpose: int = 0,
        self_quoting: float = 0.0,
    ) -> Self | None:
        """The melody of an answer to a phrase; None for one without notes.

        A pitch is outside the key by as much as the probabilities of the keys say; they sum to 1, or are empty where nothing is known.
        Keys are those of what sounds, `transpose` semitones above. `self_quoting` is how much the phrase quotes itself, from 0 to 1.
        """
        if not phrase:
            return None
        pitches = np.arange(HIGHEST_PITCH + 1)
        own_ways = 1.0 - self_quoting
        weights = np.where(np.isin(pitches, [note.pitch for note in phrase]), 1.0, NEW_WEIGHT**own_ways)
        if key_probabilities:
            inside = np.zeros(12)
            for key, probability in key_probabilities.items():
                inside[[(pitch_class - transpose) % 12 for pitch_class in key.pitch_classes]] += probability
            weights *= OUTSIDE_WEIGHT ** (1.0 - inside[pitches % 12])
        return cls(
            tuple(weights.tolist()),
            in_onset_order(phrase)[-1].pitch,
            ECHO_WEIGHT**own_ways,
            _repeat_weight(outline_of(phrase)),
            UNUSED_WEIGHT**own_ways,
        )


def _repeat_weight(outline: Sequence[int]) -> float:
    repeated = sum(before == after for before, after in pairwise(outline)) / max(len(outline) - 1, 1)
    return MOST_REPEAT_WEIGHT * (repeated + MORE_REPEATED) / (repeated + MORE_OF_ALL)


class MelodicMotion:
    """Weights the first note of each onset; the others of a chord do not move."""

    changes_at_onsets, changes_after_notes = True, False

    def __init__(self, vocabulary: PitchVocabulary | EventVocabulary, melody: Melody) -> None:
        self._last_pitch, self._echo_weight, pitches = melody.last_pitch, melody.echo_weight, vocabulary.pitches
        self._repeat_weight = melody.repeat_weight
        self._of_unused = np.ones(vocabulary.size)
        self._of_unused[1 : 1 + len(pitches)] = melody.unused_weight
        self._used: set[int] = set()
        self._of_token = np.ones(vocabulary.size)
        self._of_token[1 : 1 + len(pitches)] = [melody.of_pitch[pitch] for pitch in pitches]
        self._tokens = {pitch: 1 + index for index, pitch in enumerate(pitches)}
        self._after: dict[int, npt.NDArray[np.float64]] = {}
        self._followed: dict[
            int, list[int]
        ] = {}  # by interval of the answer: those that came after it, without repeated notes

    def apply(self, weights: Weights, point: ForecastPoint) -> None:
        if point.chord:
            return
        outline = point.outline
        last = outline[-1] if outline else self._last_pitch
        of_token = self._after.get(last)
        weights *= self._weights_after(last) if of_token is None else of_token
        if outline:
            for pitch in outline[-1:] if self._used else outline:
                self._use(pitch % OCTAVE)
            weights *= self._of_unused
        if len(outline) < 3:
            return
        middle = outline[-2]
        interval = last - middle
        if interval:
            known = self._followed.setdefault(middle - outline[-3], [])
            if interval not in known:
                known.append(interval)
        following = self._followed.get(interval)
        if following is not None:
            tokens = self._tokens
            for after in following:
                token = tokens.get(last + after)
                if token is not None:
                    weights[token] = weights.item(token) * self._echo_weight

    def _use(self, pitch_class: int) -> None:
        if pitch_class not in self._used:
            self._used.add(pitch_class)
            self._of_unused[[token for pitch, token in self._tokens.items() if pitch % OCTAVE == pitch_class]] = 1.0

    def _weights_after(self, pitch: int) -> npt.NDArray[np.float64]:
        """The weight of each token after this pitch, but for motifs; kept, as an answer has few pitches."""
        of_token = self._of_token.copy()
        if pitch in self._tokens:
            of_token[self._tokens[pitch]] *= self._repeat_weight
        self._after[pitch] = of_token
        return of_token
