import numpy as np

from model.analysis.scale import parse_key
from model.files.seed import Seed
from model.files.time_signature import MeterChange, TimeSignature
from model.notes import Note
from train.phrasing.phrases import find_ends, melody_of

QUARTERS = [1.0] * 7


def test_a_phrase_ends_at_a_long_note_a_rest_and_the_lines_end() -> None:
    gaps = [*QUARTERS, 4.0, *QUARTERS, 1.0, 2.0, *QUARTERS]
    lengths = [*QUARTERS, 4.0, *QUARTERS, 1.0, 0.5, *QUARTERS]
    assert np.flatnonzero(find_ends(gaps, lengths)).tolist() == [7, 16, 23]


def test_a_gesture_of_a_few_notes_is_no_phrase() -> None:
    assert np.flatnonzero(find_ends([1.0, 1.0, 4.0, 1.0, 1.0, 1.0], [1.0, 1.0, 4.0, 1.0, 1.0, 1.0])).tolist() == [5]


def test_no_notes_have_no_end() -> None:
    assert find_ends([], []).tolist() == []


class TestMelody:
    def test_a_chord_is_one_onset_with_its_highest_note(self) -> None:
        notes = tuple(Note(pitch, float(beat), 1.0, pitch) for beat in range(3) for pitch in (60, 64, 67))
        melody = melody_of(Seed(notes))
        assert (melody.onsets.tolist(), melody.pitches.tolist()) == ([0.0, 1.0, 2.0], [67, 67, 67])
        assert melody.velocities.tolist() == [67, 67, 67]

    def test_it_has_the_bars_and_the_key_of_the_file(self) -> None:
        scale = (62, 64, 66, 67, 69, 71, 73, 74, 69, 62)
        notes = tuple(Note(pitch, float(beat), 1.0, 80) for beat, pitch in enumerate(scale))
        melody = melody_of(Seed(notes, meter=TimeSignature(3, 4)))
        assert melody.bars.beats_per_bar == 3.0
        assert melody.key == parse_key("D")

    def test_it_ends_where_the_meter_changes(self) -> None:
        notes = tuple(Note(60, float(beat), 1.0, 80) for beat in range(12))
        melody = melody_of(Seed(notes, meters=(MeterChange(8.0, TimeSignature(3, 4)),)))
        assert len(melody) == 8
