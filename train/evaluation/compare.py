"""Both approaches answer the same seeds; their answers are measured and compared with real music.

It knows no file and no page.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from random import Random

import numpy as np

from model.approach import APPROACHES, Approach
from model.defaults import DEFAULT_TEMPERATURE, DEFAULT_TOP_P
from model.engines.engine import Engine
from model.files.seed import Seed
from model.improvising.improviser import Improviser
from model.improvising.improvisers import create_improviser
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.pack.card import Card
from model.pack.pack import Pack
from train.evaluation.copying import Copying, pool_copying
from train.evaluation.measures import MEASURES, Quartiles, measure, quartiles
from train.evaluation.melodies import Melody, event_melody, pitch_melody
from train.evaluation.reference_statistics import ReferenceStatistics
from train.evaluation.seeds import NamedSeed

# A seed that ends at most this far past a bar line counts as ending in the bar before that line, as in `fours export`.
BAR_TOLERANCE_BEATS = 1 / 16
BEATS_PER_BAR = 4


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """The length of the answers in bars, their number for each seed, and how they are sampled.

    A report shows the first answer to each seed; all are measured.
    """

    bars: int = 8
    answers: int = 8
    sampling: SamplingSettings = field(
        default_factory=lambda: SamplingSettings(temperature=DEFAULT_TEMPERATURE, top_p=DEFAULT_TOP_P)
    )
    random_seed: int = 0

    @property
    def excerpt_beats(self) -> float:
        """The length of the excerpts of real music that the answers are compared with."""
        return float(self.bars * BEATS_PER_BAR)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is measured for an answer: its name in data, its title, its unit, and its explanation."""

    name: str
    title: str
    unit: str
    help: str


LONGEST_RUN = Figure(
    "longest_run",
    "Longest run copied",
    "intervals",
    "The most successive steps from note to note that also occur in one line of the training music, in any key and rhythm.",
)
FIGURES: tuple[Figure, ...] = (
    *(Figure(known.name, known.title, known.unit, known.help) for known in MEASURES),
    LONGEST_RUN,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a seed, on the seed's timeline; `figures` are by name, without those that it is too short for."""

    notes: tuple[Note, ...]
    figures: Mapping[str, float]
    copying: Copying | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A seed, and the answers of each approach to it, between these two beats.

    Each approach has `AnswerSettings.answers` of them.
    """

    named_seed: NamedSeed
    start_beats: float
    until_beats: float
    answers: Mapping[Approach, tuple[Answer, ...]]

    @property
    def seed(self) -> Seed:
        return self.named_seed.seed


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that a report shows; `reference` is None where there is no real music to compare with."""

    pack: str
    card: Card
    settings: AnswerSettings
    exchanges: tuple[Exchange, ...]
    melodies: Mapping[Approach, Melody]
    reference: ReferenceStatistics | None = None

    def answers(self, approach: Approach) -> list[Answer]:
        return [answer for exchange in self.exchanges for answer in exchange.answers[approach]]

    def quartiles(self, approach: Approach) -> dict[str, Quartiles]:
        """The quartiles of each figure over all answers of an approach."""
        figures = [answer.figures for answer in self.answers(approach)]
        found = quartiles({name: value for name, value in each.items() if name != LONGEST_RUN.name} for each in figures)
        runs = [each[LONGEST_RUN.name] for each in figures if LONGEST_RUN.name in each]
        if runs:
            found[LONGEST_RUN.name] = Quartiles(*np.percentile(runs, (25, 50, 75)).tolist())
        return found

    def reference_quartiles(self) -> dict[str, Quartiles]:
        """The quartiles of each figure of real music; empty where there is none to compare with."""
        if self.reference is None:
            return {}
        return {**self.reference.quartiles, LONGEST_RUN.name: self.reference.longest_run}

    def copying(self, approach: Approach) -> Copying | None:
        """The copying in all answers of an approach together; None where the training music is not known."""
        if self.reference is None:
            return None
        return pool_copying(answer.copying for answer in self.answers(approach) if answer.copying is not None)


def compare(
    pack: Pack,
    seeds: Sequence[NamedSeed],
    settings: AnswerSettings = AnswerSettings(),
    reference: ReferenceStatistics | None = None,
) -> Comparison:
    """Lets both approaches of a pack answer each seed, from the bar line after it.

    The same arguments give the same answers. Raises PackError where a file of the pack is damaged, and ValueError
    without any seed.
    """
    if not seeds:
        raise ValueError("there is no seed to answer")
    # Not `auto`: a report must be the same with and without a GPU.
    engines = {approach: pack.engine(approach, "cpu") for approach in APPROACHES}

    def improviser_for(approach: Approach, seed: Seed) -> Improviser:
        return _improviser_after(seed, pack, approach, engines[approach])

    exchanges = []
    for named_seed in seeds:
        start_beats, until_beats = _answer_span(named_seed.seed, settings.bars)
        answers: dict[Approach, tuple[Answer, ...]] = {}
        for approach in APPROACHES:
            improviser = improviser_for(approach, named_seed.seed)
            answers[approach] = tuple(
                _measure_answer(
                    _compose_answer(improviser, named_seed.seed, start_beats, until_beats, settings, index),
                    named_seed.seed,
                    reference,
                )
                for index in range(settings.answers)
            )
        exchanges.append(Exchange(named_seed, start_beats, until_beats, answers))
    first = seeds[0].seed
    melodies: dict[Approach, Melody] = {
        "pitch": pitch_melody(improviser_for("pitch", first), first, Random(settings.random_seed)),
        "event": event_melody(improviser_for("event", first), first, Random(settings.random_seed)),
    }
    return Comparison(pack.name, pack.card, settings, tuple(exchanges), melodies, reference)


def _improviser_after(seed: Seed, pack: Pack, approach: Approach, engine: Engine) -> Improviser:
    """An improviser that has heard the seed."""
    improviser = create_improviser(engine, pack.vocabulary(approach, seed.tempo_bpm))
    for note in seed.notes:
        improviser.hear(note)
    return improviser


def _answer_span(seed: Seed, bars: int) -> tuple[float, float]:
    """The beats of the answer: from the bar line after the end of the seed, for this many bars."""
    bar = seed.meter.beats_per_bar
    start_beats = math.ceil((seed.end_beats - BAR_TOLERANCE_BEATS) / bar) * bar
    return start_beats, start_beats + bars * bar


def _compose_answer(
    improviser: Improviser, seed: Seed, start_beats: float, until_beats: float, settings: AnswerSettings, index: int
) -> tuple[Note, ...]:
    """The notes of answer number `index`; their velocities are those of the seed, one after another."""
    composed = improviser.compose(start_beats, until_beats, settings.sampling, Random(settings.random_seed + index))
    velocities = cycle(note.velocity for note in seed.notes)
    return tuple(
        replace(planned.note, velocity=velocity) for planned, velocity in zip(composed, velocities, strict=False)
    )


def _measure_answer(notes: tuple[Note, ...], seed: Seed, reference: ReferenceStatistics | None) -> Answer:
    figures = measure(notes, reference.grid if reference else None, seed.meter.beats_per_bar)
    if reference is None:
        return Answer(notes, figures, None)
    copying = reference.training_intervals.measure_copying(notes)
    return Answer(notes, {**figures, LONGEST_RUN.name: float(copying.longest_run)}, copying)
