"""The names of the packs that can be chosen now. A folder on a disk that does not answer keeps nobody waiting.

It knows no pack, and no control.
"""

import threading
from collections.abc import Callable, Collection

CHECK_S = 0.1
"""How long to wait for the disk. If it takes longer, the names that were found last are used."""


class PackList:
    """Looks for packs in a thread of its own, one look at a time. Use it from one thread."""

    def __init__(self, find_names: Callable[[], Collection[str]]) -> None:
        """`find_names` may read from the disk."""
        self._find_names = find_names
        self._found: tuple[str, ...] = ()
        self._looking: threading.Thread | None = None

    def names(self) -> tuple[str, ...]:
        """The names as they are now, or as they were found last, where the disk does not answer at once."""
        if self._looking is None or not self._looking.is_alive():
            # A daemon thread, because a disk that never answers must not keep the process from ending.
            self._looking = threading.Thread(target=self._look, name="pack list", daemon=True)
            self._looking.start()
            self._looking.join(CHECK_S)
        return self._found

    def _look(self) -> None:
        self._found = tuple(self._find_names())
