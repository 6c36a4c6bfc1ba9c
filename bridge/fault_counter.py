"""Counts errors where none may be raised, such as in callbacks, and logs each kind once; knows no callback's purpose."""

import logging
from collections import Counter
from pathlib import Path

from bridge.errors import BridgeError

MOST_TEXTS = 20
"""So many texts for the user are logged; a controller that sends nonsense all the time fills no log."""


class FaultCounter:
    """Counts the errors that one callback suppresses; `where` names the callback in the log.

    `foreseen` are the classes of errors whose text is for the user: what they did wrong, and what is allowed. `counts` holds the number of
    errors by the name of their class.
    """

    def __init__(
        self, logger: logging.Logger, where: str, foreseen: tuple[type[Exception], ...] = (BridgeError,)
    ) -> None:
        self._logger = logger
        self._where = where
        self._foreseen = foreseen
        self._texts: set[str] = set()
        self.counts: Counter[str] = Counter()

    def count(self, error: BaseException) -> None:
        """Counts `error`; logs it as a warning if it is the first of its kind, or has another text for the user, and otherwise at DEBUG level.

        For an error that has no text for the user, the warning also names its class and the line of code that raised it, for bug reports.
        """
        kind, text = type(error).__name__, str(error)
        self.counts[kind] += 1
        is_foreseen = isinstance(error, self._foreseen)
        if is_foreseen and text not in self._texts and len(self._texts) < MOST_TEXTS:
            self._texts.add(text)
            self._logger.warning("%s: %s (this is said once)", self._where, text)
        elif not is_foreseen and self.counts[kind] == 1:
            trace = error if self._logger.isEnabledFor(logging.DEBUG) else None
            self._logger.warning(
                "%s: %s: %s%s (more are only counted)", self._where, kind, text, _place(error), exc_info=trace
            )
        else:
            self._logger.debug("%s: %s: %s (number %d)", self._where, kind, text, self.counts[kind])


def _place(error: BaseException) -> str:
    """The file and line that raised the error; nothing for one without a place."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f", in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
