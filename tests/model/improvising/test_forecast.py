from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from model.harmony.changes import ChartChanges
from model.harmony.notations.text_chart import read_text_chart
from model.harmony.preference.chord_preference import BY_INTERVAL_SIZE, BY_NEXT_SIZE, BY_PLACE_SIZE, ChordPreference
from model.improvising.forecast import (
    HELD_FOREIGN,
    HELD_OVER_BEATS,
    PARALLEL_WEIGHT,
    PAST_LINE_WEIGHT,
    STRONG_BEATS,
    TIME_TEMPERATURE,
    AllowedPitches,
    ChordNotes,
    Forecast,
    Grammar,
    NoLongRepeats,
    ParallelTimes,
    TimesToChanges,
    TimesToLines,
    VariedTimes,
    keep_some,
)
from model.improvising.forecast_point import ForecastPoint
from model.improvising.novelty import Novelty, Outline
from model.improvising.sampling_settings import SamplingSettings
from model.phrasing.parallel_rhythm import ParallelRhythm
from model.tokens.time_bins import musical_bins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary

SCALE = [60, 62, 64, 65, 67, 69, 71, 72, 74, 76]
PITCH_WORDS = PitchVocabulary(tuple(range(48, 84)))
EVENT_WORDS = EventVocabulary(tuple(range(48, 84)), musical_bins(8))


def point(*outline: int, chord: tuple[int, ...] = ()) -> ForecastPoint:
    return ForecastPoint(4.0, 8.0, 5.0, chord, outline=list(outline))


def token(pitch: int) -> int:
    return PITCH_WORDS.pitches.index(pitch) + 1


class TestKeepSome:
    def test_weights_outside_the_mask_become_zero(self) -> None:
        weights = np.array([0.5, 0.25, 0.25])
        keep_some(weights, np.array([False, True, True]))
        assert weights.tolist() == [0.0, 0.25, 0.25]

    def test_a_mask_that_would_leave_nothing_changes_nothing(self) -> None:
        weights = np.array([0.5, 0.5, 0.0])
        keep_some(weights, np.array([False, False, True]))
        assert weights.tolist() == [0.5, 0.5, 0.0]


class TestGrammar:
    @pytest.mark.parametrize("vocabulary", [PITCH_WORDS, EVENT_WORDS])
    def test_at_a_new_onset_a_note_must_come(self, vocabulary: PitchVocabulary | EventVocabulary) -> None:
        weights = np.ones(vocabulary.size)
        Grammar(vocabulary, SamplingSettings()).apply(weights, point())
        assert np.flatnonzero(weights).tolist() == list(range(1, 37))

    def test_a_full_chord_is_followed_by_a_time(self) -> None:
        weights = np.ones(EVENT_WORDS.size)
        Grammar(EVENT_WORDS, SamplingSettings(max_chord=2)).apply(weights, point(chord=(60, 64)))
        assert np.flatnonzero(weights).tolist() == list(range(37, 45))


# Over any chord, its root is ten times as likely as any other note; the point of the tests is off the beat, over a dominant chord.
ROOT_LIKED = ChordPreference(
    tuple(np.log(10.0) if index % 12 == 0 else 0.0 for index in range(BY_PLACE_SIZE)),
    (0.0,) * BY_NEXT_SIZE,
    (0.0,) * BY_INTERVAL_SIZE,
)
CHANGES = ChartChanges(read_text_chart("| F7 | Bb7 |"))


