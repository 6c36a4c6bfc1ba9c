"""Counts errors where none may be raised, such as in callbacks, and logs each kind once; knows no callback's purpose."""

import logging
from collections import Counter
from pathlib import Path

from bridge.errors import BridgeError


class FaultCounter:
    """Counts the errors that one callback suppresses; `where` names the callback in the log.

    `counts` holds the number of errors by the name of their class.
    """

    def __init__(self, logger: logging.Logger, where: str) -> None:
        self._logger = logger
        self._where = where
        self.counts: Counter[str] = Counter()

    def count(self, error: BaseException) -> None:
        """Counts `error`; logs the first of its kind as a warning, and the others at DEBUG level.

        For an error that has no message for the user, the warning also names the line of code that raised it, for bug reports.
        """
        kind = type(error).__name__
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            trace = error if self._logger.isEnabledFor(logging.DEBUG) else None
            self._logger.warning(
                "%s: %s: %s%s (more are only counted)", self._where, kind, error, _place(error), exc_info=trace
            )
        else:
            self._logger.debug("%s: %s: %s (number %d)", self._where, kind, error, self.counts[kind])


def _place(error: BaseException) -> str:
    """The file and line that raised the error; nothing for errors with a text for the user, or without a place."""
    trace = error.__traceback__
    if trace is None or isinstance(error, BridgeError):
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f", in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
