import pytest

from model.lead import MIN_NOTES, is_lead_like, lead_of, monophonic_share
from model.notes import Note
from tests.music import exercise, line


def chords(count: int) -> list[Note]:
    return [Note(pitch, float(beat), 1.0, 80) for beat in range(count) for pitch in (60, 64)]


class TestMonophonicShare:
    def test_a_line_has_one_note_at_each_onset(self) -> None:
        assert monophonic_share(line(60, 62, 64)) == 1.0

    def test_one_chord_of_four_onsets_leaves_three_quarters(self) -> None:
        assert monophonic_share([*line(60, 62, 64, 65), Note(67, 0.0, 1.0, 80)]) == 0.75

    def test_notes_that_overlap_without_beginning_together_are_still_a_line(self) -> None:
        assert monophonic_share([Note(60, 0.0, 4.0, 80), Note(62, 1.0, 4.0, 80)]) == 1.0

    def test_nothing_has_no_share(self) -> None:
        assert monophonic_share([]) == 0.0


class TestLeadLike:
    def test_a_line_of_64_notes_is_one(self) -> None:
        assert is_lead_like(exercise(MIN_NOTES))

    def test_a_note_less_is_too_short(self) -> None:
        assert not is_lead_like(exercise(MIN_NOTES - 1))

    def test_chords_are_none_unless_asked_for(self) -> None:
        assert not is_lead_like(chords(64))
        assert is_lead_like(chords(64), min_monophonic_share=0.0)

    @pytest.mark.parametrize(("key", "lead_like"), [(46, False), (47, True), (84, True), (85, False)])
    def test_a_bass_and_a_piccolo_are_none(self, key: int, *, lead_like: bool) -> None:
        assert is_lead_like(exercise(72, key)) is lead_like  # whose median lies 5.5 above its key

    def test_no_notes_are_none_however_few_are_asked_for(self) -> None:
        assert not is_lead_like([], min_notes=0)


class TestLeadOf:
    def test_it_is_the_lead_like_track_with_most_notes(self) -> None:
        tracks = [line(60, 62), line(60, 62, 64), chords(40), line(*range(30, 40))]
        assert lead_of(tracks) is tracks[1]

    def test_without_a_lead_like_one_it_is_the_track_with_most_notes(self) -> None:
        tracks = [chords(3), chords(4), line(30, 31)]
        assert lead_of(tracks) is tracks[1]

    def test_of_two_alike_it_is_the_first(self) -> None:
        tracks = [line(60, 62), line(72, 74)]
        assert lead_of(tracks) is tracks[0]

    def test_without_any_track_there_is_none(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            lead_of([])
