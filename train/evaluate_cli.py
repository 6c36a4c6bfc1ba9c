"""`fours evaluate`: the command around `train.evaluation.evaluate`.

It knows how figures are shown, not how they are measured.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from model.approach import APPROACHES, Approach
from model.improvising.sampling_settings import SamplingSettings
from model.pack.card import HeldOut
from model.pack.pack import open_pack
from train.command import ThreadsOption, WorkersOption, run_command
from train.corpus.cache import USER_CACHE
from train.corpus.corpora import Split, read_corpora
from train.corpus.reading import TrackChoice
from train.evaluation.compare import FIGURES
from train.evaluation.copying import NGRAM_INTERVALS, Copying
from train.evaluation.evaluate import ANSWER_BARS, Evaluation, choice_of, evaluate
from train.evaluation.measures import Quartiles

console = Console()


def evaluate_pack(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="The pack to judge, by its name or folder.")],
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER", help="Folders with MIDI files, or files, globs, or a .txt that lists files."),
    ],
    split: Annotated[Split, typer.Option(help="The side of the split that the pack is judged on.")] = "test",
    tracks: Annotated[
        TrackChoice | None,
        typer.Option(help="Which tracks of a file are judged; by default those that the pack was trained on."),
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0.1, max=2.0, help="The temperature: how daring the choice of notes is.")
    ] = 1.0,
    top_p: Annotated[
        float,
        typer.Option(min=0.05, max=1.0, help="Leave out the least likely notes: keep this share of the probability."),
    ] = 1.0,
    random_seed: Annotated[int, typer.Option(help="The same arguments give the same figures.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: JSON.")] = False,  # noqa: FBT002  a flag
    threads: ThreadsOption = 0,
    workers: WorkersOption = 2,
    cache: Annotated[Path, typer.Option(help="The cache of files that were read.", show_default=False)] = USER_CACHE,
) -> None:
    """Measure a pack on music: its bits per note, and how its answers compare with what musicians wrote.

    Bits per note are given with and without a memory of the piece so far, beside those of PPM.
    """
    if threads:
        torch.set_num_threads(threads)
    opened_pack = open_pack(pack)
    corpora = read_corpora(sources, cache, choice_of(opened_pack, tracks), workers)
    evaluation = evaluate(opened_pack, corpora, split, SamplingSettings(temperature, top_p), random_seed)
    if as_json:
        typer.echo(json.dumps(_as_json(evaluation), indent=2))
        return
    for approach in APPROACHES:
        console.print(_bits_table(approach, evaluation.held_out[approach], split))
    console.print(_measures_table(evaluation))
    console.print(_copying_table(evaluation))


def _bits_table(approach: Approach, figures: Mapping[str, HeldOut], split: Split) -> Table:
    title = f"{approach}: bits per note, {split} files"
    table = Table("corpus", "notes", "model", "pitch", "time", "together", title=title, title_justify="left")
    for corpus, held_out in figures.items():
        rows = [("the network", held_out.pitch_bits, held_out.time_bits)]
        if held_out.pitch_bits_with_memory is not None:
            rows.append(("with memory", held_out.pitch_bits_with_memory, held_out.time_bits_with_memory))
        for context_order, total in held_out.ppm.items():
            time_bits = held_out.ppm_time.get(context_order)
            rows.append((f"PPM, {context_order}", total - (time_bits or 0.0), time_bits))
        for index, (name, pitch_bits, time_bits) in enumerate(rows):
            table.add_row(
                corpus if index == 0 else "",
                f"{held_out.notes:,}" if index == 0 else "",
                name,
                f"{pitch_bits:.3f}",
                "" if time_bits is None else f"{time_bits:.3f}",
                f"{pitch_bits + (time_bits or 0.0):.3f}",
                end_section=index == len(rows) - 1,
            )
    return table


def _measures_table(evaluation: Evaluation) -> Table:
    title = f"What it plays, answers of {ANSWER_BARS} bars: median (and quartiles)"
    table = Table(
        "measure",
        *evaluation.answers,
        f"unseen music ({evaluation.reference.excerpts} excerpts)",
        title=title,
        title_justify="left",
    )
    reference = {**evaluation.reference.quartiles, "longest_run": evaluation.reference.longest_run}
    for figure in FIGURES:
        cells = [_quartiles(statistics.measures.get(figure.name)) for statistics in evaluation.answers.values()]
        unit = f", {figure.unit}" if figure.unit else ""
        table.add_row(f"{figure.title}{unit}", *cells, _quartiles(reference.get(figure.name)))
    return table


def _copying_table(evaluation: Evaluation) -> Table:
    title = "Share of its runs of successive intervals that also occur in the training files"
    table = Table("intervals", *evaluation.answers, "unseen music", title=title, title_justify="left")
    for length in NGRAM_INTERVALS:
        copying_columns = [
            *(statistics.copying for statistics in evaluation.answers.values()),
            evaluation.reference.copying,
        ]
        table.add_row(str(length), *(_share(copying, length) for copying in copying_columns))
    return table


def _quartiles(quartiles: Quartiles | None) -> str:
    return "" if quartiles is None else f"{quartiles.median:.2f} ({quartiles.low:.2f} to {quartiles.high:.2f})"


def _share(copying: Copying, length: int) -> str:
    share = copying.shares.get(length)
    return "" if share is None else f"{share:.3f}"


def _as_json(evaluation: Evaluation) -> dict[str, object]:
    return {
        "pack": evaluation.pack,
        "split": evaluation.split,
        "held_out": {
            approach: {name: held_out.model_dump() for name, held_out in figures.items()}
            for approach, figures in evaluation.held_out.items()
        },
        "played": {
            approach: {"measures": _measures_json(statistics.measures), "copying": _copying_json(statistics.copying)}
            for approach, statistics in evaluation.answers.items()
        },
        "real": {
            "excerpts": evaluation.reference.excerpts,
            "measures": _measures_json(
                {**evaluation.reference.quartiles, "longest_run": evaluation.reference.longest_run}
            ),
            "copying": _copying_json(evaluation.reference.copying),
        },
    }


def _measures_json(measures: Mapping[str, Quartiles]) -> dict[str, dict[str, float]]:
    return {
        name: {"low": quartiles.low, "median": quartiles.median, "high": quartiles.high}
        for name, quartiles in measures.items()
    }


def _copying_json(copying: Copying) -> dict[str, object]:
    return {
        "longest_run": copying.longest_run,
        "shares": {str(length): share for length, share in copying.shares.items()},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command on `arguments`, or on those of this process; reports errors as one sentence."""
    run_command(evaluate_pack, "fours evaluate", arguments)
