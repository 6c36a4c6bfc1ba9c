"""A judgement as one HTML page that needs no other file: its tables, and some exchanges to look at and to hear."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.approach import Approach
from model.notes import Note
from train.judge.continuations import WRONG_ONES
from train.judge.judgement import JudgedExchange, Judgement
from train.judge.phrase_measures import FEATURE_SETS, MEASURES
from train.report.answer_views import PlayableRoll, playable_answer
from train.report.document import render_page
from train.report.roll import pitch_range
from train.report.wording import counted

SHOWN_EXCHANGES = 12
HUMAN_KIND = "human"
# Where there are too few seeds for a table.
NOT_TOLD_APART = "Whether answers can be told apart was not tried: that takes seeds of two pieces at least."
NO_CONTINUATIONS = (
    f"Whether it knows what comes next was not tried: no seed has {WRONG_ONES} of other pieces of its corpus beside it, in the same "
    f"meter and mode."
)
PLAYERS: Mapping[Approach | None, str] = {None: "People", "event": "Event", "pitch": "Pitch"}


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One row of the table: a mean of each player, and for each approach how often it is above people's."""

    title: str
    group: str
    means: tuple[str, ...]
    above: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One row of a small table: a title and its figures."""

    title: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownExchange:
    title: str
    about: str
    rolls: tuple[tuple[str, PlayableRoll], ...]


def measure_rows(judgement: Judgement) -> tuple[MeasureRow, ...]:
    """Every measure: the mean of people, event and pitch, and how often event and pitch are above people."""
    approaches = [player for player in PLAYERS if player is not None]
    rows = [
        MeasureRow(
            measure.title,
            measure.group,
            tuple(_number(judgement.mean(measure, player)) for player in PLAYERS),
            tuple(_number(judgement.above_human(measure, approach)) for approach in approaches),
        )
        for measure in MEASURES
    ]
    follow = tuple(_number(judgement.rests_follow_seed(player)) for player in PLAYERS)
    return (*rows, MeasureRow("Rests follow the seed's (Spearman)", "shown", follow, ("", "")))


def classifier_rows(judgement: Judgement) -> tuple[FigureRow, ...]:
    """For each set of features, regression and trees on event, then on pitch."""
    rows = []
    for title in FEATURE_SETS:
        found = [judgement.told_apart[approach].get(title) for approach in ("event", "pitch")]
        cells = [_number(value) for auc in found for value in ((auc.regression, auc.trees) if auc else (None, None))]
        rows.append(FigureRow(title, tuple(cells)))
    return tuple(rows)


def continuation_rows(judgement: Judgement) -> tuple[FigureRow, ...]:
    """For each approach the number of tested exchanges, and the shares that were found with a frozen network, with memory, and by
    what the seed adds.
    """
    return tuple(
        FigureRow(
            PLAYERS[approach],
            (str(test.exchanges), f"{test.frozen:.0%}", f"{test.with_memory:.0%}", f"{test.by_gain:.0%}"),
        )
        for approach in ("event", "pitch")
        if (test := judgement.continuations.get(approach)) is not None
    )


def render_judgement(judgement: Judgement, command: str) -> str:
    """The text of the page; the same judgement and command give the same text."""
    indices = np.unique(np.linspace(0, len(judgement.exchanges) - 1, SHOWN_EXCHANGES).round().astype(int)).tolist()
    shown = [_shown(judgement, judgement.exchanges[index]) for index in indices] if judgement.exchanges else []
    return render_page(
        "judge.html",
        pack=judgement.pack,
        seeds=counted(len(judgement.exchanges), "seed"),
        pieces=counted(len({(each.exchange.corpus, each.exchange.piece) for each in judgement.exchanges}), "piece"),
        too_short=judgement.too_short,
        shortage=judgement.shortage,
        players=tuple(PLAYERS.values()),
        classifiers=classifier_rows(judgement) if any(judgement.told_apart.values()) else (),
        not_told_apart=NOT_TOLD_APART,
        no_continuations=NO_CONTINUATIONS,
        continuations=continuation_rows(judgement),
        measures=measure_rows(judgement),
        exchanges=tuple(shown),
        command=command,
    )


def _shown(judgement: Judgement, judged: JudgedExchange) -> ShownExchange:
    exchange = judged.exchange
    played: dict[Approach | None, tuple[Note, ...]] = {None: exchange.continuation}
    played |= judged.answers.items()
    rows = pitch_range([*exchange.seed.notes, *(note for notes in played.values() for note in notes)])
    rolls = []
    for player, title in PLAYERS.items():
        kind = player or HUMAN_KIND
        what = f"{exchange.piece}, continued by {title.lower()}"
        roll = playable_answer(
            exchange.seed,
            played[player],
            kind=kind,
            beats=(exchange.start_beats, exchange.until_beats),
            rows=rows,
            label=f"Piano roll of {what}",
            description=what,
            file_stem=f"{judgement.pack} {exchange.piece} {kind}",
        )
        rolls.append((title, roll))
    meter = exchange.seed.meter
    about = (
        f"{exchange.corpus}; {exchange.key}, {meter.numerator}/{meter.denominator} at {exchange.seed.tempo_bpm:.0f} bpm"
    )
    return ShownExchange(exchange.piece, about, tuple(rolls))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
