"""The ticks since a start or a long silence, to count them again: another clock may have begun there, at another tempo.

Until that is known, the old tempo counts its ticks, and may take some for lost, or for copies. Times are in seconds.
"""

from bridge.timing.ticks.tick import TickLine

MOST_TICKS, RECOUNT_AT = 192, frozenset({24, 48, 96})
"""Ticks are kept until there are `MOST_TICKS`, and counted again at these numbers of them, or as soon as ticks count as lost."""

MOST_RECOUNTED, MOST_RECOUNTS = 96, 8
"""No more ticks than `MOST_RECOUNTED` are counted again, and not more often, as each costs some hundredths of a millisecond."""

FEWEST_TICKS = 6
"""With fewer ticks, any line fits them."""

MOST_OFF_S, MOST_OFF_SHARE = 0.0025, 0.4
"""How far off their line ticks may be that lost none: in seconds, or as a share of the interval. A buffer adds its length."""


class NewCount:
    """Takes the date of each tick since the last tick before a start, which has `number`."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.dates_s: list[float] = []
        """The dates of ticks without copies."""
        self.all_dates_s: list[float] = []
        """The dates with those that passed for copies."""
        self._off = 0
        self._recounts = 0

    @property
    def is_over(self) -> bool:
        """Whether there are so many ticks that the clock is known by now."""
        return len(self.all_dates_s) > 2 * MOST_TICKS or len(self.dates_s) >= MOST_TICKS

    def is_recount_due(self, number: int) -> bool:
        """Whether to count the ticks again, the last of which got `number`."""
        before, self._off = self._off, number - self.number - len(self.dates_s)
        if self._off == 0 or not FEWEST_TICKS <= len(self.dates_s) <= MOST_RECOUNTED or self._recounts >= MOST_RECOUNTS:
            return False
        is_due = self._off > max(before, 0) or len(self.dates_s) in RECOUNT_AT
        self._recounts += is_due
        return is_due

    def is_confirmed(self, number: int, line: TickLine | None, buffer_s: float | None) -> bool:
        """Whether the ticks, counted anew, are on one line by their numbers, so that none was lost."""
        if line is None or number - self.number != len(self.dates_s):
            return False
        most_s = max(MOST_OFF_S, MOST_OFF_SHARE * line.interval_s) if buffer_s is None else buffer_s + MOST_OFF_S
        return all(abs(at_s - line.due_s(self.number + 1 + index)) <= most_s for index, at_s in enumerate(self.dates_s))
