"""Seeds: the leading line of a music file, in beats, for an answer to continue."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.analysis.lead import is_lead_line
from model.defaults import DEFAULT_TEMPO_BPM
from model.errors import SeedError, UnreadableError
from model.files.lines import begins_of, lines_of
from model.files.score import FileScore, Part
from model.files.score_reader import score_of
from model.files.song import PIANO
from model.files.tempo import TempoChange
from model.files.time_signature import COMMON_TIME, MeterChange, TimeSignature, pickup_beats
from model.named_file import read_regular_file, shown_path
from model.notes import Note, notes_from_columns

_HELP = "a seed is a file of music with at least one pitched note"


@dataclass(frozen=True, slots=True)
class Seed:
    """A line of notes to continue, with its tempo, meter and program.

    Beat 0 is a bar line: a pickup is placed at the end of its bar. `tempi` and `meters` are the later changes of tempo and meter.
    Each of `remarks` says what is wrong with the file or was left out, in words that follow the file's name.
    """

    notes: tuple[Note, ...]
    tempo_bpm: float = DEFAULT_TEMPO_BPM
    meter: TimeSignature = COMMON_TIME
    program: int = PIANO
    tempi: tuple[TempoChange, ...] = ()
    meters: tuple[MeterChange, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def end_beats(self) -> float:
        return max(note.end_beats for note in self.notes)

    @property
    def bars(self) -> tuple[MeterChange, ...]:
        """All meters, from beat 0 on."""
        return (MeterChange(0.0, self.meter), *self.meters)


def read_seed(path: Path) -> Seed:
    """The lead of a file (see `model.analysis.lead`), without drums. If the file begins with a rest, so does the seed.

    Raises SeedError if the file does not exist, cannot be read as music, or holds no pitched notes.
    """
    try:
        content = read_regular_file(path)
    except IsADirectoryError as error:
        raise SeedError(f"{path} is a folder; {_HELP}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SeedError(f"there is no file {path}; {_HELP}") from error
    except OSError as error:
        raise SeedError(f"{shown_path(path)} cannot be read: {error.strerror or error}; {_HELP}") from error
    return seed_of(content, path)


def seed_of(content: bytes, path: Path) -> Seed:
    """The seed in the content of a file of this name. Raises SeedError."""
    try:
        return _seed_in(score_of(content, path.suffix))
    except UnreadableError as error:
        raise SeedError(f"{path} {error}; {_HELP}") from error


def seed_notice(path: Path, seed: Seed) -> str:
    """One sentence for the user: what is wrong with a seed's file."""
    return f"{path.name} {', and '.join(seed.remarks)}; what can be read of it is played"


def _seed_in(score: FileScore) -> Seed:
    lines = lines_of(score)
    candidates = [line for line in lines if not line.is_drums]
    if not candidates:
        raise UnreadableError("holds nothing but drums" if lines else "holds no notes")
    lead = lead_of(candidates, score.ticks_per_beat)
    pickup = pickup_beats(score.meters)
    meters = score.meters[1:] if pickup else score.meters
    meter = meters[0].meter if meters else COMMON_TIME
    # The pickup goes to the end of its bar, so that beat 0 is a bar line.
    ahead_beats = meter.beats_per_bar - pickup if pickup else 0.0
    first_beat = int(lead.tick[0]) / score.ticks_per_beat
    return Seed(
        tuple(_notes(lead, score.ticks_per_beat, ahead_beats)),
        score.tempi.tempo_at(int(lead.tick[0])),
        meter,
        lead.program,
        tuple(_tempo_changes(score, first_beat, ahead_beats)),
        tuple(MeterChange(change.beat + ahead_beats, change.meter) for change in meters[1:]),
        score.remarks,
    )


def lead_of(lines: Sequence[Part], ticks_per_beat: float) -> Part:
    """The lead-like line with the most notes; if none is lead-like, the line with the most notes. The caller removes drums.

    A seed may be short, so any length is accepted. Raises ValueError if `lines` is empty.
    """
    if len(lines) == 1:
        return lines[0]
    leads = [line for line in lines if is_lead_line(begins_of(line, ticks_per_beat), line.pitch, min_notes=1)]
    return max(leads or lines, key=len)


def _notes(line: Part, ticks_per_beat: float, ahead_beats: float) -> list[Note]:
    onsets = line.tick / ticks_per_beat + ahead_beats
    durations = line.end / ticks_per_beat + ahead_beats - onsets
    return notes_from_columns(line.pitch.tolist(), onsets.tolist(), durations.tolist(), line.velocity.tolist())


def _tempo_changes(score: FileScore, first_beat: float, ahead_beats: float) -> list[TempoChange]:
    """The tempo changes after the first note."""
    beats = (score.tempi.ticks / score.ticks_per_beat).tolist()
    return [
        TempoChange(beat + ahead_beats, score.tempi.tempo_at(tick))
        for beat, tick in zip(beats, score.tempi.ticks.tolist(), strict=True)
        if beat > first_beat
    ]
