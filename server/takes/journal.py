"""The journal of a jam: what happened, as lines that can each be checked alone; knows no file, no clock and no music.

Each line is one record: a CRC-32 in hexadecimal, a space, and a JSON array, which the CRC covers and whose first item
names the kind of record. Only an undamaged line counts. If a journal was cut off, or a byte in it was flipped, every
other record can still be read. Seconds are counted from the start of the journal; beats are the beats of the jam.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import pairwise, takewhile
from typing import Literal, cast, get_args

from bridge.errors import BridgeError
from bridge.midi.messages import Message, OtherMessage, encode, parse
from bridge.timing.meter import Meter
from bridge.timing.timeline import Segment, Timeline
from model.approach import Approach
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.takes import journal_values as values

VERSION = 1

# A tenth of a millisecond and a hundred-thousandth of a beat: far finer than MIDI on a cable, and short to write.
SECOND_DECIMALS, BEAT_DECIMALS = 4, 5
# A position is the sum of many segments, so rounding errors add up: segments are written with more digits.
SEGMENT_DECIMALS = 7
SYSTEM_MESSAGES = 0xF0
"""From this status byte on, a message is no music: sysex, time code (MTC), active sensing. They come many times a
second, and would fill the disk."""

JOIN_BEATS = 1e-3
"""How far rounding may leave a segment from the start of the next one; it cannot be heard."""

MESSAGES_CACHED = 4096
"""Parsing of messages is cached, because a player sends the same messages again and again."""

MarkKind = Literal["record", "capture"]


@dataclass(frozen=True, slots=True)
class JournalBegun:
    """The first record: the wall-clock time (ISO 8601) at which the jam began, and the limits of `capture` in it.

    `capture` goes back to the last silence of at least `silence_s`, but at most `capture_minutes`. `memory_file` is the file that
    the jam saves its memories in at its end besides its own; empty for none.
    """

    at: str
    capture_minutes: float
    silence_s: float
    memory_file: str = ""


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


@dataclass(frozen=True, slots=True)
class MemoryBegun:
    """A memory of this vocabulary begins to hear: with what it already holds, or empty. Without `shifts` it has no times.

    `note_contexts`, `time_contexts` and `chord_contexts` are the names of the contexts that it counts before notes, before times and
    over chords; all are empty in journals of older versions.
    """

    approach: Approach
    pitches: tuple[int, ...]
    shifts: tuple[float, ...]
    keeps_content: bool
    note_contexts: tuple[str, ...] = ()
    time_contexts: tuple[str, ...] = ()
    chord_contexts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemoryHeard:
    """The first `position` tokens since it began still hold, and then came `tokens`; one that was not learnt is -1 - token.

    `places` are where in the bar they stood, as many as tokens; None where that was not known. `chord_places` are where among the
    chords, also as many, each without bytes where no chord was known; or there are none at all.
    """

    approach: Approach
    position: int
    tokens: tuple[int, ...]
    places: tuple[int | None, ...]
    chord_places: tuple[bytes, ...] = ()


RecordedEvent = MessageReceived | MessagePlayed | SettingChanged | ActionRequested | TimelineChanged
"""The events of a feed that go into a journal. `StatusChanged` does not, because it follows from the others."""
Record = JournalBegun | RecordedEvent | MemoryBegun | MemoryHeard | JournalEnded
"""One line of a journal. A `TimelineChanged` that was read holds only the new segments; see `TimelineAssembler`."""


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What the bytes of a journal hold: records, the number of damaged lines, and the number of bytes up to the last
    line end.
    """

    records: tuple[Record, ...]
    damaged_lines: int
    whole_bytes: int


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
            case MessageReceived(message, at_s, beat) if _is_music(message):
                items = ("h", _second(at_s), _beat(beat), _hex(message))
            case MessagePlayed(message, at_s, beat, is_band) if _is_music(message):
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


def with_time_origin(event: RecordedEvent, origin_s: float) -> RecordedEvent:
    """The same event with its seconds counted from `origin_s`."""
    at_s = event.at_s - origin_s
    if isinstance(event, TimelineChanged):
        segments = tuple(replace(segment, at_s=segment.at_s - origin_s) for segment in event.timeline.segments)
        return replace(event, timeline=replace(event.timeline, segments=segments), at_s=at_s)
    return replace(event, at_s=at_s)


def read_records(data: bytes) -> JournalContents:
    """All undamaged records in `data`, with anything between them skipped; a last line without a line end is not read."""
    *lines, cut_off = data.split(b"\n")
    records = []
    for line in lines:
        record = read_line(line)
        if record is not None:
            records.append(record)
    return JournalContents(tuple(records), len(lines) - len(records), len(data) - len(cut_off))


def read_line(line: bytes) -> Record | None:
    """The record in a line without its line end; None if it is damaged, of an unknown kind, or has a value out of range."""
    crc, _, text = line.partition(b" ")
    if crc != _crc(text):
        return None
    try:
        kind, *items = json.loads(text)
        return _READERS[kind](items)
    except (ValueError, TypeError, LookupError, RecursionError, BridgeError):
        return None


