from collections.abc import Sequence
from statistics import fmean

import pytest

from model.analysis.bars import COMMON_BARS, Bars, Strength
from model.notes import Note
from model.phrasing.touch import HeardPhrase, NotePlace, NoteTouch, Touch, learn_touch
from model.phrasing.touch_profile import FEATURES, TouchProfile, loudness_features, loudness_of

CHANCES = [index / 20 for index in range(20)]
WHOLE = ((1.0,),) * 5
LOUD_DOWNBEATS = TouchProfile((1.0, *[0.0] * (len(FEATURES) - 1)), 4.0, ((0.5,), (0.5,), (0.5,), (0.25,), (0.25,)))
ACCENTS = {0.0: 110, 1.0: 80, 2.0: 95, 3.0: 80}


def place(
    onset_beats: float, gap_beats: float = 0.5, bars: Bars | None = COMMON_BARS, progress: float = 0.5
) -> NotePlace:
    return NotePlace(onset_beats, gap_beats, 60, progress, bars, onset_beats - 0.5)


def played(onsets: Sequence[float], share: float = 1.0, velocity: int = 80, late_beats: float = 0.0) -> HeardPhrase:
    gaps = [after - before for before, after in zip(onsets, [*onsets[1:], onsets[-1] + 1.0], strict=True)]
    notes = [Note(60, onset + late_beats, gap * share, velocity) for onset, gap in zip(onsets, gaps, strict=True)]
    return HeardPhrase(notes, COMMON_BARS)


def accented(bars: int = 4) -> HeardPhrase:
    notes = [Note(60 + index % 5, index / 2, 0.5, ACCENTS.get(index / 2 % 4, 64)) for index in range(8 * bars)]
    return HeardPhrase(notes, COMMON_BARS)


def mean_velocity(touch: Touch, onset_beats: float) -> float:
    return fmean(touch.feel(place(onset_beats), chance).velocity for chance in CHANCES)


class TestLoudness:
    def test_accents_of_one_phrase_are_played_at_their_places_of_the_bar(self) -> None:
        touch = learn_touch([accented()], None)
        assert mean_velocity(touch, 16.0) == pytest.approx(110, abs=6)
        assert mean_velocity(touch, 18.0) == pytest.approx(95, abs=6)
        assert mean_velocity(touch, 19.5) == pytest.approx(64, abs=6)

    @pytest.mark.parametrize("velocity", [1, 64, 127])
    def test_a_player_of_one_velocity_gets_one_velocity(self, velocity: int) -> None:
        touch = learn_touch([played([index / 2 for index in range(16)], velocity=velocity)], LOUD_DOWNBEATS)
        assert {touch.feel(place(beat), chance).velocity for beat in (0.0, 1.5) for chance in CHANCES} == {velocity}

    def test_where_little_was_heard_the_packs_accents_hold(self) -> None:
        uneven = [Note(60, 0.5, 0.5, 70), Note(60, 1.5, 0.5, 90)]
        touch = learn_touch([HeardPhrase(uneven, COMMON_BARS)], LOUD_DOWNBEATS)
        assert mean_velocity(touch, 4.0) > mean_velocity(touch, 4.5) + 5

    def test_a_weak_sixteenth_is_not_as_loud_as_the_beat_before_it(self) -> None:
        notes = [Note(60, index / 4, 0.25, 64 if index % 4 else 110) for index in range(64)]
        touch = learn_touch([HeardPhrase(notes, COMMON_BARS)], None)
        assert mean_velocity(touch, 17.0) == pytest.approx(110, abs=4)
        assert mean_velocity(touch, 17.25) == pytest.approx(64, abs=4)

    def test_a_phrase_without_bars_has_no_accents_by_place(self) -> None:
        touch = learn_touch([HeardPhrase(accented().notes, None)], LOUD_DOWNBEATS)
        assert touch.slots == {}
        assert mean_velocity(touch, 16.0) - mean_velocity(touch, 16.5) < 21  # the pack's alone

    def test_where_the_player_has_no_note_loudness_varies_half_as_much_as_theirs(self) -> None:
        uneven = [Note(60, index / 1.0, 1.0, 60 + 17 * index % 29) for index in range(16)]
        touch = learn_touch([HeardPhrase(uneven, COMMON_BARS)], None)
        between = [touch.feel(place(16.5), chance).velocity for chance in CHANCES]
        assert max(between) - min(between) == pytest.approx((touch.residuals[-1] - touch.residuals[0]) / 2, abs=1)

    def test_velocities_stay_within_midi(self) -> None:
        loud = [Note(60, index / 2, 0.5, 127 if index % 2 else 1) for index in range(16)]
        touch = learn_touch([HeardPhrase(loud, COMMON_BARS)], LOUD_DOWNBEATS)
        velocities = [touch.feel(place(beat / 2), chance).velocity for beat in range(8) for chance in CHANCES]
        assert 1 <= min(velocities) <= max(velocities) <= 127

    def test_the_mean_is_that_of_the_latest_phrase(self) -> None:
        soft = played([0.0, 1.0, 2.0], velocity=30)
        loud = played([4.0, 5.0, 6.0], velocity=90)
        assert learn_touch([soft, loud], None).mean_velocity == 90


