"""Where the figures of a running training are sent, to be looked at; knows no training."""

from pathlib import Path
from typing import Protocol


class Tracker(Protocol):
    """Receives the figures of one training, always on the thread that trains."""

    def scalar(self, name: str, value: float, step: int) -> None:
        """Records the value of a figure after `step` steps of the optimiser."""

    def close(self) -> None:
        """Writes what is still buffered. It is called once, after the last figure, also when the training failed."""


class NoTracker:
    """A tracker that drops everything."""

    def scalar(self, name: str, value: float, step: int) -> None:
        pass

    def close(self) -> None:
        pass


NO_TRACKER = NoTracker()


class TensorBoardTracker:
    """Writes event files into `folder`, for `tensorboard --logdir`. Raises OSError where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    def scalar(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()
