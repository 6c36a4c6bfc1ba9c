"""`fours train`: the command around `train.build`, with its progress bars; knows how to show a training, not how to do one."""

import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from model.approach import APPROACHES, Approach
from model.bins import BinChoice
from model.card import Card, Hyperparameters
from model.errors import ModelError
from model.pack import open_pack
from train.build import Order, build_pack
from train.corpus import SPLITS, Corpus, TrackChoice, read_corpus
from train.errors import CorpusError, OutputError, TrainError
from train.trainer import Precision, Recipe
from train.trainer import Progress as Step

console = Console(stderr=True)
DEFAULTS = Recipe()
SHAPE = Hyperparameters()


def train(
    context: typer.Context,
    folders: Annotated[list[Path], typer.Argument(help="Folders with MIDI files; each is a corpus of its own.")],
    out: Annotated[Path, typer.Option(help="The folder of the pack to write.")],
    epochs: Annotated[int, typer.Option(min=1, help="At most so many passes over the corpus.")] = DEFAULTS.epochs,
    patience: Annotated[
        int, typer.Option(min=1, help="Stop after so many epochs without a better held-out figure.")
    ] = DEFAULTS.patience,
    lanes: Annotated[int, typer.Option(min=1, help="Lines trained side by side.")] = DEFAULTS.lanes,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = DEFAULTS.learning_rate,
    dropout: Annotated[float, typer.Option(min=0.0, max=0.9)] = SHAPE.dropout,
    embedding: Annotated[int, typer.Option(min=1)] = SHAPE.embedding,
    hidden: Annotated[int, typer.Option(min=1)] = SHAPE.hidden,
    layers: Annotated[int, typer.Option(min=1)] = SHAPE.layers,
    tracks: Annotated[
        TrackChoice, typer.Option(help="What is learnt from: lead-like tracks, or any melodic ones, chords and all.")
    ] = "lead",
    chunk: Annotated[int, typer.Option(min=2, help="Tokens between two steps of the optimiser.")] = DEFAULTS.chunk,
    bins: Annotated[BinChoice, typer.Option(help="How the time bins are chosen.")] = "commonest",
    bin_count: Annotated[int, typer.Option(min=1, max=128, help="At most so many time bins.")] = 32,
    precision: Annotated[Precision, typer.Option(help="auto: bf16 where the hardware multiplies it.")] = "auto",
    random_seed: Annotated[int, typer.Option(help="Equal seeds give equal weights on one CPU.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 for torch's own choice.")] = 0,
    approach: Annotated[
        Approach | None, typer.Option(help="Train this one only, and keep the other of the pack that is there.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace a pack that is already there.")] = False,  # noqa: FBT002  a flag
) -> None:
    """Train both approaches on folders of MIDI files, and write a pack."""
    if threads:
        torch.set_num_threads(threads)
    kept = open_pack(str(out)) if approach is not None else None
    if kept is not None:
        _check_same_corpora(kept.card, folders)
    if out.exists() and not force and kept is None:
        raise OutputError(f"{out} is already there; choose another --out, or say --force to replace it")
    corpora = [read_corpus(folder, tracks=tracks) for folder in folders]
    console.print(_found(corpora))
    for corpus in corpora:
        for broken in corpus.broken:
            console.print(f"skipped {broken.file}: {broken.reason}", style="yellow", highlight=False)
    if not any(corpus.lines["valid"] for corpus in corpora):
        console.print("No file falls to the held-out side: the last epoch is kept.", style="yellow")
    recipe = replace(
        DEFAULTS,
        epochs=epochs,
        patience=patience,
        lanes=lanes,
        chunk=chunk,
        learning_rate=learning_rate,
        random_seed=random_seed,
        precision=precision,
    )
    order = Order(
        out=out,
        recipes={name: recipe for name in APPROACHES if approach in {None, name}},
        kept=kept,
        shape=Hyperparameters(embedding=embedding, hidden=hidden, layers=layers, dropout=dropout),
        tracks=tracks,
        bin_choice=bins,
        bin_count=bin_count,
        device="cuda" if torch.cuda.is_available() else "cpu",
        command=shlex.join(["fours", "train", *context.obj]),
    )
    with _Bars() as bars:
        card = build_pack(corpora, folders, order, bars.report)
    console.print(_figures(card))
    console.print(f"Pack written to {out}. Play with it: fours jam --pack {shlex.quote(str(out))}", highlight=False)


class _Bars:
    """A bar per approach over the steps of an epoch, and a line per epoch."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
        )
        self._tasks: dict[Approach, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def report(self, approach: Approach, step: Step) -> None:
        if approach not in self._tasks:
            self._tasks[approach] = self._progress.add_task(approach, total=step.epochs * step.steps, speed="")
        self._progress.update(
            self._tasks[approach],
            total=step.epochs * step.steps,
            completed=(step.epoch - 1) * step.steps + step.step,
            speed=f"{step.tokens_per_s:,.0f} tokens/s",
            refresh=False,
        )
        if step.valid_bits is not None:
            held_out = "nothing" if math.isnan(step.valid_bits) else f"{step.valid_bits:.4f} bits/note"
            console.print(
                f"{approach} epoch {step.epoch}: training {step.loss_bits:.3f} bits/token, "
                f"held out {held_out}{' (best)' if step.best else ''}, "
                f"{step.tokens_per_s:,.0f} tokens/s",
                highlight=False,
            )


def _check_same_corpora(card: Card, folders: Sequence[Path]) -> None:
    """What one approach was trained on stands on the card for both, so it must be the same."""
    before, now = [source.name for source in card.corpora], [folder.resolve().name for folder in folders]
    if sorted(before) != sorted(now):
        raise CorpusError(
            f"the pack that is there was trained on {', '.join(before)}; one approach can be trained anew on the same"
        )


def _found(corpora: Sequence[Corpus]) -> Table:
    table = Table("corpus", "side", "files", "lines", "notes", title="Found", title_justify="left")
    for corpus in corpora:
        for split in SPLITS:
            lines = corpus.lines[split]
            table.add_row(corpus.name, split, str(corpus.files(split)), str(len(lines)), f"{corpus.notes(split):,}")
        table.add_row(corpus.name, "no lead", str(len(corpus.leadless)), "", "", style="dim")
        table.add_row(corpus.name, "broken", str(len(corpus.broken)), "", "", style="dim")
    return table


def _figures(card: Card) -> Table:
    table = Table(
        "approach", "corpus", "pitch", "time", "best PPM", title="Bits per note, test files", title_justify="left"
    )
    for approach, part in card.approaches.items():
        for corpus, figures in part.held_out.items():
            time_bits = "" if figures.time_bits is None else f"{figures.time_bits:.3f}"
            order, best = min(figures.ppm.items(), key=lambda item: item[1])
            table.add_row(approach, corpus, f"{figures.pitch_bits:.3f}", time_bits, f"{best:.3f} ({order})")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command on `arguments`, those of this process where there are none; what is wrong is one sentence."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(train)
    try:
        app(given, prog_name="fours train", obj=given)
    except (TrainError, ModelError) as error:
        raise SystemExit(f"fours: {error}") from None
