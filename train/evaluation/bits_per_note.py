"""Bits per note on lines that were not trained on: of a network, of the graph that ships, and of PPM.

It knows no training.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from model.engines.engine import Engine
from model.engines.network import MusicLSTM
from model.memory.backoff import Backoff
from model.pack.card import HeldOut
from model.tokens.vocabulary import EventVocabulary, Vocabulary
from train.corpus.corpora import Corpus, Line, Split, joined
from train.corpus.dataset import TRANSPOSITIONS, Tokens, pieces_in_memory, tokens_of_line, transposing
from train.evaluation.baselines import Order, pieces_within, ppm_bits_per_note
from train.learning.loss import sum_bits
from train.memory.forecasts import bits_with_memory_by_token, forecast_lines

PPM_ORDERS: tuple[Order, ...] = (0, 1, 2, 3, 4, None)


def held_out_figures(
    network: MusicLSTM,
    vocabulary: Vocabulary,
    corpora: Sequence[Corpus],
    split: Split = "test",
    backoff: Backoff | None = None,
) -> dict[str, HeldOut]:
    """For each corpus, how well the network and PPM predict the lines of one side.

    Corpora with no line there are left out.

    With a `backoff` also how well the network with a memory of the line so far does.
    """
    measured = [corpus for corpus in corpora if corpus.lines[split]]
    baselines = _ppm_figures(vocabulary, joined(corpora, "train"), measured, split) if measured else {}
    return {
        corpus.name: held_out(network, vocabulary, corpus.lines[split]).model_copy(
            update={
                **baselines[corpus.name],
                **({} if backoff is None else held_out_with_memory(network, vocabulary, corpus.lines[split], backoff)),
            }
        )
        for corpus in measured
    }


def held_out(network: MusicLSTM, vocabulary: Vocabulary, lines: Sequence[Line]) -> HeldOut:
    """How well a network predicts lines, each from its start to its end; `event` has the bits for times separately."""
    notes = sum(len(line) for line in lines)
    pitch_bits, time_bits = _split_by_kind(vocabulary, sum_bits(network, pieces_in_memory(vocabulary, lines)) / notes)
    return HeldOut(notes=notes, pitch_bits=pitch_bits, time_bits=time_bits)


def held_out_with_memory(
    network: MusicLSTM, vocabulary: Vocabulary, lines: Sequence[Line], backoff: Backoff
) -> dict[str, float | None]:
    """The fields of a HeldOut for the network with a memory, which is empty at the start of each line."""
    notes = sum(len(line) for line in lines)
    bits = bits_with_memory_by_token(vocabulary, backoff, forecast_lines(network, vocabulary, lines))
    pitch_bits, time_bits = _split_by_kind(vocabulary, bits / notes)
    return {"pitch_bits_with_memory": pitch_bits, "time_bits_with_memory": time_bits}


def engine_bits(engine: Engine, vocabulary: Vocabulary, lines: Sequence[Line]) -> float:
    """Bits per note of an engine that steps through the lines one token at a time, as in a jam."""
    nats = 0.0
    for line in lines:
        piece = tokens_of_line(vocabulary, line.records)
        state = engine.initial_state()
        for token, target in zip(piece[:-1].tolist(), piece[1:].tolist(), strict=True):
            logits, state = engine.step(token, state)
            peak = float(logits.max())
            nats += peak + float(np.log(np.exp(logits - peak).sum())) - float(logits[target])
    return nats / math.log(2) / sum(len(line) for line in lines)


def lines_within(lines: Sequence[Line], max_notes: int) -> Sequence[Line]:
    """The first lines that together hold at most `max_notes` notes, but at least one line."""
    fits = np.cumsum([len(line) for line in lines]) <= max_notes
    return lines[: max(1, int(fits.sum()))]


def _ppm_figures(
    vocabulary: Vocabulary, training: Sequence[Line], corpora: Iterable[Corpus], split: Split
) -> dict[str, dict[str, dict[str, float]]]:
    """For each corpus, the fields of its HeldOut about PPM, by order; PPM learns from the training lines in all keys.

    Where these are too many for PPM, it learns from some of the lines, in all their keys.
    """
    tests = {
        corpus.name: ((tokens_of_line(vocabulary, line.records) for line in corpus.lines[split]), corpus.notes(split))
        for corpus in corpora
    }
    found = ppm_bits_per_note(_in_all_keys(vocabulary, training), tests, PPM_ORDERS, vocabulary.size)
    figures = {}
    for name, by_order in found.items():
        kinds = {context_order: _split_by_kind(vocabulary, bits) for context_order, bits in by_order.items()}
        figures[name] = {
            "ppm": {context_order: pitch + (time or 0.0) for context_order, (pitch, time) in kinds.items()},
            "ppm_time": {context_order: time for context_order, (_, time) in kinds.items() if time is not None},
        }
    return figures


def _in_all_keys(vocabulary: Vocabulary, lines: Sequence[Line]) -> Iterator[Tokens]:
    # A note is at most two tokens, so the length of a line bounds its tokens.
    chosen = pieces_within([2 * len(TRANSPOSITIONS) * len(line) for line in lines])
    table = transposing(vocabulary)
    for index in chosen.tolist():
        yield from table[:, tokens_of_line(vocabulary, lines[index].records)]


def _split_by_kind(vocabulary: Vocabulary, bits: npt.NDArray[np.float64]) -> tuple[float, float | None]:
    """Bits by token, shape (vocabulary,), summed for pitches and, where the vocabulary has time tokens, for times."""
    if not isinstance(vocabulary, EventVocabulary):
        return float(bits.sum()), None
    return float(bits[: vocabulary.first_time_token].sum()), float(bits[vocabulary.first_time_token :].sum())
