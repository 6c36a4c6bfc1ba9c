"""`BarPlaces`: where bars begin, and the place of a beat in its bar; knows no clock and no file."""

from collections.abc import Sequence
from dataclasses import dataclass

PLACES_PER_BEAT = 24
"""Places in a bar are counted in 1/24 beat, which has sixteenths and triplets."""
# Of each place in a beat the nearest sixteenth or triplet, so that hands that are a little off are at the same place.
_SNAPPED = tuple(
    min((0, 6, 8, 12, 16, 18, PLACES_PER_BEAT), key=lambda known, place=place: abs(known - place))  # type: ignore[misc]
    for place in range(PLACES_PER_BEAT)
)


@dataclass(frozen=True, slots=True)
class BarPlaces:
    """Bars of `beats_per_bar` quarter notes, one of which begins at `downbeat`. Raises ValueError where a bar has no length."""

    downbeat: float = 0.0
    beats_per_bar: float = 4.0

    def __post_init__(self) -> None:
        if not self.beats_per_bar > 0.0:
            raise ValueError(f"a bar is longer than {self.beats_per_bar:g} beats")

    def place(self, beat: float) -> int:
        """How far the nearest sixteenth or triplet is from the bar line before it, in places.

        A beat just before a bar line belongs to the bar after it.
        """
        whole, part = divmod(round((beat - self.downbeat) * PLACES_PER_BEAT), PLACES_PER_BEAT)
        return (whole * PLACES_PER_BEAT + _SNAPPED[part]) % max(round(self.beats_per_bar * PLACES_PER_BEAT), 1)


def bars_at(beat: float, changes: Sequence[tuple[float, float]]) -> BarPlaces:
    """The bars in force at a beat: `changes` are beats with the beats per bar from there on, in order; 4/4 from 0 where there is none."""
    in_force = [change for change in changes if change[0] <= beat + 1.0 / (2 * PLACES_PER_BEAT)] or list(changes[:1])
    return BarPlaces(*in_force[-1]) if in_force else BarPlaces()
