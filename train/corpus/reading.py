"""One MIDI file to lines of notes, as numpy records: which tracks, in beats or seconds; knows no folder and no split.

Runs in worker processes, as symusic may crash on what it reads.
"""

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import symusic

from model.analysis.lead import is_lead_line
from model.tokens.time_bins import TimeUnit
from train.corpus.duplicates import Signature, signature_of

TrackChoice = Literal["lead", "melodic", "most-notes", "merged"]
# `melodic` learns from more: shorter lines, and lines with chords in them. What is held out is lead-like all the same.
MELODIC_MIN_NOTES = 32
MELODIC_MONOPHONIC_SHARE = 0.7
# Times in seconds are kept as beats of this tempo, so that all that counts in beats works on them.
NOMINAL_TEMPO_BPM = 120.0
# Nothing that was played is longer; such a file has a broken delta time.
LONGEST_S = 24 * 3600.0
# A note's place in a file: track, tick, pitch.
PITCH_BITS, TRACK_BITS = 7, 7 + 32
# A choice of tracks that is read in another way, or other columns, get another number: what was cached is read anew.
READING = 2

NOTE = np.dtype([("pitch", "u1"), ("velocity", "u1"), ("onset_beats", "<f8"), ("duration_beats", "<f4")])
Records = npt.NDArray[np.void]
"""Notes in onset order, from the lowest pitch up: a structured array of `NOTE`, shape (notes,)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a file is learnt from."""

    tracks: TrackChoice = "lead"
    drums: bool = False
    time_unit: TimeUnit = "beats"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a file gave: its chosen lines, whether each is lead-like, and what the file is like as a whole.

    `pitch_classes` is how many beats each of the twelve sounds in the lines, shape (12,). A file that could not be
    read has its `reason`, and nothing else; one that was `known` already has its hash alone.
    """

    sha256: str
    lines: tuple[Records, ...] = ()
    leads: tuple[bool, ...] = ()
    seconds: float = 0.0
    tempo_bpm: float = 0.0
    pitch_classes: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(12, np.float32))
    signature: Signature | None = None
    known: bool = False
    reason: str = ""


def read_file(path: Path, choice: Choice, known: Container[str] = ()) -> Reading:
    """The chosen lines of a file, or why it gives none; a file whose hash is among `known` is not parsed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return Reading("", reason=f"it cannot be read ({error.strerror})")
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 in known:
        return Reading(sha256, known=True)
    try:
        return _reading_of(sha256, _score_of(content), choice)
    except _Unreadable as error:
        return Reading(sha256, reason=str(error))


class _Unreadable(Exception):
    """Why a file's content is no music."""


def _score_of(content: bytes) -> symusic.core.ScoreTick:
    if not content:
        raise _Unreadable("the file is empty")
    try:
        score = symusic.Score.from_midi(content)
    except Exception as error:  # symusic raises bare and its own errors alike; each is a broken file
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _Unreadable(f"not a readable MIDI file ({text})") from error
    if score.ticks_per_quarter <= 0:
        raise _Unreadable("it counts no ticks per beat")
    return score