class TimelineAssembler:
    """Puts the timeline of a whole jam together from the new segments in a journal's records."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    def add(self, change: TimelineChanged) -> None:
        """Appends the new segments of the next record.

        They replace earlier ones that start at the same time or beat, or later.
        """
        for new in change.timeline.segments:
            while self._segments and (self._segments[-1].at_s >= new.at_s or self._segments[-1].beat >= new.beat):
                self._segments.pop()
            self._segments.append(new)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments so far, in order of time and of beats.

        Where records are missing, a segment leads to the next one.
        """
        joined = [_leading_to(segment, after) for segment, after in pairwise(self._segments)]
        return (*joined, *self._segments[-1:])


def _leading_to(segment: Segment, after: Segment) -> Segment:
    """The segment, with the tempo that reaches `after` where its own does not."""
    if abs(segment.beat_at(after.at_s) - after.beat) <= JOIN_BEATS:
        return segment
    return replace(segment, tempo_bpm=(after.beat - segment.beat) * 60.0 / (after.at_s - segment.at_s))


def _hex(message: Message) -> str:
    return encode(message).hex()


def _is_music(message: Message) -> bool:
    return not isinstance(message, OtherMessage) or message.data[0] < SYSTEM_MESSAGES


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
    version, at, capture_minutes, silence_s, *more = items
    (memory_file,) = more or [""]
    if version != VERSION:
        raise ValueError(f"journal version {version} is not supported")
    return JournalBegun(
        values.date(at), values.duration(capture_minutes), values.duration(silence_s), values.path(memory_file)
    )


def _read_message(kind: Callable[[Message, float, float], Record]) -> Callable[[Items], Record]:
    def read(items: Items) -> Record:
        at_s, beat, message = items
        return kind(_message(values.name(message)), values.second(at_s), values.beat(beat))

    return read


@lru_cache(MESSAGES_CACHED)
def _message(text: str) -> Message:
    message = parse(bytes.fromhex(text))
    if not _is_music(message):
        raise ValueError("this is no message of a journal")
    return message


def _read_control(items: Items) -> SettingChanged:
    at_s, beat, control, value = items
    return SettingChanged(values.name(control), values.control_value(value), values.second(at_s), values.beat(beat))


def _read_action(items: Items) -> ActionRequested:
    at_s, beat, action = items
    return ActionRequested(values.name(action), values.second(at_s), values.beat(beat))


def _read_timeline(items: Items) -> TimelineChanged:
    at_s, segments, meter, downbeat, transport, source = items
    new = tuple(_read_segment(*segment) for segment in cast("Iterable[Items]", segments))
    if any(after.at_s < before.at_s or after.beat < before.beat for before, after in pairwise(new)):
        raise ValueError("a timeline runs forward")
    timeline = Timeline(new, Meter.parse(values.name(meter)), values.beat(downbeat))
    return TimelineChanged(timeline, values.transport(transport), values.name(source), values.second(at_s))


def _read_segment(at_s: object, beat: object, tempo_bpm: object) -> Segment:
    return Segment(values.second(at_s), values.beat(beat), values.tempo_bpm(tempo_bpm))


def _read_memory_begun(items: Items) -> MemoryBegun:
    approach, pitches, shifts, keeps_content, *contexts = items
    if not isinstance(pitches, list) or not isinstance(shifts, list) or not isinstance(keeps_content, bool):
        raise TypeError("this is no vocabulary")
    note_contexts, time_contexts, chord_contexts = map(values.contexts, [*(contexts or [[], []]), []][:3])
    return MemoryBegun(
        values.approach(approach),
        values.pitches(pitches),
        values.shifts(shifts),
        keeps_content,
        note_contexts,
        time_contexts,
        chord_contexts,
    )


def _read_memory_heard(items: Items) -> MemoryHeard:
    approach, position, tokens, *more = items
    if not isinstance(tokens, list):
        raise TypeError("these are no tokens")
    places = more[0] if more else [None] * len(tokens)  # there are none where no bars were known
    chord_places = more[1] if len(more) > 1 else []
    if not isinstance(places, list) or len(places) != len(tokens) or len(more) > 2:
        raise TypeError("these are no places")
    if not isinstance(chord_places, list) or len(chord_places) not in {0, len(tokens)}:
        raise TypeError("these are no places among the chords")
    return MemoryHeard(
        values.approach(approach),
        values.count(position),
        tuple(map(values.token, tokens)),
        tuple(map(values.place, places)),
        tuple(map(values.chord_place, chord_places)),
    )


def _read_ended(items: Items) -> JournalEnded:
    at_s, heard_notes, played_notes, mark_items = items
    marks = tuple(_read_mark(*mark) for mark in cast("Iterable[Items]", mark_items))
    return JournalEnded(values.duration(at_s), values.count(heard_notes), values.count(played_notes), marks)


def _read_mark(kind: object, from_s: object, until_s: object) -> Mark:
    mark = Mark(cast("MarkKind", kind), values.second(from_s), values.second(until_s))
    if kind not in get_args(MarkKind) or mark.until_s < mark.from_s:
        raise ValueError("this is no mark")
    return mark


_READERS: Mapping[str, Callable[[Items], Record]] = {
    "begun": _read_begun,
    "h": _read_message(MessageReceived),
    "p": _read_message(MessagePlayed),
    "b": _read_message(partial(MessagePlayed, is_band=True)),
    "c": _read_control,
    "a": _read_action,
    "t": _read_timeline,
    "v": _read_memory_begun,
    "m": _read_memory_heard,
    "ended": _read_ended,
}
