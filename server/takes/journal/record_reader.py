"""Reads the lines of a journal: every undamaged one is a record; knows no file."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from itertools import pairwise
from typing import cast, get_args

from bridge.errors import BridgeError
from bridge.midi.messages import Message, parse
from bridge.timing.meter import Meter
from bridge.timing.timeline import Segment, Timeline
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.takes.journal import record_values as values
from server.takes.journal.record_encoder import VERSION, crc_of
from server.takes.journal.records import (
    JournalBegun,
    JournalContents,
    JournalEnded,
    Mark,
    MarkKind,
    MemoryBegun,
    MemoryHeard,
    Record,
    is_music,
)

MESSAGES_CACHED = 4096
"""Parsing of messages is cached, because a player sends the same messages again and again."""


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
    if crc != crc_of(text):
        return None
    try:
        kind, *items = json.loads(text)
        return _READERS[kind](items)
    except (ValueError, TypeError, LookupError, RecursionError, BridgeError):
        return None


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
    if not is_music(message):
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
