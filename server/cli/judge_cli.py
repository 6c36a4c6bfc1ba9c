"""`fours judge`: has the package `train` judge a pack by the answers of a `Jam`, the same code that answers in a session."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from server.cli.export_cli import SET_BY_EXPORT
from server.cli.options import ConfigOption, Controls, JsonOption
from server.cli.training_cli import training_module

Side = Literal["train", "valid", "test"]
SET_BY_JUDGE = SET_BY_EXPORT | {"pack", "approach", "answer_length", "tempo", "chart", "band", "feel"}
"""Here both approaches of the named pack answer, too, each as long as people go on, at their tempo, and without a chart."""
# As of the commands of `train`, which may not be installed.
MOST_WORKERS = 61


def judge(
    *,
    judged: Annotated[str, typer.Argument(metavar="PACK", help="The pack to judge, by its name or folder.")],
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER", help="Folders of music; only what the pack was not trained on is used."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The folder of the page to write; or its page, a name that ends in .html."),
    ] = None,
    split: Annotated[
        Side, typer.Option(help="The side of the split: valid during development, test at the end.")
    ] = "test",
    seeds: Annotated[int, typer.Option(min=10, max=10_000, help="How many seeds; fewer for a quick look.")] = 436,
    bars: Annotated[int, typer.Option(min=1, max=32, help="The bars of a seed, and of what follows it.")] = 4,
    random_seed: Annotated[int, typer.Option(help="The same arguments give the same figures.")] = 0,
    workers: Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Processes that read music files.")] = 2,
    cache: Annotated[Path | None, typer.Option(help="The cache of files that were read.", show_default=False)] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    controls: Controls,
) -> None:
    """Compare a pack's answers with what people really played next (needs the extra `train`)."""
    from server.answerer import open_answerer

    judging = training_module("train.judge.command")
    request = judging.JudgeRequest(
        pack=judged,
        sources=tuple(sources),
        out=out,
        split=split,
        seeds=seeds,
        bars=bars,
        random_seed=random_seed,
        as_json=as_json,
        workers=workers,
        cache=cache,
        command=shlex.join(["fours", *sys.argv[1:]]),
    )
    judging.run(request, lambda: open_answerer({**controls, "pack": judged}, config))