class TestChordNotes:
    @pytest.mark.parametrize(("harmony", "ratio"), [(0.5, 10.0), (1.0, 100.0), (0.25, 10.0**0.5)])
    def test_what_the_chord_makes_likely_is_likelier_by_the_strength_of_the_control(
        self, harmony: float, ratio: float
    ) -> None:
        weights = np.ones(PITCH_WORDS.size)
        settings = SamplingSettings(changes=CHANGES, chord_preference=ROOT_LIKED, harmony=harmony)
        ChordNotes(PITCH_WORDS, ROOT_LIKED, CHANGES, settings).apply(weights, point())
        # At beat 5 the chord is Bb7.
        assert weights[token(70)] / weights[token(71)] == pytest.approx(ratio)
        assert weights[token(58)] == weights[token(70)]

    def test_on_strong_beats_it_counts_more(self) -> None:
        settings = SamplingSettings(changes=CHANGES, chord_preference=ROOT_LIKED)
        for beat, strength in ((4.0, STRONG_BEATS), (5.0, 1.0), (5.5, 1.0), (6.0, STRONG_BEATS)):
            weights = np.ones(PITCH_WORDS.size)
            ChordNotes(PITCH_WORDS, ROOT_LIKED, CHANGES, settings).apply(weights, ForecastPoint(4.0, 8.0, beat))
            assert weights[token(70)] / weights[token(71)] == pytest.approx(10.0**strength)
        assert STRONG_BEATS > 1.0

    @pytest.mark.parametrize("of_place", [0.0, 0.5, 2.0])
    def test_a_table_counts_as_much_as_in_the_song(self, of_place: float) -> None:
        weights = np.ones(PITCH_WORDS.size)
        song = (of_place, 1.0, 1.0)
        settings = SamplingSettings(changes=CHANGES, chord_preference=ROOT_LIKED, song_strengths=song)
        ChordNotes(PITCH_WORDS, ROOT_LIKED, CHANGES, settings).apply(weights, point())
        assert weights[token(70)] / weights[token(71)] == pytest.approx(10.0**of_place)

    def test_notes_and_times_keep_their_shares(self) -> None:
        weights = np.random.default_rng(1).random(EVENT_WORDS.size)
        before = weights.copy()
        settings = SamplingSettings(changes=CHANGES, chord_preference=ROOT_LIKED)
        ChordNotes(EVENT_WORDS, ROOT_LIKED, CHANGES, settings).apply(weights, point())
        assert weights[1:37].sum() == pytest.approx(before[1:37].sum())
        assert weights[37:].tolist() == before[37:].tolist()

    def test_the_chord_is_that_of_the_notes_as_they_sound(self) -> None:
        weights = np.ones(PITCH_WORDS.size)
        settings = SamplingSettings(changes=CHANGES, chord_preference=ROOT_LIKED, transpose=2)
        ChordNotes(PITCH_WORDS, ROOT_LIKED, CHANGES, settings).apply(weights, point())
        assert int(np.argmax(weights)) == token(56)

    @pytest.mark.parametrize(
        ("end_beats", "ratio"), [(8.0, 10.0), (8.25, 10.0), (8.5, 10.0 * HELD_FOREIGN), (None, 10.0)]
    )
    def test_a_note_that_is_held_over_a_change_rather_is_one_of_the_chord_that_comes(
        self, end_beats: float | None, ratio: float
    ) -> None:
        weights = np.ones(PITCH_WORDS.size)
        settings = SamplingSettings(changes=CHANGES, chord_preference=ROOT_LIKED)
        held = ForecastPoint(4.0, 12.0, 7.5, end_beats=end_beats)
        ChordNotes(PITCH_WORDS, ROOT_LIKED, CHANGES, settings).apply(weights, held)
        # B flat, the root of the present chord, is foreign to the F7 that comes; A is its third.
        assert weights[token(70)] / weights[token(69)] == pytest.approx(ratio)

    def test_a_note_before_any_chord_that_is_held_into_one_belongs_to_it(self) -> None:
        weights = np.ones(PITCH_WORDS.size)
        changes = ChartChanges(read_text_chart("| N.C. | F7 |"))
        settings = SamplingSettings(changes=changes, chord_preference=ROOT_LIKED)
        held = ForecastPoint(0.0, 12.0, 3.5, end_beats=5.0)
        ChordNotes(PITCH_WORDS, ROOT_LIKED, changes, settings).apply(weights, held)
        assert weights[token(70)] / weights[token(69)] == pytest.approx(HELD_FOREIGN)

    @pytest.mark.parametrize(
        "settings",
        [
            SamplingSettings(changes=CHANGES),
            SamplingSettings(chord_preference=ROOT_LIKED),
            SamplingSettings(changes=CHANGES, chord_preference=ROOT_LIKED, harmony=0.0),
            SamplingSettings(changes=ChartChanges(read_text_chart("| N.C. C |")), chord_preference=ROOT_LIKED),
        ],
    )
    def test_without_chords_without_tables_or_at_no_harmony_nothing_changes(self, settings: SamplingSettings) -> None:
        draws = [
            Forecast(PITCH_WORDS, chosen).draw(np.ones(PITCH_WORDS.size), point(), 0.4)
            for chosen in (settings, SamplingSettings())
        ]
        assert draws[0] == draws[1]


