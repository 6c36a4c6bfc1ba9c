"""Repairs one track of a MIDI file for a strict parser: keeps whole events only, and can remove program changes.

Steps from event to event without decoding notes: one regular expression skips a whole run of channel messages.
"""

import re
from dataclasses import dataclass

# An event is a delta time, a variable-length number of at most four bytes, and a message; a message that begins with a data
# byte goes on with the status of the one before ("running status").
_DELTA = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
_DATA = rb"[\x00-\x7f]"
_STATUSES = {2: rb"[\x80-\xbf\xe0-\xef]", 1: rb"[\xd0-\xdf]"}
# Messages of two data bytes, and pressure, which has one: a run of them whose first message may use running status
# (`_GOING_ON`), a run whose first message does not (`_BEGINNING`), and a single message.
_GOING_ON = {
    data: re.compile(rb"(?:%b%b?+%b)*+" % (_DELTA, status, _DATA * data)) for data, status in _STATUSES.items()
}
_BEGINNING = {
    data: re.compile(rb"%b%b%b%b" % (_DELTA, status, _DATA * data, _GOING_ON[data].pattern))
    for data, status in _STATUSES.items()
}
_SINGLE = {data: re.compile(rb"%b(%b)?+%b" % (_DELTA, status, _DATA * data)) for data, status in _STATUSES.items()}
NUMBER = re.compile(_DELTA)
_LONGEST_NUMBER = 4
_PROGRAM, _PRESSURE = 0xC, 0xD
# Data bytes of channel messages, and those of them that may be over 127, as symusic ignores the message.
CHANNEL_DATA = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, _PROGRAM: 1, _PRESSURE: 1, 0xE: 2}
_RUNS = {kind: data for kind, data in CHANNEL_DATA.items() if kind != _PROGRAM}
_IGNORED_DATA = {0xA: (0, 1), _PRESSURE: (0,), 0xE: (0,)}
META, SYSEX, _ESCAPE = 0xFF, 0xF0, 0xF7
_NOTE_ON = 0x90
_TEXT, _TEMPO, _METER = 0x01, 0x51, 0x58
_END_OF_TRACK = b"\xff\x2f"  # of whatever length
# A tempo has three bytes; of a meter's four the first two are read.
_SHORTEST = {_TEMPO: 3, _METER: 2}
# A track of nothing but channel messages and short meta messages, each with the status that it needs. A meta message of up to this
# length has its bytes counted by an alternative of its own.
_LONGEST_COUNTED = 48
_COUNTED = rb"|".join([b"%b.{%d}" % (re.escape(bytes([length])), length) for length in range(_LONGEST_COUNTED + 1)])
_ORDINARY = re.compile(
    rb"(?:%b(?:%b|%b|\xff%b(?:%b)))*+"
    % (
        _DELTA,
        rb"[\x80-\xbf\xe0-\xef]%b(?:%b%b)*+" % (_DATA * 2, _DELTA, _DATA * 2),
        rb"[\xc0-\xdf]%b(?:%b%b)*+" % (_DATA, _DELTA, _DATA),
        _DATA,
        _COUNTED,
    ),
    re.DOTALL,
)
# Data bytes of system messages, which do not belong in a file but are in some. Others are undefined.
SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}


def is_ordinary(track: bytes) -> bool:
    """Whether a track surely holds channel messages and meta messages only, and no event that is cut short.

    False is no verdict: a long text, or running status after a meta message, makes a track one that has to be walked through.
    """
    return _ORDINARY.fullmatch(track) is not None


