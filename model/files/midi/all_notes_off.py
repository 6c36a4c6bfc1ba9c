"""All Notes Off: gives a track a note-off for each note that only such a message ends. Synths stop the notes there; symusic does not.

The message is a controller: 120, 123, or one of the modes 124 to 127 ("MIDI 1.0 Detailed Specification", Channel Mode Messages).
"""

from collections import Counter
from collections.abc import Iterator
from functools import reduce

from model.files.midi.midi_events import CHANNEL_DATA, META, NUMBER, SYSEX, SYSTEM_DATA

ALL_NOTES_OFF = frozenset({120, *range(123, 128)})
_NOTE_OFF, _NOTE_ON, _CONTROL = 0x8, 0x9, 0xB


def with_note_offs(events: bytes) -> bytes:
    """The events of a repaired track, with note-offs after each All Notes Off for the notes of its channel that sound there.

    No status is left out then. Returns `events` itself if there are no notes to end.
    """
    written = bytearray()
    sounding: Counter[tuple[int, int]] = Counter()
    ends_any = False
    for delta, message in _messages(events):
        written += delta + message
        kind, channel = (message[0] >> 4, message[0] & 0xF) if message else (0, 0)
        if kind == _NOTE_ON and message[2]:
            sounding[channel, message[1]] += 1
        elif kind in {_NOTE_OFF, _NOTE_ON} and sounding[channel, message[1]]:
            sounding[channel, message[1]] -= 1
        elif kind == _CONTROL and message[1] in ALL_NOTES_OFF:
            ended = Counter({note: count for note, count in sounding.items() if note[0] == channel})
            written += b"".join([bytes([0, _NOTE_OFF << 4 | channel, pitch, 0]) for _, pitch in ended.elements()])
            ends_any |= ended.total() > 0
            sounding -= ended
    return bytes(written) if ends_any else events


def _messages(events: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each delta time, and the message after it with its status; after the last delta time of a repaired track comes none."""
    at = status = 0
    while (delta := NUMBER.match(events, at)) is not None:
        begin = delta.end()
        if begin == len(events):
            yield delta.group(), b""
            return
        if events[begin] >= SYSEX:
            at = _system_end(events, begin)
            yield delta.group(), events[begin:at]
            continue
        if events[begin] >= 0x80:
            status, begin = events[begin], begin + 1
        at = begin + CHANNEL_DATA[status >> 4]
        yield delta.group(), bytes([status]) + events[begin:at]


def _system_end(events: bytes, at: int) -> int:
    """Where the system message at `at` ends."""
    status = events[at]
    if status not in {META, SYSEX}:
        return at + 1 + SYSTEM_DATA[status]
    length = NUMBER.match(events, at + 1 + (status == META))
    assert length is not None
    return length.end() + reduce(lambda value, byte: value << 7 | byte & 0x7F, length.group(), 0)
