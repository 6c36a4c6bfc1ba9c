"""The records of a journal, as values; knows no line and no file."""

from dataclasses import dataclass, replace
from typing import Literal

from bridge.midi.messages import Message, OtherMessage
from model.approach import Approach
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged, TimelineChanged

SYSTEM_MESSAGES = 0xF0
"""From this status byte on, a message is no music: sysex, time code (MTC), active sensing. They come many times a
second, and would fill the disk."""

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


def with_time_origin(event: RecordedEvent, origin_s: float) -> RecordedEvent:
    """The same event with its seconds counted from `origin_s`."""
    at_s = event.at_s - origin_s
    if isinstance(event, TimelineChanged):
        segments = tuple(replace(segment, at_s=segment.at_s - origin_s) for segment in event.timeline.segments)
        return replace(event, timeline=replace(event.timeline, segments=segments), at_s=at_s)
    return replace(event, at_s=at_s)


def is_music(message: Message) -> bool:
    """Whether a message goes into a journal."""
    return not isinstance(message, OtherMessage) or message.data[0] < SYSTEM_MESSAGES
