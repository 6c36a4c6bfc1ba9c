"""Whole trainings that are small enough for a test: corpora on disk, `fours train` in this process, and its output."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from model.approach import APPROACHES
from model.engines.network_shape import Hyperparameters
from model.notes import Note
from model.pack.pack import open_pack, sha256_of
from tests.music import exercise, line, tune, write_part
from train.cli import main
from train.corpus import ingest
from train.learning.recipe import Recipe

RECIPE = Recipe(epochs=1, lanes=4, chunk=32, learning_rate=0.02, warm_up_steps=2, precision="fp32")
SHAPE = Hyperparameters(embedding=8, hidden=16, layers=2, dropout=0.1)
SHAPE_OPTIONS = ("--hidden", "16", "--embedding", "8")
RECIPE_OPTIONS = ("--epochs", "1", "--chunk", "32", "--lanes", "4", "--precision", "fp32")
# The console command, as the script in the environment's bin folder runs it.
AS_A_PROGRAM = (sys.executable, "-W", "error", "-m", "train")
TUNES = 8


@contextmanager
def read_in_this_process() -> Iterator[None]:
    """MIDI files are read by a thread instead of processes, which take a second to start."""

    def pool(workers: int, known: frozenset[str]) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(workers, initializer=ingest._remember, initargs=(known,))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "_known", frozenset())
        patch.setattr(ingest, "_pool", pool)
        yield


def write_tunes(folder: Path) -> Path:
    """Eight tunes of 80 notes, on the half beat."""
    for number in range(TUNES):
        write_part(folder / f"{number}.mid", tune(number, 80))
    return folder


def triplets(number: int, length: int = 144) -> list[Note]:
    """A tune in triplets that is higher than the others."""
    return line(*(note.pitch for note in tune(number, length, key=76)), step_beats=1 / 3)


def write_triplets(folder: Path) -> Path:
    for number in range(3):
        write_part(folder / f"{number}.mid", triplets(100 + number))
    return folder


def write_sides(folder: Path) -> Path:
    """One exercise in several keys: a corpus with a manifest and a licence.

    Keys 57, 59, 60 and 62 train, 64 validates, 65 tests.
    """
    sides = {"train": (57, 59, 60, 62), "valid": (64,), "test": (65,)}
    rows = ["path,split,licence,source_repo,source_commit"]
    for side, keys in sides.items():
        for key in keys:
            write_part(folder / f"{key}.mid", exercise(key=key))
            rows.append(f"{folder.name}/{key}.mid,{side},CC0-1.0,https://example.org/tunes,abc")
    (folder.parent / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "NOTICE").write_text("Played by nobody.", encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit status of a command, and its output on stderr."""

    status: int
    stderr: str

    @property
    def error_message(self) -> str:
        """The one sentence that ended the command with status 1."""
        assert self.status == 1
        last = self.stderr.rstrip("\n").splitlines()[-1]
        assert last.startswith("fours: ")
        return last.removeprefix("fours: ")


def run_train(*arguments: str | Path) -> tuple[int, str]:
    """Runs `fours train` in this process; returns its status, and the sentence that ended it, if any."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        # As in the interpreter, a text is printed on stderr, and the status is 1.
        return (1, f"{end.code}\n") if isinstance(end.code, str) else (end.code or 0, "")
    return 0, ""


def train_pack(out: Path, *arguments: str | Path) -> Path:
    """Trains a small pack at `out` with these arguments."""
    status, error_message = run_train(*SHAPE_OPTIONS, *RECIPE_OPTIONS, "--out", out, *arguments)
    assert status == 0, error_message
    return out


@dataclass(frozen=True, slots=True)
class FoursTrain:
    """`fours train` on small networks, with a cache of its own."""

    cache: Path
    output: pytest.CaptureFixture[str]

    def __call__(
        self,
        *arguments: str | Path,
        shape: tuple[str, ...] = SHAPE_OPTIONS,
        recipe: tuple[str, ...] = RECIPE_OPTIONS,
    ) -> CommandResult:
        status, error_message = run_train(*shape, *recipe, "--cache", self.cache, *arguments)
        stderr = self.output.readouterr()
        assert not stderr.out
        return CommandResult(status, stderr.err + error_message)


def weights_of(pack: Path) -> dict[str, str]:
    """The hashes of the weights files of both approaches."""
    return {approach: sha256_of(open_pack(str(pack)).weights_file(approach)) for approach in APPROACHES}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
