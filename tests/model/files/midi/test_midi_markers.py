import io
from itertools import accumulate

import mido
import pretty_midi
import pytest

from model.errors import UnreadableError
from model.files.midi.midi_markers import read_markers
from model.files.midi.midi_writer import as_midi
from model.files.song import Marker, Track
from model.notes import Note
from tests.music import BROKEN_MIDI_FILES

MARKERS = [Marker(0.0, "F7"), Marker(4.0, "Bbm7b5/E"), Marker(6.5, "temperature 0.7"), Marker(7.0, "N.C.")]
WRITTEN = as_midi([Track("Answer", [Note(60, 0.0, 8.0, 80)])], 97.0, markers=MARKERS)


def test_markers_come_back_at_their_beats() -> None:
    assert read_markers(WRITTEN) == [(marker.beat, marker.text) for marker in MARKERS]


def test_mido_reads_the_same_markers() -> None:
    (track, *_) = mido.MidiFile(file=io.BytesIO(WRITTEN)).tracks
    ticks = accumulate(message.time for message in track)
    found = [(tick / 480, message.text) for tick, message in zip(ticks, track, strict=True) if message.type == "marker"]
    assert found == [(marker.beat, marker.text) for marker in MARKERS]


def test_a_reader_that_knows_no_markers_reads_the_notes() -> None:
    song = pretty_midi.PrettyMIDI(io.BytesIO(WRITTEN))
    assert [(note.pitch, song.time_to_tick(note.end)) for note in song.instruments[0].notes] == [(60, 8 * 480)]


def test_markers_of_any_track_and_any_program_are_read() -> None:
    song = mido.MidiFile(ticks_per_beat=96)
    for texts in (("Dm7", 0), ("G7", 192)), (("Cmaj7", 384),):
        track, at = mido.MidiTrack(), 0
        for text, tick in texts:
            track.append(mido.MetaMessage("marker", text=text, time=tick - at))
            at = tick
        song.tracks.append(track)
    content = io.BytesIO()
    song.save(file=content)
    assert read_markers(content.getvalue()) == [(0.0, "Dm7"), (2.0, "G7"), (4.0, "Cmaj7")]


def test_a_file_without_markers_has_none() -> None:
    assert read_markers(as_midi([Track("Answer", [Note(60, 0.0, 8.0, 80)])], 97.0)) == []


@pytest.mark.parametrize("name", BROKEN_MIDI_FILES)
def test_a_broken_file_is_refused_or_has_none(name: str) -> None:
    try:
        assert read_markers(BROKEN_MIDI_FILES[name]) == []
    except UnreadableError as error:
        assert "\n" not in str(error)  # noqa: PT017  either of the two is right


@pytest.mark.parametrize("cut", range(40, len(WRITTEN), 7))
def test_a_file_that_is_cut_off_keeps_the_markers_before(cut: int) -> None:
    found = read_markers(WRITTEN[:cut])
    assert found == [(marker.beat, marker.text) for marker in MARKERS][: len(found)]
