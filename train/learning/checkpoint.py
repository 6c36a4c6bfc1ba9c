"""The state of a training on disk: written as a whole or not at all, checked when it is read.

It knows no network and no corpus.

It is one `.safetensors` file with every tensor by name; the numbers are JSON in its metadata.
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
class CheckpointSettings:
    """Where checkpoints go, how often one is written, and whether training resumes from the existing one.

    `fingerprint` stands for the settings and the music: a checkpoint with another fingerprint is refused.
    """

    path: Path
    fingerprint: str
    every_s: float = 60.0
    resume: bool = False


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """The figures of an epoch: bits per training token and per held-out note; seconds and targets since the start."""

    epoch: int
    training_bits: float
    valid_bits: float
    seconds: float
    tokens: int


@dataclass(slots=True)
class TrainingState:
    """The numbers that a training resumes from: its next step is `step` (from 0) of `epoch` (from 1)."""

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


def save_checkpoint(path: Path, fingerprint: str, state: TrainingState, tensors: Mapping[str, Tensor]) -> None:
    """Replaces the checkpoint at `path`.

    If the process is killed at any moment, either the old or the new one is there.

    Raises OutputError where it cannot be written.
    """
    numbers = {"format": CHECKPOINT_FORMAT, "fingerprint": fingerprint, "standing": asdict(state)}
    # A fixed name, so that the next run overwrites what a killed one left behind.
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


def load_checkpoint(path: Path, fingerprint: str) -> tuple[TrainingState, dict[str, Tensor]]:
    """The state and the tensors.

    Raises CheckpointError where the file is damaged, of another version, or of another training.
    """
    try:
        with safe_open(path, "pt") as file:
            numbers = json.loads((file.metadata() or {}).get("training", "{}"))
            _check(path, fingerprint, numbers)
            # Copied, as the file behind the tensors is soon replaced.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  the file is no dict
        state = TrainingState(**numbers["standing"])
        state.history = [EpochFigures(**figures) for figures in numbers["standing"]["history"]]
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be read ({error.strerror or error})") from error
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} is cut off or is no checkpoint; delete it and train from the beginning, without --resume"
        ) from error
    return state, tensors


def _as_metadata(numbers: Mapping[str, object]) -> dict[str, str]:
    return {"training": json.dumps(numbers)}


def _check(path: Path, fingerprint: str, numbers: Mapping[str, object]) -> None:
    if numbers["format"] != CHECKPOINT_FORMAT:
        raise CheckpointError(
            f"{path} is of checkpoint format {numbers['format']}, and this program goes on from format {CHECKPOINT_FORMAT}; "
            "finish that training with the program that began it, or start again without --resume"
        )
    if numbers["fingerprint"] != fingerprint:
        raise CheckpointError(
            f"{path} is of a training with other settings or another corpus; "
            "repeat the command that began it, with --resume, or start again without --resume"
        )
