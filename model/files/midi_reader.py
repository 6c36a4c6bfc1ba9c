"""The content of a `.mid` file to a score: tracks put together, with tempi and meters from whatever track; knows no path and no event."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from model.errors import UnreadableError
from model.files.meter import Meter, MeterChange
from model.files.midi_chunks import DRUM_CHANNEL, Chunks, chunks_of
from model.files.midi_track import SILENT, ChannelNotes, TrackNotes, read_carefully, read_together
from model.files.score import Bytes, FileScore, Part, TempoMap, Ticks

# Nothing that was played is longer; such a file has a damaged delta time.
LONGEST_S = 24 * 3600.0
# A note's place in a file: part, tick, pitch.
PITCH_BITS, PART_BITS = 7, 7 + 32


def read_midi(content: bytes, *, is_trusted: bool = False) -> FileScore:
    """All that a file holds; what is broken is left out, and a remark says so.

    Where `is_trusted`, only what symusic refuses is looked at before it parses it: for a process that it may crash.
    Raises UnreadableError where nothing can be read.
    """
    chunks = chunks_of(content)
    quick = read_together(chunks.tracks) if is_trusted else [None] * len(chunks.tracks)
    tracks = [SILENT if track is None else track for track in quick]
    remarks = list(chunks.remarks)
    _repair([number for number, track in enumerate(quick) if track is None], tracks, chunks, remarks)
    notes = _stacked(tracks)
    if is_trusted and notes is not None and notes.is_open.any():
        _repair(sorted(set(notes.track[notes.is_open].tolist())), tracks, chunks, remarks)
        notes = _stacked(tracks)
    return _score_of(chunks, tracks, notes, tuple(remarks))


def _repair(numbers: Sequence[int], tracks: list[TrackNotes], chunks: Chunks, remarks: list[str]) -> None:
    for number in numbers:
        tracks[number], is_broken = read_carefully(chunks.tracks[number])
        if is_broken and not remarks:
            remarks.append(f"breaks off in track {number + 1} of {len(chunks.tracks)}")


@dataclass(frozen=True, slots=True, eq=False)
class _Notes:
    """The notes of all tracks as columns, and whose they are: all at once, as a file has ten tracks, of few notes each."""

    parts: Sequence[tuple[int, TrackNotes, ChannelNotes]]
    part: npt.NDArray[np.int64]
    tick: Ticks
    end: Ticks
    limit: Ticks

    @property
    def is_open(self) -> npt.NDArray[np.bool_]:
        """Which still sound at their track's end."""
        still: npt.NDArray[np.bool_] = self.end > self.limit
        return still

    @property
    def track(self) -> npt.NDArray[np.int64]:
        return np.array([number for number, _, _ in self.parts])[self.part]

    def column(self, name: str) -> npt.NDArray[np.int8]:
        column: npt.NDArray[np.int8] = np.concatenate([getattr(channel, name) for _, _, channel in self.parts])
        return column


def _stacked(tracks: Sequence[TrackNotes]) -> _Notes | None:
    """The notes of all tracks; None where there are none."""
    parts = [(number, track, channel) for number, track in enumerate(tracks) for channel in track.channels]
    if not parts:
        return None
    part = np.repeat(np.arange(len(parts)), [len(channel.time) for _, _, channel in parts])
    tick = np.concatenate([channel.time for _, _, channel in parts]).astype(np.int64)
    end = tick + np.concatenate([channel.duration for _, _, channel in parts])
    if tick.min() < 0 or (end < tick).any():
        raise UnreadableError("has delta times that run over")
    return _Notes(parts, part, tick, end, np.array([track.end for _, track, _ in parts])[part])


def _score_of(
    chunks: Chunks, tracks: Sequence[TrackNotes], notes: _Notes | None, remarks: tuple[str, ...]
) -> FileScore:
    tempi = [] if chunks.counts_seconds else [tempo for track in tracks for tempo in track.tempi]
    meters = _meters([meter for track in tracks for meter in track.meters], chunks.ticks_per_beat)
    parts, is_playable = ([], True) if notes is None else _parts(notes)
    score = FileScore(chunks.ticks_per_beat, tuple(parts), TempoMap.of(tempi), meters, remarks, is_playable)
    if notes is not None and score.is_longer_than(LONGEST_S, int(np.minimum(notes.end, notes.limit).max())):
        raise UnreadableError(f"claims to last {score.seconds_at(score.last_tick) / 3600:,.0f} hours")
    return score


def _meters(told: Sequence[tuple[int, ...]], ticks_per_beat: float) -> tuple[MeterChange, ...]:
    """The meters in order, those left out that no music is counted in, or that are in force already."""
    changes: dict[float, Meter] = {}
    for tick, numerator, denominator in sorted(told, key=lambda row: row[0]):
        meter = Meter(numerator, denominator)
        if meter.is_usable:
            changes[tick / ticks_per_beat] = meter
    kept: list[MeterChange] = []
    for beat, meter in changes.items():
        if not kept or meter != kept[-1].meter:
            kept.append(MeterChange(beat, meter))
    return tuple(kept)


def _parts(notes: _Notes) -> tuple[list[Part], bool]:
    """Every channel of every track that has notes, and whether they can be played as they stand."""
    tick, end = notes.tick, np.minimum(notes.end, notes.limit)
    pitch: Bytes = notes.column("pitch").view(np.uint8)
    velocity: Bytes = notes.column("velocity").view(np.uint8)
    place = notes.part << PART_BITS | tick << PITCH_BITS | pitch
    is_playable = bool((place[1:] > place[:-1]).all())
    if not is_playable:
        order = np.argsort(place, kind="stable")
        tick, end, pitch, velocity, place = tick[order], end[order], pitch[order], velocity[order], place[order]
        is_playable = bool((place[1:] > place[:-1]).all())
    is_playable &= bool((end > tick).all())
    bounds = pairwise(np.searchsorted(notes.part, np.arange(len(notes.parts) + 1)).tolist())
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
        )
        for (number, track, channel), (begin, after) in zip(notes.parts, bounds, strict=True)
    ]
    return parts, is_playable
