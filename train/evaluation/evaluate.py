"""Measures a pack on a corpus: bits per note compared with those of PPM, and its answers compared with real music.

It knows no command line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from model.approach import APPROACHES, Approach
from model.engines.network import MusicLSTM
from model.files.seed import Seed
from model.improvising.sampling_settings import SamplingSettings
from model.pack.card import HeldOut
from model.pack.pack import Pack
from train.corpus.corpora import Corpus, Line, Split, joined
from train.corpus.reading import NOMINAL_TEMPO_BPM, LineSelection, TrackChoice
from train.errors import CorpusError
from train.evaluation.bits_per_note import held_out_figures
from train.evaluation.compare import AnswerSettings, Comparison, compare
from train.evaluation.copying import Copying
from train.evaluation.measures import Quartiles
from train.evaluation.reference_statistics import ReferenceStatistics, measure_reference
from train.evaluation.seeds import NamedSeed, first_phrase

# A pack gives this many answers of this many bars, each to the first phrase of another line.
ANSWERS = 32
ANSWER_BARS = 16


@dataclass(frozen=True, slots=True, eq=False)
class AnswerStatistics:
    """The quartiles of each measure over the answers of an approach, and how much of the answers is copied."""

    measures: Mapping[str, Quartiles]
    copying: Copying


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All results.

    `answers` are compared with `reference`: excerpts of unseen music that are as long as the answers.
    """

    pack: str
    split: Split
    held_out: Mapping[Approach, Mapping[str, HeldOut]]
    answers: Mapping[Approach, AnswerStatistics]
    reference: ReferenceStatistics


def evaluate(
    pack: Pack, corpora: Sequence[Corpus], split: Split, sampling: SamplingSettings, random_seed: int = 0
) -> Evaluation:
    """Measures both approaches; PPM learns from the training side of the same corpora.

    The same arguments give the same figures. Raises CorpusError where no file is on this side of the split, and
    PackError where the pack is damaged.
    """
    lines = joined(corpora, split)
    if not lines:
        raise CorpusError(f"no file is on the {split} side of the split; choose another --split, or give it more files")
    held_out = {
        approach: held_out_figures(
            pack_network(pack, approach),
            pack.vocabulary(approach, NOMINAL_TEMPO_BPM),
            corpora,
            split,
            pack.card.backoff(approach),
        )
        for approach in APPROACHES
    }
    settings = AnswerSettings(bars=ANSWER_BARS, answers=1, sampling=sampling, random_seed=random_seed)
    reference = measure_reference(corpora, settings.excerpt_beats)
    comparison = compare(pack, _seeds(lines), settings, reference)
    statistics = {approach: _answer_statistics(comparison, approach) for approach in APPROACHES}
    return Evaluation(pack.name, split, held_out, statistics, reference)


def choice_of(pack: Pack, tracks: TrackChoice | None = None) -> LineSelection:
    """How to read files for this pack: its tracks and its time unit.

    A pack that learnt from `melodic` tracks is measured on lead-like ones.
    """
    event = pack.card.approaches["event"]
    tracks_trained_on: TrackChoice = (
        "merged"
        if event.training.tracks == "merged"
        else "most-notes"
        if event.training.tracks == "most-notes"
        else "lead"
    )
    unit = event.bins.unit if event.bins else "beats"
    return LineSelection(tracks or tracks_trained_on, event.training.drums, unit)


def pack_network(pack: Pack, approach: Approach) -> MusicLSTM:
    """The network of an approach, in torch and fp32. Raises PackError where its weights are damaged."""
    network = MusicLSTM(pack.vocabulary(approach).size, pack.card.approaches[approach].network)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in pack.weights(approach).items()})
    return network.eval()


def _seeds(lines: Sequence[Line]) -> list[NamedSeed]:
    """The first phrases of lines that are spread evenly over the side."""
    indices = np.unique(np.linspace(0, len(lines) - 1, ANSWERS).round().astype(int)).tolist()
    return [
        NamedSeed(lines[index].file.stem, "", first_phrase(Seed(lines[index].notes)))
        for index in islice(indices, ANSWERS)
    ]


def _answer_statistics(comparison: Comparison, approach: Approach) -> AnswerStatistics:
    copying = comparison.copying(approach)
    assert copying is not None  # None only without a reference
    return AnswerStatistics(comparison.quartiles(approach), copying)
