"""`fours judge`: reads the corpora, has the answers judged, shows the figures and writes the page; composes no answer itself."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from model.approach import APPROACHES, Approach
from model.files.seed import Seed
from model.notes import Note
from model.pack.pack import open_pack
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Split, read_corpora
from train.errors import CorpusError, TrainError
from train.evaluation.evaluate import choice_of
from train.judge.exchanges import HeldOutExchange, held_out_exchanges
from train.judge.judgement import LEAST_ONSETS, Judgement, judge, shortage_of
from train.judge.page import (
    NO_CONTINUATIONS,
    NOT_TOLD_APART,
    PLAYERS,
    classifier_rows,
    continuation_rows,
    measure_rows,
    render_judgement,
)
from train.report.document import page_path_for, write_page
from train.report.wording import counted

console, progress_console = Console(), Console(stderr=True)


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What to judge: the pack, the corpora, the side of the split, how many seeds of how many bars, and the page to write."""

    pack: str
    sources: tuple[Path, ...]
    out: Path | None
    split: Split
    seeds: int
    bars: int
    random_seed: int
    as_json: bool
    workers: int
    cache: Path | None
    command: str


AnswerSeed = Callable[[Seed, Approach, float, float, int], tuple[Note, ...]]
"""The answer of an approach to a seed, from one beat to another, with this random seed."""


def run(request: JudgeRequest, open_answerer: Callable[[], AnswerSeed]) -> None:
    """Judges the pack, and exits with status 1 and one sentence where a TrainError is raised."""
    try:
        judge_pack(request, open_answerer)
    except TrainError as error:
        raise SystemExit(f"fours: {error}") from None


def judge_pack(request: JudgeRequest, open_answerer: Callable[[], AnswerSeed]) -> None:
    """Judges the pack with the answers of `open_answerer`. Raises TrainError and ModelError, each with one sentence."""
    pack = open_pack(request.pack)
    page = page_path_for(request.out) if request.out is not None else None
    corpora = read_corpora(request.sources, request.cache or USER_CACHE, choice_of(pack), request.workers)
    trained_on = {source.name for source in pack.card.corpora}
    exchanges = held_out_exchanges(corpora, request.split, request.bars, request.seeds, trained_on)
    answer_seed = open_answerer()

    def answer(exchange: HeldOutExchange, approach: Approach, random_seed: int) -> tuple[Note, ...]:
        return answer_seed(exchange.seed, approach, exchange.start_beats, exchange.until_beats, random_seed)

    with Progress(console=progress_console, transient=True) as progress:
        tasks = {what: progress.add_task(what, total=None) for what in ("answers", "continuations")}
        judgement = judge(
            pack,
            exchanges,
            answer,
            request.random_seed,
            lambda what, done, of: progress.update(tasks[what], completed=done, total=of),
        )
    judgement = replace(judgement, shortage=shortage_of(exchanges, request.seeds))
    if not judgement.exchanges:
        raise CorpusError(
            f"nothing can be measured: in every exchange somebody played fewer than {LEAST_ONSETS} notes; give it more files"
        )
    if judgement.shortage:
        # Programs read JSON on stdout, and nothing else.
        (progress_console if request.as_json else console).print(judgement.shortage, style="yellow", soft_wrap=True)
    if request.as_json:
        console.print_json(json.dumps(_as_json(judgement)))
    else:
        _print_tables(judgement)
    if page is not None:
        write_page(page, render_judgement(judgement, request.command))
        progress_console.print(str(page), highlight=False, soft_wrap=True)


def _print_tables(judgement: Judgement) -> None:
    if any(judgement.told_apart.values()):
        console.print(_classifier_table(judgement))
    else:
        console.print(NOT_TOLD_APART, soft_wrap=True)
    if judgement.continuations:
        console.print(_continuation_table(judgement))
    else:
        console.print(NO_CONTINUATIONS, soft_wrap=True)
    table = Table("measure", *(title.lower() for title in PLAYERS.values()), "event above", "pitch above")
    for measured in measure_rows(judgement):
        table.add_row(measured.title, *measured.means, *measured.above)
    console.print(table)


def _classifier_table(judgement: Judgement) -> Table:
    titles = ("event, regression", "event, trees", "pitch, regression", "pitch, trees")
    table = Table("told apart by (AUC)", *titles, title=counted(len(judgement.exchanges), "seed"), title_justify="left")
    for row in classifier_rows(judgement):
        table.add_row(row.title, *row.cells)
    return table


def _continuation_table(judgement: Judgement) -> Table:
    table = Table("true continuation", "exchanges", "network alone", "with memory", "by gain from the seed")
    for row in continuation_rows(judgement):
        table.add_row(row.title, *row.cells)
    return table


def _as_json(judgement: Judgement) -> dict[str, object]:
    return {
        "pack": judgement.pack,
        "seeds": len(judgement.exchanges),
        "shortage": judgement.shortage,
        "too_short": judgement.too_short,
        "told_apart": {
            approach: {title: asdict(auc) for title, auc in judgement.told_apart[approach].items()}
            for approach in APPROACHES
        },
        "continuations": {approach: asdict(test) for approach, test in judgement.continuations.items()},
        "measures": [asdict(row) for row in measure_rows(judgement)],
    }
