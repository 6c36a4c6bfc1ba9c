"""Real music, read by ours and by other readers: the same notes at the same seconds.

All of the corpora agree with mido and miditoolkit note by note; docs/files.md has the figures and says where others differ, and why.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import mido
import pytest
import symusic

from model.files.midi.midi_reader import read_midi

EVERY = 60

Sound = tuple[float, float, int, int]
"""Start and end in seconds, pitch, velocity."""


@pytest.fixture(scope="module")
def files(corpora: Path) -> Sequence[Path]:
    return sorted(corpora.rglob("*.mid"))[::EVERY]


def by_us(path: Path, *, is_trusted: bool = False) -> list[Sound]:
    score = read_midi(path.read_bytes(), is_trusted=is_trusted)
    sounds: list[Sound] = []
    for part in score.parts:
        starts, ends = (score.tempi.seconds(ticks, score.ticks_per_beat).tolist() for ticks in (part.tick, part.end))
        sounds += zip(starts, ends, part.pitch.tolist(), part.velocity.tolist(), strict=True)
    return sounds


def by_mido(path: Path) -> list[Sound]:
    """Each channel of each track by itself, the note that began first ending first; tempi from every track."""
    file = mido.MidiFile(path, clip=True)
    tempi = [
        (tick, message.tempo) for track in file.tracks for tick, message in timed(track) if message.type == "set_tempo"
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
        for tick, message in timed(track):
            if message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note].append((tick, message.velocity))
            elif message.type in {"note_on", "note_off"} and sounding[message.channel, message.note]:
                from_tick, velocity = sounding[message.channel, message.note].pop(0)
                sounds.append((seconds(from_tick), seconds(tick), message.note, velocity))
    return sounds


def timed(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    tick, found = 0, []
    for message in track:
        tick += message.time
        found.append((tick, message))
    return found


def by_symusic(path: Path) -> list[Sound]:
    score = symusic.Score(path).to("second")
    return [(note.start, note.end, note.pitch, note.velocity) for track in score.tracks for note in track.notes]


def assert_same(ours: Sequence[Sound], theirs: Sequence[Sound], within_s: float) -> None:
    ours, theirs = (sorted(sounds, key=lambda sound: (sound[2:], sound[0])) for sounds in (ours, theirs))
    assert [sound[2:] for sound in ours] == [sound[2:] for sound in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one[:2] == pytest.approx(other[:2], abs=within_s)


def test_mido_has_the_same_notes_at_the_same_seconds(files: Sequence[Path]) -> None:
    assert len(files) > 30
    for path in files:
        ours = by_us(path)
        assert_same(ours, by_mido(path), 1e-6)
        assert by_us(path, is_trusted=True) == ours


def test_symusic_has_the_same_notes_to_its_own_precision(files: Sequence[Path]) -> None:
    for path in files:
        assert_same(by_us(path), by_symusic(path), 0.003)