@dataclass(frozen=True, slots=True)
class Repaired:
    """A track without its end-of-track message.

    `events` and `plain` both end after the delta time of the next message. In both, F7 events (continuations and escapes) become
    system exclusive messages, as symusic reads no length in an F7 event; a status byte that is left out after a system message is
    inserted, as symusic forgets it there; and a tempo or meter that is too short becomes a text. In `plain` program changes become
    channel pressure, which has the same length and does not affect notes. `programs` are the channels' first programs. `broken_at`
    is the byte from which the track cannot be read, None if it was read to its end.
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
    for at, status in reversed(walk.missing):  # from the last one, so that earlier places stay
        events.insert(at, status)
        plain.insert(at, _PRESSURE << 4 | status & 0xF if status >> 4 == _PROGRAM else status)
    return Repaired(bytes(events), bytes(plain), walk.programs, walk.changes_between_notes, broken_at)


class _Walk:
    """Goes through the events of a track. `missing` are the places of the status bytes to insert, and those bytes."""

    def __init__(self, track: bytes) -> None:
        self.events = bytearray(track)
        self.programs: dict[int, int] = {}
        self.program_changes: list[int] = []
        self.missing: list[tuple[int, int]] = []
        self.changes_between_notes = False
        self.has_end = False
        # The status before `_runs`, each of which is its begin, its end, and the data bytes of its messages.
        self._status = 0
        self._runs: list[tuple[int, int, int]] = []
        self._is_forgotten = False  # by symusic, as a system message came after the last status

    def to_the_end(self) -> tuple[int, int | None]:
        """Where the last whole event ends, and where the track breaks off."""
        events = self.events
        at = 0
        while at < len(events):
            run_end = self._run_end(at)
            if run_end > at:
                at = run_end
                continue
            delta = self._number(at)
            if delta is None:
                return at, at
            message, _ = delta
            if events[message : message + 2] == _END_OF_TRACK:
                self.has_end = True
                return message, None
            end = self._message_end(message)
            if end is None or end > len(events):
                return at, at
            at = end
        return at, None

    def _run_end(self, at: int) -> int:
        """Where a run of channel messages ends; `at` if none begins here."""
        running = self._runs[-1][2] if self._runs else _RUNS.get(self._status >> 4, 0)
        for data in _STATUSES:
            run = (_GOING_ON if running == data else _BEGINNING)[data].match(self.events, at)
            if run is not None and run.end() > at:
                if self._is_forgotten:
                    self._insert_status(at)
                self._runs.append((at, run.end(), data))
                return run.end()
        return at

    def _insert_status(self, at: int) -> None:
        """Inserts the status of the event at `at` if it is left out."""
        delta = self._number(at)
        if delta is not None and self.events[delta[0]] < 0x80:
            self.missing.append((delta[0], self._last_status()))
        self._is_forgotten = False

    def _last_status(self) -> int:
        """The status of the last channel message; 0 if there was none."""
        for begin, end, data in reversed(self._runs):
            statuses = [single[1] for single in _SINGLE[data].finditer(self.events, begin, end) if single[1]]
            if statuses:
                return int(statuses[-1][0])
        return self._status

    def _message_end(self, at: int) -> int | None:
        """Where a message ends that is in no run; None if it is invalid."""
        if at >= len(self.events):
            return None
        if self.events[at] >= SYSEX:
            self._is_forgotten |= self.events[at] != META
            return self._system_end(at, self.events[at])
        is_running = self.events[at] < 0x80
        status = self._last_status() if is_running else self.events[at]
        kind = status >> 4
        begin = at if is_running else at + 1
        end = begin + CHANNEL_DATA.get(kind, 0)
        if not status or end > len(self.events):
            return None
        for place in _IGNORED_DATA.get(kind, ()):
            self.events[begin + place] &= 0x7F
        if max(self.events[begin:end]) >= 0x80:
            return None
        if is_running and self._is_forgotten:
            self.missing.append((at, status))
        self._status, self._is_forgotten = status, False
        self._runs.clear()
        if kind == _PROGRAM:
            if not is_running:
                self.program_changes.append(at)
                self.events[at] = _PRESSURE << 4 | status & 0xF
            self._change_program(status & 0xF, begin)
        return end

    def _change_program(self, channel: int, at: int) -> None:
        if self.events.find(_NOTE_ON | channel, 0, at) >= 0:
            self.changes_between_notes = True
        else:
            self.programs[channel] = self.events[at]
        self.programs.setdefault(channel, 0)

    def _system_end(self, at: int, status: int) -> int | None:
        if status == META:
            return self._meta_end(at)
        if status in {SYSEX, _ESCAPE}:
            self.events[at] = SYSEX
            return self._after_length(at + 1)
        data = SYSTEM_DATA.get(status)
        return None if data is None else at + 1 + data

    def _meta_end(self, at: int) -> int | None:
        end = self._after_length(at + 2)
        number = self._number(at + 2)
        if number is not None and number[1] < _SHORTEST.get(self.events[at + 1], 0):
            self.events[at + 1] = _TEXT
        return end

    def _after_length(self, at: int) -> int | None:
        number = self._number(at)
        return None if number is None else sum(number)

    def _number(self, at: int) -> tuple[int, int] | None:
        """Where a variable-length number ends, and the number. It has four bytes at most: in the last the highest bit is ignored."""
        found = NUMBER.match(self.events, at)
        if found is None:
            if len(self.events) < at + _LONGEST_NUMBER:
                return None
            self.events[at + _LONGEST_NUMBER - 1] &= 0x7F
            found = NUMBER.match(self.events, at)
            if found is None:
                return None
        value = 0
        for byte in found.group():
            value = value << 7 | byte & 0x7F
        return found.end(), value
