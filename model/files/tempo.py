"""Tempi as people mean them and as files write them; knows no file."""

from dataclasses import dataclass

DEFAULT_TEMPO_BPM = 120.0
MICROSECONDS_PER_MINUTE = 60_000_000
# A file has three bytes for the microseconds of a beat, which is 3.6 bpm.
SLOWEST_MICROSECONDS = 0xFFFFFF
MOST_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class TempoChange:
    """From this beat on, so fast."""

    beat: float
    tempo_bpm: float


def tempo_of(microseconds: int) -> float:
    """The tempo that was meant by so many microseconds a beat: of all that are written so, the one of fewest decimals.

    A file has room for whole microseconds only: 97 bpm is written 618,557, which is 96.99995 bpm.
    """
    exact = MICROSECONDS_PER_MINUTE / microseconds
    for decimals in range(MOST_DECIMALS + 1):
        meant = round(exact, decimals)
        if meant > 0.0 and microseconds_of(meant) == microseconds:
            return meant
    return exact


def microseconds_of(tempo_bpm: float) -> int:
    """The microseconds of a beat at this tempo, as many as a file has room for."""
    return min(max(round(MICROSECONDS_PER_MINUTE / tempo_bpm), 1), SLOWEST_MICROSECONDS)
