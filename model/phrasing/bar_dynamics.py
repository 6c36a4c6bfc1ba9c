"""`BarDynamics`: how loud each place of each bar of a phrase was played, so that an answer's bars are as loud as the phrase's, in turn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.analysis.bars import PLACES_PER_BEAT, Bars
from model.notes import Note

# Places are counted in 1/24 beat, and a note so many of them beside a place is at that place: 42 ms at 120 bpm.
REACH = 2


@dataclass(frozen=True, slots=True)
class BarDynamics:
    """Pitches and velocities, above the phrase's mean, at each place of one bar after another; `first_bar` is the number of the first one.

    Bars are numbered from the downbeat of their `Bars`, which phrase and answer share in a jam.
    """

    first_bar: int = 0
    bars: tuple[Mapping[int, Sequence[tuple[int, float]]], ...] = ()

    @classmethod
    def of(cls, notes: Iterable[Note], bars: Bars | None, mean_velocity: float) -> "BarDynamics":
        """The dynamics of a phrase; without bars there are none."""
        heard: dict[int, dict[int, list[tuple[int, float]]]] = {}
        if bars is not None:
            for note in notes:
                into_bar_beats = bars.place(note.onset_beats)
                number = round((note.onset_beats - into_bar_beats - bars.downbeat) / bars.beats_per_bar)
                at_place = heard.setdefault(number, {})
                above = note.velocity - mean_velocity
                at_place.setdefault(round(into_bar_beats * PLACES_PER_BEAT), []).append((note.pitch, above))
        if not heard:
            return cls()
        numbers = range(min(heard), max(heard) + 1)
        return cls(numbers.start, tuple(_within_reach(heard.get(number, {})) for number in numbers))

    def above_mean(self, bars: Bars, onset_beats: float, into_bar_beats: float, pitch: int) -> float | None:
        """How much above the mean the phrase was played here, in the bar whose turn it is; None where it has no note there.

        The onset is so many beats into its bar (`Bars.place`). Of a chord the note that is nearest in pitch counts.
        """
        if not self.bars:
            return None
        number = round((onset_beats - into_bar_beats - bars.downbeat) / bars.beats_per_bar)
        notes = self.bars[(number - self.first_bar) % len(self.bars)].get(round(into_bar_beats * PLACES_PER_BEAT))
        if notes is None:
            return None
        return notes[0][1] if len(notes) == 1 else min(notes, key=lambda note: abs(note[0] - pitch))[1]


def _within_reach(at_place: Mapping[int, Sequence[tuple[int, float]]]) -> Mapping[int, Sequence[tuple[int, float]]]:
    """The same with the places beside each one; a place between two belongs to the nearer one, the earlier of two as near."""
    reached = dict(at_place)
    for reach in range(1, REACH + 1):
        for place, notes in at_place.items():
            reached.setdefault(place + reach, notes)
            reached.setdefault(place - reach, notes)
    return reached
