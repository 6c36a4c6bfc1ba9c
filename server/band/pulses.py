"""The pulses of a bar, which a foot taps, and where the off-beats between them lie; knows no notes."""

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class BarPulses:
    """The pulses of one bar of `bar_beats`, in beats from its bar line; `swing` is the share of a pulse before its off-beat."""

    onsets_beats: Sequence[float]
    bar_beats: float
    swing: float

    def beat_of(self, place: float) -> float:
        """The beat of a place that is counted in pulses: 0.5 is the first off-beat. The bar's end where it has fewer pulses."""
        index, is_off_beat = int(place), place != int(place)
        if index >= len(self.onsets_beats):
            return self.bar_beats
        onset = self.onsets_beats[index]
        end = self.onsets_beats[index + 1] if index + 1 < len(self.onsets_beats) else self.bar_beats
        return onset + (end - onset) * self.swing if is_off_beat else onset
