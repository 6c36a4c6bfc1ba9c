"""Converts tempi between beats per minute and the whole microseconds per beat that MIDI files store."""

from dataclasses import dataclass

MICROSECONDS_PER_MINUTE = 60_000_000
# A file has three bytes for the microseconds per beat: at most this many, 3.6 bpm.
SLOWEST_MICROSECONDS = 0xFFFFFF
MOST_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class TempoChange:
    """A change of tempo: `tempo_bpm` applies from `beat` on."""

    beat: float
    tempo_bpm: float


def tempo_of(microseconds: int) -> float:
    """The tempo with the fewest decimals that is stored as this many microseconds per beat.

    A file stores whole microseconds: 97 bpm is stored as 618,557, which is exactly 96.99995 bpm.
    """
    exact = MICROSECONDS_PER_MINUTE / microseconds
    for decimals in range(MOST_DECIMALS + 1):
        rounded = round(exact, decimals)
        if rounded > 0.0 and microseconds_of(rounded) == microseconds:
            return rounded
    return exact


def microseconds_of(tempo_bpm: float) -> int:
    """The whole microseconds per beat at this tempo, within the range that a file can store."""
    return min(max(round(MICROSECONDS_PER_MINUTE / tempo_bpm), 1), SLOWEST_MICROSECONDS)
