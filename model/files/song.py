"""The content of a file of music that is to be written: tracks, tempi, meters and markers; knows no file format."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.files.tempo import TempoChange
from model.files.time_signature import MeterChange
from model.notes import Note

PIANO = 0
"""The program of General MIDI that a track has where none is given."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track of notes. Without a `channel`, from 0, it gets one of its own."""

    name: str
    notes: Sequence[Note]
    program: int = PIANO
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A channel message at a beat of the song, from 0."""

    data: bytes
    beat: float


@dataclass(frozen=True, slots=True)
class SongTrack:
    """One named track, with its events in any order; events of one tick are in the order in which they were played."""

    name: str
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Marker:
    """A text at a beat, which programs show above their tracks."""

    beat: float
    text: str


@dataclass(frozen=True, slots=True)
class Song:
    """The content of a file. Of several tempi or meters at one beat the last one is written."""

    tracks: Sequence[SongTrack]
    tempi: Sequence[TempoChange]
    meters: Sequence[MeterChange]
    markers: Sequence[Marker] = ()
