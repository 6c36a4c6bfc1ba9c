"""Reads the lines to learn from in one music file, as numpy records, in beats or seconds.

Runs in worker processes, as symusic may crash on a file. `model.files` reads the file itself, as for a seed.
"""

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from model.analysis.lead import MIN_NOTES, MONOPHONIC_SHARE, is_lead_line
from model.defaults import DEFAULT_TEMPO_BPM
from model.errors import MissingLibraryError, UnreadableError
from model.files.lines import begins_of, by_program, lines_of, merged
from model.files.score import FileScore, Part
from model.files.score_reader import score_of
from model.tokens.time_bins import TimeUnit
from train.corpus.duplicates import Signature, signature_of

TrackChoice = Literal["lead", "melodic", "most-notes", "merged"]
# `melodic` also takes shorter lines, and lines with some chords. Held-out lines are always lead-like.
MELODIC_MIN_NOTES = 32
MELODIC_MONOPHONIC_SHARE = 0.7
# Times in seconds are kept as beats of this tempo, so that all that counts in beats works on them.
NOMINAL_TEMPO_BPM = DEFAULT_TEMPO_BPM
# The version of the cache: raise it if files are read in another way or columns change, so that cached files are read again.
READING = 7

NOTE = np.dtype([("pitch", "u1"), ("velocity", "u1"), ("onset_beats", "<f8"), ("duration_beats", "<f4")])
Records = npt.NDArray[np.void]
"""Notes in onset order, from the lowest pitch up: a structured array of `NOTE`, shape (notes,)."""


@dataclass(frozen=True, slots=True)
class LineSelection:
    """Which lines of a file to learn from, and the unit of their times."""

    tracks: TrackChoice = "lead"
    drums: bool = False
    time_unit: TimeUnit = "beats"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The selected lines of a file, whether each is lead-like, and properties of the whole file.

    `bars` are the beats where a meter begins and how many beats its bars have; none where times are in seconds. `pitch_classes` is how many beats each of the twelve sounds in the lines, shape (12,). A file that could not be
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
    remarks: tuple[str, ...] = ()
    bars: tuple[tuple[float, float], ...] = ()


def read_file(path: Path, choice: LineSelection, known: Container[str] = ()) -> Reading:
    """The chosen lines of a file, or why it gives none; a file whose hash is among `known` is not parsed."""
    try:
        with path.open("rb", buffering=0) as file:  # small files are read twice as fast without a buffer
            content = file.read()
    except OSError as error:
        return Reading("", reason=f"cannot be read ({error.strerror or error})")
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 in known:
        return Reading(sha256, known=True)
    try:
        return _reading_of(sha256, score_of(content, path.suffix), choice)
    except MissingLibraryError as error:
        return Reading("", reason=str(error))  # without its hash, so that it is read when the library is there
    except UnreadableError as error:
        return Reading(sha256, reason=str(error))


def _reading_of(sha256: str, score: FileScore, choice: LineSelection) -> Reading:
    every = lines_of(score)
    tracks = [track for track in every if choice.drums or not track.is_drums]
    judged = [line for track in _chosen(tracks, choice.tracks) for line in _judged_lines(track, score, choice.tracks)]
    chosen = [(track, leads) for track, leads, is_wanted in judged if is_wanted]
    lines = tuple(_in_unit(track, score, choice) for track, _ in chosen)
    last_tick = max([int(np.maximum.reduce(track.end)) for track in tracks], default=0)
    return Reading(
        sha256,
        lines,
        tuple(leads for _, leads in chosen),
        score.seconds_at(last_tick),
        score.tempi.commonest(last_tick),
        _pitch_classes(lines),
        # From the whole file: its side of the split must not depend on the selection of lines.
        signature_of([track.pitch for track in every if not track.is_drums]),
        remarks=score.remarks,
        bars=tuple((change.beat, change.meter.beats_per_bar) for change in score.meters)
        if choice.time_unit == "beats"
        else (),
    )


def _judged_lines(track: Part, score: FileScore, tracks: TrackChoice) -> list[tuple[Part, bool, bool]]:
    """A track, whether it is lead-like, and whether it is learnt from.

    A channel may play a solo by one program and chords by another: if the whole is not lead-like and the notes of a program are, then
    the notes of each program are a line of their own.
    """
    whole = (track, *_judged(track, score, tracks))
    if whole[1] or track.programs is None or tracks not in {"lead", "melodic"}:
        return [whole]
    pieces = [(piece, *_judged(piece, score, tracks)) for piece in by_program(track)]
    return pieces if any(is_lead for _, is_lead, _ in pieces) else [whole]


def _judged(track: Part, score: FileScore, tracks: TrackChoice) -> tuple[bool, bool]:
    """Whether a track is lead-like, and whether it is learnt from."""
    if tracks in {"lead", "melodic"} and len(track) < MELODIC_MIN_NOTES:
        return False, False
    leads = _is_line(track, score, MIN_NOTES, MONOPHONIC_SHARE)
    match tracks:
        case "lead":
            return leads, leads
        case "melodic":
            return leads, leads or _is_line(track, score, MELODIC_MIN_NOTES, MELODIC_MONOPHONIC_SHARE)
        case _:
            return leads, leads or len(track) > 1


def _is_line(track: Part, score: FileScore, min_notes: int, min_share: float) -> bool:
    """Whether a track is a melodic line, also if the notes of a chord that start slightly apart count as one onset."""
    if not is_lead_line(track.tick, track.pitch, min_notes, min_share):
        return False
    begins = begins_of(track, score.ticks_per_beat)
    return begins is track.tick or is_lead_line(begins, track.pitch, min_notes, min_share)


def _chosen(tracks: Sequence[Part], choice: TrackChoice) -> Sequence[Part]:
    if choice == "most-notes" and tracks:
        return [max(tracks, key=len)]
    if choice == "merged" and tracks:
        return [merged(tracks)]
    return tracks


def _in_unit(track: Part, score: FileScore, choice: LineSelection) -> Records:
    line = np.empty(len(track), NOTE)
    line["pitch"], line["velocity"] = track.pitch, track.velocity
    if choice.time_unit == "beats":
        onset, end = track.tick / score.ticks_per_beat, track.end / score.ticks_per_beat
    else:
        beats_per_second = NOMINAL_TEMPO_BPM / 60
        onset, end = (
            score.tempi.seconds(ticks, score.ticks_per_beat) * beats_per_second for ticks in (track.tick, track.end)
        )
    line["onset_beats"], line["duration_beats"] = onset, end - onset
    return line


def _pitch_classes(lines: Sequence[Records]) -> npt.NDArray[np.float32]:
    total = np.zeros(12)
    for line in lines:
        total += np.bincount(line["pitch"] % 12, line["duration_beats"], minlength=12)
    return total.astype(np.float32)
