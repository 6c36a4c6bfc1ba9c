"""Where the figures of a running training go to be looked at; knows no training."""

from pathlib import Path
from typing import Protocol


class Tracker(Protocol):
    def scalar(self, name: str, value: float, step: int) -> None: ...

    def close(self) -> None: ...


class NoTracker:
    """The tracker of those who do not want one."""

    def scalar(self, name: str, value: float, step: int) -> None:
        pass

    def close(self) -> None:
        pass


NO_TRACKER = NoTracker()


class TensorBoardTracker:
    """Event files in `folder`, for `tensorboard --logdir`."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    def scalar(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()
