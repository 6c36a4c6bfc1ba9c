"""The same notes at the same seconds: the corpora read by ours and by five other readers, what differs, and how long each takes.

mido gives events, which are paired here as the standard says: each channel of each track by itself, the note that began first ends
first. docs/files.md says why others differ. `EVERY=1 READERS=mido,partitura python -m bench readers` reads all files (the default is
every twentieth) with some of the readers.
"""

import os
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import mido
import pretty_midi
import symusic

from bench.corpora import CORPORA
from bench.table import show
from model.files.midi.midi_reader import read_midi

EVERY = int(os.environ.get("EVERY", "20"))
# music21 takes seconds for a file.
EVERY_BY_MUSIC21 = EVERY * 10
WITHIN_S = 0.003

Sound = tuple[float, float, int, int]
"""Start and end in seconds, pitch, velocity."""


def by_us(path: Path) -> list[Sound]:
    """All notes by the project's reader."""
    score = read_midi(path.read_bytes())
    sounds: list[Sound] = []
    for part in score.parts:
        starts, ends = (score.tempi.seconds(ticks, score.ticks_per_beat).tolist() for ticks in (part.tick, part.end))
        sounds += zip(starts, ends, part.pitch.tolist(), part.velocity.tolist(), strict=True)
    return sounds


def by_mido(path: Path) -> list[Sound]:
    """All notes by mido, with tempi from every track."""
    file = mido.MidiFile(path, clip=True)
    tempi = [
        (tick, message.tempo) for track in file.tracks for tick, message in _timed(track) if message.type == "set_tempo"
    ]
    segments: list[tuple[int, float, int]] = [(0, 0.0, 500_000)]
    for tick, tempo in sorted(tempi, key=lambda change: change[0]):
        from_tick, from_s, before = segments[-1]
        segments.append((tick, from_s + (tick - from_tick) * before / 1e6 / file.ticks_per_beat, tempo))

    def seconds(tick: int) -> float:
        from_tick, from_s, tempo = next(segment for segment in reversed(segments) if segment[0] <= tick)
        return from_s + (tick - from_tick) * tempo / 1e6 / float(file.ticks_per_beat)

    sounds: list[Sound] = []
    for track in file.tracks:
        sounding: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for tick, message in _timed(track):
            if message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note].append((tick, message.velocity))
            elif message.type in {"note_on", "note_off"} and sounding[message.channel, message.note]:
                from_tick, velocity = sounding[message.channel, message.note].pop(0)
                sounds.append((seconds(from_tick), seconds(tick), message.note, velocity))
    return sounds


def _timed(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    tick, found = 0, []
    for message in track:
        tick += message.time
        found.append((tick, message))
    return found


def by_symusic(path: Path) -> list[Sound]:
    """All notes by symusic, whose seconds have 32 bits."""
    score = symusic.Score(path).to("second")
    return [(note.start, note.end, note.pitch, note.velocity) for track in score.tracks for note in track.notes]


def by_pretty_midi(path: Path) -> list[Sound]:
    """All notes by pretty_midi."""
    parts = pretty_midi.PrettyMIDI(str(path)).instruments
    return [(float(n.start), float(n.end), n.pitch, n.velocity) for part in parts for n in part.notes]


def by_music21(path: Path) -> list[Sound]:
    """All notes by music21, which ties pieces of a note over bar lines."""
    import music21

    score = music21.converter.parse(path, quantizePost=False, forceSource=True, storePickle=False)
    sounds: list[Sound] = []
    for row in score.stripTies().flatten().secondsMap:
        for note in row["element"].notes if "Chord" in row["element"].classes else (row["element"],):
            if "Note" in note.classes:
                start_s = float(row["offsetSeconds"])
                end_s = start_s + float(row["durationSeconds"])
                sounds.append((start_s, end_s, note.pitch.midi, note.volume.velocity or 0))
    return sounds


def by_partitura(path: Path) -> list[Sound]:
    """All notes by partitura, from the keys that go down and up, without its pedal."""
    import partitura

    parts = partitura.load_performance_midi(str(path)).performedparts
    return [(n["note_on"], n["note_off"], n["midi_pitch"], n["velocity"]) for part in parts for n in part.notes]


READERS: Mapping[str, Callable[[Path], list[Sound]]] = {
    "mido": by_mido,
    "symusic": by_symusic,
    "pretty_midi": by_pretty_midi,
    "partitura": by_partitura,
    "music21": by_music21,
}
CHOSEN = tuple(os.environ.get("READERS", ",".join(READERS)).split(","))
# What a reader does with a file, from the best to the worst.
SAME, OTHER_ENDS, OTHER_TIMES, OTHER_NOTES, REFUSED = "same", "other ends", "other times", "other notes", "refused"
OUTCOMES = (SAME, OTHER_ENDS, OTHER_TIMES, OTHER_NOTES, REFUSED)


def are_same(ours: Sequence[Sound], theirs: Sequence[Sound], within_s: float) -> bool:
    """Whether both hold the same notes, each of which begins and ends at the same time."""
    return outcome(ours, theirs, within_s) == SAME


def outcome(ours: Sequence[Sound], theirs: Sequence[Sound], within_s: float) -> str:
    """In what both differ first: notes (pitch and velocity), times at which they begin, times at which they end; or nothing."""
    ours, theirs = (sorted(sounds, key=lambda sound: (sound[2:], sound[:2])) for sounds in (ours, theirs))
    if [sound[2:] for sound in ours] != [sound[2:] for sound in theirs]:
        return OTHER_NOTES
    pairs = list(zip(ours, theirs, strict=True))
    if any(abs(one[0] - other[0]) > within_s for one, other in pairs):
        return OTHER_TIMES
    return OTHER_ENDS if any(abs(one[1] - other[1]) > within_s for one, other in pairs) else SAME


def run() -> None:
    """Prints for each reader in how many files it finds the same notes, what it finds in the others, and its time against ours."""
    every = sorted(CORPORA.rglob("*.mid"))
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in CHOSEN:
            files = every[:: EVERY_BY_MUSIC21 if name == "music21" else EVERY]
            ours_s = theirs_s = 0.0
            outcomes: Counter[str] = Counter()
            notes = theirs_count = 0
            for file in files:
                started_s = time.perf_counter()
                ours = by_us(file)
                halfway_s = time.perf_counter()
                theirs, found = _read(READERS[name], file)
                ours_s, theirs_s = ours_s + halfway_s - started_s, theirs_s + time.perf_counter() - halfway_s
                outcomes[found or outcome(ours, theirs, WITHIN_S)] += 1
                notes, theirs_count = notes + len(ours), theirs_count + len(theirs)
            counts = [f"{outcomes[kind]}" for kind in OUTCOMES]
            rows.append(
                (name, f"{len(files)}", f"{notes:,}", f"{theirs_count:,}", *counts, f"{theirs_s / ours_s:.1f} x")
            )
    show(
        "Files of the corpora by other readers: the same notes within 3 ms, or what differs; and the time against ours",
        ("reader", "files", "our notes", "theirs", *OUTCOMES, "time"),
        rows,
    )


def _read(reader: Callable[[Path], list[Sound]], file: Path) -> tuple[list[Sound], str]:
    """The notes; or none, and that the file is refused."""
    try:
        return reader(file), ""
    except Exception:  # noqa: BLE001  each library raises its own types
        return [], REFUSED
