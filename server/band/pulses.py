"""The pulses of a bar, which a foot taps, where the off-beats between them lie, and patterns spread over them; knows no notes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bridge.timing.meter import Meter


def pulses_of(meter: Meter) -> tuple[float, ...]:
    """Where the pulses of a bar begin, in beats: what a foot taps.

    Quarters in 4/4 and 3/4, dotted quarters in 6/8, and 2 + 2 + 3 eighths in 7/8.
    """
    beats, eighths = meter.beats_per_bar, meter.numerator
    if meter.denominator < 8:
        return tuple(float(beat) for beat in range(max(int(beats), 1)))
    unit = 4 / meter.denominator
    if eighths % 3 == 0:
        return tuple(unit * at for at in range(0, eighths, 3))
    return tuple(unit * at for at in range(0, max(eighths - 1, 1), 2))


Place = tuple[float, float]
"""Where something is played in a bar, and for how long; both are counted in pulses, or both in beats."""


@dataclass(frozen=True, slots=True)
class BarPulses:
    """The pulses of one bar of `bar_beats`, in beats from its bar line; `swing` is the share of a pulse before its off-beat.

    `unit_beats` is the meter's own note: 0.5 in 6/8.
    """

    onsets_beats: Sequence[float]
    bar_beats: float
    swing: float
    unit_beats: float = 1.0

    def length_beats(self, index: int) -> float:
        """How long a pulse is."""
        end = self.onsets_beats[index + 1] if index + 1 < len(self.onsets_beats) else self.bar_beats
        return end - self.onsets_beats[index]

    def beat_of(self, place: float) -> float:
        """The beat of a place that is counted in pulses: 0.5 is the first off-beat. The bar's end where it has fewer pulses."""
        index, is_off_beat = int(place), place != int(place)
        if index >= len(self.onsets_beats):
            return self.bar_beats
        onset, length = self.onsets_beats[index], self.length_beats(index)
        # A pulse of three eighths is divided in three, and has no middle to play on.
        share = 2 / 3 if abs(length - 3 * self.unit_beats) < 1e-6 else self.swing
        return onset + length * share if is_off_beat else onset

    def spread(self, pattern: Iterable[Place], pulses: int) -> Iterator[Place]:
        """A pattern of so many pulses in beats, begun again where the bar has more; what lies past the bar's end is left out."""
        places = tuple(pattern)
        for first in range(0, len(self.onsets_beats), pulses):
            for place, length in places:
                index = first + int(place)
                if index < len(self.onsets_beats):
                    yield self.beat_of(first + place), length * self.length_beats(index)


def bar_pulses(meter: Meter, swing: float) -> BarPulses:
    """The pulses of a bar in this meter."""
    return BarPulses(pulses_of(meter), meter.beats_per_bar, swing, 4 / meter.denominator)
