"""Both approaches at the same seeds: what they answer, and what that measures beside real music; knows no file and no page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from random import Random

import numpy as np

from model.approach import APPROACHES, Approach
from model.engines.engine import Engine
from model.files.midi_file import Seed
from model.improvising.improviser import Improviser, create_improviser
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.pack.card import Card
from model.pack.pack import Pack
from train.judging.copying import Copying, pooled
from train.judging.measures import MEASURES, Quartiles, measure, quartiles
from train.judging.melodies import Melody, event_melody, pitch_melody
from train.judging.reference_statistics import Yardstick
from train.judging.seeds import NamedSeed

# An end this little past a bar line is still in the bar before; as an export has it.
BAR_TOLERANCE_BEATS = 1 / 16
BEATS_PER_BAR = 4


@dataclass(frozen=True, slots=True)
class Order:
    """How the answers are to be: so many bars each, so many to a seed, of which the first is shown and all are measured."""

    bars: int = 8
    answers: int = 8
    taste: SamplingSettings = field(default_factory=lambda: SamplingSettings(temperature=0.9, top_p=0.95))
    random_seed: int = 0

    @property
    def excerpt_beats(self) -> float:
        """How long the real music is to be that the answers are held against."""
        return float(self.bars * BEATS_PER_BAR)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of an answer: what it is called, its unit, and what it says."""

    name: str
    title: str
    unit: str
    help: str


LONGEST_RUN = Figure(
    "longest_run",
    "Longest run copied",
    "intervals",
    "The most successive steps from note to note that also stand in one line of the training music, in any key and rhythm.",
)
FIGURES: tuple[Figure, ...] = (
    *(Figure(known.name, known.title, known.unit, known.help) for known in MEASURES),
    LONGEST_RUN,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an approach played to a seed, on the seed's own timeline; `figures` by name, without those it is too short for."""

    notes: tuple[Note, ...]
    figures: Mapping[str, float]
    copying: Copying | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A seed, and what each approach answers to it: `Order.answers` times, between these two beats."""

    named: NamedSeed
    start_beats: float
    until_beats: float
    answers: Mapping[Approach, tuple[Answer, ...]]

    @property
    def seed(self) -> Seed:
        return self.named.seed


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that a report shows."""

    pack: str
    card: Card
    order: Order
    exchanges: tuple[Exchange, ...]
    melodies: Mapping[Approach, Melody]
    yardstick: Yardstick | None = None

    def answers(self, approach: Approach) -> list[Answer]:
        return [answer for exchange in self.exchanges for answer in exchange.answers[approach]]

    def quartiles(self, approach: Approach) -> dict[str, Quartiles]:
        """Of each figure over all the answers of an approach."""
        figures = [answer.figures for answer in self.answers(approach)]
        found = quartiles({name: value for name, value in each.items() if name != LONGEST_RUN.name} for each in figures)
        runs = [each[LONGEST_RUN.name] for each in figures if LONGEST_RUN.name in each]
        if runs:
            found[LONGEST_RUN.name] = Quartiles(*np.percentile(runs, (25, 50, 75)).tolist())
        return found

    def music(self) -> dict[str, Quartiles]:
        """The same of real music; empty where there is none to compare with."""
        if self.yardstick is None:
            return {}
        return {**self.yardstick.quartiles, LONGEST_RUN.name: self.yardstick.longest_run}

    def copying(self, approach: Approach) -> Copying | None:
        """All that an approach copied, pooled; None where it is not known what it learnt from."""
        if self.yardstick is None:
            return None
        return pooled(answer.copying for answer in self.answers(approach) if answer.copying is not None)


def compare(
    pack: Pack, seeds: Sequence[NamedSeed], order: Order = Order(), real: Yardstick | None = None
) -> Comparison:
    """Lets both approaches of a pack answer each seed, from the bar line after it; the same arguments give the same answers.

    Raises PackError where a file of the pack is damaged, and ValueError without any seed.
    """
    if not seeds:
        raise ValueError("there is no seed to answer")
    # Not `auto`: a report is the same whether or not there is a GPU.
    engines = {approach: pack.engine(approach, "cpu") for approach in APPROACHES}

    def heard(approach: Approach, seed: Seed) -> Improviser:
        return _having_heard(seed, pack, approach, engines[approach])

    exchanges = []
    for named in seeds:
        start_beats, until_beats = _span(named.seed, order.bars)
        answers: dict[Approach, tuple[Answer, ...]] = {}
        for approach in APPROACHES:
            partner = heard(approach, named.seed)
            answers[approach] = tuple(
                _measured(_answer(partner, named.seed, start_beats, until_beats, order, take), named.seed, real)
                for take in range(order.answers)
            )
        exchanges.append(Exchange(named, start_beats, until_beats, answers))
    first = seeds[0].seed
    melodies: dict[Approach, Melody] = {
        "pitch": pitch_melody(heard("pitch", first), first, Random(order.random_seed)),
        "event": event_melody(heard("event", first), first, Random(order.random_seed)),
    }
    return Comparison(pack.name, pack.card, order, tuple(exchanges), melodies, real)


def _having_heard(seed: Seed, pack: Pack, approach: Approach, engine: Engine) -> Improviser:
    partner = create_improviser(engine, pack.vocabulary(approach, seed.tempo_bpm))
    for note in seed.notes:
        partner.hear(note)
    return partner


def _span(seed: Seed, bars: int) -> tuple[float, float]:
    """From the bar line after the seed's end, for so many bars."""
    bar = seed.meter.beats_per_bar
    start_beats = math.ceil((seed.end_beats - BAR_TOLERANCE_BEATS) / bar) * bar
    return start_beats, start_beats + bars * bar


def _answer(
    partner: Improviser, seed: Seed, start_beats: float, until_beats: float, order: Order, take: int
) -> tuple[Note, ...]:
    """As loud as the seed, note by note."""
    composed = partner.compose(start_beats, until_beats, order.taste, Random(order.random_seed + take))
    velocities = cycle(note.velocity for note in seed.notes)
    return tuple(
        replace(planned.note, velocity=velocity) for planned, velocity in zip(composed, velocities, strict=False)
    )


def _measured(notes: tuple[Note, ...], seed: Seed, real: Yardstick | None) -> Answer:
    figures = measure(notes, real.grid if real else None, seed.meter.beats_per_bar)
    if real is None:
        return Answer(notes, figures, None)
    copying = real.learnt.copied(notes)
    return Answer(notes, {**figures, LONGEST_RUN.name: float(copying.longest_run)}, copying)
