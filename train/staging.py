"""The files of a training on disk: a staging folder beside the pack while it trains, then the finished pack at once.

It knows no network.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model.approach import Approach
from model.pack.card import CARD_FILE
from train.errors import OutputError
from train.learning.parallel import SINGLE_PROCESS, World


def training_folder(out: Path) -> Path:
    """The folder for tokens and checkpoints, until the pack is complete."""
    return out.with_name(f"{out.name}.training")


def checkpoint_file(staging_folder: Path, approach: Approach) -> Path:
    return staging_folder / f"{approach}.checkpoint"


def tokens_file(staging_folder: Path, approach: Approach, rank: int) -> Path:
    """The file of one process; each process has its own."""
    return staging_folder / f"{approach}.{rank}.tokens"


def has_unfinished_training(out: Path) -> bool:
    """Whether a training of this pack was interrupted and can be resumed."""
    return any(training_folder(out).glob("*.checkpoint"))


@contextmanager
def staging_folder_for(
    out: Path, needed_bytes: float, world: World = SINGLE_PROCESS, *, resume: bool = False
) -> Iterator[Path]:
    """The folder beside `out` for tokens and checkpoints, on a disk with room for `needed_bytes`.

    With `resume` it keeps the files of the interrupted training, otherwise it starts empty. It is removed at the end,
    but stays where the training was interrupted and can be resumed. Raises OutputError where the pack could not be
    written: before the training, not hours later.
    """
    folder = training_folder(out)
    is_complete = False
    try:
        world.run_on_first(lambda: _prepare_folder(folder, out, needed_bytes, resume=resume))
        if not world.is_first:  # it may run on another machine, with a disk of its own
            folder.mkdir(parents=True, exist_ok=True)
        yield folder
        is_complete = True
    finally:
        if not world.is_first:
            _remove_own_files(folder, world)
        elif is_complete or not has_unfinished_training(out):
            shutil.rmtree(folder, ignore_errors=True)


def _prepare_folder(folder: Path, out: Path, needed_bytes: float, *, resume: bool) -> None:
    if out.exists() and not (out / CARD_FILE).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out} is there and is no pack, so it is not replaced; choose another --out")
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror or error}); choose another --out") from error
    if free_bytes < needed_bytes:
        raise OutputError(
            f"training needs about {needed_bytes / 1e6:,.0f} MB beside {out}, and {free_bytes / 1e6:,.0f} MB are free; make "
            f"room, or choose another --out"
        )


def _remove_own_files(folder: Path, world: World) -> None:
    """For a process that is not the first: removes its own files, and the folder too where it is then empty."""
    for tokens in folder.glob(f"*.{world.rank}.tokens"):
        tokens.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def atomic_folder(out: Path, staging_folder: Path) -> Iterator[Path]:
    """A folder to write to, which becomes `out` as a whole if the block succeeds; otherwise it is removed.

    It replaces what was at `out`. It lies in the staging folder, so a process that is killed leaves nothing elsewhere.
    """
    folder, replaced = staging_folder / "pack", staging_folder / "replaced"
    try:
        if replaced.exists() and not out.exists():  # an earlier process was killed between the two renames
            replaced.rename(out)
        for leftover in (folder, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
        folder.mkdir()
        yield folder
        if out.exists():
            out.rename(replaced)
        folder.rename(out)
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written ({error.strerror or error}); make room, then go on with --resume"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if replaced.exists() and not out.exists():
            replaced.rename(out)
