import numpy as np
import pytest

from model.improvising.forecast import AllowedPitches, Forecast, Grammar, NoLongRepeats, keep_some
from model.improvising.forecast_point import ForecastPoint
from model.improvising.novelty import Novelty, Outline
from model.improvising.sampling_settings import SamplingSettings
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
