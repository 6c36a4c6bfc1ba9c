"""What the finer time bins cost: the event model's time bits per note, and the same asked only for quantile bins.

32 quantiles of the shifts of score music collapse to a few bins, and to foretell one of few is easier. So the
probabilities of our bins are summed within each quantile bin, which makes the figure one that a model of quantile
bins can be held against.
"""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.table import show
from model.engines.engine import Engine
from model.pack.pack import available_packs, open_pack
from model.tokens.time_bins import quantile_bins
from model.tokens.vocabulary import EventVocabulary
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Line, joined, read_corpora
from train.corpus.dataset import shifts_of, spelt
from train.corpus.reading import Choice

CORPORA = Path(os.environ.get("FOURS_CORPORA", "../shared/corpora"))
QUANTILES = 32


def run() -> None:
    """Prints both figures for each default pack and corpus, on its test files."""
    rows = []
    for name in available_packs():
        pack = open_pack(name)
        vocabulary = pack.vocabulary("event")
        assert isinstance(vocabulary, EventVocabulary)
        corpora = read_corpora([CORPORA / source.name for source in pack.card.corpora], USER_CACHE, Choice())
        coarse = quantile_bins(shifts_of(joined(corpora, "train")), QUANTILES)
        group = [coarse.index(shift) for shift in vocabulary.bins.shifts]
        for corpus in corpora:
            fine_bits, coarse_bits = _time_bits(pack.reference_engine("event"), vocabulary, group, corpus.lines["test"])
            bins = f"{len(vocabulary.bins)} or {len(coarse)}"
            rows.append((name, corpus.name, bins, f"{fine_bits:.3f}", f"{coarse_bits:.3f}"))
    show("Time bits per note on test files", ("pack", "corpus", "bins", "as they are", "in quantile bins"), rows)


def _time_bits(
    engine: Engine, vocabulary: EventVocabulary, group: Sequence[int], lines: Sequence[Line]
) -> tuple[float, float]:
    first_time = vocabulary.first_time_token
    members = [[first_time + j for j in range(len(group)) if group[j] == group[i]] for i in range(len(group))]
    fine = coarse = 0.0
    for line in lines:
        piece = spelt(vocabulary, line.records)
        state = engine.initial_state()
        for token, target in zip(piece[:-1].tolist(), piece[1:].tolist(), strict=True):
            logits, state = engine.step(token, state)
            if vocabulary.is_time(target):
                p = np.exp(logits - logits.max())
                p /= p.sum()
                fine -= math.log2(p[target])
                coarse -= math.log2(p[members[target - first_time]].sum())
    notes = sum(len(line) for line in lines)
    return fine / notes, coarse / notes
