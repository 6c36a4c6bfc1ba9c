"""A `.mid` file of ours in a real DAW: Debian's Ardour, without its windows, on JACK's dummy driver."""

from collections.abc import Iterator

import pytest

from bench.daw import ardour_program
from bench.daw.ardour_program import Ardour
from bench.daw.ardour_session import Region, running_session, split_tracks
from model.files.midi.midi_writer import Track, as_midi
from model.notes import Note
from tests.conftest import Jackd
from tests.programs import require_program

pytestmark = pytest.mark.timeout(600)  # Ardour alone needs half a minute to start on a busy machine

TEMPO_BPM = 150.0
TRACK = "To the partner"
PHRASE = [Note(60, 0.0, 0.9, 90), Note(62, 1.0, 0.9, 80), Note(64, 2.0, 0.9, 70), Note(67, 3.0, 0.5, 100)]
BAR_BEATS = 4


@pytest.fixture(scope="module")
def daw(long_cycle_jackd: Jackd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ardour]:
    """Ardour with a session in which the track plays the file, one bar long, twice."""
    assert long_cycle_jackd.name
    require_program(ardour_program.PROGRAM)
    folder = tmp_path_factory.mktemp("ardour")
    midi_file = folder / "phrase.mid"
    midi_file.write_bytes(as_midi([Track("Phrase", PHRASE)], TEMPO_BPM))
    phrase = split_tracks(midi_file, folder)[-1]
    regions = [Region(TRACK, phrase, bar * BAR_BEATS, BAR_BEATS) for bar in range(2)]
    with running_session(folder, (TRACK,), regions, tempo_bpm=TEMPO_BPM) as program:
        yield program


def test_a_file_of_ours_that_is_put_into_a_session_is_read_note_for_note(daw: Ardour) -> None:
    notes = [note for note in daw.notes(TRACK) if note.onset_beats < BAR_BEATS]
    assert [(note.pitch, note.onset_beats, note.velocity) for note in notes] == [
        (note.pitch, note.onset_beats, note.velocity) for note in PHRASE
    ]
    assert [note.length_beats for note in notes] == pytest.approx([0.9, 0.9, 0.9, 0.5], abs=1 / 480)
