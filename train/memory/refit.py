"""How far a pack's memory is trusted, fitted to the validation lines; its networks stay as they are. Knows no command line."""

import os
from collections.abc import Sequence

import numpy as np

from model.approach import APPROACHES, Approach
from model.engines.network import MusicLSTM
from model.memory.backoff import DEFAULT_BACKOFFS, Backoff
from model.memory.memory import Memory
from model.pack.card import CARD_FILE, ApproachCard, Card, MemoryTrust
from model.pack.pack import Pack
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.corpus.corpora import Corpus, Line
from train.corpus.reading import NOMINAL_TEMPO_BPM
from train.errors import CorpusError, OutputError
from train.judging.evaluate import pack_network
from train.judging.evaluation import remembered
from train.memory.fitting import fitted_backoff
from train.memory.foretelling import evidence_of, foretold

# Of each corpus so many notes suffice for eighteen figures.
MOST_NOTES_FITTED = 50_000


def fit_memory(network: MusicLSTM, vocabulary: PitchVocabulary | EventVocabulary, corpora: Sequence[Corpus]) -> Backoff:
    """What suits the validation lines of the corpora; the usual where there are none."""
    approach: Approach = "event" if isinstance(vocabulary, EventVocabulary) else "pitch"
    usual = DEFAULT_BACKOFFS[approach]
    memory = Memory(vocabulary, usual)
    evidence = [
        [evidence_of(memory, line) for line in foretold(network, vocabulary, _few(corpus.lines["valid"]))]
        for corpus in corpora
    ]
    return fitted_backoff(evidence, usual)


def refit_memory(pack: Pack, corpora: Sequence[Corpus]) -> Card:
    """The pack's card with its memory fitted anew, and what it comes to on the test lines; written in the old one's place.

    Raises CorpusError where nothing is held out to fit it to, PackError where the pack is damaged, and OutputError where
    the card cannot be written.
    """
    if not any(corpus.lines["valid"] for corpus in corpora):
        raise CorpusError(
            "no file falls to the valid side of the split, which a memory is fitted to; give it more files"
        )
    approaches = {approach: _refitted(pack, approach, corpora) for approach in APPROACHES}
    card = pack.card.model_copy(update={"approaches": approaches})
    path = pack.folder / CARD_FILE
    partial = path.with_name(f".{CARD_FILE}.{os.getpid()}")
    try:
        partial.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror or error}); make room for it") from error
    finally:
        partial.unlink(missing_ok=True)
    return card


def _refitted(pack: Pack, approach: Approach, corpora: Sequence[Corpus]) -> ApproachCard:
    part = pack.card.approaches[approach]
    network, vocabulary = pack_network(pack, approach), pack.vocabulary(approach, NOMINAL_TEMPO_BPM)
    backoff = fit_memory(network, vocabulary, corpora)
    held_out = dict(part.held_out)
    for corpus in corpora:
        if corpus.name in held_out and corpus.lines["test"]:
            figures = remembered(network, vocabulary, corpus.lines["test"], backoff)
            held_out[corpus.name] = held_out[corpus.name].model_copy(update=figures)
    return part.model_copy(update={"memory": MemoryTrust.from_backoff(backoff), "held_out": held_out})


def _few(lines: Sequence[Line]) -> Sequence[Line]:
    """The first lines, as many as it takes."""
    within = np.cumsum([len(line) for line in lines]) <= MOST_NOTES_FITTED
    return lines[: max(1, int(within.sum()))]
