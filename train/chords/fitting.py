"""Fits which notes are likely over chords: three tables on top of a network's forecast; knows no corpus and no card.

It is a log-linear model: the network's probability of each pitch, times the factor of `ChordPreference`, normalised.
The tables are the ones that make the training music likeliest, with a weak prior at no effect. Their strength in a jam,
where the memory already predicts a part of this, is fitted on the validation music.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.harmony.chord_preference import (
    BY_INTERVAL_SIZE,
    BY_NEXT_SIZE,
    BY_PLACE_SIZE,
    ChordPreference,
    preference_indices,
)
from model.memory.memory import Memory
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary, nearest_pitch
from train.chords.chord_lines import ChordLine
from train.memory.forecasts import LineForecast

MAX_STEPS = 60
# The prior's strength: half the inverse variance of an entry. Found on the validation music of openewld_pd: 5 and 40 are worse.
PRIOR = 15.0
DECIMALS = 3
STRENGTHS = tuple(round(0.05 * step, 2) for step in range(41))


@dataclass(frozen=True, slots=True, eq=False)
class ChordEvidence:
    """The notes of some lines that have a chord: forecasts of their pitches without and with memory, and the entries of the tables.

    `network` and `memory` are logarithms of probabilities, shape (notes, pitches); `targets` are the pitches' indices, shape (notes,); `by_…`
    are the entries, shape (notes, pitches).
    """

    network: Tensor
    memory: Tensor
    targets: Tensor
    by_place: Tensor
    by_next: Tensor
    by_interval: Tensor

    @classmethod
    def of(
        cls,
        vocabulary: PitchVocabulary | EventVocabulary,
        memory: Memory,
        lines: Sequence[tuple[ChordLine, LineForecast]],
    ) -> Self | None:
        """The evidence of lines with their forecasts; None where no note has a chord."""
        rows = [row for line, forecast in lines for row in _rows(vocabulary, memory, line, forecast)]
        if not rows:
            return None
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        network, with_memory = (torch.from_numpy(np.log(np.maximum(column, 1e-12))) for column in columns[:2])
        return cls(network, with_memory, *(torch.from_numpy(column) for column in columns[2:]))

    def __len__(self) -> int:
        return len(self.targets)

    def bits(self, preference: ChordPreference | None, *, with_memory: bool) -> float:
        """Bits per note, with the tables of a preference at its strength, or without any."""
        tables = [torch.zeros(size, dtype=torch.float64) for size in (BY_PLACE_SIZE, BY_NEXT_SIZE, BY_INTERVAL_SIZE)]
        strength = 0.0
        if preference is not None:
            by_name = (preference.by_place, preference.by_next, preference.by_interval)
            tables, strength = [torch.tensor(table, dtype=torch.float64) for table in by_name], preference.strength
        return float(self._nats(tables, strength, with_memory=with_memory)) / float(np.log(2))

    def _nats(self, tables: Sequence[Tensor], strength: float, *, with_memory: bool) -> Tensor:
        entries = (self.by_place, self.by_next, self.by_interval)
        logits = self.memory if with_memory else self.network
        for table, at in zip(tables, entries, strict=True):
            logits = logits + strength * table[at]
        chosen = logits.gather(1, self.targets[:, None])[:, 0]
        return (torch.logsumexp(logits, 1) - chosen).mean()

    def fit_tables(self) -> list[Tensor]:
        """The tables that make these notes likeliest on top of the network alone."""
        sizes = (BY_PLACE_SIZE, BY_NEXT_SIZE, BY_INTERVAL_SIZE)
        tables = [torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in sizes]
        optimizer = torch.optim.LBFGS(tables, max_iter=MAX_STEPS, line_search_fn="strong_wolfe")

        def loss() -> float:
            optimizer.zero_grad()
            prior = torch.stack([(table**2).sum() for table in tables]).sum() * (PRIOR / len(self))
            value = self._nats(tables, 1.0, with_memory=False) + prior
            value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            return value.item()

        optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return [table.detach() for table in tables]


def fit_preference(training: ChordEvidence, validation: ChordEvidence) -> ChordPreference:
    """The tables fitted to the training notes, at the strength that predicts the validation notes best together with a memory."""
    by_place, by_next, by_interval = (
        tuple(round(float(value), DECIMALS) for value in table.tolist()) for table in training.fit_tables()
    )
    candidates = [ChordPreference(by_place, by_next, by_interval, strength) for strength in STRENGTHS]
    return min(candidates, key=lambda candidate: validation.bits(candidate, with_memory=True))


def _rows(
    vocabulary: PitchVocabulary | EventVocabulary, memory: Memory, line: ChordLine, forecast: LineForecast
) -> list[tuple[npt.NDArray[np.generic] | int, ...]]:
    """A row for each note that has a chord, in the columns of `ChordEvidence`."""
    pitches = np.array(vocabulary.pitches, np.int64)
    index_of = {pitch: index for index, pitch in enumerate(vocabulary.pitches)}
    rows: list[tuple[npt.NDArray[np.generic] | int, ...]] = []
    notes = iter(line.notes)
    previous: int | None = None
    memory.forget()
    for p, (target, place) in zip(forecast.p, forecast.placed_targets, strict=True):
        if 1 <= target <= len(pitches):
            note = next(notes)
            span = line.changes.at(note.onset_beats)
            found = None if span is None else preference_indices(pitches, span, note.onset_beats, previous)
            previous = nearest_pitch(note.pitch, vocabulary.pitches)
            if found is not None:
                mixed = memory.mix(p, place=place).probabilities
                rows.append(
                    (
                        _of_notes(p, len(pitches)),
                        _of_notes(mixed, len(pitches)),
                        index_of[previous],
                        found.by_place,
                        found.by_next,
                        found.by_interval,
                    )
                )
        memory.hear(target, place)
    return rows


def _of_notes(p: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.float64]:
    """The probabilities of the pitches, given that a note comes."""
    notes = p[1 : 1 + count].astype(np.float64)
    share: npt.NDArray[np.float64] = notes / notes.sum()
    return share
