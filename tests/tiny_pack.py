"""A pack that is small enough to be written in each test run: both approaches, random weights, real files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.approach import APPROACHES, Approach
from model.engines.network_shape import Hyperparameters
from model.pack.card import CARD_FILE, ApproachCard, Card, CardBins, Training
from model.pack.pack import sha256_of
from model.pack.weights import save_weights
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.onnx_graph import write_fp32, write_int8

SHAPE = Hyperparameters(embedding=8, hidden=16, layers=2)
PITCHES = tuple(range(48, 85))
BINS = TimeBins(shifts=(0.25, 0.5, 1.0, 2.0), edges=(0.375, 0.75, 1.5))

PITCH_WORDS = PitchVocabulary(PITCHES)
EVENT_WORDS = EventVocabulary(PITCHES, BINS)
VOCABULARIES: dict[Approach, PitchVocabulary | EventVocabulary] = {"pitch": PITCH_WORDS, "event": EVENT_WORDS}

Weights = dict[str, npt.NDArray[np.float32]]


def random_weights(size: int, shape: Hyperparameters = SHAPE, random_seed: int = 0) -> Weights:
    """Weights of a `MusicLSTM` by torch's names, on fp16's grid, so that saving them changes nothing."""
    random = np.random.default_rng(random_seed)

    def matrix(*sizes: int) -> npt.NDArray[np.float32]:
        return random.uniform(-0.7, 0.7, sizes).astype(np.float16).astype(np.float32)

    weights = {"embedding.weight": matrix(size, shape.embedding)}
    for layer in range(shape.layers):
        entry = shape.hidden if layer else shape.embedding
        weights[f"lstm.weight_ih_l{layer}"] = matrix(4 * shape.hidden, entry)
        weights[f"lstm.weight_hh_l{layer}"] = matrix(4 * shape.hidden, shape.hidden)
        weights[f"lstm.bias_ih_l{layer}"] = matrix(4 * shape.hidden)
        weights[f"lstm.bias_hh_l{layer}"] = matrix(4 * shape.hidden)
    return weights | {"output.weight": matrix(size, shape.hidden), "output.bias": matrix(size)}


def random_walk(size: int, length: int, random_seed: int = 0) -> Sequence[int]:
    """Tokens in no order."""
    walk: list[int] = np.random.default_rng(random_seed).integers(size, size=length).tolist()
    return walk


def write_tiny_pack(folder: Path) -> Path:
    """The pack, pitch as int8 and event as fp32, in `folder`, which is made; takes about a tenth of a second."""
    folder.mkdir(parents=True)
    card = Card(name=folder.name, approaches={approach: _write_approach(folder, approach) for approach in APPROACHES})
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2), encoding="utf-8")
    return folder


def _write_approach(folder: Path, approach: Approach) -> ApproachCard:
    vocabulary = VOCABULARIES[approach]
    weights = random_weights(vocabulary.size)
    weights_file = folder / f"{approach}.safetensors"
    save_weights(weights, weights_file)
    graph = folder / f"{approach}.{'int8' if approach == 'pitch' else 'fp32'}.onnx"
    write = write_int8 if approach == "pitch" else write_fp32
    write(weights, graph)
    return ApproachCard(
        pitches=PITCHES,
        bins=CardBins(choice="commonest", shifts=BINS.shifts, edges=BINS.edges) if approach == "event" else None,
        network=SHAPE,
        files={path.name: sha256_of(path) for path in (weights_file, graph)},
        training=Training(epochs=0, best_epoch=0, tokens_per_epoch=0, seconds=0.0, random_seed=0),
    )
