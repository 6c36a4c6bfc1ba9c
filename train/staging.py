"""A pack's place on disk: a workshop beside it while it is trained, then the whole pack at once; knows no network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model.approach import Approach
from model.pack.card import CARD_FILE
from train.errors import OutputError
from train.learning.parallel import ALONE, World


def training_folder(out: Path) -> Path:
    """Where tokens and checkpoints lie until the pack is whole."""
    return out.with_name(f"{out.name}.training")


def checkpoint_file(workshop: Path, approach: Approach) -> Path:
    return workshop / f"{approach}.checkpoint"


def tokens_file(workshop: Path, approach: Approach, rank: int) -> Path:
    """Each process has its own."""
    return workshop / f"{approach}.{rank}.tokens"


def is_unfinished(out: Path) -> bool:
    """Whether a training of this pack was broken off that can be gone on with."""
    return any(training_folder(out).glob("*.checkpoint"))


@contextmanager
def workshop_for(out: Path, needed_bytes: float, world: World = ALONE, *, resume: bool = False) -> Iterator[Path]:
    """The folder beside `out` for tokens and checkpoints, on a disk with room for them; with `resume` as it was left.

    It goes away at the end, but stays where the training was broken off and can be gone on with. Raises OutputError
    where the pack could not be written, before hours go into it.
    """
    folder = training_folder(out)
    whole = False
    try:
        world.once(lambda: _make(folder, out, needed_bytes, resume=resume))
        if not world.first:  # perhaps on another machine
            folder.mkdir(parents=True, exist_ok=True)
        yield folder
        whole = True
    finally:
        if not world.first:
            _leave(folder, world)
        elif whole or not is_unfinished(out):
            shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path, out: Path, needed_bytes: float, *, resume: bool) -> None:
    if out.exists() and not (out / CARD_FILE).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out} is there and is no pack, so it is not replaced; choose another --out")
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror or error}); choose another --out") from error
    if free < needed_bytes:
        raise OutputError(
            f"training needs about {needed_bytes / 1e6:,.0f} MB beside {out}, and {free / 1e6:,.0f} MB are free; make "
            f"room, or choose another --out"
        )


def _leave(folder: Path, world: World) -> None:
    """A process that is not the first takes away what is its own; on a machine of its own, the folder too."""
    for tokens in folder.glob(f"*.{world.rank}.tokens"):
        tokens.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def appearing(out: Path, workshop: Path) -> Iterator[Path]:
    """A folder to write in that becomes `out` when all went well, and goes away when not; what stood there is replaced.

    It lies in the workshop, so that whoever is killed meanwhile leaves nothing else behind.
    """
    folder, replaced = workshop / "pack", workshop / "replaced"
    try:
        if replaced.exists() and not out.exists():  # killed between the two renames
            replaced.rename(out)
        for left in (folder, replaced):
            shutil.rmtree(left, ignore_errors=True)
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
