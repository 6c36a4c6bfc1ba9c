"""Counts what goes wrong where nothing may be raised, and logs each kind once. Knows not what the callback was for."""

import logging
from collections import Counter


class FaultCounter:
    """The errors swallowed by one callback: each kind is logged when it first happens, all are counted."""

    def __init__(self, logger: logging.Logger, where: str) -> None:
        self._logger = logger
        self._where = where
        self.counts: Counter[str] = Counter()

    def count(self, error: BaseException) -> None:
        """Note `error`; the first of its kind is a warning, the others are for those who debug."""
        kind = type(error).__name__
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            trace = error if self._logger.isEnabledFor(logging.DEBUG) else None
            self._logger.warning("%s: %s: %s (more are only counted)", self._where, kind, error, exc_info=trace)
        else:
            self._logger.debug("%s: %s: %s (number %d)", self._where, kind, error, self.counts[kind])
