"""The journal of a jam: what happened, as lines that can be checked one by one; knows no file, no clock and no music.

A record is a line: the CRC-32 of what follows, a space, and a JSON array whose first item says what it is. A line counts
only whole: a journal that was cut off anywhere, or in which a byte was flipped, still gives back every other record.
Seconds are counted from the journal's beginning, beats as in the jam.
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

# A tenth of a millisecond and a hundred-thousandth of a beat: far finer than MIDI's wire, and short to write.
SECOND_DECIMALS, BEAT_DECIMALS = 4, 5
# A timeline is the sum of its segments, so they are kept finer.
SEGMENT_DECIMALS = 7
LONGEST_MESSAGE_BYTES = 16
"""Bytes. Whatever is longer is sysex, which is no music, and of which a flood would fill the disk."""

MESSAGES_CACHED = 4096
"""Messages that are spelt and read once: a hand plays the same ones over and over."""

MarkKind = Literal["record", "capture"]


@dataclass(frozen=True, slots=True)
class JournalBegun:
    """The first record: when the jam began, by the wall's clock, and how far back `capture` reaches in it."""

    at: str
    capture_minutes: float
    silence_s: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch that somebody wanted to keep."""

    kind: MarkKind
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class JournalEnded:
    """The last record: what the journal comes to, so that a list need not read all of it."""

    at_s: float
    heard_notes: int
    played_notes: int
    marks: tuple[Mark, ...] = ()


RecordedEvent = MessageReceived | MessagePlayed | ControlChanged | ActionRequested | TimelineChanged
"""What of a feed is kept: not how the jam stands, which follows from the rest."""
Record = JournalBegun | RecordedEvent | JournalEnded
"""A `Kept` that was read has only those segments of its timeline that are new; see `Ribbon`."""


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What is in a journal's bytes: its records, how many lines are damaged, and how many bytes are whole lines."""

    records: tuple[Record, ...]
    damaged_lines: int
    whole_bytes: int


class RecordEncoder:
    """Spells records as lines; of a timeline only what is new is told."""

    def __init__(self) -> None:
        self._told: tuple[Segment, ...] = ()

    def encode(self, record: Record) -> bytes:
        """The record's line; nothing for sysex."""
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
                items = self._kept(record)
            case JournalEnded(at_s, heard_notes, played_notes, marks):
                shown = [(mark.kind, _second(mark.from_s), _second(mark.until_s)) for mark in marks]
                items = ("ended", _second(at_s), heard_notes, played_notes, shown)
        return _line(items) if items else b""

    def _kept(self, kept: TimelineChanged) -> tuple[object, ...]:
        timeline = kept.timeline
        new = [[_fine(s.at_s), _fine(s.beat), _fine(s.tempo_bpm)] for s in self._new(timeline.segments)]
        downbeat, meter = _fine(timeline.downbeat), str(timeline.meter)
        return ("t", _second(kept.at_s), new, meter, downbeat, kept.transport, kept.source)

    def _new(self, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
        """Those that were not told yet; a timeline forgets its oldest, which is nothing new."""
        told = [segment for segment in self._told if segment.at_s >= segments[0].at_s]
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(told, segments, strict=False)))
        self._told = segments
        return segments[same:]


def with_time_origin(event: RecordedEvent, began_s: float) -> RecordedEvent:
    """The same with its seconds counted from `began_s`."""
    at_s = event.at_s - began_s
    if isinstance(event, TimelineChanged):
        segments = tuple(replace(segment, at_s=segment.at_s - began_s) for segment in event.timeline.segments)
        return replace(event, timeline=replace(event.timeline, segments=segments), at_s=at_s)
    return replace(event, at_s=at_s)


def read_records(data: bytes) -> JournalContents:
    """All whole records in `data`, whatever is between them."""
    *lines, cut_off = data.split(b"\n")
    records = []
    for line in lines:
        record = read_line(line)
        if record is not None:
            records.append(record)
    return JournalContents(tuple(records), len(lines) - len(records), len(data) - len(cut_off))


def read_line(line: bytes) -> Record | None:
    """The record that a line is, without its end; None where it is damaged, or of a kind that is not known."""
    written, _, text = line.partition(b" ")
    if written != _crc(text):
        return None
    try:
        tag, *rest = json.loads(text)
        return _READERS[tag](rest)
    except (ValueError, TypeError, LookupError, BridgeError):
        return None


class TimelineAssembler:
    """A timeline as long as the jam, put together from the new ends of it that a journal tells."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    def add(self, kept: TimelineChanged) -> None:
        """What was to come from the new end on is gone."""
        new = kept.timeline.segments
        while new and self._segments and self._segments[-1].at_s >= new[0].at_s:
            self._segments.pop()
        self._segments.extend(new)

    @property
    def segments(self) -> tuple[Segment, ...]:
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
        raise ValueError(f"a journal of version {version}")
    return JournalBegun(str(at), _number(capture_minutes), _number(silence_s))


def _read_message(kind: type[MessageReceived] | type[MessagePlayed]) -> Callable[[Items], Record]:
    def read(items: Items) -> Record:
        at_s, beat, message = items
        return kind(_message(str(message)), _number(at_s), _number(beat))

    return read


@lru_cache(MESSAGES_CACHED)
def _message(text: str) -> Message:
    return parse(bytes.fromhex(text))


def _read_turned(items: Items) -> ControlChanged:
    at_s, beat, control, value = items
    return ControlChanged(str(control), cast("Value", value), _number(at_s), _number(beat))


def _read_asked(items: Items) -> ActionRequested:
    at_s, beat, action = items
    return ActionRequested(str(action), _number(at_s), _number(beat))


def _read_kept(items: Items) -> TimelineChanged:
    at_s, segments, meter, downbeat, transport, source = items
    new = tuple(Segment(*map(_number, segment)) for segment in cast("Iterable[Items]", segments))
    timeline = Timeline(new, Meter.read(str(meter)), _number(downbeat))
    return TimelineChanged(timeline, cast("Transport", transport), str(source), _number(at_s))


def _read_ended(items: Items) -> JournalEnded:
    at_s, heard, played, marks = items
    read = tuple(
        Mark(cast("MarkKind", kind), _number(from_s), _number(until_s))
        for kind, from_s, until_s in cast("Iterable[Items]", marks)
    )
    return JournalEnded(_number(at_s), int(_number(heard)), int(_number(played)), read)


def _number(item: object) -> float:
    if isinstance(item, int | float):
        return item
    raise TypeError(f"{item!r} is no number")


_READERS: Mapping[str, Callable[[Items], Record]] = {
    "begun": _read_begun,
    "h": _read_message(MessageReceived),
    "p": _read_message(MessagePlayed),
    "c": _read_turned,
    "a": _read_asked,
    "t": _read_kept,
    "ended": _read_ended,
}
