"""The same notes at the same seconds: the corpora read by ours and by four other readers, and how long each takes.

mido gives events, which are paired here as the standard says: each channel of each track by itself, the note that began first ends
first. docs/files.md says why others differ.
"""

import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import mido
import pretty_midi
import symusic

from bench.corpora import CORPORA
from bench.table import show
from model.files.midi.midi_reader import read_midi

EVERY = 20
# music21 takes seconds for a file.
EVERY_BY_MUSIC21 = 200
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


READERS: Mapping[str, Callable[[Path], list[Sound]]] = {
    "mido": by_mido,
    "symusic": by_symusic,
    "pretty_midi": by_pretty_midi,
    "music21": by_music21,
}


def are_same(ours: Sequence[Sound], theirs: Sequence[Sound], within_s: float) -> bool:
    """Whether both hold the same notes, each of which begins and ends at the same time."""
    ours, theirs = (sorted(sounds, key=lambda sound: (sound[2:], sound[:2])) for sounds in (ours, theirs))
    return [sound[2:] for sound in ours] == [sound[2:] for sound in theirs] and all(
        abs(one[0] - other[0]) <= within_s and abs(one[1] - other[1]) <= within_s
        for one, other in zip(ours, theirs, strict=True)
    )


def run() -> None:
    """Prints for each reader in how many files it finds the same notes, and its time against ours."""
    every = sorted(CORPORA.rglob("*.mid"))
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, reader in READERS.items():
            files = every[:: EVERY_BY_MUSIC21 if name == "music21" else EVERY]
            ours_s = theirs_s = 0.0
            same = notes = 0
            for file in files:
                began_s = time.perf_counter()
                ours = by_us(file)
                halfway_s = time.perf_counter()
                theirs = reader(file)
                ours_s, theirs_s = ours_s + halfway_s - began_s, theirs_s + time.perf_counter() - halfway_s
                same += are_same(ours, theirs, WITHIN_S)
                notes += len(ours)
            rows.append((name, f"{len(files)}", f"{notes:,}", f"{same}", f"{theirs_s / ours_s:.1f} x"))
    show(
        "Files of the corpora by other readers: the same notes within 3 ms, and the time that each takes against ours",
        ("reader", "files", "notes", "files that agree", "time"),
        rows,
    )
