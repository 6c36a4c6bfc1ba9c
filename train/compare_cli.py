"""`fours compare`: the command around `train.evaluation.compare` and `train.report.document`.

It knows options, not how a report is made.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.improvising.sampling_settings import SamplingSettings
from model.pack.pack import open_pack
from train.command import WorkersOption, run_command
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import read_corpora
from train.corpus.reading import LineSelection
from train.evaluation.compare import AnswerSettings, compare
from train.evaluation.reference_statistics import measure_reference
from train.evaluation.seeds import built_in_seeds, read_seeds
from train.report.document import page_path_for, write_report

console = Console(stderr=True)
DEFAULTS = AnswerSettings()


def compare_approaches(
    context: typer.Context,
    pack: Annotated[
        str,
        typer.Argument(metavar="PACK", help="The pack whose two approaches are compared, by its name or folder."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The folder of the report to write; or its page, a name that ends in .html."),
    ],
    seeds: Annotated[
        list[Path] | None,
        typer.Option(
            help="The seeds: a .mid file, or a few of the test files of a folder. Can be given more than once. By default, three phrases of the program.",
        ),
    ] = None,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            help="Real music to compare the answers with: a folder that the pack was trained on. Can be given more than once.",
        ),
    ] = None,
    bars: Annotated[int, typer.Option(min=1, max=64, help="How many bars an answer has.")] = DEFAULTS.bars,
    answers: Annotated[
        int, typer.Option(min=1, max=1000, help="How many answers to each seed are measured; the first is shown.")
    ] = DEFAULTS.answers,
    temperature: Annotated[float, typer.Option(min=0.1, max=2.0, help="How daring the choice of notes is.")] = (
        DEFAULTS.sampling.temperature
    ),
    top_p: Annotated[
        float,
        typer.Option(min=0.05, max=1.0, help="Leave out the least likely notes: keep this share of the probability."),
    ] = DEFAULTS.sampling.top_p,
    step: Annotated[
        float, typer.Option(min=0.0625, max=4.0, help="The time from note to note in the pitch approach, in beats.")
    ] = DEFAULTS.sampling.step_beats,
    random_seed: Annotated[int, typer.Option(help="The same arguments give the same report.")] = DEFAULTS.random_seed,
    workers: WorkersOption = 2,
    cache: Annotated[Path, typer.Option(help="The cache of files that were read.", show_default=False)] = USER_CACHE,
) -> None:
    """Let both approaches of a pack answer the same seeds, and write a page that shows, plays and measures them side by side."""
    # First the checks of the arguments: the pack, the place for the page, the seeds.
    opened_pack = open_pack(pack)
    page = page_path_for(out)
    named_seeds = read_seeds(seeds, cache) if seeds else built_in_seeds()
    settings = AnswerSettings(bars, answers, SamplingSettings(temperature, top_p, step), random_seed)
    reference = (
        measure_reference(read_corpora(corpus, cache, LineSelection(), workers), settings.excerpt_beats)
        if corpus
        else None
    )
    comparison = compare(opened_pack, named_seeds, settings, reference)
    command = shlex.join(["fours", "compare", *context.obj])
    for path in write_report(page, comparison, command):
        console.print(str(path), highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command on `arguments`, or on those of this process; reports errors as one sentence."""
    run_command(compare_approaches, "fours compare", arguments)
