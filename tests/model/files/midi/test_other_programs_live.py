"""A written song, opened by notation programs: MuseScore and music21 show the notes, bars and tempi that were written.

The other readers are in `test_midi_writer`, the sound of takes in `tests/server/takes`, and Ardour in `tests/daw`.
"""

import os
import subprocess
import warnings
from pathlib import Path

import pytest

from model.files.midi.midi_writer import as_midi_file
from model.files.score import FileScore
from model.files.score_reader import read_score
from model.files.song import Event, Marker, Song, SongTrack
from model.files.tempo import TempoChange
from model.files.time_signature import MeterChange, TimeSignature
from tests.programs import require_module, require_program

pytestmark = pytest.mark.timeout(180)  # MuseScore alone may take a minute to start on a busy machine

QUARTERS = tuple((60 + index * 5 % 12, float(index), 1.0) for index in range(12))
EIGHTHS = tuple((67 + index * 7 % 12, 12 + index / 2, 0.5) for index in range(14))
METERS = (MeterChange(0.0, TimeSignature(3, 4)), MeterChange(12.0, TimeSignature(7, 8)))
TEMPI = (TempoChange(0.0, 97.0), TempoChange(12.0, 60.0))
VELOCITY = 81


def track(name: str, notes: tuple[tuple[int, float, float], ...], channel: int) -> SongTrack:
    events = []
    for pitch, onset_beats, duration_beats in notes:
        events.append(Event(bytes([0x90 | channel, pitch, VELOCITY]), onset_beats))
        events.append(Event(bytes([0x80 | channel, pitch, 0]), onset_beats + duration_beats))
    return SongTrack(name, events)


SONG = Song(
    [track("Player", QUARTERS, 0), track("Answer", EIGHTHS, 5)], TEMPI, METERS, [Marker(1.5, "temperature 0.7")]
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "song.mid"
    path.write_bytes(as_midi_file(SONG))
    return path


@pytest.mark.parametrize("suffix", [".musicxml", ".mid"])
def test_musescore_saves_what_was_written(suffix: str, written: Path, tmp_path: Path) -> None:
    require_module("partitura")
    saved = tmp_path / f"saved{suffix}"
    command = [require_program("mscore3"), "-o", str(saved), str(written)]
    # No screen, and no settings of the user's.
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    subprocess.run(command, check=True, capture_output=True, timeout=150, env=environment)
    score = read_score(saved)
    assert [notes_of(score, number) for number in range(len(score.parts))] == [list(QUARTERS), list(EIGHTHS)]
    assert score.meters == METERS
    changes = zip((score.tempi.ticks / score.ticks_per_beat).tolist(), score.tempi.ticks.tolist(), strict=True)
    assert [TempoChange(beat, score.tempi.tempo_at(tick)) for beat, tick in changes] == list(TEMPI)


def notes_of(score: FileScore, part: int) -> list[tuple[int, float, float]]:
    """Pitch, onset and written length in beats."""
    line = score.parts[part]
    begins, ends = line.tick / score.ticks_per_beat, line.end / score.ticks_per_beat
    # MuseScore plays a note a tick or so shorter than it is written.
    lengths = ((ends - begins) * 16).round() / 16
    return list(zip(line.pitch.tolist(), begins.tolist(), lengths.tolist(), strict=True))


def test_music21_reads_what_was_written(written: Path) -> None:
    require_module("music21")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports
        import music21

        score = music21.converter.parse(written, quantizePost=False, forceSource=True, storePickle=False)
    player, answer = score.parts
    assert (player.partName, answer.partName) == ("Player", "Answer")
    for part, expected in ((player, QUARTERS), (answer, EIGHTHS)):
        # It cuts notes at bar lines, and ties the pieces.
        notes = part.stripTies().recurse().notes
        found = [(n.pitch.midi, float(n.getOffsetInHierarchy(part)), float(n.quarterLength)) for n in notes]
        assert found == list(expected)
        assert {note.volume.velocity for note in notes} == {VELOCITY}
        meters = [
            MeterChange(float(m.getOffsetInHierarchy(part)), TimeSignature(m.numerator, m.denominator))
            for m in part.recurse().getElementsByClass("TimeSignature")
        ]
        assert tuple(meters) == METERS
    # Its readers of MIDI files leave markers out, as they do lyrics; what matters is that it reads on.
    assert not list(player.recurse().getElementsByClass("TextExpression"))
    marks = player.recurse().getElementsByClass("MetronomeMark")
    # It rounds a tempo to whole beats per minute where it comes near.
    assert [float(mark.getOffsetInHierarchy(player)) for mark in marks] == [change.beat for change in TEMPI]
    assert [round(float(mark.number)) for mark in marks] == [change.tempo_bpm for change in TEMPI]
