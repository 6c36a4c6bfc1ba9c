"""Parses tracks of a MIDI file into the notes of each channel, with symusic.

symusic reports a note's program but not its channel, drops a note that never ends, and refuses a track with one invalid
byte. So a few events are appended to each track: note-offs for all that may still sound, and on each channel one note,
the mark, whose pitch and velocity hold the channel and the track. A track whose marks do not come back is repaired
first (`midi_events`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from model.files.midi.midi_chunks import END_OF_TRACK, TRACK, header_of
from model.files.midi.midi_events import is_ordinary, repaired
from model.files.midi.symusic_parser import NOTE, NOTE_RECORD, ProgramNotes, parse

_NOTE_ON, _NOTE_OFF = 0x90, 0x80
# System messages, except meta messages: symusic misreads F7 events, and running status after any of them. The same bytes are part of
# long delta times and of texts.
_SYSTEM = range(0xF0, 0xFF)
# A tempo or meter of an unusual length, of which symusic may read more bytes than there are.
_UNUSUAL = re.compile(rb"\xff(?:\x51[^\x03]|\x58[^\x04])", re.DOTALL)
_TEMPO, _METER = b"\xff\x51", b"\xff\x58"
# One tick after a track's end come the note-offs, and one tick later the marks, which are one tick long. A mark's pitch
# is the channel and its velocity the number of the track, counted from 1.
_TEXT = b"\xff\x01\x00"
_END_DELTA = _TEXT + b"\x01" + _TEXT
_MARK_TICKS = 2
_MOST_MARKED = 127
# By how much the number of note-offs per pitch grows while notes of one pitch are still open.
_MORE = 16
# The bytes of a note-on: a delta time, a pitch and a velocity.
_SHORTEST_NOTE_ON = 3
# A delta time may contain a note-on's status byte; two data bytes after it make a note-on more likely.
_NOTE_ONS = {_NOTE_ON | channel: re.compile(b"%c" % (_NOTE_ON | channel) + rb"[\x00-\x7f]{2}") for channel in range(16)}
_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
# Registered parameter 6 on the first or last channel: its value is how many channels next to it belong to one player
# ("MIDI Polyphonic Expression", MMA 2018).
_MPE_PARAMETER = b"\x64\x06"
_MPE_ZONE = re.compile(
    rb"([\xb0\xbf])(?:\x65\x00" + _DELTA + rb"\1?\x64\x06|\x64\x06" + _DELTA + rb"\1?\x65\x00)" + _DELTA + rb"\1?\x06([\x00-\x0f])",
    re.DOTALL,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ChannelNotes:
    """A channel's notes as symusic returns them, in no particular order: bytes of `NOTE_RECORD`; `program` is the first one.

    If the records say the program of each note, it `has_programs`.
    """

    channel: int
    records: bytes
    program: int
    has_programs: bool = False

    def __len__(self) -> int:
        return len(self.records) // NOTE.size


@dataclass(frozen=True, slots=True, eq=False)
class TrackNotes:
    """A track up to its `end` in ticks; a note that never ends lasts one tick longer.

    `tempi` are pairs of tick and microseconds, `meters` are ticks, numerators and denominators. `members` are the
    channels of the MPE zones that the track sets up, including the managers; None if it sets up none.
    """

    channels: tuple[ChannelNotes, ...] = ()
    end: int = 0
    tempi: tuple[tuple[int, ...], ...] = ()
    meters: tuple[tuple[int, ...], ...] = ()
    members: frozenset[int] | None = None


SILENT = TrackNotes()


def read_together(bodies: Sequence[bytes]) -> list[TrackNotes | None]:
    """Parses all tracks of a file at once, without repair; None in place of each track that has to be repaired first.

    A track with a note that never ends may lack others, so the caller has to repair it, too. The first track that is
    parsed has the tempi and meters of all tracks.
    """
    found: list[TrackNotes | None] = [None] * len(bodies)
    marked: list[tuple[int, tuple[int, ...]]] = []
    for number, body in enumerate(bodies):
        if _is_plain(body):
            channels = _channels_of(body)
            if channels or _TEMPO in body or _METER in body:
                marked.append((number, channels))
            else:
                found[number] = SILENT
    for begin in range(0, len(marked), _MOST_MARKED):
        some = marked[begin : begin + _MOST_MARKED]
        tracks = _each([bodies[number] for number, _ in some], [channels for _, channels in some])
        for (number, _), track in zip(some, tracks, strict=True):
            found[number] = None if track is None else _with_members(track, bodies[number])
    return found


def _is_plain(body: bytes) -> bool:
    """Whether a track ends as it should and holds nothing that symusic would misread. What else is invalid, symusic refuses."""
    if not body.endswith(END_OF_TRACK) or _UNUSUAL.search(body) is not None:
        return False
    for status in _SYSTEM:  # a third of the time that `any` takes
        if status in body:
            return is_ordinary(body)
    return True


def _each(bodies: Sequence[bytes], channels: Sequence[tuple[int, ...]]) -> Sequence[TrackNotes | None]:
    """Parses tracks with one call of symusic; and again each one in doubt that may be a single channel with several programs.

    Or with one call each, if it is unclear which of them has to be repaired.
    """
    events = [memoryview(body)[: -len(END_OF_TRACK)] for body in bodies]
    found = _parsed(events, channels)
    # After the repair of a track its tempi and meters would be there twice.
    if found is not None and not any(
        track is None and (_TEMPO in body or _METER in body) for track, body in zip(found, bodies, strict=True)
    ):
        return [
            _alone(body, of_track) if track is None and len(of_track) == 1 else track
            for track, body, of_track in zip(found, events, channels, strict=True)
        ]
    return [_alone(body, of_track) for body, of_track in zip(events, channels, strict=True)]


def _alone(body: bytes | memoryview, channels: tuple[int, ...]) -> TrackNotes | None:
    found = _parsed([body], [channels])
    return None if found is None else found[0]


def read_carefully(body: bytes) -> tuple[TrackNotes, bool]:
    """Repairs and parses a track as far as it can be read; and whether it breaks off."""
    track = repaired(body)
    channels = _channels_of(body)
    # symusic splits a channel at a program change between notes. The pieces are put together again if the track has one channel.
    is_plain = track.changes_between_notes and (
        len(channels) > 1 or _parsed([track.events], [channels]) in (None, [None])
    )
    events, programs = (track.plain, track.programs) if is_plain else (track.events, {})
    copies = 1
    found = _parsed([events], [channels], copies, programs)
    # A mark whose pitch is still open when it comes, does not arrive: then, too, there are too few note-offs.
    while not _is_whole(found, copies) and copies * _SHORTEST_NOTE_ON <= len(events):
        copies *= _MORE
        found = _parsed([events], [channels], copies, programs)
    if not found or not found[0]:
        return SILENT, True
    return _with_members(found[0], body), track.broken_at is not None


def _is_whole(found: Sequence[TrackNotes | None] | None, copies: int) -> bool:
    """Whether all marks of a track arrived, and so many note-offs ended all its notes."""
    track = found[0] if found else None
    return track is not None and all(_most_of_a_pitch(track, channel) < copies for channel in track.channels)


def _most_of_a_pitch(track: TrackNotes, channel: ChannelNotes) -> int:
    """How many notes of one pitch are still open at the end, at most."""
    notes = np.frombuffer(channel.records, NOTE_RECORD)
    sounding = notes["pitch"][notes["time"] + notes["duration"] > track.end]
    return int(np.bincount(sounding).max()) if len(sounding) else 0


def _channels_of(body: bytes) -> tuple[int, ...]:
    """The channels that may have notes: all that have, and possibly more."""
    return tuple([status & 0xF for status, note_on in _NOTE_ONS.items() if status in body and note_on.search(body)])


def _parsed(
    tracks: Sequence[bytes | memoryview],
    channels: Sequence[tuple[int, ...]],
    copies: int = 1,
    programs: Mapping[int, int] = MappingProxyType({}),
) -> list[TrackNotes | None] | None:
    """Parses tracks with symusic: None in place of each of which a mark is missing; None for all if symusic refuses one."""
    pieces: list[bytes | memoryview] = [header_of(len(tracks))]
    for number, (track, of_track) in enumerate(zip(tracks, channels, strict=True)):
        offs, marks = _offs(of_track), _marks(of_track, number)
        length = len(track) + len(_END_DELTA) + len(offs) * copies + len(marks)
        pieces += (TRACK, length.to_bytes(4), track, _END_DELTA, *(offs,) * copies, marks)
    parsed = parse(b"".join(pieces))
    if parsed is None:
        return None
    parts, tempi, meters = parsed
    marks_of = _marks_of(parts, channels)
    if marks_of is None:
        return None
    marks_found, doubtful = marks_of
    has_programs = bool(doubtful) and len(marks_found) == len(tracks) == 1 and len(channels[0]) == 1
    if has_programs:
        marks_found = _of_one_channel(parts, marks_found[0])
        doubtful = set() if marks_found else doubtful
    found: list[list[ChannelNotes]] = [[] for _ in tracks]
    ends = [0] * len(tracks)
    for (records, first_program), (number, channel, end) in marks_found:
        ends[number] = end
        if len(records) > NOTE.size:
            program = programs.get(channel, 0) if programs else first_program
            found[number].append(ChannelNotes(channel, records[: -NOTE.size], program, has_programs))
    every: list[TrackNotes | None] = [None] * len(tracks)
    for number in range(len(tracks)):
        if number not in doubtful:
            every[number] = TrackNotes(tuple(found[number]), ends[number], tempi, meters)
            tempi = meters = ()
    return every


_Mark = tuple[int, int, int]
"""The content of a mark: the number of the track, the channel, and the tick at which the track ends."""


def _of_one_channel(
    parts: Sequence[ProgramNotes], marked: tuple[ProgramNotes, _Mark]
) -> list[tuple[ProgramNotes, _Mark]]:
    """A channel that symusic split at its program changes, as one part with the first program; nothing if two programs begin at once."""
    begins = [int(np.minimum.reduce(np.frombuffer(records, NOTE_RECORD)["time"])) for records, _ in parts]
    first = min(begins)
    if begins.count(first) > 1:
        return []
    last, mark = marked
    in_order = [*(part for part in parts if part is not last), last]
    notes = np.frombuffer(b"".join([part.records for part in in_order]), NOTE_RECORD).copy()
    notes["program"] = np.repeat(
        [part.program for part in in_order], [len(part.records) // NOTE.size for part in in_order]
    )
    return [(ProgramNotes(notes.tobytes(), parts[begins.index(first)].program), mark)]


def _marks_of(
    parts: Sequence[ProgramNotes], channels: Sequence[tuple[int, ...]]
) -> tuple[list[tuple[ProgramNotes, _Mark]], set[int]] | None:
    """symusic's tracks with their marks, and the numbers of the file's tracks that may lack one; None if that is unclear."""
    found = []
    # symusic keeps the order of the file, and in a track that of the channels: a track without a mark belongs to one from the last
    # mark's up to the next mark's.
    before, is_unmarked = (0, -1), False
    doubtful: set[int] = set()
    for part in parts:
        time, duration, channel, velocity = NOTE.unpack_from(part.records, len(part.records) - NOTE.size)
        number = velocity - 1
        is_mark = duration == 1 and 0 <= number < len(channels) and channel in channels[number]
        if not is_mark:
            is_unmarked = True
            continue
        if (number, channel) <= before:
            return None  # one of two equal marks is a note of the music
        if is_unmarked:
            doubtful |= set(range(before[0], number + 1))
        before, is_unmarked = (number, channel), False
        found.append((part, (number, channel, time - _MARK_TICKS)))
    if is_unmarked:
        doubtful |= set(range(before[0], len(channels)))
    if len(found) < sum([len(of_track) for of_track in channels]):
        # If a mark does not arrive, the track has an end-of-track message in the middle.
        arrived = {(number, channel) for _, (number, channel, _) in found}
        doubtful |= {number for number, of_track in enumerate(channels) for c in of_track if (number, c) not in arrived}
    return found, doubtful


@lru_cache(maxsize=256)
def _offs(channels: tuple[int, ...]) -> bytes:
    """A note-off for every pitch on each of the channels."""
    # A status once, and then by running status: a delta time, a pitch, a velocity.
    after_status = b"".join([b"%c\x00\x00" % pitch for pitch in range(128)])[:-1]
    return b"".join([b"\x00%c%b" % (_NOTE_OFF | channel, after_status) for channel in channels])


@lru_cache(maxsize=1024)
def _marks(channels: tuple[int, ...], number: int) -> bytes:
    """The marks of a track's channels, and its end."""
    begins = [bytes([0, _NOTE_ON | channel, channel, number + 1]) for channel in channels]
    ends = [bytes([0, _NOTE_OFF | channel, channel, 0]) for channel in channels]
    return b"".join((b"\x01", _TEXT, *begins, b"\x01", _TEXT, *ends, b"\x00", END_OF_TRACK))


def _with_members(track: TrackNotes, body: bytes) -> TrackNotes:
    if len(track.channels) < 2 or _MPE_PARAMETER not in body:
        return track
    members: set[int] = set()
    for zone in _MPE_ZONE.finditer(body):
        manager, count = zone[1][0] & 0xF, zone[2][0]
        members |= {manager + step if manager == 0 else manager - step for step in range(count + 1)} if count else set()
    return replace(track, members=frozenset(members)) if members else track
