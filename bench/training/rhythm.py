"""The cost of finer time bins: the event model's time bits per note, for its own bins and for quantile bins.

32 quantiles of the shifts of scores collapse to a few bins, and one of a few bins is easier to predict. So the probabilities
of our bins are summed within each quantile bin, which gives a figure that can be compared with a model of quantile bins.
"""

import math
from collections.abc import Sequence

import numpy as np

from bench.corpora import CORPORA
from bench.table import show
from model.engines.engine import Engine
from model.pack.pack import available_packs, open_pack
from model.tokens.time_bins import quantile_bins
from model.tokens.vocabulary import EventVocabulary
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Line, joined, read_corpora
from train.corpus.dataset import shifts_of, tokens_of_line
from train.corpus.reading import LineSelection

QUANTILES = 32


def run() -> None:
    """Prints both figures for each included pack and each of its corpora, on the test files."""
    rows = []
    for name in available_packs():
        pack = open_pack(name)
        vocabulary = pack.vocabulary("event")
        assert isinstance(vocabulary, EventVocabulary)
        corpora = read_corpora([CORPORA / source.name for source in pack.card.corpora], USER_CACHE, LineSelection())
        coarse = quantile_bins(shifts_of(joined(corpora, "train")), QUANTILES)
        coarse_bin = [coarse.index(shift) for shift in vocabulary.bins.shifts]
        for corpus in corpora:
            fine_bits, coarse_bits = _time_bits(
                pack.reference_engine("event"), vocabulary, coarse_bin, corpus.lines["test"]
            )
            bins = f"{len(vocabulary.bins)} or {len(coarse)}"
            rows.append((name, corpus.name, bins, f"{fine_bits:.3f}", f"{coarse_bits:.3f}"))
    show("Time bits per note on test files", ("pack", "corpus", "bins", "as they are", "in quantile bins"), rows)


def _time_bits(
    engine: Engine, vocabulary: EventVocabulary, coarse_bin: Sequence[int], lines: Sequence[Line]
) -> tuple[float, float]:
    first_time_token = vocabulary.first_time_token
    bins = range(len(coarse_bin))
    # By bin: the tokens of all bins within the same coarse bin.
    tokens_together = [[first_time_token + j for j in bins if coarse_bin[j] == coarse_bin[i]] for i in bins]
    fine = coarse = 0.0
    for line in lines:
        piece = tokens_of_line(vocabulary, line.records)
        state = engine.initial_state()
        for token, target in zip(piece[:-1].tolist(), piece[1:].tolist(), strict=True):
            logits, state = engine.step(token, state)
            if vocabulary.is_time(target):
                p = np.exp(logits - logits.max())
                p /= p.sum()
                fine -= math.log2(p[target])
                coarse -= math.log2(p[tokens_together[target - first_time_token]].sum())
    notes = sum(len(line) for line in lines)
    return fine / notes, coarse / notes
