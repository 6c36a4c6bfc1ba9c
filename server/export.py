"""Offline answers: the same jam, driven by a file instead of a clock; writes `.mid` files and pictures, opens no port."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.midi.messages import NoteOff, NoteOn
from model.files.midi_file import Seed, Track, read_seed, write_midi
from model.notes import Note
from server.config.config import Config
from server.errors import ExportError
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage
from server.music.pack_loader import load_pack
from server.music.seed_player import as_messages

SEED_TRACK, ANSWER_TRACK = "Seed", "Answer"
# An end this little past a bar line is still in the bar before.
BAR_TOLERANCE_BEATS = 1 / 16


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is asked for: which seed, where the answers go, and how many."""

    seed: Path
    out: Path
    count: int = 1
    answer_only: bool = False
    piano_roll: Path | None = None
    random_seed: int = 0


def export_answers(order: ExportRequest, config: Config, *, own_tempo: bool) -> Iterator[Path]:
    """Writes each answer, and tells each file as it is there; at the seed's tempo, unless `own_tempo`.

    Equal orders and configurations give equal bytes. Raises SeedError, PackError, PictureError where there is no
    matplotlib, and ExportError where a file cannot be written.
    """
    for place, name in ((order.out, "answer.mid"), (order.piano_roll, "answer.png")):
        if place is not None and place.is_dir():
            raise ExportError(f"{place} is a folder; name a file, such as {place / name}")
    if order.out.resolve() == order.seed.resolve():
        raise ExportError(f"{order.out} is the seed itself; choose another place for the answer")
    seed = read_seed(order.seed)
    settings = config.settings
    tempo_bpm = settings.tempo if own_tempo else seed.tempo_bpm
    seated = load_pack(settings.pack, config)
    # The jam is told when to answer, so it must not do so by itself, however long a rest of the seed is.
    patient = replace(settings, answer_after=math.inf)
    for number in range(order.count):
        jam = Jam(seated.improvisers(tempo_bpm), patient, order.random_seed + number)
        answer = answer_to(seed, jam)
        tracks = [Track(ANSWER_TRACK, answer, seed.program)]
        if not order.answer_only:
            tracks.insert(0, Track(SEED_TRACK, seed.notes, seed.program))
        else:
            start_beats = min(note.onset_beats for note in answer)
            tracks = [replace(tracks[0], notes=[_shifted(note, -start_beats) for note in answer])]
        out = _numbered(order.out, number, order.count)
        with _write_errors_translated(out):
            write_midi(out, tracks, tempo_bpm, seed.meter)
        yield out
        if order.piano_roll is not None:
            from model.files.piano_roll import draw_piano_roll

            picture = _numbered(order.piano_roll, number, order.count)
            with _write_errors_translated(picture):
                draw_piano_roll(picture, tracks, seed.meter)
            yield picture


def answer_to(seed: Seed, jam: Jam) -> list[Note]:
    """What the jam answers to a seed; it begins at the bar line after the seed's end."""
    for beat, message in as_messages(seed.notes):
        jam.receive(message, beat)
    bar = seed.meter.beats_per_bar
    jam.act("respond", math.ceil((seed.end_beats - BAR_TOLERANCE_BEATS) / bar) * bar)
    timed: list[TimedMessage] = []
    while True:
        while jam.has_work:
            jam.do_work()
        wake_beat = jam.wake_at()
        if wake_beat is None:
            return _as_notes(timed)
        timed += jam.advance(wake_beat)


def _as_notes(timed: Iterable[TimedMessage]) -> list[Note]:
    notes: list[Note] = []
    begun: dict[int, tuple[float, int]] = {}
    for item in timed:
        match item.message:
            case NoteOn(pitch, velocity):
                begun[pitch] = (item.beat, velocity)
            case NoteOff(pitch) if pitch in begun:
                onset_beats, velocity = begun.pop(pitch)
                notes.append(Note(pitch, onset_beats, item.beat - onset_beats, velocity))
    return notes


def _shifted(note: Note, beats: float) -> Note:
    return replace(note, onset_beats=note.onset_beats + beats)


def _numbered(path: Path, number: int, count: int) -> Path:
    """`answer.mid`, or `answer-1.mid`, `answer-2.mid` where there are several."""
    if count == 1:
        return path
    return path.with_stem(f"{path.stem}-{number + 1:0{len(str(count))}}")


@contextmanager
def _write_errors_translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}; choose another place") from error