class TestTimesToChanges:
    def times_after(self, pitch: int, beat: float, harmony: float = 0.5) -> dict[float, float]:
        """By the beats to the next onset, how much likelier that is after a note."""
        weights = np.ones(EVENT_WORDS.size)
        settings = SamplingSettings(changes=CHANGES, chord_preference=ROOT_LIKED, harmony=harmony)
        now = ForecastPoint(0.0, 16.0, beat, chord=(pitch,))
        TimesToChanges(EVENT_WORDS, CHANGES, settings).apply(weights, now)
        times = weights[EVENT_WORDS.first_time_token :]
        assert times.sum() == pytest.approx(len(EVENT_WORDS.bins))
        assert weights[: EVENT_WORDS.first_time_token].tolist() == [1.0] * EVENT_WORDS.first_time_token
        return dict(zip(EVENT_WORDS.bins.shifts, times / times[0], strict=True))

    @pytest.mark.parametrize(("harmony", "weight"), [(0.5, HELD_FOREIGN), (1.0, HELD_FOREIGN**2)])
    def test_a_note_that_is_foreign_to_the_chord_that_comes_is_seldom_held_over_the_change(
        self, harmony: float, weight: float
    ) -> None:
        for beats, ratio in self.times_after(70, 7.5, harmony).items():
            assert ratio == pytest.approx(weight if beats >= 0.5 + HELD_OVER_BEATS else 1.0)

    def test_one_that_it_has_and_one_that_cannot_reach_it_are_held_as_before(self) -> None:
        assert set(self.times_after(69, 7.5).values()) == {1.0}
        assert set(self.times_after(70, 4.0, 0.5).values()) == {1.0}

    def test_a_chord_that_goes_on_is_no_change_where_its_form_begins_again(self) -> None:
        vamp = ChartChanges(read_text_chart("| F7 |"))
        settings = SamplingSettings(changes=vamp, chord_preference=ROOT_LIKED)
        times = np.ones(EVENT_WORDS.size)
        TimesToChanges(EVENT_WORDS, vamp, settings).apply(times, ForecastPoint(0.0, 16.0, 3.5, chord=(70,)))
        assert times.tolist() == [1.0] * EVENT_WORDS.size
        held, short = np.ones(PITCH_WORDS.size), np.ones(PITCH_WORDS.size)
        for weights, end_beats in ((held, 4.5), (short, 4.0)):
            point = ForecastPoint(0.0, 16.0, 3.5, end_beats=end_beats)
            ChordNotes(PITCH_WORDS, ROOT_LIKED, vamp, settings).apply(weights, point)
        assert held.tolist() == short.tolist()


class TestVariedTimes:
    def test_times_become_more_alike_and_are_together_as_likely_as_before(self) -> None:
        weights = np.ones(EVENT_WORDS.size)
        times = slice(EVENT_WORDS.first_time_token, None)
        weights[EVENT_WORDS.first_time_token] = 8.0
        before = weights.copy()
        VariedTimes(EVENT_WORDS).apply(weights, point(chord=(60,)))
        assert weights[times].sum() == pytest.approx(before[times].sum())
        assert weights[times].max() / weights[times].min() == pytest.approx(8.0 ** (1.0 / TIME_TEMPERATURE))
        assert (weights[: EVENT_WORDS.first_time_token] == 1.0).all()

    def test_after_a_riff_times_are_as_likely_as_they_were(self) -> None:
        weights = np.ones(EVENT_WORDS.size)
        weights[EVENT_WORDS.first_time_token] = 8.0
        before = weights.copy()
        VariedTimes(EVENT_WORDS, self_quoting=1.0).apply(weights, point(chord=(60,)))
        assert weights == pytest.approx(before)

    def test_before_the_first_note_of_an_onset_and_without_any_time_nothing_changes(self) -> None:
        for value, at in ((1.0, point()), (0.0, point(chord=(60,)))):
            weights = np.full(EVENT_WORDS.size, value)
            weights[1] *= 2.0
            weights[EVENT_WORDS.first_time_token] *= 2.0
            before = weights.copy()
            VariedTimes(EVENT_WORDS).apply(weights, at)
            assert (weights == before).all()


