"""Where a training stands, on disk: written whole or not at all, checked when it is read; knows no network and no corpus.

One `.safetensors` file: every tensor by name, and in its metadata, as JSON, the numbers.
"""

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from train.errors import CheckpointError, OutputError

CHECKPOINT_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Where checkpoints go, and whether the one that is there is gone on from.

    `fingerprint` stands for what is trained on what: a checkpoint of another one is refused.
    """

    path: Path
    fingerprint: str
    every_s: float = 60.0
    resume: bool = False


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """What an epoch came to; bits per token in training and per note held out, seconds and targets since training began."""

    epoch: int
    training_bits: float
    valid_bits: float
    seconds: float
    tokens: int


@dataclass(slots=True)
class Standing:
    """The numbers that a training goes on from; it stands before step `step` (from 0) of `epoch` (from 1)."""

    epoch: int = 1
    step: int = 0
    steps_taken: int = 0
    seconds: float = 0.0
    tokens: int = 0
    epoch_nats: float = 0.0
    epoch_tokens: int = 0
    best_epoch: int = 0
    best_bits: float = math.inf
    history: list[EpochFigures] = field(default_factory=list)


def save_checkpoint(path: Path, fingerprint: str, standing: Standing, tensors: Mapping[str, Tensor]) -> None:
    """Replaces the checkpoint at `path`; killed at any moment, it leaves the old one or the new one.

    Raises OutputError where it cannot be written.
    """
    numbers = {"format": CHECKPOINT_FORMAT, "fingerprint": fingerprint, "standing": asdict(standing)}
    # A fixed name: what a killed run leaves behind is overwritten by the next.
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, partial, _as_metadata(numbers))
        with partial.open("r+b") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"the checkpoint {path} cannot be written ({reason}); make room or choose another place, then go on with --resume"
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()


def load_checkpoint(path: Path, fingerprint: str) -> tuple[Standing, dict[str, Tensor]]:
    """Raises CheckpointError where the file is damaged, of another version, or of another training."""
    try:
        with safe_open(path, "pt") as file:
            numbers = json.loads((file.metadata() or {}).get("training", "{}"))
            _check(path, fingerprint, numbers)
            # Copies: the file behind the tensors is soon replaced.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  it is no dict
        standing = Standing(**numbers["standing"])
        standing.history = [EpochFigures(**figures) for figures in numbers["standing"]["history"]]
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be read ({error.strerror or error})") from error
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} is cut off or is no checkpoint; delete it and train from the beginning, without --resume"
        ) from error
    return standing, tensors


def _as_metadata(numbers: Mapping[str, object]) -> dict[str, str]:
    return {"training": json.dumps(numbers)}


def _check(path: Path, fingerprint: str, numbers: Mapping[str, object]) -> None:
    if numbers["format"] != CHECKPOINT_FORMAT:
        raise CheckpointError(
            f"{path} is of checkpoint format {numbers['format']}, and this program goes on from format {CHECKPOINT_FORMAT}; "
            "finish that training with the program that began it, or begin anew without --resume"
        )
    if numbers["fingerprint"] != fingerprint:
        raise CheckpointError(
            f"{path} is of a training with other settings or another corpus; "
            "repeat the command that began it, with --resume, or begin anew without --resume"
        )
