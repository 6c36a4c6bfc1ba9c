from collections.abc import Sequence

import pytest

from model.analysis.lead import MIN_NOTES, is_lead_line
from model.notes import Note
from tests.music import exercise, line


def chords(count: int) -> list[Note]:
    return [Note(pitch, float(beat), 1.0, 80) for beat in range(count) for pitch in (60, 64)]


def is_lead_like(notes: Sequence[Note], min_notes: int = MIN_NOTES) -> bool:
    return is_lead_line([note.onset_beats for note in notes], [note.pitch for note in notes], min_notes)


class TestOneNoteAtATime:
    @pytest.mark.parametrize(("chords_among", "lead_like"), [(0, True), (6, True), (7, False), (64, False)])
    def test_nine_onsets_in_ten_hold_a_single_note(self, chords_among: int, *, lead_like: bool) -> None:
        notes = line(*[60] * 64, step_beats=1.0)
        notes += [Note(64, float(beat), 1.0, 80) for beat in range(chords_among)]
        assert is_lead_like(notes) is lead_like

    def test_the_required_share_of_single_notes_can_be_lowered(self) -> None:
        onsets, pitches = [0.0, 0.0, 1.0, 2.0], [60, 64, 62, 64]
        assert is_lead_line(onsets, pitches, min_notes=4, min_monophonic_share=2 / 3)
        assert not is_lead_line(onsets, pitches, min_notes=4, min_monophonic_share=0.7)

    def test_notes_that_overlap_without_beginning_together_are_a_line(self) -> None:
        assert is_lead_like([Note(60, float(beat), 4.0, 80) for beat in range(64)])


class TestLeadLike:
    def test_a_line_of_64_notes_is_lead_like(self) -> None:
        assert is_lead_like(exercise(MIN_NOTES))

    def test_a_line_of_63_notes_is_too_short(self) -> None:
        assert not is_lead_like(exercise(MIN_NOTES - 1))

    def test_chords_are_not_lead_like(self) -> None:
        assert not is_lead_like(chords(64))

    def test_each_note_of_a_chord_counts_towards_the_median(self) -> None:
        notes = [*line(*[60] * 60, step_beats=1.0), *(Note(64, float(beat), 1.0, 80) for beat in range(4))]
        assert is_lead_like(notes)
        assert not is_lead_like(notes[1:])

    @pytest.mark.parametrize(("key", "lead_like"), [(46, False), (47, True), (84, True), (85, False)])
    def test_only_a_median_pitch_in_the_range_is_lead_like(self, key: int, *, lead_like: bool) -> None:
        assert is_lead_like(exercise(72, key)) is lead_like  # whose median lies 5.5 above its key

    def test_an_empty_track_is_never_lead_like(self) -> None:
        assert not is_lead_like([], min_notes=0)
