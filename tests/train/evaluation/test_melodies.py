from itertools import pairwise
from pathlib import Path
from random import Random

import pretty_midi
import pytest

from model.approach import Approach
from model.files.seed import Seed
from model.files.time_signature import TimeSignature
from model.improvising.improviser import Improviser
from model.improvising.improvisers import create_improviser
from model.pack.pack import open_pack
from tests.music import line
from train.evaluation.melodies import EVENTS, Melody, event_melody, pitch_melody, write_melody

SEED = Seed(tuple(line(60, 62, 64, 65, 67)), 96.0, TimeSignature(3, 4))


def improviser(pack: Path, approach: Approach) -> Improviser:
    opened = open_pack(str(pack))
    return create_improviser(opened.engine(approach, "cpu"), opened.vocabulary(approach))


@pytest.fixture
def pitch(tiny_pack: Path) -> Melody:
    return pitch_melody(improviser(tiny_pack, "pitch"), SEED, Random(0))


@pytest.fixture
def event(tiny_pack: Path) -> Melody:
    return event_melody(improviser(tiny_pack, "event"), SEED, Random(0))


class TestThePitchPiece:
    def test_it_is_300_notes_each_lasting_until_the_next(self, pitch: Melody) -> None:
        assert len(pitch.notes) == 300
        assert [(note.onset_beats, note.duration_beats) for note in pitch.notes] == [
            (float(i), 1.0) for i in range(300)
        ]

    def test_in_the_file_they_are_0_4_s_long_and_0_4_s_apart_with_velocity_100(
        self, pitch: Melody, tmp_path: Path
    ) -> None:
        midi_file = next(write_melody(tmp_path, pitch))
        (track,) = pretty_midi.PrettyMIDI(str(midi_file)).instruments
        assert len(track.notes) == 300
        for index, note in enumerate(track.notes):
            assert (note.start, note.end) == (pytest.approx(0.4 * index), pytest.approx(0.4 * (index + 1)))
            assert note.velocity == 100
        assert pitch.seconds == pytest.approx(120.0)


class TestTheEventPiece:
    def test_it_has_the_notes_of_500_events_from_the_first_beat_on(self, event: Melody) -> None:
        onsets = sorted({note.onset_beats for note in event.notes})
        # There is a TIME between two onsets; the last of the 500 events may be a TIME without a note.
        assert len(event.notes) + len(onsets) - 1 in {EVENTS - 1, EVENTS}
        assert onsets[0] == 0.0

    def test_a_note_lasts_until_the_next_onset(self, event: Melody) -> None:
        onsets = sorted({note.onset_beats for note in event.notes})
        following = dict(pairwise(onsets))
        for note in event.notes:
            if note.onset_beats in following:
                assert note.end_beats == pytest.approx(following[note.onset_beats])

    def test_it_is_at_the_seeds_tempo_and_meter_and_as_loud_as_the_experiments(
        self, event: Melody, tmp_path: Path
    ) -> None:
        midi = pretty_midi.PrettyMIDI(str(next(write_melody(tmp_path, event))))
        assert midi.get_tempo_changes()[1].tolist() == pytest.approx([96.0])
        assert event.meter == TimeSignature(3, 4)
        assert {note.velocity for note in midi.instruments[0].notes} == {100}


def test_the_files_have_the_experiments_names(pitch: Melody, event: Melody, tmp_path: Path) -> None:
    written = [path.name for melody in (pitch, event) for path in write_melody(tmp_path, melody)]
    assert written == [
        "lstm_generated_melody.mid",
        "lstm_generated_melody.png",
        "lstm_generated_melody_event.mid",
        "lstm_generated_melody_event.png",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(written)
    assert (tmp_path / "lstm_generated_melody.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
