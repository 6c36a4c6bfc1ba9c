"""`fours compare`: the command around `train.judging.compare` and `train.report.document`; knows how to ask for a report, not how to make one."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.improvising.sampling_settings import SamplingSettings
from model.pack.pack import open_pack
from train.command import run_command
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import read_corpora
from train.corpus.reading import Choice
from train.judging.compare import Order, compare
from train.judging.reference_statistics import yardstick
from train.judging.seeds import own_seeds, seeds_of
from train.report.document import place_for, write_report

console = Console(stderr=True)
DEFAULTS = Order()


def compare_approaches(
    context: typer.Context,
    pack: Annotated[str, typer.Argument(help="The pack whose two approaches are compared, by its name or folder.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The folder of the report to write; or its page, a name that ends in .html."),
    ],
    seeds: Annotated[
        list[Path] | None,
        typer.Option(
            help="What is answered: a .mid file, or a few of the test files of a folder. Can be said again. Without it, three phrases that come along.",
        ),
    ] = None,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            help="Real music to hold the answers against: a folder that the pack was trained on. Can be said again.",
        ),
    ] = None,
    bars: Annotated[int, typer.Option(min=1, max=64, help="How long an answer is.")] = DEFAULTS.bars,
    answers: Annotated[
        int, typer.Option(min=1, max=1000, help="How many answers to each seed are measured; the first is shown.")
    ] = DEFAULTS.answers,
    temperature: Annotated[float, typer.Option(min=0.1, max=2.0, help="How daring the choice of notes is.")] = (
        DEFAULTS.taste.temperature
    ),
    top_p: Annotated[
        float, typer.Option(min=0.05, max=1.0, help="Leave out the unlikeliest notes.")
    ] = DEFAULTS.taste.top_p,
    step: Annotated[
        float, typer.Option(min=0.0625, max=4.0, help="From note to note in the pitch approach, in beats.")
    ] = DEFAULTS.taste.step_beats,
    random_seed: Annotated[int, typer.Option(help="The same arguments give the same report.")] = DEFAULTS.random_seed,
    workers: Annotated[int, typer.Option(min=1, help="Processes that read MIDI files.")] = 2,
    cache: Annotated[Path, typer.Option(help="Where files that were read are kept.", show_default=False)] = USER_CACHE,
) -> None:
    """Let both approaches of a pack answer the same seeds, and write a page that shows, plays and measures them side by side."""
    # What can be wrong is found first: the pack, the place, the seeds.
    opened = open_pack(pack)
    page = place_for(out)
    named = seeds_of(seeds, cache) if seeds else own_seeds()
    order = Order(bars, answers, SamplingSettings(temperature, top_p, step), random_seed)
    real = yardstick(read_corpora(corpus, cache, Choice(), workers), order.excerpt_beats) if corpus else None
    comparison = compare(opened, named, order, real)
    command = shlex.join(["fours", "compare", *context.obj])
    for path in write_report(page, comparison, command):
        console.print(str(path), highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command on `arguments`, those of this process where there are none; what is wrong is one sentence."""
    run_command(compare_approaches, "fours compare", arguments)
