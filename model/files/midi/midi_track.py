"""Parses tracks of a MIDI file into the notes of each channel, with symusic.

symusic reports a note's program but not its track and channel, drops a note that never ends, and refuses a track with one
invalid byte. So a few events are appended to each track: note-offs for all that may still sound, on each channel one note, the
mark, whose pitch is the channel, and the track's number as its name. A track whose marks do not come back is repaired first
(`midi_events`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from model.files.midi.all_notes_off import with_note_offs
from model.files.midi.midi_chunks import END_OF_TRACK, TRACK, header_of
from model.files.midi.midi_events import is_ordinary, repaired
from model.files.midi.mpe import mpe_members
from model.files.midi.symusic_parser import NOTE, NOTE_RECORD, ProgramNotes, parse

_NOTE_ON, _NOTE_OFF = 0x90, 0x80
# System messages, except meta messages: symusic misreads F7 events, and running status after any of them. The same bytes are part of
# long delta times and of texts.
_SYSTEM = range(0xF0, 0xFF)
# Such a byte begins a message only at the start, or after the last byte of a delta time, which is below 128 or the fourth byte of it.
# One after FF 59 02 is the number of flats of a key signature.
_MAY_BE_SYSTEM = re.compile(rb"[\xf0-\xfe](?:(?<![\x80-\xff].)|(?<=[\x80-\xff]{4}.))(?<!\xff\x59\x02.)", re.DOTALL)
# A tempo or meter of an unusual length, of which symusic may read more bytes than there are.
_UNUSUAL = re.compile(rb"\xff(?:\x51[^\x03]|\x58[^\x04])", re.DOTALL)
_TEMPO, _METER = b"\xff\x51", b"\xff\x58"
# One tick after a track's end come the note-offs, and one tick later the marks, which are one tick long. A mark's pitch is the
# channel. Then comes a name: symusic gives the last one of a track to all of its notes.
_TEXT = b"\xff\x01\x00"
_NAME = b"\xff\x03"
_END_DELTA = _TEXT + b"\x01" + _TEXT
_MARK_TICKS = 2
_MARK_VELOCITY = 1
_LONGEST_NAME = 5  # a file has at most 65,535 tracks
# By how much the number of note-offs per pitch grows while notes of one pitch are still open.
_MORE = 16
# The bytes of a note-on: a delta time, a pitch and a velocity.
_SHORTEST_NOTE_ON = 3
# A delta time may contain a note-on's status byte; two data bytes after it make a note-on more likely.
_NOTE_ONS = {_NOTE_ON | channel: re.compile(b"%c" % (_NOTE_ON | channel) + rb"[\x00-\x7f]{2}") for channel in range(16)}


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
    channels of an MPE player, including managers; None if the bytes of the track show none.
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
        channels = _channels_of(body)
        if _is_plain(body, may_have_notes=bool(channels)):
            if channels or _TEMPO in body or _METER in body:
                marked.append((number, channels))
            else:
                found[number] = SILENT
    if marked:
        tracks = _each([bodies[number] for number, _ in marked], [channels for _, channels in marked])
        for (number, _), track in zip(marked, tracks, strict=True):
            found[number] = None if track is None else _with_members(track, bodies[number])
    return found


def _is_plain(body: bytes, *, may_have_notes: bool) -> bool:
    """Whether a track ends as it should and holds nothing that symusic would misread. What else is invalid in a track that may have
    notes, symusic refuses.
    """
    if not body.endswith(END_OF_TRACK) or _UNUSUAL.search(body) is not None:
        return False
    for status in _SYSTEM:  # a third of the time that `any` takes
        if status in body:
            return (may_have_notes and _MAY_BE_SYSTEM.search(body) is None) or is_ordinary(body)
    return True


def _each(bodies: Sequence[bytes], channels: Sequence[tuple[int, ...]]) -> Sequence[TrackNotes | None]:
    """Parses tracks with one call of symusic; or with one call each, if it is unclear which of them has to be repaired."""
    events = [memoryview(body)[: -len(END_OF_TRACK)] for body in bodies]
    found = _parsed(events, channels)
    # After the repair of a track its tempi and meters would be there twice.
    if found is not None and not any(
        track is None and (_TEMPO in body or _METER in body) for track, body in zip(found, bodies, strict=True)
    ):
        return found
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
    found = _ended(events, channels, programs)
    if found and _has_open_notes(found) and (stopped := with_note_offs(events)) is not events:
        found = _ended(stopped, channels, programs)
    if found is None:
        return SILENT, True
    return _with_members(found, body), track.broken_at is not None


def _ended(events: bytes, channels: tuple[int, ...], programs: Mapping[int, int]) -> TrackNotes | None:
    """Parses the events of a repaired track, with as many note-offs at its end as its open notes need; None if symusic refuses it."""
    copies = 1
    found = _parsed([events], [channels], copies, programs)
    # A mark whose pitch is still open when it comes, does not arrive: then, too, there are too few note-offs.
    while not _is_whole(found, copies) and copies * _SHORTEST_NOTE_ON <= len(events):
        copies *= _MORE
        found = _parsed([events], [channels], copies, programs)
    return found[0] if found else None


def _has_open_notes(track: TrackNotes) -> bool:
    return any(_most_of_a_pitch(track, channel) for channel in track.channels)


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
    by_track = None if parsed is None else _by_track(parsed.parts, channels)
    if parsed is None or by_track is None:
        return None
    marked, unmarked = by_track
    # If all marks arrived, symusic read each track up to its name, so that every part has the name of its track.
    is_whole = not unmarked or [len(of_track) for of_track in marked] == [len(of_track) for of_track in channels]
    tempi, meters = parsed.tempi, parsed.meters
    found: list[TrackNotes | None] = []
    for number, ending in enumerate(marked):
        notes = None
        if number in unmarked:
            notes = _joined(ending, unmarked[number]) if is_whole else None
        elif len(ending) == len(channels[number]):
            notes = [
                ChannelNotes(channel, records[: -NOTE.size], programs.get(channel, 0) if programs else program)
                for channel, _, (records, program, _) in ending
                if len(records) > NOTE.size
            ]
        if notes is None:
            found.append(None)
        else:
            found.append(TrackNotes(tuple(notes), ending[0][1] if ending else 0, tempi, meters))
            tempi = meters = ()
    return found


_Marked = tuple[int, int, ProgramNotes]
"""A channel, the tick at which its track ends, and the part of the channel that ends with its mark."""


def _by_track(
    parts: Sequence[ProgramNotes], channels: Sequence[tuple[int, ...]]
) -> tuple[list[list[_Marked]], dict[int | None, list[ProgramNotes]]] | None:
    """Each track's parts that end with a mark, and the other parts by track; None if a mark is also a note of the music."""
    marked: list[list[_Marked]] = [[] for _ in channels]
    unmarked: dict[int | None, list[ProgramNotes]] = {}
    for part in parts:
        number = int(part.name) if len(part.name) <= _LONGEST_NAME and part.name.isdecimal() else len(channels)
        time, duration, channel, velocity = NOTE.unpack_from(part.records, len(part.records) - NOTE.size)
        if number >= len(channels):  # the track's own name, as symusic did not read it to the end
            unmarked.setdefault(None, []).append(part)
        elif duration != 1 or velocity != _MARK_VELOCITY or channel not in channels[number]:
            unmarked.setdefault(number, []).append(part)
        elif marked[number] and marked[number][-1][0] >= channel:  # symusic keeps the channels in order
            return None
        else:
            marked[number].append((channel, time - _MARK_TICKS, part))
    return marked, unmarked


