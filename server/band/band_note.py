"""`BandNote`: one note of the band, and the MIDI channels and drum sounds that it uses; knows no chord and no feel."""

from dataclasses import dataclass
from typing import Literal

Instrument = Literal["bass", "chords", "drums"]

BAND_CHANNELS: dict[Instrument, int] = {"bass": 1, "chords": 2, "drums": 9}
"""The channel of each instrument, from 0: musicians call them 2, 3 and 10, the channel of drums in General MIDI."""

BAND_PROGRAMS: dict[Instrument, int] = {"bass": 32, "chords": 4, "drums": 0}
"""The program of General MIDI of each instrument in a written song, from 0: acoustic bass, electric piano, standard kit."""

# Sounds of General MIDI's drum kit, as keys on its channel.
KICK, SIDE_STICK, SNARE = 36, 37, 38
CLOSED_HAT, PEDAL_HAT, OPEN_HAT = 42, 44, 46
CRASH, RIDE = 49, 51


@dataclass(frozen=True, slots=True)
class BandNote:
    """A note of one instrument, in beats on the jam's timeline."""

    instrument: Instrument
    pitch: int
    onset_beats: float
    duration_beats: float
    velocity: int

    @property
    def channel(self) -> int:
        """The channel of its instrument, from 0."""
        return BAND_CHANNELS[self.instrument]

    @property
    def end_beats(self) -> float:
        return self.onset_beats + self.duration_beats