class TestParallelTimes:
    """A phrase of two quarters and four eighths in each bar, over an answer from beat 4 on."""

    PARALLEL = ParallelRhythm((0.0, 1.0, 2.0, 2.5, 3.0, 3.5), (0.5,) * 6, 4.0, 4.0, 4.0)
    QUARTER = EVENT_WORDS.first_time_token + EVENT_WORDS.bins.index(1.0)

    def weighted(
        self, onset_beats: float, *, last_bar_beats: float, chord: tuple[int, ...] = (60,)
    ) -> npt.NDArray[np.float64]:
        weights = np.ones(EVENT_WORDS.size)
        at = ForecastPoint(4.0, 12.0, onset_beats, chord)
        ParallelTimes(EVENT_WORDS, self.PARALLEL, last_bar_beats).apply(weights, at)
        return weights

    def test_in_the_last_bar_the_time_to_the_phrases_next_onset_is_likelier(self) -> None:
        weights = self.weighted(8.0, last_bar_beats=8.0)
        times = weights[EVENT_WORDS.first_time_token :]
        assert weights[self.QUARTER] / times.min() == pytest.approx(PARALLEL_WEIGHT)
        assert times.sum() == pytest.approx(len(EVENT_WORDS.bins))
        assert (weights[: EVENT_WORDS.first_time_token] == 1.0).all()

    def test_before_it_in_bars_that_keep_to_the_rhythm(self) -> None:
        keeps = {seed: replace(self.PARALLEL, random_seed=seed).keeps_to_bar(4.0) for seed in range(20)}
        assert set(keeps.values()) == {True, False}
        for seed, is_kept in keeps.items():
            factor = ParallelTimes(EVENT_WORDS, replace(self.PARALLEL, random_seed=seed), 8.0)
            weights = np.ones(EVENT_WORDS.size)
            factor.apply(weights, ForecastPoint(4.0, 12.0, 4.0, (60,)))
            assert (weights[self.QUARTER] > 1.0) == is_kept

    def test_between_the_phrases_onsets_and_before_a_note_nothing_changes(self) -> None:
        assert (self.weighted(9.5, last_bar_beats=8.0) == 1.0).all()
        assert (self.weighted(8.0, last_bar_beats=8.0, chord=()) == 1.0).all()

    def test_and_the_time_of_an_earlier_bar_of_the_answer_in_bars_that_keep_to_that(self) -> None:
        played = [4.0, 6.0]  # where the phrase has quarters, the answer has a half
        half = EVENT_WORDS.first_time_token + EVENT_WORDS.bins.index(2.0)
        found: set[tuple[bool, bool]] = set()
        for seed in range(60):
            factor = ParallelTimes(EVENT_WORDS, replace(self.PARALLEL, random_seed=seed), 20.0)
            weights = np.ones(EVENT_WORDS.size)
            factor.apply(weights, ForecastPoint(4.0, 24.0, 8.0, (60,), onsets=played))
            found.add((weights.item(half) > 1.0, weights.item(self.QUARTER) > 1.0))
        assert found == {(True, False), (False, True), (False, False)}

    def test_but_not_in_the_last_bar_which_rhymes_with_the_phrase(self) -> None:
        for seed in range(60):
            factor = ParallelTimes(EVENT_WORDS, replace(self.PARALLEL, random_seed=seed), 8.0)
            weights = np.ones(EVENT_WORDS.size)
            factor.apply(weights, ForecastPoint(4.0, 12.0, 8.0, (60,), onsets=[4.0, 6.0]))
            assert weights[self.QUARTER] > 1.0


