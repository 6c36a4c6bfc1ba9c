import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.analysis.lead import MIN_NOTES, find_lead, is_lead_like, is_lead_line
from model.notes import Note
from tests.music import exercise, line


def chords(count: int) -> list[Note]:
    return [Note(pitch, float(beat), 1.0, 80) for beat in range(count) for pitch in (60, 64)]


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

    @given(st.lists(st.tuples(st.integers(0, 9), st.integers(40, 100)), max_size=80), st.integers(0, 70))
    def test_arrays_give_the_same_result_as_notes(self, played: list[tuple[int, int]], min_notes: int) -> None:
        notes = [Note(pitch, float(beat), 1.0, 80) for beat, pitch in played]
        onsets, pitches = np.array([[beat, pitch] for beat, pitch in played], np.float64).reshape(-1, 2).T
        assert is_lead_line(onsets, pitches, min_notes) is is_lead_like(notes, min_notes)

    @pytest.mark.parametrize(("key", "lead_like"), [(46, False), (47, True), (84, True), (85, False)])
    def test_only_a_median_pitch_in_the_range_is_lead_like(self, key: int, *, lead_like: bool) -> None:
        assert is_lead_like(exercise(72, key)) is lead_like  # whose median lies 5.5 above its key

    def test_an_empty_track_is_never_lead_like(self) -> None:
        assert not is_lead_like([], min_notes=0)


class TestFindLead:
    def test_the_lead_like_track_with_most_notes_is_the_lead(self) -> None:
        tracks = [line(60, 62), line(60, 62, 64), chords(40), line(*range(30, 40))]
        assert find_lead(tracks) is tracks[1]

    def test_without_a_lead_like_track_the_track_with_most_notes_is_the_lead(self) -> None:
        tracks = [chords(3), chords(4), line(30, 31)]
        assert find_lead(tracks) is tracks[1]

    def test_of_two_equal_tracks_the_first_is_the_lead(self) -> None:
        tracks = [line(60, 62), line(72, 74)]
        assert find_lead(tracks) is tracks[0]

    def test_no_track_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            find_lead([])
