"""Starts a training from a pack: extends its vocabulary for new music, and its weights for that vocabulary.

It knows no training.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.pack.weights import Weights
from model.tokens.time_bins import add_missing_bins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary, nearest_pitch
from train.corpus.corpora import Line
from train.corpus.dataset import pitches_of, shifts_of
from train.errors import CorpusError

# A shift between onsets without a time bin in the pack gets one if it has at least this share of the new music's
# shifts.
MIN_SHARE_OF_A_BIN = 0.01
MAX_BINS = 128
# A new token starts as a copy of the nearest one, with e^-2 of its odds, so that it hardly changes what was learnt.
NEW_TOKEN_BIAS = -2.0


def grow_vocabulary(
    vocabulary: PitchVocabulary | EventVocabulary, lines: Sequence[Line]
) -> PitchVocabulary | EventVocabulary:
    """The vocabulary, with the pitches and time bins added that the lines need.

    Raises CorpusError where that makes more than 128 time bins.
    """
    all_pitches = (*vocabulary.pitches, *pitches_of(lines))
    pitches = tuple(range(min(all_pitches), max(all_pitches) + 1))
    if isinstance(vocabulary, PitchVocabulary):
        return PitchVocabulary(pitches)
    bins = add_missing_bins(vocabulary.bins, shifts_of(lines), MIN_SHARE_OF_A_BIN)
    if len(bins) > MAX_BINS:
        raise CorpusError(
            f"the new music needs {len(bins) - len(vocabulary.bins)} time bins besides the pack's {len(vocabulary.bins)}, and "
            f"{MAX_BINS} are the most there may be; train it from nothing, without --from"
        )
    return EventVocabulary(pitches, bins)


def grow_weights(
    weights: Weights, before: PitchVocabulary | EventVocabulary, after: PitchVocabulary | EventVocabulary
) -> dict[str, npt.NDArray[np.float32]]:
    """The weights for the vocabulary `after`.

    Rows of tokens that `before` has too stay as they are; a new token copies its nearest one.
    """
    nearest, is_new = _nearest_tokens(before, after)
    bias = weights["output.bias"][nearest]
    return {
        **weights,
        "embedding.weight": weights["embedding.weight"][nearest],
        "output.weight": weights["output.weight"][nearest],
        "output.bias": np.where(is_new, bias + np.float32(NEW_TOKEN_BIAS), bias),
    }


def _nearest_tokens(
    before: PitchVocabulary | EventVocabulary, after: PitchVocabulary | EventVocabulary
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """For each token of `after`, the same or the nearest token of `before`, and whether it is new.

    Both have the shape (vocabulary,).
    """
    index_of = {pitch: 1 + index for index, pitch in enumerate(before.pitches)}
    nearest = [0, *(index_of[nearest_pitch(pitch, before.pitches)] for pitch in after.pitches)]
    is_new = [False, *(pitch not in index_of for pitch in after.pitches)]
    if isinstance(before, EventVocabulary) and isinstance(after, EventVocabulary):
        known = set(before.bins.shifts)
        nearest += [before.first_time_token + before.bins.index(shift) for shift in after.bins.shifts]
        is_new += [shift not in known for shift in after.bins.shifts]
    return np.array(nearest, np.int64), np.array(is_new, np.bool_)
