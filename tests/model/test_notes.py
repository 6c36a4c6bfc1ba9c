import gc
from dataclasses import FrozenInstanceError

import pytest

from model.notes import Note, in_onset_order, notes_from_columns


def test_a_note_ends_after_its_duration() -> None:
    assert Note(60, 1.5, 0.25, 80).end_beats == 1.75


def test_notes_are_read_by_onset_and_a_chord_from_its_lowest_pitch_up() -> None:
    low, high, late = Note(60, 1.0, 1.0, 80), Note(67, 1.0, 1.0, 80), Note(48, 2.0, 1.0, 80)
    assert in_onset_order([late, high, low]) == [low, high, late]


def test_notes_that_are_made_by_the_column_are_notes_like_any_other() -> None:
    notes = notes_from_columns([60, 67], [0.0, 1.5], [1.0, 0.25], [80, 1])
    assert notes == [Note(60, 0.0, 1.0, 80), Note(67, 1.5, 0.25, 1)]
    assert [type(note) for note in notes] == [Note, Note]
    assert len({*notes, Note(60, 0.0, 1.0, 80)}) == 2
    with pytest.raises(FrozenInstanceError):
        notes[0].pitch = 61  # type: ignore[misc]


@pytest.mark.parametrize("is_collecting", [True, False])
def test_the_garbage_collector_is_left_as_it_was_when_notes_are_made(*, is_collecting: bool) -> None:
    was_collecting = gc.isenabled()
    try:
        (gc.enable if is_collecting else gc.disable)()
        notes_from_columns([60], [0.0], [1.0], [80])
        assert gc.isenabled() == is_collecting
    finally:
        (gc.enable if was_collecting else gc.disable)()