def _joined(marked: Sequence[_Marked], others: Sequence[ProgramNotes]) -> list[ChannelNotes] | None:
    """The only channel of a track, which symusic split at its program changes, with the first program.

    None if the track has several channels, or two programs begin at once.
    """
    if len(marked) != 1:
        return None
    channel, _, last = marked[0]
    parts = [*others, last]
    begins = [int(np.minimum.reduce(np.frombuffer(part.records, NOTE_RECORD)["time"])) for part in parts]
    first = min(begins)
    if begins.count(first) > 1:
        return None
    notes = np.frombuffer(b"".join([part.records for part in parts])[: -NOTE.size], NOTE_RECORD).copy()
    counts = [len(part.records) // NOTE.size for part in parts]
    counts[-1] -= 1  # the mark
    notes["program"] = np.repeat([part.program for part in parts], counts)
    return [ChannelNotes(channel, notes.tobytes(), parts[begins.index(first)].program, has_programs=True)]


@lru_cache(maxsize=256)
def _offs(channels: tuple[int, ...]) -> bytes:
    """A note-off for every pitch on each of the channels."""
    # A status once, and then by running status: a delta time, a pitch, a velocity.
    after_status = b"".join([b"%c\x00\x00" % pitch for pitch in range(128)])[:-1]
    return b"".join([b"\x00%c%b" % (_NOTE_OFF | channel, after_status) for channel in channels])


@lru_cache(maxsize=1024)
def _marks(channels: tuple[int, ...], number: int) -> bytes:
    """The marks of a track's channels, its number as its name, and its end."""
    begins = [bytes([0, _NOTE_ON | channel, channel, _MARK_VELOCITY]) for channel in channels]
    ends = [bytes([0, _NOTE_OFF | channel, channel, 0]) for channel in channels]
    name = b"%d" % number
    named = b"\x00%b%c%b" % (_NAME, len(name), name)
    return b"".join((b"\x01", _TEXT, *begins, b"\x01", _TEXT, *ends, named, b"\x00", END_OF_TRACK))


def _with_members(track: TrackNotes, body: bytes) -> TrackNotes:
    if len(track.channels) < 2:
        return track
    members = mpe_members(body, {notes.channel: len(notes) for notes in track.channels})
    return replace(track, members=members) if members else track
