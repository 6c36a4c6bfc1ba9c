"""The drums: what each feel plays on each pulse of a bar, on the sounds of General MIDI; knows no chord."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from server.band.band_note import (
    CLOSED_HAT,
    CRASH,
    KICK,
    OPEN_HAT,
    PEDAL_HAT,
    RIDE,
    SIDE_STICK,
    SNARE,
    BandNote,
)
from server.band.pulses import BarPulses
from server.controls.choices import Feel

HIT_BEATS = 0.1
# The rhythm of the stick in a bossa, over two bars of four.
CLAVE = ((0.0, 1.5, 3.0), (1.0, 2.5))
GHOST_SHARE, FILL_SHARE, OPEN_SHARE = 0.25, 0.8, 0.03

Hit = tuple[float, int, int]
"""Where in the bar, in beats; which sound; how hard."""


@dataclass(frozen=True, slots=True)
class DrumBar:
    """A bar for the drums: its pulses, and its number in the song."""

    pulses: BarPulses
    number: int
    random: Random

    def off_beat(self, index: int) -> float:
        """The off-beat of a pulse."""
        return self.pulses.beat_of(index + 0.5)

    def happens(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.random.random() < share


def drum_notes(bar: DrumBar, feel: Feel, *, begins_form: bool, ends_form: bool) -> list[BandNote]:
    """The hits of a bar, with beats from its bar line."""
    hits = list(PATTERNS[feel](bar))
    if begins_form:
        hits = [(at, sound, force) for at, sound, force in hits if at > 0.0 or sound not in {RIDE, CLOSED_HAT}]
        hits.append((0.0, CRASH, 84))
    if ends_form and bar.happens(FILL_SHARE):
        hits += _fill(bar)
    # What the pattern and the fill strike at once is one stroke, the harder one: two on one drum sound like a mistake.
    hardest: dict[tuple[float, int], int] = {}
    for at, sound, force in sorted(hits):
        hardest[at, sound] = force
    return [
        BandNote("drums", sound, at, HIT_BEATS, min(max(force + bar.random.randint(-5, 5), 1), 127))
        for (at, sound), force in hardest.items()
    ]


def count_in(pulses: Sequence[float]) -> list[BandNote]:
    """A bar of stick clicks, the first one louder."""
    return [BandNote("drums", SIDE_STICK, at, HIT_BEATS, 100 if at == 0.0 else 82) for at in pulses]


def _swing(bar: DrumBar) -> Iterator[Hit]:
    for index, at in enumerate(bar.pulses.onsets_beats):
        is_back = index % 2 == 1
        yield at, RIDE, 82 if is_back else 74
        yield at, KICK, 40
        if is_back:
            yield at, PEDAL_HAT, 66
            yield bar.off_beat(index), RIDE, 66
        if bar.happens(GHOST_SHARE):
            yield bar.off_beat(index), SNARE, 40


def _waltz(bar: DrumBar) -> Iterator[Hit]:
    for index, at in enumerate(bar.pulses.onsets_beats):
        yield at, RIDE, 76 if index == 0 else 66
        if index == 0:
            yield at, KICK, 72
        else:
            yield at, PEDAL_HAT, 62
        if index == 1 and bar.happens(2 * GHOST_SHARE):
            yield bar.off_beat(index), RIDE, 56


def _bossa(bar: DrumBar) -> Iterator[Hit]:
    for index, at in enumerate(bar.pulses.onsets_beats):
        yield at, CLOSED_HAT, 62
        yield bar.off_beat(index), CLOSED_HAT, 50
        yield at, KICK, 66 if index % 2 == 0 else 30
        if index % 2 == 0:
            yield bar.off_beat(min(index + 1, len(bar.pulses.onsets_beats) - 1)), KICK, 52
    for at in CLAVE[bar.number % 2]:
        if at < bar.pulses.bar_beats:
            yield at, SIDE_STICK, 72


def _rock(bar: DrumBar) -> Iterator[Hit]:
    for index, at in enumerate(bar.pulses.onsets_beats):
        yield at, CLOSED_HAT, 80
        yield bar.off_beat(index), CLOSED_HAT, 64
        if index % 2 == 1:
            yield at, SNARE, 100
        else:
            yield at, KICK, 100
            if index > 0 or bar.happens(GHOST_SHARE):
                yield bar.off_beat(index), KICK, 86


def _straight(bar: DrumBar) -> Iterator[Hit]:
    for index, at in enumerate(bar.pulses.onsets_beats):
        yield at, CLOSED_HAT, 70
        yield bar.off_beat(index), OPEN_HAT if bar.happens(OPEN_SHARE) else CLOSED_HAT, 54
        yield at, KICK if index % 2 == 0 else SNARE, 80


def _fill(bar: DrumBar) -> Iterator[Hit]:
    """Some strokes on the snare in the last pulses of a form."""
    onsets_beats = bar.pulses.onsets_beats
    for index in range(max(len(onsets_beats) - 2, 0), len(onsets_beats)):
        yield onsets_beats[index], SNARE, 70
        if bar.happens(FILL_SHARE):
            yield bar.off_beat(index), SNARE, 62


PATTERNS: Mapping[Feel, Callable[[DrumBar], Iterator[Hit]]] = {
    "swing": _swing,
    "waltz": _waltz,
    "bossa": _bossa,
    "rock": _rock,
    "straight": _straight,
}
"""The hits of a bar in each feel."""
