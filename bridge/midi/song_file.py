"""A song as a standard MIDI file: tracks of messages in beats, where the tempo changes, and where the meter does.

Knows no port, no clock and no models; every `.mid` with more than one tempo is written here.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.midi.messages import Message, NoteOff, encode, mido_module
from bridge.timing.meter import Meter

if TYPE_CHECKING:
    import mido

TICKS_PER_BEAT = 480
"""A millisecond at 120 bpm, and what most programs write; pretty_midi reads ten million ticks, which are three hours."""

# Where several fall on one tick, what ends comes before what begins, and pedals and knobs before the notes they colour.
_ENDS, _COLOURS, _BEGINS = 0, 1, 2
_NOTE_ON = 9

MICROSECONDS_PER_MINUTE = 60_000_000
SLOWEST_MICROSECONDS = 0xFFFFFF
"""What a tempo has room for in the file: three and a half beats a minute."""


@dataclass(frozen=True, slots=True)
class PlacedMessage:
    """A message at a beat of the song, from 0."""

    message: Message
    beat: float


@dataclass(frozen=True, slots=True)
class SongTrack:
    """One named track; its messages in any order."""

    name: str
    messages: Sequence[PlacedMessage]


@dataclass(frozen=True, slots=True)
class TempoChange:
    """From this beat on, so fast."""

    beat: float
    tempo_bpm: float


@dataclass(frozen=True, slots=True)
class MeterChange:
    """From this beat on, bars are so long."""

    beat: float
    meter: Meter


@dataclass(frozen=True, slots=True)
class Song:
    """All of it."""

    tracks: Sequence[SongTrack]
    tempi: Sequence[TempoChange]
    meters: Sequence[MeterChange]


def as_midi_file(song: Song) -> bytes:
    """The content of a `.mid` file of type 1: first the track of tempo and meter, then the others. Equal songs give equal bytes."""
    midi = mido_module()
    file = midi.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    conductor: list[Timed] = [
        (tick_at(tempo.beat), 1, midi.MetaMessage("set_tempo", tempo=_microseconds(tempo.tempo_bpm)))
        for tempo in song.tempi
    ]
    for change in song.meters:
        sizes = {"numerator": change.meter.numerator, "denominator": change.meter.denominator}
        conductor.append((tick_at(change.beat), 0, midi.MetaMessage("time_signature", **sizes)))
    _write(file.add_track(), conductor)
    for track in song.tracks:
        timed: list[Timed] = []
        for placed in track.messages:
            data = encode(placed.message)
            timed.append((tick_at(placed.beat), _order(placed.message, data), midi.Message.from_bytes(data)))
        _write(file.add_track(track.name), timed)
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


Timed = tuple[int, int, "mido.Message"]
"""A tick, the order within it, and a message that has no time yet."""


def _write(track: "mido.MidiTrack", timed: Sequence[Timed]) -> None:
    now = 0
    for tick, _, message in sorted(timed, key=lambda item: item[:2]):
        track.append(message.copy(time=tick - now))
        now = tick


def tick_at(beat: float) -> int:
    """The tick nearest to a beat."""
    return round(beat * TICKS_PER_BEAT)


def _order(message: Message, data: bytes) -> int:
    if isinstance(message, NoteOff):
        return _ENDS
    return _BEGINS if data[0] >> 4 == _NOTE_ON else _COLOURS


def _microseconds(tempo_bpm: float) -> int:
    return min(max(round(MICROSECONDS_PER_MINUTE / tempo_bpm), 1), SLOWEST_MICROSECONDS)