class TestTimesToLines:
    """A phrase that begins each bar with an onset, over an answer from beat 4 on, with its last bar from beat 12."""

    PARALLEL = ParallelRhythm((0.0, 1.0), (0.5, 0.5), 4.0, 4.0, 4.0, on_lines=1.0)

    def weights_at(
        self, onset_beats: float, parallel: ParallelRhythm = PARALLEL, chord: tuple[int, ...] = (60,)
    ) -> npt.NDArray[np.float64]:
        weights = np.ones(EVENT_WORDS.size)
        TimesToLines(EVENT_WORDS, parallel, 12.0).apply(weights, ForecastPoint(4.0, 16.0, onset_beats, chord))
        return weights

    def test_times_past_the_next_line_are_less_likely(self) -> None:
        times = self.weights_at(6.5)[EVENT_WORDS.first_time_token :]
        is_past = np.array(EVENT_WORDS.bins.shifts) > 1.5
        assert set(is_past.tolist()) == {True, False}
        assert np.ptp(times[is_past]) == np.ptp(times[~is_past]) == 0.0
        assert times[is_past][0] / times[~is_past][0] == pytest.approx(PAST_LINE_WEIGHT)
        assert times.sum() == pytest.approx(len(EVENT_WORDS.bins))

    def test_the_line_itself_is_not_past_it_also_after_an_onset_a_little_late(self) -> None:
        for late_beats in (0.0, 0.03, -0.03):
            times = self.weights_at(7.0 + late_beats)[EVENT_WORDS.first_time_token :]
            assert times[EVENT_WORDS.bins.index(1.0)] == times.max()

    def test_less_so_where_fewer_bars_of_the_phrase_begin_with_an_onset(self) -> None:
        times = self.weights_at(7.5, replace(self.PARALLEL, on_lines=0.5))[EVENT_WORDS.first_time_token :]
        assert times.min() / times.max() == pytest.approx(PAST_LINE_WEIGHT**0.5)

    def test_notes_stay_as_likely_and_in_the_last_bar_and_before_a_note_nothing_changes(self) -> None:
        assert (self.weights_at(7.5)[: EVENT_WORDS.first_time_token] == 1.0).all()
        assert (self.weights_at(12.0) == 1.0).all()
        assert (self.weights_at(7.5, chord=()) == 1.0).all()


class TestNoLongRepeats:
    SETTINGS = SamplingSettings(novelty=Novelty([Outline(SCALE)], max_share=0.0))

    def test_a_pitch_that_repeats_too_much_has_no_weight(self) -> None:
        weights = np.ones(PITCH_WORDS.size)
        NoLongRepeats(PITCH_WORDS, self.SETTINGS).apply(weights, point(*SCALE[:9]))
        assert np.flatnonzero(weights == 0.0).tolist() == [token(SCALE[9])]

    def test_the_second_note_of_a_chord_is_free(self) -> None:
        weights = np.ones(EVENT_WORDS.size)
        NoLongRepeats(EVENT_WORDS, self.SETTINGS).apply(weights, point(*SCALE[:9], chord=(60,)))
        assert (weights == 1.0).all()

    def test_at_least_one_token_always_remains(self) -> None:
        weights = np.zeros(PITCH_WORDS.size)
        weights[token(SCALE[9])] = 0.5
        NoLongRepeats(PITCH_WORDS, self.SETTINGS).apply(weights, point(*SCALE[:9]))
        assert weights[token(SCALE[9])] == 0.5


class TestForecast:
    def test_a_pitch_that_is_not_allowed_is_not_drawn(self) -> None:
        forecast = Forecast(PITCH_WORDS, SamplingSettings(pitches=frozenset({62})))
        assert forecast.draw(np.ones(PITCH_WORDS.size), point(), 0.99) == token(62)

    def test_where_no_allowed_pitch_can_be_played_all_can(self) -> None:
        weights = np.ones(PITCH_WORDS.size)
        AllowedPitches(PITCH_WORDS, frozenset({1})).apply(weights, point())
        assert (weights == 1.0).all()

    def test_the_only_token_with_weight_is_drawn(self) -> None:
        weights = np.zeros(EVENT_WORDS.size)
        weights[[token(60), EVENT_WORDS.first_time_token]] = 0.1, 0.9
        assert Forecast(EVENT_WORDS, SamplingSettings()).draw(weights, point(), 0.5) == token(60)
