"""A pack judged on a corpus: bits per note beside PPM's, and what it plays beside real music; knows no command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from model.approach import APPROACHES, Approach
from model.engines.network import MusicLSTM
from model.files.midi_file import Seed
from model.improvising.sampling_settings import SamplingSettings
from model.pack.card import HeldOut
from model.pack.pack import Pack
from train.corpus.corpora import Corpus, Line, Split, joined
from train.corpus.reading import NOMINAL_TEMPO_BPM, Choice, TrackChoice
from train.errors import CorpusError
from train.judging.compare import Comparison, Order, compare
from train.judging.copying import Copying
from train.judging.evaluation import held_out_figures
from train.judging.measures import Quartiles
from train.judging.reference_statistics import Yardstick, yardstick
from train.judging.seeds import NamedSeed, first_phrase

# What it plays is judged by so many answers, each to the first phrase of another line.
ANSWERS = 32
ANSWER_BARS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What an approach plays: the quartiles of each measure over its answers, and how much of them is copied."""

    measures: Mapping[str, Quartiles]
    copying: Copying


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All that was found. `real` is what `played` is held against: excerpts of unseen music, as long as the answers."""

    pack: str
    split: Split
    held_out: Mapping[Approach, Mapping[str, HeldOut]]
    played: Mapping[Approach, Played]
    real: Yardstick


def evaluate(
    pack: Pack, corpora: Sequence[Corpus], split: Split, taste: SamplingSettings, random_seed: int = 0
) -> Evaluation:
    """Judges both approaches; PPM learns from the training side of the same corpora. The same arguments give the same figures.

    Raises CorpusError where no file falls to the side, and PackError where the pack is damaged.
    """
    lines = joined(corpora, split)
    if not lines:
        raise CorpusError(
            f"no file falls to the {split} side of the split; choose another --split, or give it more files"
        )
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
    order = Order(bars=ANSWER_BARS, answers=1, taste=taste, random_seed=random_seed)
    real = yardstick(corpora, order.excerpt_beats)
    comparison = compare(pack, _seeds(lines), order, real)
    played = {approach: _played(comparison, approach) for approach in APPROACHES}
    return Evaluation(pack.name, split, held_out, played, real)


def choice_of(pack: Pack, tracks: TrackChoice | None = None) -> Choice:
    """What the pack was trained on, read as it counts time; what it was judged on was lead-like even where it learnt from more."""
    event = pack.card.approaches["event"]
    trained: TrackChoice = (
        "merged"
        if event.training.tracks == "merged"
        else "most-notes"
        if event.training.tracks == "most-notes"
        else "lead"
    )
    unit = event.bins.unit if event.bins else "beats"
    return Choice(tracks or trained, event.training.drums, unit)


def pack_network(pack: Pack, approach: Approach) -> MusicLSTM:
    """The approach's network, in torch and fp32. Raises PackError where its weights are damaged."""
    network = MusicLSTM(pack.vocabulary(approach).size, pack.card.approaches[approach].network)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in pack.weights(approach).items()})
    return network.eval()


def _seeds(lines: Sequence[Line]) -> list[NamedSeed]:
    """The first phrases of lines from all over the side."""
    chosen = np.unique(np.linspace(0, len(lines) - 1, ANSWERS).round().astype(int)).tolist()
    return [
        NamedSeed(lines[index].file.stem, "", first_phrase(Seed(lines[index].notes)))
        for index in islice(chosen, ANSWERS)
    ]


def _played(comparison: Comparison, approach: Approach) -> Played:
    copying = comparison.copying(approach)
    assert copying is not None  # there is real music to copy from
    return Played(comparison.quartiles(approach), copying)
