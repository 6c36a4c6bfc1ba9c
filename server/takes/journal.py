"""The journal of a jam: what happened, as lines that can each be checked alone; knows no file, no clock and no music.

Each line is one record: a CRC-32 in hexadecimal, a space, and a JSON array, which the CRC covers and whose first item
names the kind of record. Only an undamaged line counts. If a journal was cut off, or a byte in it was flipped, every
other record can still be read. Seconds are counted from the start of the journal; beats are the beats of the jam.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from typing import Literal, cast

from bridge.errors import BridgeError
from bridge.midi.messages import Message, OtherMessage, encode, parse
from bridge.timing.meter import Meter
from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import Segment, Timeline
from server.controls.control_table import Value
from server.music.feed import ActionRequested, ControlChanged, MessagePlayed, MessageReceived, TimelineChanged

VERSION = 1

# A tenth of a millisecond and a hundred-thousandth of a beat: far finer than MIDI on a cable, and short to write.
SECOND_DECIMALS, BEAT_DECIMALS = 4, 5
# A position is the sum of many segments, so rounding errors add up: segments are written with more digits.
SEGMENT_DECIMALS = 7
LONGEST_MESSAGE_BYTES = 16
"""A longer message is sysex: it is not music, and a flood of it would fill the disk."""

MESSAGES_CACHED = 4096
"""Encoding and parsing of messages is cached, because a player sends the same messages again and again."""

MarkKind = Literal["record", "capture"]


@dataclass(frozen=True, slots=True)
class JournalBegun:
    """The first record: the wall-clock time (ISO 8601) at which the jam began, and the limits of `capture` in it.

    `capture` goes back to the last silence of at least `silence_s`, but at most `capture_minutes`.
    """

    at: str
    capture_minutes: float
    silence_s: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the jam that the player marked, to keep it."""

    kind: MarkKind
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class JournalEnded:
    """The last record: the length of the jam, its notes and its marks, so that a list need not read the whole journal."""

    at_s: float
    heard_notes: int
    played_notes: int
    marks: tuple[Mark, ...] = ()


