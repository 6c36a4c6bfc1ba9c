"""Fits which notes are likely over chords: three tables on top of a network's forecast; knows no corpus and no card.

It is a log-linear model: the network's probability of each pitch, times the factor of `ChordPreference`, normalised.
The tables are the ones that make the training music likeliest, with a weak prior at no effect. How much each counts follows the song: see
`train.chords.song_following`. Their strength in a jam, where the memory already predicts a part of this, is fitted on the
validation music: see `train.chords.memory_fitting`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.harmony.changes import place_among
from model.harmony.preference.chord_preference import (
    BY_INTERVAL_SIZE,
    BY_NEXT_SIZE,
    BY_PLACE_SIZE,
    ChordPreference,
    PreferenceIndices,
    preference_indices,
)
from model.memory.memory import Memory
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary, nearest_pitch
from train.chords.chord_lines import ChordLine
from train.chords.song_following import followed_strengths, of_tables
from train.memory.forecasts import LineForecast

MAX_STEPS = 60
# The prior's strength: half the inverse variance of an entry. Found on the validation music of openewld_pd: 5 and 40 are worse.
PRIOR = 15.0
DECIMALS = 3

Tables = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class ChordEvidence:
    """The notes of some lines that have a chord: forecasts of their pitches without and with memory, and the entries of the tables.

    `network`, `memory` and `memory_over_chords` (a memory that knows the chords) are logarithms of probabilities, shape (notes, pitches);
    `network_weight`, shape (notes,), is the part that this memory leaves to the network; `targets` are the pitches' indices,
    shape (notes,); `by_…` are the entries, shape (notes, pitches); `starts` says which notes begin a line, shape (notes,).
    """

    network: Tensor
    memory: Tensor
    memory_over_chords: Tensor
    network_weight: Tensor
    targets: Tensor
    by_place: Tensor
    by_next: Tensor
    by_interval: Tensor
    starts: Tensor

    @classmethod
    def of(
        cls,
        vocabulary: PitchVocabulary | EventVocabulary,
        memory: Memory,
        lines: Sequence[tuple[ChordLine, LineForecast]],
    ) -> Self | None:
        """The evidence of lines with their forecasts; None where no note has a chord."""
        rows = [
            (*_row(note, memory, len(vocabulary.pitches)), number == 0)
            for line, forecast in lines
            for number, note in enumerate(notes_over_chords(vocabulary, memory, line, forecast))
        ]
        if not rows:
            return None
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        logarithms = (torch.from_numpy(np.log(np.maximum(column, 1e-12))) for column in columns[:3])
        return cls(*logarithms, *(torch.from_numpy(column) for column in columns[3:]))

    def __len__(self) -> int:
        return len(self.targets)

    def bits(self, preference: ChordPreference | None, *, with_memory: bool) -> float:
        """Bits per note. With a preference the chords are known, to the memory too; without one they are not."""
        if preference is None:
            return float(self._nats(self.memory if with_memory else self.network)) / float(np.log(2))
        by_table = self.by_table([torch.tensor(table, dtype=torch.float64) for table in tables_of(preference)])
        of_song = followed_strengths(self.network, by_table, self.targets, self.starts, preference.song_spread)
        factor = (of_song[:, :, None] * by_table).sum(1)
        if not with_memory:
            return float(self._nats(self.network + preference.strength * factor)) / float(np.log(2))
        strength = torch.tensor([preference.strength_at(weight) for weight in self.network_weight.tolist()])
        return float(self._nats(self.memory_over_chords + strength[:, None] * factor)) / float(np.log(2))

    def by_table(self, tables: Sequence[Tensor]) -> Tensor:
        """What each table gives each pitch, as logarithms, shape (notes, tables, pitches)."""
        return of_tables(tables, (self.by_place, self.by_next, self.by_interval))

    def _nats(self, logits: Tensor) -> Tensor:
        chosen = logits.gather(1, self.targets[:, None])[:, 0]
        return (torch.logsumexp(logits, 1) - chosen).mean()

    def fit_tables(self) -> Tables:
        """The tables that make these notes likeliest on top of the network alone."""
        sizes = (BY_PLACE_SIZE, BY_NEXT_SIZE, BY_INTERVAL_SIZE)
        tables = [torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in sizes]
        optimizer = torch.optim.LBFGS(tables, max_iter=MAX_STEPS, line_search_fn="strong_wolfe")

        def loss() -> float:
            optimizer.zero_grad()
            prior = torch.stack([(table**2).sum() for table in tables]).sum() * (PRIOR / len(self))
            value = self._nats(self.network + self.by_table(tables).sum(1)) + prior
            value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            return value.item()

        optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        by_place, by_next, by_interval = (
            tuple(round(float(value), DECIMALS) for value in table.tolist()) for table in tables
        )
        return by_place, by_next, by_interval


def tables_of(preference: ChordPreference) -> Tables:
    """Its three tables."""
    return preference.by_place, preference.by_next, preference.by_interval


def _row(note: "ChordNote", memory: Memory, count: int) -> tuple[npt.NDArray[np.generic] | int | float, ...]:
    """The columns of `ChordEvidence` for a note."""
    mixed = memory.mix(note.p, place=note.place)
    over_chords = memory.mix(note.p, place=note.place, chord_place=note.chord_place)
    return (
        of_notes(note.p, count),
        of_notes(mixed.probabilities, count),
        of_notes(over_chords.probabilities, count),
        over_chords.network_weight,
        note.target,
        note.entries.by_place,
        note.entries.by_next,
        note.entries.by_interval,
    )


@dataclass(frozen=True, slots=True, eq=False)
class ChordNote:
    """A note that has a chord, before the memory has heard it: the network's forecast `p`, shape (vocabulary,), its index among the pitches,
    its places in the bar and among the chords, and the entries of the tables.
    """

    p: npt.NDArray[np.floating]
    target: int
    place: int | None
    chord_place: bytes
    entries: PreferenceIndices


def notes_over_chords(
    vocabulary: PitchVocabulary | EventVocabulary, memory: Memory, line: ChordLine, forecast: LineForecast
) -> Iterator[ChordNote]:
    """The notes of a line that have a chord. When one is yielded, the memory has heard the line up to there, and nothing else."""
    pitches = np.array(vocabulary.pitches, np.int64)
    index_of = {pitch: index for index, pitch in enumerate(vocabulary.pitches)}
    notes = iter(line.notes)
    previous: int | None = None
    memory.forget()
    for p, (target, place) in zip(forecast.p, forecast.placed_targets, strict=True):
        chord_place = b""
        if 1 <= target <= len(pitches):
            note = next(notes)
            span = line.changes.at(note.onset_beats)
            found = None if span is None else preference_indices(pitches, span, note.onset_beats, previous)
            previous = nearest_pitch(note.pitch, vocabulary.pitches)
            chord_place = place_among(line.changes, note.onset_beats)
            if found is not None:
                yield ChordNote(p, index_of[previous], place, chord_place, found)
        memory.hear(target, place, chord_place)


def of_notes(p: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.float64]:
    """The probabilities of the pitches, given that a note comes."""
    notes = p[1 : 1 + count].astype(np.float64)
    share: npt.NDArray[np.float64] = notes / notes.sum()
    return share