def _reading_of(sha256: str, score: symusic.core.ScoreTick, choice: Choice) -> Reading:
    tempi = _tempi(score)
    every = _tracks(score)
    tracks = [track for track, is_drum in every if choice.drums or not is_drum]
    last_tick = max((int(track.end.max()) for track in tracks), default=0)
    seconds = float(_seconds(np.array([last_tick]), score.ticks_per_quarter, tempi)[0])
    if seconds > LONGEST_S:
        raise _Unreadable(f"it claims to last {seconds / 3600:,.0f} hours")
    judged = [(track, is_lead_line(track.tick, track.pitch)) for track in _chosen(tracks, choice.tracks)]
    chosen = [(track, leads) for track, leads in judged if leads or _wanted(track, choice.tracks)]
    lines = tuple(_in_unit(track, score.ticks_per_quarter, tempi, choice) for track, _ in chosen)
    return Reading(
        sha256,
        lines,
        tuple(leads for _, leads in chosen),
        seconds,
        _commonest_tempo(tempi, last_tick),
        _pitch_classes(lines),
        # Of the whole file, whatever is chosen of it: which side it falls to must not hang on what is learnt from.
        signature_of([track.pitch for track, is_drum in every if not is_drum]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """A track's notes by onset, then pitch, each column of shape (notes,)."""

    tick: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    pitch: npt.NDArray[np.uint8]
    velocity: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.tick)


def _wanted(track: _Track, tracks: TrackChoice) -> bool:
    """Whether a track that is not lead-like is learnt from all the same."""
    match tracks:
        case "lead":
            return False
        case "melodic":
            return is_lead_line(track.tick, track.pitch, MELODIC_MIN_NOTES, MELODIC_MONOPHONIC_SHARE)
        case _:
            return len(track) > 1


def _chosen(tracks: Sequence[_Track], choice: TrackChoice) -> Sequence[_Track]:
    if choice == "most-notes" and tracks:
        return [max(tracks, key=len)]
    if choice == "merged" and tracks:
        return [_merged(tracks)]
    return tracks


def _tracks(score: symusic.core.ScoreTick) -> list[tuple[_Track, bool]]:
    """Every track that has notes, and whether it is drums. All of them at once: a file has ten, of few notes each."""
    told = [(track.notes.numpy(), track.is_drum) for track in score.tracks if len(track.notes)]
    if not told:
        return []
    number = np.repeat(np.arange(len(told)), [len(notes["time"]) for notes, _ in told])
    tick = np.concatenate([notes["time"] for notes, _ in told]).astype(np.int64)
    end = tick + np.concatenate([notes["duration"] for notes, _ in told])
    pitch = np.concatenate([notes["pitch"] for notes, _ in told]).astype(np.uint8)
    velocity = np.concatenate([notes["velocity"] for notes, _ in told]).astype(np.uint8)
    if tick.min() < 0 or (end < tick).any():
        raise _Unreadable("its delta times run over")
    kept = _in_order(number.astype(np.int64) << TRACK_BITS | tick << PITCH_BITS | pitch)
    if kept is not None:
        number, tick, end, pitch, velocity = number[kept], tick[kept], end[kept], pitch[kept], velocity[kept]
    bounds = pairwise(np.searchsorted(number, np.arange(len(told) + 1)).tolist())
    return [
        (_Track(tick[begin:after], end[begin:after], pitch[begin:after], velocity[begin:after]), is_drum)
        for (_, is_drum), (begin, after) in zip(told, bounds, strict=True)
    ]


def _merged(tracks: Sequence[_Track]) -> _Track:
    columns = [
        np.concatenate([getattr(track, name) for track in tracks]) for name in ("tick", "end", "pitch", "velocity")
    ]
    kept = _in_order((columns[0] << PITCH_BITS) + columns[2])
    return _Track(*columns) if kept is None else _Track(*(column[kept] for column in columns))


def _in_order(place: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
    """Which notes to take for them to be in order, and those at one place to be one, as the last says; None: all, as they are."""
    if (place[1:] > place[:-1]).all():
        return None
    order = np.argsort(place, kind="stable")
    in_order = place[order]
    kept: npt.NDArray[np.int64] = order[np.concatenate([in_order[1:] > in_order[:-1], [True]])]
    return kept


def _in_unit(track: _Track, ticks_per_beat: int, tempi: npt.NDArray[np.float64], choice: Choice) -> Records:
    line = np.empty(len(track), NOTE)
    line["pitch"], line["velocity"] = track.pitch, track.velocity
    if choice.time_unit == "beats":
        onset, end = track.tick / ticks_per_beat, track.end / ticks_per_beat
    else:
        beats_per_second = NOMINAL_TEMPO_BPM / 60
        onset, end = (_seconds(ticks, ticks_per_beat, tempi) * beats_per_second for ticks in (track.tick, track.end))
    line["onset_beats"], line["duration_beats"] = onset, end - onset
    return line


def _tempi(score: symusic.core.ScoreTick) -> npt.NDArray[np.float64]:
    """Rows of tick and tempo, from tick 0 on; 120 where a file says nothing, and of two at one tick the later."""
    # A tempo of no microseconds a beat is a broken event, and an infinite one here.
    told = [(tempo.time, tempo.qpm) for tempo in score.tempos if np.isfinite(tempo.qpm)]
    rows = sorted(told, key=lambda row: row[0])
    if not rows or rows[0][0] > 0:
        rows.insert(0, (0, NOMINAL_TEMPO_BPM))
    return np.array(rows, np.float64)


def _seconds(
    ticks: npt.NDArray[np.int64], ticks_per_beat: int, tempi: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    at, seconds_per_tick = tempi[:, 0], 60.0 / tempi[:, 1] / ticks_per_beat
    starts = np.concatenate([[0.0], np.cumsum(np.diff(at) * seconds_per_tick[:-1])])
    segment = np.searchsorted(at, ticks, side="right") - 1
    found: npt.NDArray[np.float64] = starts[segment] + (ticks - at[segment]) * seconds_per_tick[segment]
    return found


def _commonest_tempo(tempi: npt.NDArray[np.float64], last_tick: int) -> float:
    """The tempo that is in force for the most beats, all told, until the last note ends."""
    if len(tempi) == 1:
        return float(tempi[0, 1])
    ticks = np.append(tempi[:, 0], last_tick).clip(max=last_tick)
    values, which = np.unique(tempi[:, 1], return_inverse=True)
    return float(values[np.argmax(np.bincount(which, np.diff(ticks)))])


def _pitch_classes(lines: Sequence[Records]) -> npt.NDArray[np.float32]:
    total = np.zeros(12)
    for line in lines:
        total += np.bincount(line["pitch"] % 12, line["duration_beats"], minlength=12)
    return total.astype(np.float32)
