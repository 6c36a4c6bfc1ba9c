"""An answer rests about as much as the phrase did."""

import pytest

from model.analysis.bars import COMMON_BARS
from model.notes import Note
from model.phrasing.touch import HeardPhrase, NotePlace, learn_touch, rest_share_of
from model.phrasing.touch_profile import TouchProfile
from tests.music import line


def test_the_rests_of_a_phrase_are_counted_from_its_first_bar_line_to_its_last_end() -> None:
    # A beat of rest before the first note, and half a beat after each of four but the last: 2.5 of 4.5 beats.
    notes = [Note(60, 1.0 + index, 0.5, 80) for index in range(4)]
    assert rest_share_of(HeardPhrase(notes, COMMON_BARS)) == pytest.approx(2.5 / 4.5)
    assert rest_share_of(HeardPhrase(notes, None)) == pytest.approx(1.5 / 3.5)


def test_a_chord_sounds_as_long_as_its_longest_note() -> None:
    notes = [Note(60, 0.0, 0.5, 80), Note(64, 0.0, 1.0, 80), Note(67, 2.0, 2.0, 80)]
    assert rest_share_of(HeardPhrase(notes, COMMON_BARS)) == 0.25


def test_while_a_note_is_held_the_rests_are_not_known() -> None:
    assert rest_share_of(HeardPhrase([Note(60, 0.0, 0.0, 80)], COMMON_BARS)) is None
    assert rest_share_of(HeardPhrase([], COMMON_BARS)) is None


def test_of_the_lengths_that_the_player_plays_the_one_is_chosen_that_leaves_the_rest_owed() -> None:
    detached = [Note(60, float(beat), 0.5 if beat < 4 else 1.0, 80) for beat in range(8)]
    touch = learn_touch([HeardPhrase(detached, COMMON_BARS)], None)
    place = NotePlace(8.0, 1.0, 60, 0.5, COMMON_BARS, 7.0)
    assert {touch.feel(place, chance / 10, 0.0).share for chance in range(10)} == {1.0}
    assert {touch.feel(place, chance / 10, 0.4).share for chance in range(10)} == {0.5}


def test_where_much_rest_is_owed_a_note_may_be_as_short_as_in_the_packs_music() -> None:
    profile = TouchProfile(None, 4.0, ((1.0,), (1.0,), (1.0,), (0.25, 1.0), (1.0,)))
    touch = learn_touch([HeardPhrase(line(*range(60, 68), step_beats=1.0), COMMON_BARS)], profile)
    place = NotePlace(8.0, 2.0, 60, 0.5, COMMON_BARS, 7.0)
    assert touch.feel(place, 0.5, 1.5).share == 1.0
    assert touch.feel(place, 0.5, 2.0).share == 0.25