RecordedEvent = MessageReceived | MessagePlayed | ControlChanged | ActionRequested | TimelineChanged
"""The events of a feed that go into a journal. `StatusChanged` does not, because it follows from the others."""
Record = JournalBegun | RecordedEvent | JournalEnded
"""One line of a journal. A `TimelineChanged` that was read holds only the new segments; see `TimelineAssembler`."""


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What the bytes of a journal hold: records, the number of damaged lines, and the number of bytes up to the last line end."""

    records: tuple[Record, ...]
    damaged_lines: int
    whole_bytes: int


class RecordEncoder:
    """Encodes the records of one journal, in order, as lines; of a timeline it writes only the new segments."""

    def __init__(self) -> None:
        self._written_segments: tuple[Segment, ...] = ()

    def encode(self, record: Record) -> bytes:
        """The line of the record, with its line end; empty for sysex."""
        items: tuple[object, ...] = ()
        match record:
            case JournalBegun(at, capture_minutes, silence_s):
                items = ("begun", VERSION, at, capture_minutes, silence_s)
            case MessageReceived(message, at_s, beat) if _is_short(message):
                items = ("h", _second(at_s), _beat(beat), _hex(message))
            case MessagePlayed(message, at_s, beat) if _is_short(message):
                items = ("p", _second(at_s), _beat(beat), _hex(message))
            case ControlChanged(control, value, at_s, beat):
                items = ("c", _second(at_s), _beat(beat), control, value)
            case ActionRequested(action, at_s, beat):
                items = ("a", _second(at_s), _beat(beat), action)
            case TimelineChanged():
                items = self._timeline_items(record)
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


def with_time_origin(event: RecordedEvent, origin_s: float) -> RecordedEvent:
    """The same event with its seconds counted from `origin_s`."""
    at_s = event.at_s - origin_s
    if isinstance(event, TimelineChanged):
        segments = tuple(replace(segment, at_s=segment.at_s - origin_s) for segment in event.timeline.segments)
        return replace(event, timeline=replace(event.timeline, segments=segments), at_s=at_s)
    return replace(event, at_s=at_s)


def read_records(data: bytes) -> JournalContents:
    """All undamaged records in `data`, whatever lies between them; a last line without a line end is not read."""
    *lines, cut_off = data.split(b"\n")
    records = []
    for line in lines:
        record = read_line(line)
        if record is not None:
            records.append(record)
    return JournalContents(tuple(records), len(lines) - len(records), len(data) - len(cut_off))


def read_line(line: bytes) -> Record | None:
    """The record in a line without its line end; None if it is damaged, or of an unknown kind."""
    crc, _, text = line.partition(b" ")
    if crc != _crc(text):
        return None
    try:
        kind, *items = json.loads(text)
        return _READERS[kind](items)
    except (ValueError, TypeError, LookupError, BridgeError):
        return None


class TimelineAssembler:
    """Puts the timeline of a whole jam together from the new segments in a journal's records."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    def add(self, change: TimelineChanged) -> None:
        """Appends the new segments of the next record; they replace earlier segments that start at the same time or later."""
        new = change.timeline.segments
        while new and self._segments and self._segments[-1].at_s >= new[0].at_s:
            self._segments.pop()
        self._segments.extend(new)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments so far, in order of time."""
        return tuple(self._segments)


@lru_cache(MESSAGES_CACHED)
def _hex(message: Message) -> str:
    return encode(message).hex()


def _is_short(message: Message) -> bool:
    return not isinstance(message, OtherMessage) or len(message.data) <= LONGEST_MESSAGE_BYTES


def _line(items: tuple[object, ...]) -> bytes:
    text = json.dumps(items, separators=(",", ":")).encode("ascii")
    return _crc(text) + b" " + text + b"\n"


def _crc(text: bytes) -> bytes:
    return b"%08x" % zlib.crc32(text)


def _second(at_s: float) -> float:
    return round(at_s, SECOND_DECIMALS)


def _beat(beat: float) -> float:
    return round(beat, BEAT_DECIMALS)


def _fine(number: float) -> float:
    return round(number, SEGMENT_DECIMALS)


Items = list[object]


def _read_begun(items: Items) -> JournalBegun:
    version, at, capture_minutes, silence_s = items
    if version != VERSION:
        raise ValueError(f"journal version {version} is not supported")
    return JournalBegun(str(at), _number(capture_minutes), _number(silence_s))


def _read_message(kind: type[MessageReceived] | type[MessagePlayed]) -> Callable[[Items], Record]:
    def read(items: Items) -> Record:
        at_s, beat, message = items
        return kind(_message(str(message)), _number(at_s), _number(beat))

    return read


@lru_cache(MESSAGES_CACHED)
def _message(text: str) -> Message:
    return parse(bytes.fromhex(text))


def _read_control(items: Items) -> ControlChanged:
    at_s, beat, control, value = items
    return ControlChanged(str(control), cast("Value", value), _number(at_s), _number(beat))


def _read_action(items: Items) -> ActionRequested:
    at_s, beat, action = items
    return ActionRequested(str(action), _number(at_s), _number(beat))


def _read_timeline(items: Items) -> TimelineChanged:
    at_s, segments, meter, downbeat, transport, source = items
    new = tuple(Segment(*map(_number, segment)) for segment in cast("Iterable[Items]", segments))
    timeline = Timeline(new, Meter.parse(str(meter)), _number(downbeat))
    return TimelineChanged(timeline, cast("Transport", transport), str(source), _number(at_s))


def _read_ended(items: Items) -> JournalEnded:
    at_s, heard_notes, played_notes, mark_items = items
    marks = tuple(
        Mark(cast("MarkKind", kind), _number(from_s), _number(until_s))
        for kind, from_s, until_s in cast("Iterable[Items]", mark_items)
    )
    return JournalEnded(_number(at_s), int(_number(heard_notes)), int(_number(played_notes)), marks)


def _number(item: object) -> float:
    if isinstance(item, int | float):
        return item
    raise TypeError(f"{item!r} is not a number")


_READERS: Mapping[str, Callable[[Items], Record]] = {
    "begun": _read_begun,
    "h": _read_message(MessageReceived),
    "p": _read_message(MessagePlayed),
    "c": _read_control,
    "a": _read_action,
    "t": _read_timeline,
    "ended": _read_ended,
}
