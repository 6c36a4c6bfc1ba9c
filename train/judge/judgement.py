"""Judges a pack: compares its answers to held-out seeds with what people played next, by measures, by classifiers and by its forecasts.

It knows no page; the caller composes the answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.approach import APPROACHES, Approach
from model.notes import Note
from model.pack.pack import Pack
from train.judge.classifier import Auc, Features, telling_apart
from train.judge.continuations import ContinuationTest, continuation_test
from train.judge.exchanges import Answerer, HeldOutExchange
from train.judge.phrase import JudgedPhrase
from train.judge.phrase_measures import FEATURE_SETS, MEASURES, Heard, PhraseMeasure, measure_phrase
from train.report.wording import counted

Floats = npt.NDArray[np.float64]

# An answer of fewer onsets has no rhythm to be measured.
LEAST_ONSETS = 3
# Figures of fewer seeds depend mostly on which ones they are.
ENOUGH_SEEDS = 100


@dataclass(frozen=True, slots=True)
class JudgedExchange:
    """A seed with what people played next, and the answer of each approach; `measured` is by approach, and None for people."""

    exchange: HeldOutExchange
    answers: Mapping[Approach, tuple[Note, ...]]
    measured: Mapping[Approach | None, Features]


@dataclass(frozen=True, slots=True)
class Judgement:
    """All results. `too_short` counts the exchanges that were left out, as an answer had too few onsets to be measured.

    `shortage` is a sentence that says how many seeds were found where it was fewer than were asked for.
    """

    pack: str
    exchanges: tuple[JudgedExchange, ...]
    too_short: int
    told_apart: Mapping[Approach, Mapping[str, Auc]]
    continuations: Mapping[Approach, ContinuationTest]
    shortage: str = ""

    def values(self, measure: PhraseMeasure, player: Approach | None) -> list[float | None]:
        """The values of a measure, one for each exchange: of an approach, or of people where it is None."""
        return [judged.measured[player][measure.name] for judged in self.exchanges]

    def mean(self, measure: PhraseMeasure, player: Approach | None) -> float | None:
        """The mean over the phrases that have the measure; None where none has it."""
        known = [value for value in self.values(measure, player) if value is not None]
        return float(np.mean(known)) if known else None

    def above_human(self, measure: PhraseMeasure, approach: Approach) -> float | None:
        """How often an answer's value is above that of what people played after the same seed; a tie counts as a half."""
        pairs = zip(self.values(measure, approach), self.values(measure, None), strict=True)
        higher = [
            float(ours > human) + 0.5 * float(ours == human)
            for ours, human in pairs
            if ours is not None and human is not None
        ]
        return float(np.mean(higher)) if higher else None

    def rests_follow_seed(self, player: Approach | None) -> float | None:
        """Spearman's rank correlation between the share of rests in a phrase and in its seed.

        None where one of them never varies.
        """
        phrases = [judged.measured[player]["rests"] for judged in self.exchanges]
        seeds = [_phrase_of_seed(judged.exchange).rest_share for judged in self.exchanges]
        return _rank_correlation(np.array(phrases, float), np.array(seeds, float))


def judge(
    pack: Pack,
    exchanges: Sequence[HeldOutExchange],
    answer: Answerer,
    random_seed: int = 0,
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Judgement:
    """Lets both approaches answer every seed, exchange number n with the random seed `random_seed` + n.

    The same arguments give the same judgement. `on_progress` is called with what is being done, how much of it is done,
    and how much there is.
    """
    judged = []
    for index, exchange in enumerate(exchanges):
        answers = {approach: answer(exchange, approach, random_seed + index) for approach in APPROACHES}
        phrases: dict[Approach | None, JudgedPhrase] = {None: _phrase(exchange, exchange.continuation, goes_on=True)}
        phrases |= {approach: _phrase(exchange, notes) for approach, notes in answers.items()}
        if all(len(phrase.top_notes) >= LEAST_ONSETS for phrase in (*phrases.values(), _phrase_of_seed(exchange))):
            measured = {player: _measured(exchange, phrase) for player, phrase in phrases.items()}
            judged.append(JudgedExchange(exchange, answers, measured))
        on_progress("answers", index + 1, len(exchanges))
    told_apart = {approach: _told_apart(judged, approach, random_seed) for approach in APPROACHES}
    continuations = {}
    for index, approach in enumerate(APPROACHES):
        tested = continuation_test(pack, approach, exchanges, random_seed)
        if tested is not None:
            continuations[approach] = tested
        on_progress("continuations", index + 1, len(APPROACHES))
    return Judgement(pack.name, tuple(judged), len(exchanges) - len(judged), told_apart, continuations)


def shortage_of(exchanges: Sequence[HeldOutExchange], asked: int) -> str:
    """One sentence where there are fewer seeds than were asked for, otherwise nothing."""
    if len(exchanges) >= asked:
        return ""
    pieces = len({(exchange.corpus, exchange.piece) for exchange in exchanges})
    found = f"only {len(exchanges)} of {asked} seeds were found, of {counted(pieces, 'piece')}"
    return found if len(exchanges) >= ENOUGH_SEEDS else f"{found}; these figures mean little"


def _phrase(exchange: HeldOutExchange, notes: Sequence[Note], *, goes_on: bool = False) -> JudgedPhrase:
    return JudgedPhrase.of(notes, exchange.start_beats, exchange.until_beats, exchange.seed.meter, goes_on=goes_on)


def _phrase_of_seed(exchange: HeldOutExchange) -> JudgedPhrase:
    return JudgedPhrase.of(exchange.seed.notes, 0.0, exchange.start_beats, exchange.seed.meter)


def _measured(exchange: HeldOutExchange, phrase: JudgedPhrase) -> Features:
    return measure_phrase(Heard(phrase, _phrase_of_seed(exchange), exchange.key))


def _told_apart(judged: Sequence[JudgedExchange], approach: Approach, random_seed: int) -> dict[str, Auc]:
    human, ours = ([each.measured[player] for each in judged] for player in (None, approach))
    pieces = [f"{each.exchange.corpus}/{each.exchange.piece}" for each in judged]
    figures = {}
    for title, groups in FEATURE_SETS.items():
        names = [measure.name for measure in MEASURES if measure.group in groups]
        auc = telling_apart(human, ours, pieces, names, random_seed)
        if auc is not None:
            figures[title] = auc
    return figures


def _rank_correlation(one: Floats, other: Floats) -> float | None:
    ranks = [_ranks(values) for values in (one, other)]
    if any(not len(values) or np.ptp(values) == 0.0 for values in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    """The rank of each value; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    means: Floats = np.cumsum(counts) - (counts - 1) / 2.0
    return means[inverse]
