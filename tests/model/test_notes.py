from model.notes import Note, in_onset_order


def test_a_note_ends_after_its_duration() -> None:
    assert Note(60, 1.5, 0.25, 80).end_beats == 1.75


def test_notes_are_read_by_onset_and_a_chord_from_its_lowest_pitch_up() -> None:
    low, high, late = Note(60, 1.0, 1.0, 80), Note(67, 1.0, 1.0, 80), Note(48, 2.0, 1.0, 80)
    assert in_onset_order([late, high, low]) == [low, high, late]
