"""Models that have been replaced, kept until nothing else uses them. It reads no clock and has no thread.

The last one to drop a model frees it: weights of megabytes, which takes 1 to 3 ms in which the interpreter is kept. It would
be the music thread, with the last note that the old pack planned, and that note would be late.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable

from model.improvising.improviser import Improviser

_REFERENCES_OF_OURS = 2
"""The references to a model that nothing else uses: that of the queue, and that of the call which counts them."""


class RetiredModels:
    """A queue of models that were replaced. Use it from one thread."""

    def __init__(self) -> None:
        self._models: deque[Improviser] = deque()

    def __len__(self) -> int:
        return len(self._models)

    def add(self, models: Iterable[Improviser]) -> None:
        """Keeps these models until nothing else uses them."""
        self._models.extend(models)

    def free_unused(self, before_step: Callable[[], None]) -> None:
        """Frees the models that nothing else uses any more; `before_step` is called before each."""
        for _ in range(len(self._models)):
            if sys.getrefcount(self._models[0]) <= _REFERENCES_OF_OURS:
                before_step()
                self._models.popleft()
            else:
                self._models.rotate(-1)
