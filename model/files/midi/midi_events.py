"""Repairs one track of a MIDI file for a strict parser: keeps whole events only, and can remove program changes.

Steps from event to event without decoding notes: one regular expression skips a whole run of channel messages.
"""

import re
from dataclasses import dataclass

from model.files.midi.midi_chunks import END_OF_TRACK

# An event is a delta time, a variable-length number of at most four bytes, and a message; a message that begins with a data
# byte goes on with the status of the one before ("running status").
_DELTA = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
_DATA = rb"[\x00-\x7f]"
_TWO, _ONE = rb"[\x80-\xbf\xe0-\xef]", rb"[\xd0-\xdf]"
# Runs of messages of two data bytes, and of pressure, which has one: the first message of a run may use running status (`_GOING_ON`) or not (`_BEGINNING`).
_GOING_ON = {
    2: re.compile(rb"(?:" + _DELTA + _TWO + rb"?+" + _DATA + _DATA + rb")*+"),
    1: re.compile(rb"(?:" + _DELTA + _ONE + rb"?+" + _DATA + rb")*+"),
}
_BEGINNING = {
    2: re.compile(_DELTA + _TWO + _DATA + _DATA + _GOING_ON[2].pattern),
    1: re.compile(_DELTA + _ONE + _DATA + _GOING_ON[1].pattern),
}
_DELTA_TIME = re.compile(_DELTA)
_META, _SYSEX, _ESCAPE = 0xFF, 0xF0, 0xF7
_PROGRAM, _PRESSURE = 0xC, 0xD
_NOTE_ON = 0x90
# Data bytes of system messages, which do not belong in a file but are in some. Others are undefined.
_SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}


@dataclass(frozen=True, slots=True)
class Repaired:
    """A track without its end-of-track message.

    `events` and `plain` both end after the delta time of the next message. In both, F7 events (continuations and escapes) become
    system exclusive messages, as symusic reads no length in an F7 event. In `plain` program changes become channel pressure, which
    has the same length and does not affect notes. `programs` are the channels' first programs. `broken_at` is the byte from which the
    track cannot be read, None if it was read to its end.
    """

    events: bytes
    plain: bytes
    programs: dict[int, int]
    changes_between_notes: bool
    broken_at: int | None


def repaired(track: bytes) -> Repaired:
    """The whole events of a track, as they are and without program changes."""
    walk = _Walk(track)
    end, broken_at = walk.to_the_end()
    # If the end of track is missing, so is the delta time before it.
    delta = b"" if walk.has_end else b"\x00"
    plain = walk.events[:end] + delta
    events = plain[:]
    for at in walk.program_changes:
        events[at] = _PROGRAM << 4 | events[at] & 0xF
    return Repaired(bytes(events), bytes(plain), walk.programs, walk.changes_between_notes, broken_at)


class _Walk:
    def __init__(self, track: bytes) -> None:
        self.events = bytearray(track)
        self.programs: dict[int, int] = {}
        self.program_changes: list[int] = []
        self.changes_between_notes = False
        self.has_end = False
        self._running = 0  # data bytes of the last status, or _PROGRAM
        self._channel = 0

    def to_the_end(self) -> tuple[int, int | None]:
        """Where the last whole event ends, and where the track breaks off."""
        events = self.events
        at = 0
        while at < len(events):
            run_end = self._run_end(at)
            if run_end > at:
                at = run_end
                continue
            delta = _DELTA_TIME.match(events, at)
            if delta is None:
                return at, at
            message = delta.end()
            if events[message : message + 3] == END_OF_TRACK:
                self.has_end = True
                return message, None
            end = self._message_end(message)
            if end is None or end > len(events):
                return at, at
            at = end
        return at, None

    def _run_end(self, at: int) -> int:
        """Where a run of channel messages ends; `at` if none begins here."""
        for data in (2, 1):
            run = (_GOING_ON if self._running == data else _BEGINNING)[data].match(self.events, at)
            if run is not None and run.end() > at:
                self._running = data
                return run.end()
        return at

    def _message_end(self, at: int) -> int | None:
        """Where another kind of message ends; None if it is invalid."""
        if at >= len(self.events):
            return None
        status = self.events[at]
        if status < 0x80:
            return self._program_end(at) if self._running == _PROGRAM else None
        if status >= _SYSEX:
            return self._system_end(at, status)
        if status >> 4 != _PROGRAM:
            return None  # its data bytes are invalid, or the run would have included it
        self._running, self._channel = _PROGRAM, status & 0xF
        end = self._program_end(at + 1)
        if end is not None:
            self.program_changes.append(at)
            self.events[at] = _PRESSURE << 4 | self._channel
        return end

    def _system_end(self, at: int, status: int) -> int | None:
        if status == _META:
            return self._after_length(at + 2)
        if status in {_SYSEX, _ESCAPE}:
            self.events[at] = _SYSEX
            return self._after_length(at + 1)
        data = _SYSTEM_DATA.get(status)
        return None if data is None else at + 1 + data

    def _program_end(self, at: int) -> int | None:
        if at >= len(self.events) or self.events[at] >= 0x80:
            return None
        if self.events.find(_NOTE_ON | self._channel, 0, at) >= 0:
            self.changes_between_notes = True
        else:
            self.programs[self._channel] = self.events[at]
        self.programs.setdefault(self._channel, 0)
        return at + 1

    def _after_length(self, at: int) -> int | None:
        number = _DELTA_TIME.match(self.events, at)
        if number is None:
            return None
        length = 0
        for byte in number.group():
            length = length << 7 | byte & 0x7F
        return number.end() + length
