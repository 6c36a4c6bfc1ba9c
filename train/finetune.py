"""Starting from a pack instead of from nothing: its vocabulary, grown where new music needs it, and its weights; knows no training."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from model.tokens.time_bins import add_missing_bins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary, nearest_pitch
from train.corpus.corpora import Line
from train.corpus.dataset import pitches_of, shifts_of
from train.errors import CorpusError

Weights = Mapping[str, npt.NDArray[np.float32]]

# A shift between onsets that the pack has no time bin for gets one where it is at least so common in the new music.
LEAST_SHARE_OF_A_BIN = 0.01
MOST_BINS = 128
# A new token begins as a copy of its nearest kin, at e^-2 of its likelihood, so that what was learnt stands.
NEW_TOKEN_BIAS = -2.0


def grown(vocabulary: PitchVocabulary | EventVocabulary, lines: Sequence[Line]) -> PitchVocabulary | EventVocabulary:
    """The vocabulary with the pitches and time bins that the lines need besides.

    Raises CorpusError where there would be more than 128 time bins.
    """
    both = (*vocabulary.pitches, *pitches_of(lines))
    pitches = tuple(range(min(both), max(both) + 1))
    if isinstance(vocabulary, PitchVocabulary):
        return PitchVocabulary(pitches)
    bins = add_missing_bins(vocabulary.bins, shifts_of(lines), LEAST_SHARE_OF_A_BIN)
    if len(bins) > MOST_BINS:
        raise CorpusError(
            f"the new music needs {len(bins) - len(vocabulary.bins)} time bins besides the pack's {len(vocabulary.bins)}, and "
            f"{MOST_BINS} are the most there may be; train it from nothing, without --from"
        )
    return EventVocabulary(pitches, bins)


def grown_weights(
    weights: Weights, before: PitchVocabulary | EventVocabulary, after: PitchVocabulary | EventVocabulary
) -> dict[str, npt.NDArray[np.float32]]:
    """The weights for the vocabulary `after`: rows of tokens that both know as they were, new ones as their nearest kin."""
    kin, new = _kin(before, after)
    bias = weights["output.bias"][kin]
    return {
        **weights,
        "embedding.weight": weights["embedding.weight"][kin],
        "output.weight": weights["output.weight"][kin],
        "output.bias": np.where(new, bias + np.float32(NEW_TOKEN_BIAS), bias),
    }


def _kin(
    before: PitchVocabulary | EventVocabulary, after: PitchVocabulary | EventVocabulary
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """For each token after, the token before that is it or the nearest to it, and whether it is new; shapes (vocabulary,)."""
    place = {pitch: 1 + index for index, pitch in enumerate(before.pitches)}
    kin = [0, *(place[nearest_pitch(pitch, before.pitches)] for pitch in after.pitches)]
    new = [False, *(pitch not in place for pitch in after.pitches)]
    if isinstance(before, EventVocabulary) and isinstance(after, EventVocabulary):
        known = set(before.bins.shifts)
        kin += [before.first_time_token + before.bins.index(shift) for shift in after.bins.shifts]
        new += [shift not in known for shift in after.bins.shifts]
    return np.array(kin, np.int64), np.array(new, np.bool_)
