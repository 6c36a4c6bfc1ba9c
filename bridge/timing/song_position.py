"""Finds the unit of MIDI song positions: sixteenths, as the standard says, or ticks, as at least one DAW (Ardour 7.3) sends.

The unit follows from two positions and the number of ticks between them, by which the song has moved; or, in a loop, from the
place that it leaves, which is the same each time round.
"""

from typing import Final

from bridge.timing.clock_messages import TICKS_PER_BEAT, TICKS_PER_SIXTEENTH

UNITS: Final = (TICKS_PER_SIXTEENTH, 1)
"""First the standard's unit. 14 bits hold 1,024 bars of 4/4. In a longer song the position starts again from 0 or stays at the highest
value; either way it names a place, and the bars go on from there."""

FEWEST_TICKS: Final = TICKS_PER_BEAT
"""Two positions less than a beat apart do not show the unit."""

LOOP_TOLERANCE_TICKS: Final = 1
"""How far apart the places may be that a loop leaves: a tick more or less may have come by the time of the position."""


class SongPositions:
    """Converts received song positions to ticks."""

    def __init__(self, unit_ticks: int | None = None) -> None:
        """Takes the unit where it is known; otherwise it is sixteenths until positions show another one."""
        self._is_given = unit_ticks is not None
        self.unit_ticks = unit_ticks or TICKS_PER_SIXTEENTH
        self._last: int | None = None
        self._ticks = 0
        self._jump: tuple[int, int] | None = None  # the position before the last one, and the ticks up to the last one

    def set_unit(self, unit_ticks: int | None) -> None:
        """Sets the unit from now on; with None it is found out, and is the one that held so far until positions show another."""
        self._is_given = unit_ticks is not None
        self.unit_ticks = unit_ticks or self.unit_ticks

    def tick(self, ticks: int) -> None:
        """Reports that the song has moved on by `ticks`."""
        self._ticks += ticks

    def start(self) -> None:
        """Reports that the song is at its beginning."""
        self._last, self._ticks, self._jump = 0, 0, None

    def in_ticks(self, position: int) -> int:
        """Takes the position of a message; returns it in ticks of the song."""
        if self._last is not None and not self._is_given and self._ticks >= FEWEST_TICKS:
            fitting = [unit for unit in UNITS if _fits(unit, position, position - self._last, self._ticks)]
            fitting = fitting or self._fitting_a_loop(position)
            if fitting:
                self.unit_ticks = fitting[0]
        if self._last is not None and position != self._last:
            self._jump = (self._last, self._ticks)
        self._last, self._ticks = position, 0
        return position * self.unit_ticks

    def _fitting_a_loop(self, position: int) -> list[int]:
        """Returns the units in which the song has gone back to `position` from one and the same place twice."""
        if position != self._last or self._jump is None:
            return []
        before, ticks = self._jump
        apart = {unit: abs(before * unit + ticks - position * unit - self._ticks) for unit in UNITS}
        return [unit for unit in UNITS if apart[unit] <= LOOP_TOLERANCE_TICKS]


def _fits(unit_ticks: int, position: int, moved: int, ticks: int) -> bool:
    """Whether a position in this unit is the next one, `moved` from the last, after the song went on by `ticks`."""
    behind = ticks - moved * unit_ticks
    if 0 <= behind < unit_ticks:
        return True
    # Ardour 7.3 goes on at the next beat, whose ticks it sends: after 52 ticks at 72, after 126 at 144.
    is_beat = unit_ticks == 1 and position % TICKS_PER_BEAT == 0
    return is_beat and -TICKS_PER_BEAT < behind <= 0
