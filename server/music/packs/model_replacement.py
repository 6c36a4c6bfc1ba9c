"""New models that wait for a moment in which handing over their memories makes no note late. It reads no clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from model.approach import Approach
from model.improvising.improviser import Improviser
from server.jam.jam import Jam

TAKE_OVER_S = 0.02
"""New models do not take over this shortly before something is due, as handing over memories takes time, unless they have waited
for `LONGEST_WAIT_S`."""
LONGEST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class _NewModels:
    improvisers: Mapping[Approach, Improviser]
    heard_count: int
    since_s: float


class ModelReplacement:
    """Holds the models that were requested last until they take over. For the music thread only."""

    def __init__(self) -> None:
        self._waiting: _NewModels | None = None

    def request(self, improvisers: Mapping[Approach, Improviser], heard_count: int, at_s: float) -> None:
        """Requests, at `at_s`, that these models take over; replaces an earlier request that still waits."""
        self._waiting = _NewModels(improvisers, heard_count, at_s)

    def replace_when_quiet(self, jam: Jam, now_s: float, is_due_within: Callable[[float], bool]) -> None:
        """Gives the jam the models that wait, if any do, unless something is due within `TAKE_OVER_S`.

        `is_due_within` says whether something is due within a number of seconds from now.
        """
        models = self._waiting
        if models is not None and (not is_due_within(TAKE_OVER_S) or now_s - models.since_s > LONGEST_WAIT_S):
            self._waiting = None
            jam.replace_improvisers(models.improvisers, models.heard_count)
