"""Writes what a training has made as the files of a pack: weights, graphs, the card and the legal notices. It trains nothing."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from model.approach import Approach
from model.engines.onnx_engine import OnnxEngine
from model.pack.card import CARD_FILE, ApproachCard, Card, Epoch
from model.pack.pack import Pack
from model.pack.weights import Weights, save_weights
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.corpus.corpora import Corpus, Line
from train.corpus.manifest import printable
from train.errors import OutputError
from train.evaluation.bits_per_note import engine_bits, lines_within
from train.learning.checkpoint import EpochFigures
from train.onnx_graph import write_fp32, write_int8
from train.phrasing.refit import fit_phrasing
from train.provenance import NOTICES_FILE, legal_notices, source_of

# A pack gets int8 where it costs no more than this share of the held-out bits per note, otherwise fp32.
MAX_INT8_LOSS_SHARE = 0.005
# This many held-out notes suffice to compare int8 with fp32. An engine steps through them in a minute or two.
MAX_NOTES_STEPPED = 50_000


def write_card(
    folder: Path,
    name: str,
    approaches: dict[Approach, ApproachCard],
    corpora: Sequence[Corpus],
    base_pack: Pack | None = None,
) -> Card:
    """Writes the card, and beside it the legal notices of the corpora and of the base pack."""
    trained = tuple(source_of(corpus) for corpus in corpora)
    sources_of_base = tuple(source for source in (base_pack.card.corpora if base_pack else ()) if source not in trained)
    card = Card(
        name=printable(name),
        corpora=sources_of_base + trained,
        approaches=approaches,
        phrasing=fit_phrasing(corpora),
    )
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    texts = legal_notices(corpora)
    if base_pack and (base_pack.folder / NOTICES_FILE).is_file():
        notices_of_base = (base_pack.folder / NOTICES_FILE).read_text(encoding="utf-8")
        texts = notices_of_base if texts in notices_of_base else f"{notices_of_base}\n{texts}"
    if texts:
        (folder / NOTICES_FILE).write_text(texts, encoding="utf-8")
    return card


def card_history(history: Sequence[EpochFigures]) -> tuple[Epoch, ...]:
    """The figures of the epochs as the card has them."""
    return tuple(
        Epoch(
            epoch=figures.epoch,
            training_bits=_rounded(figures.training_bits),
            valid_bits=_rounded(figures.valid_bits),
            seconds=round(figures.seconds, 1),
            tokens=figures.tokens,
        )
        for figures in history
    )


def _rounded(bits: float) -> float | None:
    """None where there is no figure: before training, or with nothing held out."""
    return None if math.isnan(bits) else round(bits, 4)


def copy_approach(approach: Approach, pack: Pack | None, folder: Path) -> ApproachCard:
    """Copies the files of an approach that is not trained, and returns its part of the card. Raises OutputError where there is no pack."""
    if pack is None:
        raise OutputError(f"there is no recipe for {approach} and no pack to keep it from")
    for path in (pack.weights_file(approach), pack.graph_file(approach)):
        shutil.copy2(path, folder)
    return pack.card.approaches[approach]


def write_network(
    approach: Approach,
    weights: Weights,
    vocabulary: PitchVocabulary | EventVocabulary,
    valid: Sequence[Line],
    folder: Path,
) -> tuple[list[Path], float | None, float | None]:
    """Writes the weights and the graph for playing.

    Returns the files, and the bits per note of fp32 and int8 on `valid`.
    """
    weights_file = folder / f"{approach}.safetensors"
    save_weights(weights, weights_file)
    fp32, int8 = folder / f"{approach}.fp32.onnx", folder / f"{approach}.int8.onnx"
    write_fp32(weights, fp32)
    write_int8(weights, int8)
    lines = lines_within(valid, MAX_NOTES_STEPPED)
    fp32_bits, int8_bits = (
        engine_bits(OnnxEngine(path), vocabulary, lines) if lines else None for path in (fp32, int8)
    )
    keep_fp32 = fp32_bits is not None and int8_bits is not None and int8_bits > fp32_bits * (1 + MAX_INT8_LOSS_SHARE)
    dropped, graph = (int8, fp32) if keep_fp32 else (fp32, int8)
    dropped.unlink()
    return [weights_file, graph], fp32_bits, int8_bits
