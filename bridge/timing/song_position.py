"""What MIDI's song position counts in: sixteenths, as the standard says, or ticks, as at least one DAW (Ardour 7.3) sends it.

Known from two positions and the ticks between them: the song has gone on by as many ticks as it has told.
"""

from typing import Final

TICKS_PER_SIXTEENTH: Final = 6
"""The standard's unit; 14 bits of them are 1,024 bars of 4/4. A song that is longer starts them over, or stays at the last: either
way a place is named, and the bars go on from there."""

UNITS: Final = (TICKS_PER_SIXTEENTH, 1)

FEWEST_TICKS: Final = 24
"""Positions that are nearer together than a beat do not tell units apart."""


class SongPositions:
    """Takes the positions that are told, and gives them in ticks."""

    def __init__(self, unit_ticks: int | None = None) -> None:
        """`unit_ticks` is the unit where it is known."""
        self._is_given = unit_ticks is not None
        self.unit_ticks = unit_ticks or TICKS_PER_SIXTEENTH
        self._last: int | None = None
        self._ticks = 0

    def tick(self, ticks: int) -> None:
        """The song has gone on by so many ticks."""
        self._ticks += ticks

    def start(self) -> None:
        """The song is at its beginning."""
        self._last, self._ticks = 0, 0

    def in_ticks(self, told: int) -> int:
        """The place of a position that is told, in ticks of the song."""
        if self._last is not None and not self._is_given and self._ticks >= FEWEST_TICKS:
            fitting = [unit for unit in UNITS if 0 <= self._ticks - (told - self._last) * unit < unit]
            if fitting:
                self.unit_ticks = fitting[0]
        self._last, self._ticks = told, 0
        return told * self.unit_ticks
