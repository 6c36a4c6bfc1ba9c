"""Encodes the records of a journal as its lines; knows no file."""

import json
import zlib
from itertools import takewhile

from bridge.midi.messages import Message, encode
from bridge.timing.timeline import Segment
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.takes.journal.records import JournalBegun, JournalEnded, MemoryBegun, MemoryHeard, Record, is_music

VERSION = 1

# A tenth of a millisecond and a hundred-thousandth of a beat: far finer than MIDI on a cable, and short to write.
SECOND_DECIMALS, BEAT_DECIMALS = 4, 5
# A position is the sum of many segments, so rounding errors add up: segments are written with more digits.
SEGMENT_DECIMALS = 7


class RecordEncoder:
    """Encodes the records of one journal, in order, as lines; of a timeline it writes only the new segments."""

    def __init__(self) -> None:
        self._written_segments: tuple[Segment, ...] = ()

    def encode(self, record: Record) -> bytes:
        """The line of the record, with its line end; empty for a message that is no music."""
        items: tuple[object, ...] = ()
        match record:
            case JournalBegun(at, capture_minutes, silence_s, memory_file):
                items = ("begun", VERSION, at, capture_minutes, silence_s, *([memory_file] if memory_file else ()))
            case MessageReceived(message, at_s, beat) if is_music(message):
                items = ("h", _second(at_s), _beat(beat), _hex(message))
            case MessagePlayed(message, at_s, beat, is_band) if is_music(message):
                items = ("b" if is_band else "p", _second(at_s), _beat(beat), _hex(message))
            case SettingChanged(control, value, at_s, beat):
                items = ("c", _second(at_s), _beat(beat), control, value)
            case ActionRequested(action, at_s, beat):
                items = ("a", _second(at_s), _beat(beat), action)
            case TimelineChanged():
                items = self._timeline_items(record)
            case MemoryBegun(approach, pitches, shifts, keeps_content, note_contexts, time_contexts, chord_contexts):
                fine_shifts = [_fine(shift) for shift in shifts]
                over_chords = (chord_contexts,) if chord_contexts else ()
                items = ("v", approach, pitches, fine_shifts, keeps_content, note_contexts, time_contexts, *over_chords)
            case MemoryHeard(approach, position, tokens, places, chord_places):
                of_chords = [[place.hex() for place in chord_places]] if any(chord_places) else ()
                are_known = of_chords or any(place is not None for place in places)
                items = ("m", approach, position, tokens, *([places] if are_known else ()), *of_chords)
            case JournalEnded(at_s, heard_notes, played_notes, marks):
                mark_items = [(mark.kind, _second(mark.from_s), _second(mark.until_s)) for mark in marks]
                items = ("ended", _second(at_s), heard_notes, played_notes, mark_items)
        return _line(items) if items else b""

    def _timeline_items(self, change: TimelineChanged) -> tuple[object, ...]:
        timeline = change.timeline
        new = [[_fine(s.at_s), _fine(s.beat), _fine(s.tempo_bpm)] for s in self._new_segments(timeline.segments)]
        downbeat, meter = _fine(timeline.downbeat), str(timeline.meter)
        return ("t", _second(change.at_s), new, meter, downbeat, change.transport, change.source)

    def _new_segments(self, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
        """The segments that are not in the journal yet. A timeline drops its oldest ones; that is no change to write."""
        written = [segment for segment in self._written_segments if segment.at_s >= segments[0].at_s]
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(written, segments, strict=False)))
        self._written_segments = segments
        return segments[same:]


def crc_of(text: bytes) -> bytes:
    """The CRC-32 of a record's JSON text, as it stands at the start of its line."""
    return b"%08x" % zlib.crc32(text)


def _hex(message: Message) -> str:
    return encode(message).hex()


def _line(items: tuple[object, ...]) -> bytes:
    text = json.dumps(items, separators=(",", ":")).encode("ascii")
    return crc_of(text) + b" " + text + b"\n"


def _second(at_s: float) -> float:
    return round(at_s, SECOND_DECIMALS)


def _beat(beat: float) -> float:
    return round(beat, BEAT_DECIMALS)


def _fine(number: float) -> float:
    return round(number, SEGMENT_DECIMALS)
