"""Bits per note on held-out lines, for a network, for the int8 graph that ships, and for PPM; knows no training."""

import math
from collections.abc import Sequence

import numpy as np

from model.card import HeldOut
from model.engine import Engine
from model.network import MusicLSTM
from model.vocabulary import EventVocabulary, Vocabulary
from train.baselines import ppm_bits_per_note
from train.corpus import Corpus, Line
from train.dataset import tokens_as_written, tokens_in_all_keys
from train.trainer import sum_bits

PPM_ORDER = 4


def held_out(network: MusicLSTM, vocabulary: Vocabulary, lines: Sequence[Line]) -> HeldOut:
    """What a network foretells of lines that it was not trained on; with time bits apart for `event`."""
    notes = sum(len(line.notes) for line in lines)
    bits = sum_bits(network, tokens_as_written(vocabulary, lines)) / notes
    if isinstance(vocabulary, EventVocabulary):
        first_time = vocabulary.first_time
        return HeldOut(notes=notes, pitch_bits=bits[:first_time].sum(), time_bits=bits[first_time:].sum())
    return HeldOut(notes=notes, pitch_bits=bits.sum())


def with_ppm(
    vocabulary: Vocabulary, training: Sequence[Line], corpora: Sequence[Corpus]
) -> dict[str, dict[str, float]]:
    """Per corpus, PPM's bits per note on its test lines, by order, learnt from all transposed training lines."""
    learnt = [key.tolist() for line in tokens_in_all_keys(vocabulary, training) for key in line]
    tests = {
        corpus.name: (
            [piece.tolist() for piece in tokens_as_written(vocabulary, corpus.lines["test"])],
            corpus.notes("test"),
        )
        for corpus in corpora
        if corpus.lines["test"]
    }
    return ppm_bits_per_note(learnt, tests, PPM_ORDER, vocabulary.size)


def engine_bits(engine: Engine, vocabulary: Vocabulary, lines: Sequence[Line]) -> float:
    """Bits per note of an engine stepping through the lines one token at a time, as a jam does."""
    nats = 0.0
    for piece in tokens_as_written(vocabulary, lines):
        state = engine.initial()
        for token, target in zip(piece[:-1].tolist(), piece[1:].tolist(), strict=True):
            logits, state = engine.step(token, state)
            peak = float(logits.max())
            nats += peak + float(np.log(np.exp(logits - peak).sum())) - float(logits[target])
    return nats / math.log(2) / sum(len(line.notes) for line in lines)
