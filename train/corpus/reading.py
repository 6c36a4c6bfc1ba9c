"""One file of music to lines of notes, as numpy records: which lines, in beats or seconds; knows no folder and no split.

Runs in worker processes, as symusic may crash on what it reads. What a file holds is read by `model.files`, as a seed is.
"""

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from model.analysis.lead import is_lead_line
from model.errors import MissingLibraryError, UnreadableError
from model.files.lines import begins_of, lines_of, merged
from model.files.score import FileScore, Part
from model.files.score_reader import score_of
from model.files.tempo import DEFAULT_TEMPO_BPM
from model.tokens.time_bins import TimeUnit
from train.corpus.duplicates import Signature, signature_of

TrackChoice = Literal["lead", "melodic", "most-notes", "merged"]
# `melodic` learns from more: shorter lines, and lines with chords in them. What is held out is lead-like all the same.
MELODIC_MIN_NOTES = 32
MELODIC_MONOPHONIC_SHARE = 0.7
# Times in seconds are kept as beats of this tempo, so that all that counts in beats works on them.
NOMINAL_TEMPO_BPM = DEFAULT_TEMPO_BPM
# A choice of tracks that is read in another way, or other columns, get another number: what was cached is read anew.
READING = 3

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
    remarks: tuple[str, ...] = ()


def read_file(path: Path, choice: Choice, known: Container[str] = ()) -> Reading:
    """The chosen lines of a file, or why it gives none; a file whose hash is among `known` is not parsed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return Reading("", reason=f"cannot be read ({error.strerror or error})")
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 in known:
        return Reading(sha256, known=True)
    try:
        return _reading_of(sha256, score_of(content, path.suffix, is_trusted=True), choice)
    except MissingLibraryError as error:
        return Reading("", reason=str(error))  # without its hash, so that it is read when the library is there
    except UnreadableError as error:
        return Reading(sha256, reason=str(error))


def _reading_of(sha256: str, score: FileScore, choice: Choice) -> Reading:
    every = lines_of(score)
    tracks = [track for track in every if choice.drums or not track.is_drums]
    judged = [(track, begins_of(track, score.ticks_per_beat)) for track in _chosen(tracks, choice.tracks)]
    told = [(track, begins, is_lead_line(begins, track.pitch)) for track, begins in judged]
    chosen = [(track, leads) for track, begins, leads in told if leads or _wanted(track, begins, choice.tracks)]
    lines = tuple(_in_unit(track, score, choice) for track, _ in chosen)
    last_tick = max((int(track.end.max()) for track in tracks), default=0)
    return Reading(
        sha256,
        lines,
        tuple(leads for _, leads in chosen),
        float(score.tempi.seconds(np.array([last_tick]), score.ticks_per_beat)[0]),
        score.tempi.commonest(last_tick),
        _pitch_classes(lines),
        # Of the whole file, whatever is chosen of it: which side it falls to must not hang on what is learnt from.
        signature_of([track.pitch for track in every if not track.is_drums]),
        remarks=score.remarks,
    )


def _wanted(track: Part, begins: npt.NDArray[np.int64], tracks: TrackChoice) -> bool:
    """Whether a track that is not lead-like is learnt from all the same."""
    match tracks:
        case "lead":
            return False
        case "melodic":
            return is_lead_line(begins, track.pitch, MELODIC_MIN_NOTES, MELODIC_MONOPHONIC_SHARE)
        case _:
            return len(track) > 1


def _chosen(tracks: Sequence[Part], choice: TrackChoice) -> Sequence[Part]:
    if choice == "most-notes" and tracks:
        return [max(tracks, key=len)]
    if choice == "merged" and tracks:
        return [merged(tracks)]
    return tracks


def _in_unit(track: Part, score: FileScore, choice: Choice) -> Records:
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
