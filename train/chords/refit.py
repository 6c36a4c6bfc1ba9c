"""Fits a pack's tables of notes over chords to corpora with chord tracks; does not change the networks."""

from collections.abc import Sequence
from dataclasses import replace

from model.approach import APPROACHES, Approach
from model.engines.network import MusicLSTM
from model.harmony.preference.chord_preference import ChordPreference
from model.memory.memory import Memory
from model.pack.card import ApproachCard, Card, ChordFigures, ChordTables
from model.pack.pack import Pack
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.card_file import replace_card
from train.chords.chord_lines import ChordLine, chord_lines
from train.chords.end_fitting import fit_chord_ends
from train.chords.fitting import ChordEvidence
from train.chords.memory_fitting import ContextEvidence, fit_over_chords, kinds_over_chords, with_chords
from train.corpus.corpora import Corpus, Split
from train.corpus.reading import NOMINAL_TEMPO_BPM
from train.errors import CorpusError
from train.evaluation.evaluate import pack_network
from train.memory.forecasts import LineForecast, forecast_lines

FITTED_SPLITS: tuple[Split, Split] = ("train", "valid")
"""The tables are fitted to the first side, their strength to the second."""


def refit_chords(pack: Pack, corpora: Sequence[Corpus]) -> Card:
    """Fits and measures a pack's tables of notes over chords, replaces the card by one with them, and returns it.

    Raises CorpusError where no file to train on, or none to fit the strength to, has a chord track, PackError where the pack is damaged, and
    OutputError where the card cannot be written.
    """
    approaches = {approach: _refit_approach(pack, approach, corpora) for approach in APPROACHES}
    card = pack.card.model_copy(update={"approaches": approaches})
    replace_card(card, pack.folder)
    return card


def _refit_approach(pack: Pack, approach: Approach, corpora: Sequence[Corpus]) -> ApproachCard:
    network, vocabulary = pack_network(pack, approach), pack.vocabulary(approach, NOMINAL_TEMPO_BPM)
    plain = replace(pack.card.backoff(approach), chords=None)
    backoff = with_chords(plain, kinds_over_chords(vocabulary))
    memory = Memory(vocabulary, backoff)
    lines = {split: [line for corpus in corpora for line in chord_lines(corpus, split)] for split in FITTED_SPLITS}
    training = evidence_of(network, vocabulary, memory, lines["train"])
    validation = _with_forecasts(network, vocabulary, lines["valid"])
    if training is None or ChordEvidence.of(vocabulary, memory, validation) is None:
        missing = "train" if training is None else "valid"
        raise CorpusError(
            f"no file on the {missing} side of the split has a chord track: notes that begin three or more at a time"
        )
    assert backoff.chords is not None
    context_evidence = ContextEvidence.of(vocabulary, memory, validation)
    trust, preference = fit_over_chords(context_evidence, training.fit_tables(), backoff.chords)
    memory = Memory(vocabulary, replace(plain, chords=trust))
    held_out = {}
    for corpus in corpora:
        test = evidence_of(network, vocabulary, memory, chord_lines(corpus, "test"))
        if test is not None:
            held_out[corpus.name] = figures(test, preference)
    tables = ChordTables(
        by_place=preference.by_place,
        by_next=preference.by_next,
        by_interval=preference.by_interval,
        strength=preference.strength,
        strength_with_memory=preference.strength_with_memory,
        song_spread=preference.song_spread,
        ends=fit_chord_ends(lines["train"]),
        memory={str(kind): value for kind, value in zip(trust.kinds, trust.concentrations, strict=True)},
        held_out=held_out,
    )
    return pack.card.approaches[approach].model_copy(update={"chords": tables})


def evidence_of(
    network: MusicLSTM, vocabulary: PitchVocabulary | EventVocabulary, memory: Memory, lines: Sequence[ChordLine]
) -> ChordEvidence | None:
    """The evidence of lines with chords; None where no note has one."""
    return ChordEvidence.of(vocabulary, memory, _with_forecasts(network, vocabulary, lines))


def _with_forecasts(
    network: MusicLSTM, vocabulary: PitchVocabulary | EventVocabulary, lines: Sequence[ChordLine]
) -> list[tuple[ChordLine, LineForecast]]:
    by_line = {id(line.line): line for line in lines}
    forecasts = forecast_lines(network, vocabulary, [line.line for line in lines])
    # Forecasts come from the shortest line to the longest.
    in_order = sorted((line.line for line in lines), key=len)
    return [(by_line[id(line)], forecast) for line, forecast in zip(in_order, forecasts, strict=True)]


def figures(evidence: ChordEvidence, preference: ChordPreference) -> ChordFigures:
    """Bits per note without and with the chords, each frozen and with memory. Without memory the tables count fully."""
    plain = replace(preference, strength=1.0)
    return ChordFigures(
        notes=len(evidence),
        pitch_bits=evidence.bits(None, with_memory=False),
        pitch_bits_with_chords=evidence.bits(plain, with_memory=False),
        pitch_bits_with_memory=evidence.bits(None, with_memory=True),
        pitch_bits_with_memory_and_chords=evidence.bits(preference, with_memory=True),
    )
