"""`fours judge`: has the package `train` judge a pack by the answers of a `Jam`, the same code that answers in a session."""

import importlib
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from model.extras import install_hint
from server.controls.control_table import Value
from server.takes_cli import ConfigOption, JsonOption

Side = Literal["train", "valid", "test"]
# An option for one of these would have no effect: both approaches of the named pack answer, each as long as people go on.
SET_BY_JUDGE = frozenset({"pack", "approach", "answer_length", "answer_after", "mode", "band"})
# As of the commands of `train`, which may not be installed.
MOST_WORKERS = 61


def judge(
    *,
    judged: Annotated[str, typer.Argument(metavar="PACK", help="The pack to judge, by its name or folder.")],
    sources: Annotated[
        list[Path], typer.Argument(help="Folders of music, of which what the pack has not seen is used.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The folder of the page to write; or its page, a name that ends in .html."),
    ] = None,
    split: Annotated[
        Side, typer.Option(help="The side of the split: valid while something is built, test in the end.")
    ] = "test",
    seeds: Annotated[int, typer.Option(min=10, max=10_000, help="How many seeds; fewer for a quick look.")] = 436,
    bars: Annotated[int, typer.Option(min=1, max=32, help="The bars of a seed, and of what follows it.")] = 4,
    random_seed: Annotated[int, typer.Option(help="The same arguments give the same figures.")] = 0,
    workers: Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Processes that read music files.")] = 2,
    cache: Annotated[Path | None, typer.Option(help="Where files that were read are kept.", show_default=False)] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    controls: dict[str, Value],
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


def training_module(name: str) -> Any:
    """A module of the package `train`; ends the process with one sentence where its dependencies are not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"fours: this command needs {error.name}, which is not installed: {install_hint('train')}"
        ) from error
