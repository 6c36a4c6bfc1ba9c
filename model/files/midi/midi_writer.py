"""Writes music as a `.mid` file; the only writer of MIDI files in the project. Equal music gives equal bytes.

A file is of type 1: first a track with tempo, meter and markers, then the tracks of music, which all end at the bar
line after the last event. Only what all programs read in the same way is written: one tempo and one meter at a tick,
a channel for each track, no note shorter than a tick, and no two notes of one pitch at once in a track of notes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from model.files.midi.midi_chunks import DRUM_CHANNEL
from model.files.song import Event, Marker, Song, SongTrack, Track
from model.files.tempo import TempoChange, microseconds_of
from model.files.time_signature import COMMON_TIME, MeterChange, TimeSignature, bar_line_at_or_after
from model.notes import Note, in_onset_order

TICKS_PER_BEAT = 480
"""Ticks per beat, as most programs write it: a tick is about a millisecond at 120 bpm, and the grid of the time bins
(24 per beat) fits in."""

CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
# Of several events at one tick, note-offs come before note-ons, and pedals and programs before the notes that they
# affect.
_ENDS, _COLOURS, _BEGINS = 0, 1, 2
_NOTE_OFF, _NOTE_ON = 0x8, 0x9
_TEXT_NAME, _TEXT_MARKER = 0x03, 0x06
# A metronome clicks at each beat, which is 24 MIDI clocks and eight 32nds.
_CLOCKS_PER_CLICK, _THIRTY_SECONDS_PER_BEAT = 24, 8


def as_midi(
    tracks: Sequence[Track],
    tempo_bpm: float,
    meter: TimeSignature = COMMON_TIME,
    tempi: Sequence[TempoChange] = (),
    meters: Sequence[MeterChange] = (),
    markers: Sequence[Marker] = (),
) -> bytes:
    """Tracks of notes as the content of a `.mid` file, each on its own channel; `tempi` and `meters` are the later changes."""
    song = Song(
        [SongTrack(track.name, _events(track, _channel(track, i))) for i, track in enumerate(tracks)],
        (TempoChange(0.0, tempo_bpm), *tempi),
        (MeterChange(0.0, meter), *meters),
        markers,
    )
    return as_midi_file(song)


def _channel(track: Track, index: int) -> int:
    return CHANNELS[index % len(CHANNELS)] if track.channel is None else track.channel


def as_midi_file(song: Song) -> bytes:
    """The content of a `.mid` file of type 1."""
    tracks = [_conductor(song), *(_track(track) for track in song.tracks)]
    last_tick = max((message.tick for track in tracks for message in track), default=0)
    end_tick = tick_at(bar_line_at_or_after(last_tick / TICKS_PER_BEAT, _in_force(song.meters)))
    header = b"MThd" + (6).to_bytes(4) + (1).to_bytes(2) + len(tracks).to_bytes(2) + TICKS_PER_BEAT.to_bytes(2)
    return header + b"".join(_chunk(track, end_tick) for track in tracks)


def tick_at(beat: float) -> int:
    """The tick nearest to a beat."""
    return round(beat * TICKS_PER_BEAT)


@dataclass(frozen=True, slots=True)
class _Message:
    tick: int
    order: int
    data: bytes


def _events(track: Track, channel: int) -> list[Event]:
    events = [Event(bytes([0xC0 | channel, track.program]), 0.0)]
    for note in _apart(in_onset_order(track.notes)):
        events.append(Event(bytes([_NOTE_ON << 4 | channel, note.pitch, note.velocity]), note.onset_beats))
        # A note-on of velocity 0 is a note-off, and can share the status byte of a note-on.
        events.append(Event(bytes([_NOTE_ON << 4 | channel, note.pitch, 0]), note.end_beats))
    return events


def _apart(notes: Sequence[Note]) -> list[Note]:
    """The notes in onset order, where a note ends when its pitch is struck again: programs differ in which note-off ends which.

    Of two notes of a pitch at one tick the later one in `notes` stays.
    """
    found: list[Note] = []
    following: dict[int, Note] = {}
    for note in reversed(notes):
        after = following.get(note.pitch)
        following[note.pitch] = note
        if after is None or note.end_beats <= after.onset_beats:
            found.append(note)
        elif tick_at(note.onset_beats) < tick_at(after.onset_beats):
            found.append(replace(note, duration_beats=after.onset_beats - note.onset_beats))
    return found[::-1]


def _in_force(meters: Iterable[MeterChange]) -> list[MeterChange]:
    """The changes in order of time: of several at one tick only the last, and none that changes nothing."""
    at = {tick_at(change.beat): change for change in sorted(meters, key=lambda change: change.beat)}
    kept: list[MeterChange] = []
    for change in at.values():
        if not kept or change.meter != kept[-1].meter:
            kept.append(change)
    return kept


def _conductor(song: Song) -> list[_Message]:
    tempi = {tick_at(change.beat): microseconds_of(change.tempo_bpm) for change in song.tempi}
    messages = [_Message(tick, 0, b"\xff\x51\x03" + value.to_bytes(3)) for tick, value in tempi.items()]
    for change in _in_force(song.meters):
        meter = change.meter
        values = (meter.numerator, meter.denominator.bit_length() - 1, _CLOCKS_PER_CLICK, _THIRTY_SECONDS_PER_BEAT)
        messages.append(_Message(tick_at(change.beat), 1, b"\xff\x58\x04" + bytes(values)))
    messages += [_Message(tick_at(marker.beat), 2, _text(_TEXT_MARKER, marker.text)) for marker in song.markers]
    return messages


def _track(track: SongTrack) -> list[_Message]:
    named = [_Message(0, -1, _text(_TEXT_NAME, track.name))] if track.name else []
    messages: list[_Message] = []
    begun: dict[bytes, int] = {}
    for tick, data in sorted([(tick_at(event.beat), event.data) for event in track.events], key=itemgetter(0)):
        order, note = _order(data), bytes([data[0] & 0xF, data[1]])
        if order == _BEGINS:
            begun[note] = tick
        elif order == _ENDS and note in begun:
            # At one tick note-offs come first, so a note that is shorter than a tick would never end.
            messages.append(_Message(max(tick, begun.pop(note) + 1), order, data))
            continue
        messages.append(_Message(tick, order, data))
    return named + messages


def _order(data: bytes) -> int:
    kind = data[0] >> 4
    if kind == _NOTE_OFF or (kind == _NOTE_ON and data[2] == 0):
        return _ENDS
    return _BEGINS if kind == _NOTE_ON else _COLOURS


def _chunk(messages: Sequence[_Message], end_tick: int) -> bytes:
    written = bytearray()
    now, status = 0, 0
    for message in sorted(messages, key=lambda message: (message.tick, message.order)):
        written += _number(message.tick - now)
        # A message with the same status as the one before leaves it out (running status), except after a meta message.
        written += message.data[1:] if message.data[0] == status else message.data
        now, status = message.tick, message.data[0] if message.data[0] < 0xF0 else 0
    written += _number(end_tick - now) + b"\xff\x2f\x00"
    return b"MTrk" + len(written).to_bytes(4) + bytes(written)


def _text(kind: int, text: str) -> bytes:
    content = text.encode("ascii", "replace")
    return bytes([0xFF, kind]) + _number(len(content)) + content


def _number(value: int) -> bytes:
    """A variable-length number: seven bits per byte, with the highest bit set in all bytes but the last."""
    found = bytearray([value & 0x7F])
    while value := value >> 7:
        found.insert(0, 0x80 | value & 0x7F)
    return bytes(found)
