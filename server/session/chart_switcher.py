"""Changes the chart while the jam plays: a chart in a file is read in a thread of its own, so a disk that does not answer holds nobody up.

It knows no controls and no music thread.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from model.errors import ChartError, cut_short
from model.harmony.chart import Chart

CHECK_S = 0.1
"""How long to wait for the disk. If it takes longer, the chart counts as read, and what is wrong with it is reported later."""
LONGEST_SHOWN = 60

Outcome = Chart | None | Exception
OnFailed = Callable[[str, str, str], None]
"""Called where an accepted chart could not be read, with its text, the text of the chart that stays, and a sentence."""


class ChartSwitcher:
    """Reads one file at a time; the chart that was asked for last counts. Create and use it in the event loop's thread."""

    def __init__(
        self,
        read: Callable[[str], Chart | None],
        needs_disk: Callable[[str], bool],
        adopt: Callable[[Chart | None], None],
        on_failed: OnFailed,
        current_text: str,
    ) -> None:
        """`read` raises ChartError; only where `needs_disk`, it may wait. `adopt` and `on_failed` are called in the event loop's thread."""
        self._loop = asyncio.get_running_loop()
        self._read = read
        self._needs_disk = needs_disk
        self._adopt = adopt
        self._on_failed = on_failed
        self._current_text = current_text
        self._reading: threading.Thread | None = None
        self._reading_text = ""
        self._awaited: threading.Thread | None = None
        """The thread whose chart is still to be adopted: none where another chart was chosen meanwhile."""

    def switch_to(self, text: str) -> None:
        """Adopts the chart that a text means, now or as soon as the disk has answered.

        Raises ChartError, and changes nothing, for what is no chart, and for another file while the disk has not answered yet.
        """
        if not self._needs_disk(text):
            self._finish(text, self._read(text))
            return
        if self._reading is not None and self._reading.is_alive():
            raise ChartError(
                f"the disk has not answered yet with the chart {cut_short(self._reading_text, LONGEST_SHOWN)}; "
                "try again later, or choose a chart that is no file"
            )
        outcomes: list[Outcome] = []
        # A daemon thread, because a disk that never answers must not keep the process from ending.
        reading = threading.Thread(target=lambda: self._run(reading, text, outcomes), name="chart", daemon=True)
        self._reading, self._reading_text = reading, text
        reading.start()
        reading.join(CHECK_S)
        if not outcomes:
            self._awaited = reading
        elif isinstance(outcomes[0], Exception):
            raise outcomes[0]
        else:
            self._finish(text, outcomes[0])

    def _run(self, reading: threading.Thread, text: str, outcomes: list[Outcome]) -> None:
        try:
            outcomes.append(self._read(text))
        except Exception as error:  # noqa: BLE001  raised or reported in the event loop's thread
            outcomes.append(error)
        with suppress(RuntimeError):  # the loop is closed: the jam has ended
            self._loop.call_soon_threadsafe(self._finish_late, reading, text, outcomes[0])

    def _finish_late(self, reading: threading.Thread, text: str, outcome: Outcome) -> None:
        if self._awaited is not reading:
            return
        if isinstance(outcome, Exception):
            self._awaited = None
            sentence = (
                str(outcome) if isinstance(outcome, ChartError) else f"the chart {text} cannot be read: {outcome}"
            )
            self._on_failed(text, self._current_text, sentence)
        else:
            self._finish(text, outcome)

    def _finish(self, text: str, chart: Chart | None) -> None:
        self._awaited = None
        self._current_text = text
        self._adopt(chart)
