"""Fits how far a pack's memory is trusted to the validation lines; the networks stay as they are.

It knows no command line.
"""

from collections.abc import Collection, Sequence

from model.approach import APPROACHES, Approach
from model.engines.network import MusicLSTM
from model.memory.backoff import DEFAULT_BACKOFFS, Backoff
from model.memory.memory import Memory
from model.pack.card import ApproachCard, Card, MemoryTrust
from model.pack.pack import Pack
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.card_file import replace_card
from train.corpus.corpora import Corpus
from train.corpus.reading import NOMINAL_TEMPO_BPM
from train.errors import CorpusError
from train.evaluation.bits_per_note import held_out, held_out_with_memory, lines_within
from train.evaluation.evaluate import pack_network
from train.memory.fitting import fit_backoff
from train.memory.forecasts import collect_evidence, forecast_lines

# This many notes of each corpus suffice to fit some forty parameters.
MAX_NOTES_FITTED = 50_000


def fit_memory(
    network: MusicLSTM,
    vocabulary: PitchVocabulary | EventVocabulary,
    corpora: Sequence[Corpus],
    own: Collection[str] = (),
) -> Backoff:
    """The back-off that suits the validation lines of the corpora; the default where there are none.

    The corpora named in `own` count together as much as all others together, as a pack that went on from another one is played with
    music of either kind, and its own may be small. Where all are its own, or none, each counts alike.
    """
    approach: Approach = "event" if isinstance(vocabulary, EventVocabulary) else "pitch"
    default = DEFAULT_BACKOFFS[approach]
    memory = Memory(vocabulary, default)
    evidence = [
        [
            collect_evidence(memory, line)
            for line in forecast_lines(network, vocabulary, lines_within(corpus.lines["valid"], MAX_NOTES_FITTED))
        ]
        for corpus in corpora
    ]
    return fit_backoff(evidence, default, corpus_weights([corpus.name for corpus in corpora], own))


def corpus_weights(names: Sequence[str], own: Collection[str]) -> list[float]:
    """A weight for each corpus: those of the pack's own together as much as the others together."""
    own_count = sum(name in own for name in names)
    if own_count in {0, len(names)}:
        return [1.0] * len(names)
    return [1.0 / own_count if name in own else 1.0 / (len(names) - own_count) for name in names]


def refit_memory(pack: Pack, corpora: Sequence[Corpus]) -> Card:
    """Fits and measures the memory of a pack again, replaces the card by one with these figures, and returns it.

    Of the corpora, those that the card has held-out figures of are the pack's own; others may be those of the pack that it went on from.
    Raises CorpusError where nothing is held out to fit it to, PackError where the pack is damaged, and OutputError
    where the card cannot be written.
    """
    if not any(corpus.lines["valid"] for corpus in corpora):
        raise CorpusError(
            "no file is on the validation side of the split, which a memory is fitted to; give it more files"
        )
    approaches = {approach: _refit_approach(pack, approach, corpora) for approach in APPROACHES}
    card = pack.card.model_copy(update={"approaches": approaches})
    replace_card(card, pack.folder)
    return card


def _refit_approach(pack: Pack, approach: Approach, corpora: Sequence[Corpus]) -> ApproachCard:
    card_of_approach = pack.card.approaches[approach]
    network, vocabulary = pack_network(pack, approach), pack.vocabulary(approach, NOMINAL_TEMPO_BPM)
    backoff = fit_memory(network, vocabulary, corpora, card_of_approach.held_out)
    figures_of = dict(card_of_approach.held_out)
    for corpus in corpora:
        if corpus.name in figures_of and corpus.lines["test"]:
            # Those of the network are measured again, too: a newer reader may find other notes in the files.
            lines, measured = corpus.lines["test"], {"notes", "pitch_bits", "time_bits"}
            figures = held_out(network, vocabulary, lines).model_dump(include=measured)
            figures |= held_out_with_memory(network, vocabulary, lines, backoff)
            figures_of[corpus.name] = figures_of[corpus.name].model_copy(update=figures)
    return card_of_approach.model_copy(update={"memory": MemoryTrust.from_backoff(backoff), "held_out": figures_of})