class TestLengths:
    def test_detached_notes_are_answered_by_detached_notes(self) -> None:
        touch = learn_touch([played([index / 2 for index in range(12)], share=0.4)], None)
        assert [touch.feel(place(8.0), chance).share for chance in CHANCES] == pytest.approx([0.4] * len(CHANCES))

    def test_long_gaps_are_filled_as_long_gaps_were(self) -> None:
        notes = [
            *(Note(60, index / 2, 0.5, 80) for index in range(8)),
            Note(60, 4.0, 0.5, 80),
            Note(60, 6.0, 0.5, 80),
            Note(60, 8.0, 1.0, 80),
        ]
        touch = learn_touch([HeardPhrase(notes, COMMON_BARS)], None)
        assert touch.feel(place(12.0, 0.5), 0.0).share == 1.0
        assert touch.feel(place(12.0, 2.0), 0.0).share == 0.25

    def test_a_note_of_ten_seconds_tells_no_share_of_a_gap_that_long(self) -> None:
        touch = learn_touch([HeardPhrase([Note(60, 0.0, 25.0, 80), Note(62, 30.0, 0.5, 80)], COMMON_BARS)], None)
        assert touch.feel(place(40.0), 0.3) == NoteTouch(80)

    def test_lengths_on_a_grid_are_answered_on_that_grid(self) -> None:
        notes = [Note(60, float(index), 0.75 if index % 2 else 0.5, 80) for index in range(12)]
        touch = learn_touch([HeardPhrase(notes, COMMON_BARS)], None)
        assert touch.length_grid_beats == 0.25
        lengths = {1.5 * touch.feel(place(16.0 + beat, 1.5), chance).share for chance in CHANCES for beat in range(4)}
        assert lengths
        assert all(length % 0.25 == pytest.approx(0.0) for length in lengths)

    def test_on_a_grid_of_lengths_a_note_may_also_be_held_to_the_next_one(self) -> None:
        touch = learn_touch([played([float(beat) for beat in range(12)])], None)
        assert touch.length_grid_beats == 0.5
        assert touch.feel(place(16.0, 1 / 3), 0.5).share == 1.0
        assert touch.on_length_grid(0.99, 2 / 3) == 1.0

    def test_lengths_as_played_by_hand_are_on_no_grid(self) -> None:
        notes = [Note(60, float(index), 0.5 + index * 0.037, 80) for index in range(12)]
        assert learn_touch([HeardPhrase(notes, COMMON_BARS)], None).length_grid_beats is None

    def test_a_few_notes_show_no_grid(self) -> None:
        assert learn_touch([played([0.0, 1.0, 2.0])], None).length_grid_beats is None

    def test_rests_that_are_owed_are_on_the_grid_too(self) -> None:
        profile = TouchProfile(None, 4.0, ((0.3, 0.62),) * 5)
        touch = learn_touch([played([float(beat) for beat in range(0, 24, 2)], share=0.5)], profile)
        for owed_beats in (0.7, 1.2):
            share = touch.feel(place(24.0, 2.0), 0.5, owed_beats).share
            assert 2.0 * share == pytest.approx(round(2.0 * share))

    def test_a_chord_is_one_onset(self) -> None:
        chords = [Note(pitch, float(beat), 0.5, 80) for beat in range(6) for pitch in (60, 64, 67)]
        touch = learn_touch([HeardPhrase(chords, COMMON_BARS)], None)
        assert {touch.feel(place(8.0, 1.0), chance).share for chance in CHANCES} == {0.5}


class TestPack:
    def test_from_the_pack_only_the_mean_loudness_is_the_players(self) -> None:
        touch = learn_touch([accented()], LOUD_DOWNBEATS, from_player=False)
        assert touch.feel(place(16.5), 0.0).share == 0.5
        assert mean_velocity(touch, 16.0) - mean_velocity(touch, 16.5) == pytest.approx(16.5, abs=3)

    def test_a_pack_without_a_profile_changes_nothing(self) -> None:
        touch = learn_touch([accented()], None, from_player=False)
        assert {touch.feel(place(beat), 0.7) for beat in (0.0, 0.5)} == {NoteTouch(round(touch.mean_velocity))}

    def test_before_anything_was_played_there_is_a_usual_loudness(self) -> None:
        assert learn_touch([], None).feel(place(0.0), 0.5) == NoteTouch(80)

    def test_a_profile_with_a_wrong_number_of_values_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="coefficients of loudness"):
            TouchProfile((1.0,), 4.0, WHOLE)
        with pytest.raises(ValueError, match="classes of gaps"):
            TouchProfile(None, 4.0, ((1.0,),))


def test_one_note_is_a_phrase_like_any_other() -> None:
    assert (
        learn_touch([HeardPhrase([Note(60, 3.0, 1.0, 44)], None)], LOUD_DOWNBEATS).feel(place(4.0), 0.9).velocity == 44
    )


def test_a_touch_that_was_asked_before_answers_as_a_new_one() -> None:
    phrase = HeardPhrase(
        [
            Note(60, onset, 0.1 + index % 5 * 0.1, 80)
            for index, onset in enumerate([0.0, 0.5, 1.5, 1.75, 2.0, 3.0, 4.5])
        ],
        COMMON_BARS,
    )
    asked = learn_touch([phrase], LOUD_DOWNBEATS)
    # More gaps than are kept, and each asked twice.
    places = [place(onset, 0.1 + index / 200) for index in range(150) for onset in (0.0, 1.5)]
    for _ in range(2):
        for where in places:
            for owed_beats in (None, 0.1, 1.0):
                fresh = learn_touch([phrase], LOUD_DOWNBEATS)
                assert asked.feel(where, 0.3, owed_beats) == fresh.feel(where, 0.3, owed_beats)


@pytest.mark.parametrize("strength", list(Strength))
def test_the_loudness_of_a_note_is_the_sum_of_its_features_by_their_coefficients(strength: Strength) -> None:
    coefficients = tuple(1.5 * number - 4.0 for number in range(len(FEATURES)))
    note = strength, 0.3, -0.75, 0.4
    expected = sum(map(float.__mul__, coefficients, loudness_features(*note)))
    assert loudness_of(coefficients, *note) == pytest.approx(expected)
