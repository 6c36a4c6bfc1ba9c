"""Reads the content of a `.mid` file as a score: the notes of all tracks, with tempi and meters from any track."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from model.errors import UnreadableError
from model.files.midi.midi_chunks import DRUM_CHANNEL, Chunks, chunks_of
from model.files.midi.midi_track import SILENT, ChannelNotes, TrackNotes, read_carefully, read_together
from model.files.midi.symusic_parser import NOTE_RECORD
from model.files.score import Bytes, FileScore, Part, TempoMap, Ticks
from model.files.time_signature import MeterChange, TimeSignature

# No performance is longer; such a file has a damaged delta time.
LONGEST_S = 24 * 3600.0
# A note's place in a file: part, tick, pitch.
PITCH_BITS, PART_BITS = 7, 7 + 32


def read_midi(content: bytes) -> FileScore:
    """The notes, tempi and meters of a file; broken parts are left out, and a remark says so.

    Tracks that symusic would misread or refuses are repaired first. Raises UnreadableError if nothing can be read.
    """
    chunks = chunks_of(content)
    if chunks.separate_pieces:
        quick = [read_together([track])[0] for track in chunks.tracks]
    else:
        quick = read_together(chunks.tracks)
    tracks = [SILENT if track is None else track for track in quick]
    remarks = list(chunks.remarks)
    _repair([number for number, track in enumerate(quick) if track is None], tracks, chunks, remarks)
    notes = _stacked(tracks)
    if notes is not None and (open_tracks := notes.open_tracks):
        _repair(open_tracks, tracks, chunks, remarks)
        notes = _stacked(tracks)
    timing: Sequence[TrackNotes] = tracks
    if chunks.separate_pieces:
        longest = max(range(len(tracks)), key=lambda number: sum(map(len, tracks[number].channels)))
        timing = [tracks[longest]]
        remarks.append(f"holds {len(tracks)} separate pieces, of which tempo and bars are those of track {longest + 1}")
    return _score_of(chunks, timing, notes, tuple(remarks))


def _repair(numbers: Sequence[int], tracks: list[TrackNotes], chunks: Chunks, remarks: list[str]) -> None:
    for number in numbers:
        tracks[number], is_broken = read_carefully(chunks.tracks[number])
        if is_broken and not remarks:
            remarks.append(f"breaks off in track {number + 1} of {len(chunks.tracks)}")


@dataclass(frozen=True, slots=True, eq=False)
class _Notes:
    """The notes of all tracks as columns. Numpy takes all tracks at once, as a file has some ten tracks with few notes each.

    `bounds` are the indices at which each part begins, and the end of the last. `shortest` is the least duration in ticks.
    `open_tracks` are tracks with notes that still sound at the track's end. `last_tick` is where the last note ends.
    """

    parts: Sequence[tuple[int, TrackNotes, ChannelNotes]]
    bounds: Sequence[int]
    tick: Ticks
    end: Ticks
    pitch: Bytes
    velocity: Bytes
    shortest: int
    open_tracks: Sequence[int]
    last_tick: int

    def per_note(self, of_parts: Sequence[int]) -> Ticks:
        """A value for each part, repeated for each of its notes."""
        return np.repeat(np.array(of_parts, np.int64), [after - begin for begin, after in pairwise(self.bounds)])


def _stacked(tracks: Sequence[TrackNotes]) -> _Notes | None:
    """The notes of all tracks; None if there are none. Raises UnreadableError if their times overflow."""
    parts = [(number, track, channel) for number, track in enumerate(tracks) for channel in track.channels]
    if not parts:
        return None
    bounds = list(accumulate([len(channel) for _, _, channel in parts], initial=0))
    notes = np.frombuffer(b"".join([channel.records for _, _, channel in parts]), NOTE_RECORD)
    tick = notes["time"].astype(np.int64)
    duration = notes["duration"]
    shortest = int(np.minimum.reduce(duration))
    if shortest < 0 or np.minimum.reduce(tick) < 0:
        raise UnreadableError("has delta times that run over")
    end = tick + duration
    last_tick, open_tracks = 0, []
    for (number, track, _), last_end in zip(parts, np.maximum.reduceat(end, bounds[:-1]).tolist(), strict=True):
        last_tick = max(last_tick, min(last_end, track.end))
        if last_end > track.end and number not in open_tracks:
            open_tracks.append(number)
    return _Notes(parts, bounds, tick, end, notes["pitch"], notes["velocity"], shortest, open_tracks, last_tick)


def _score_of(
    chunks: Chunks, timing: Sequence[TrackNotes], notes: _Notes | None, remarks: tuple[str, ...]
) -> FileScore:
    """The score of these notes, with the tempi and meters of the tracks in `timing`."""
    tempi = [] if chunks.counts_seconds else [tempo for track in timing for tempo in track.tempi]
    meters = _meters([meter for track in timing for meter in track.meters], chunks.ticks_per_beat)
    parts, is_playable = ([], True) if notes is None else _parts(notes)
    score = FileScore(chunks.ticks_per_beat, tuple(parts), TempoMap.of(tempi), meters, remarks, is_playable)
    if notes is not None and score.is_longer_than(LONGEST_S, notes.last_tick):
        raise UnreadableError(f"claims to last {score.seconds_at(score.last_tick) / 3600:,.0f} hours")
    return score


def _meters(events: Sequence[tuple[int, ...]], ticks_per_beat: float) -> tuple[MeterChange, ...]:
    """The meters in order of time, without unusable ones and repetitions."""
    changes: dict[float, TimeSignature] = {}
    for tick, numerator, denominator in sorted(events, key=lambda row: row[0]):
        meter = TimeSignature(numerator, denominator)
        if meter.is_usable:
            changes[tick / ticks_per_beat] = meter
    kept: list[MeterChange] = []
    for beat, meter in changes.items():
        if not kept or meter != kept[-1].meter:
            kept.append(MeterChange(beat, meter))
    return tuple(kept)


def _parts(notes: _Notes) -> tuple[list[Part], bool]:
    """Every channel of every track that has notes, and whether all notes are in order, distinct and of some length."""
    tick, end = notes.tick, notes.end
    has_lengths = notes.shortest > 0
    if notes.open_tracks:
        end = np.minimum(end, notes.per_note([track.end for _, track, _ in notes.parts]))
        has_lengths = bool((end > tick).all())
    pitch, velocity = notes.pitch, notes.velocity
    place = tick << PITCH_BITS | pitch
    is_in_order = _is_rising(place, notes.bounds)
    if not is_in_order:
        place += notes.per_note([number << PART_BITS for number in range(len(notes.parts))])
        order = place.argsort(kind="stable")
        tick, end, pitch, velocity = tick[order], end[order], pitch[order], velocity[order]
        is_in_order = _is_rising(place[order], notes.bounds)
    else:
        order = None
        pitch, velocity = pitch.copy(), velocity.copy()  # as arrays of their own, so that the records can be freed
    programs = _programs(notes, order)
    parts = [
        Part(
            tick[begin:after],
            end[begin:after],
            pitch[begin:after],
            velocity[begin:after],
            number,
            channel.channel,
            channel.program,
            track.members,
            channel.channel == DRUM_CHANNEL,
            programs[begin:after] if channel.has_programs else None,
        )
        for (number, track, channel), (begin, after) in zip(notes.parts, pairwise(notes.bounds), strict=True)
    ]
    return parts, is_in_order and has_lengths


def _programs(notes: _Notes, order: Ticks | None) -> Bytes:
    """The program of each note, where the channel has several; nothing if no channel has."""
    if not any(channel.has_programs for _, _, channel in notes.parts):
        return np.zeros(0, np.uint8)
    records = np.frombuffer(b"".join([channel.records for _, _, channel in notes.parts]), NOTE_RECORD)
    programs: Bytes = records["program"].copy()
    return programs if order is None else programs[order]


def _is_rising(places: Ticks, bounds: Sequence[int]) -> bool:
    """Whether places rise strictly within each part."""
    rising = places[1:] > places[:-1]
    for begin in bounds[1:-1]:
        rising[begin - 1] = True
    return int(np.count_nonzero(rising)) == len(rising)
