"""Fits, on validation music, how far a memory's contexts over chords are trusted, and how strong the tables of notes over chords are beside it.

The strength on the network's part of a forecast and that on the memory's part differ, as what was played over a chord before
already suits it. All else of the memory stays as it is, so a jam without chords plays as before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from model.harmony.preference.chord_preference import ChordPreference
from model.memory.backoff import Backoff, Trust
from model.memory.context_kinds import NOTE_KINDS_OVER_CHORDS, PITCH_KINDS_OVER_CHORDS, ContextKind
from model.memory.memory import Memory
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from train.chords.chord_lines import ChordLine
from train.chords.fitting import Tables, notes_over_chords
from train.chords.song_following import SONG_SPREAD, followed_strengths, of_tables
from train.memory.forecasts import LineForecast

MAX_STEPS = 60
# The prior: the standard deviation of each parameter, the concentrations as logarithms.
SPREAD = 1.0
# Close to those of `songbook`: the place among the chords alone is trusted less than with notes.
PLACE_CONCENTRATION, CONCENTRATION = 7.0, 3.0
STRENGTH = 1.0


def kinds_over_chords(vocabulary: PitchVocabulary | EventVocabulary) -> tuple[ContextKind, ...]:
    """The kinds of contexts over chords of an approach."""
    return NOTE_KINDS_OVER_CHORDS if isinstance(vocabulary, EventVocabulary) else PITCH_KINDS_OVER_CHORDS


def with_chords(backoff: Backoff, kinds: Sequence[ContextKind]) -> Backoff:
    """The same trust, with contexts over chords that are trusted as in `songbook`."""
    concentrations = tuple(CONCENTRATION if kind.length else PLACE_CONCENTRATION for kind in kinds)
    over = Trust(tuple(kinds), concentrations, backoff.notes.variety, backoff.notes.evidence)
    return replace(backoff, chords=over)


@dataclass(frozen=True, slots=True, eq=False)
class ContextEvidence:
    """The notes of some lines that have a chord, and what a memory knows of each.

    `network` is the network's forecast and `plain` what the contexts without chords remember, with `plain_weight`, shape (notes,), left to those
    below; `shares` are what followed the contexts over chords, shape (notes, contexts, pitches), of `followers` and `different`, shape (notes, contexts).
    `targets` and `starts`, shape (notes,), and `by_…`, shape (notes, pitches), are those of `ChordEvidence`.
    """

    network: Tensor
    plain: Tensor
    plain_weight: Tensor
    shares: Tensor
    followers: Tensor
    different: Tensor
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
    ) -> Self:
        """The evidence of lines with their forecasts; the memory must have contexts over chords."""
        assert memory.backoff.chords is not None
        kinds = memory.backoff.notes_over_chords.kinds
        at = [index for index, kind in enumerate(kinds) if kind.has_chord]
        count = len(vocabulary.pitches)
        rows = []
        for line, forecast in lines:
            for number, note in enumerate(notes_over_chords(vocabulary, memory, line, forecast)):
                mixed = memory.mix(note.p, place=note.place)
                network = note.p[1 : 1 + count].astype(np.float64)
                plain = mixed.probabilities[1 : 1 + count] - mixed.network_weight * network
                found = [b""] * len(at)
                if note.chord_place and not memory.time_comes:
                    followers = memory.followers(note.place, note.chord_place)
                    found = [followers[index] for index in at]
                shares = np.zeros((len(at), count))
                for row, followed in zip(shares, found, strict=True):
                    for symbol in followed:
                        row[symbol] += 1.0 / len(followed)
                rows.append(
                    (
                        network,
                        np.maximum(plain, 0.0),
                        mixed.network_weight,
                        shares,
                        [len(each) for each in found],
                        [len(set(each)) for each in found],
                        note.target,
                        note.entries.by_place,
                        note.entries.by_next,
                        note.entries.by_interval,
                        number == 0,
                    )
                )
        return cls(*(torch.from_numpy(np.array(column)) for column in zip(*rows, strict=True)))

    def factor(self, tables: Sequence[Tensor]) -> Tensor:
        """The logarithm of the factor of each pitch at strength 1, as it follows each song, shape (notes, pitches)."""
        by_table = of_tables(tables, (self.by_place, self.by_next, self.by_interval))
        network = self.network.clamp(min=1e-12).log()
        return (followed_strengths(network, by_table, self.targets, self.starts)[:, :, None] * by_table).sum(1)

    def nats(self, trust: Trust, parameters: Tensor, factor: Tensor) -> Tensor:
        """The mean cost of a note, as `Memory.mix` and `ChordPreference` give it; `parameters` are the logarithms of the concentrations and both strengths,
        `factor` is what the tables give, shape (notes, pitches).
        """
        n, different = self.followers.clamp(min=1).log(), self.different.clamp(min=1).log()
        odds = parameters[:-2] + trust.variety * different - trust.evidence * n
        escapes = torch.where(self.followers > 0, torch.sigmoid(odds), 1.0)
        below = [index for index, kind in enumerate(trust.kinds) if kind.length == 0]
        above = [index for index, kind in enumerate(trust.kinds) if kind.length > 0]
        remembered, weight = torch.zeros_like(self.network), torch.ones_like(self.plain_weight)
        for index in below:
            remembered, weight = self._with(index, escapes, remembered, weight)
        remembered, weight = self.plain + self.plain_weight[:, None] * remembered, self.plain_weight * weight
        for index in above:
            remembered, weight = self._with(index, escapes, remembered, weight)
        strength = weight * parameters[-2] + (1.0 - weight) * parameters[-1]
        mixed = (remembered + weight[:, None] * self.network).clamp(min=1e-12).log()
        logits = mixed + strength[:, None] * factor
        return (torch.logsumexp(logits, 1) - logits.gather(1, self.targets[:, None])[:, 0]).mean()

    def _with(self, index: int, escapes: Tensor, remembered: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        escape = escapes[:, index]
        return (
            (1.0 - escape)[:, None] * self.shares[:, index] + escape[:, None] * remembered,
            escape * weight,
        )


def fit_over_chords(evidence: ContextEvidence, tables: Tables, default: Trust) -> tuple[Trust, ChordPreference]:
    """The trust in contexts over chords and the strengths of the tables that predict the evidence best."""
    factor = evidence.factor([torch.tensor(table, dtype=torch.float64) for table in tables])
    centre = torch.tensor([*map(math.log, default.concentrations), STRENGTH, STRENGTH], dtype=torch.float64)
    parameters = centre.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([parameters], max_iter=MAX_STEPS, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        prior = ((parameters - centre) ** 2).sum() / (2 * SPREAD**2 * len(evidence.targets))
        value = evidence.nats(default, parameters, factor) + prior
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value.item()

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    *concentrations, strength, strength_with_memory = parameters.detach().tolist()
    trust = replace(default, concentrations=tuple(round(math.exp(value), 4) for value in concentrations))
    strengths = (round(max(each, 0.0), 3) for each in (strength, strength_with_memory))
    return trust, ChordPreference(
        *tables, next(strengths), strength_with_memory=next(strengths), song_spread=SONG_SPREAD
    )
