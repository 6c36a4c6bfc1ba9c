from dataclasses import replace
from itertools import count
from random import Random

import numpy as np
import pytest

from model.analysis.bars import COMMON_BARS
from model.analysis.scale import parse_key
from model.approach import APPROACHES, Approach
from model.improvising.closing import Closing
from model.improvising.forecast_point import ForecastPoint
from model.improvising.improviser import PlannedNote, create_improviser
from model.improvising.sampling_settings import SamplingSettings
from model.notes import CHORD_BEATS
from model.phrasing.phrase_ends import Ending
from model.tokens.time_bins import musical_bins
from model.tokens.vocabulary import EventVocabulary
from tests.engines import RandomEngine
from tests.phrasings import ENDS
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS, VOCABULARIES

ENDING = Ending(ENDS, COMMON_BARS, 16.0, 32.0, ENDS.stability(parse_key("C"), "full"))
ANSWERS = 60


def answers(approach: Approach, ending: Ending | None, breath_beats: float = 0.0) -> list[list[PlannedNote]]:
    closing_beats = max(1.0, 2 * breath_beats)
    if ending is not None:
        ending = replace(ending, breath_beats=breath_beats, closing_beats=closing_beats)
    settings = SamplingSettings(closing_beats=closing_beats, ending=ending)
    vocabulary = VOCABULARIES[approach]
    improviser = create_improviser(RandomEngine(vocabulary.size, 3), vocabulary)
    return [list(improviser.compose(16.0, 32.0, settings, Random(seed))) for seed in range(ANSWERS)]


@pytest.mark.parametrize("approach", APPROACHES)
class TestAnswers:
    def test_more_of_them_end_on_the_first_beat_of_the_last_bar(self, approach: Approach) -> None:
        def on_first_beat(ending: Ending | None) -> int:
            lasts = [answer[-1].note.onset_beats for answer in answers(approach, ending)]
            return sum(abs(onset - 28.0) < CHORD_BEATS for onset in lasts)

        assert on_first_beat(None) == 0
        assert on_first_beat(ENDING) >= 0.1 * ANSWERS

    def test_more_of_them_end_on_the_tonic(self, approach: Approach) -> None:
        def on_tonic(ending: Ending | None) -> int:
            return sum(answer[-1].note.pitch % 12 == 0 for answer in answers(approach, ending))

        assert on_tonic(ENDING) > 1.5 * on_tonic(None)

    def test_none_ends_before_its_last_bar(self, approach: Approach) -> None:
        assert all(answer[-1].note.onset_beats >= 28.0 - CHORD_BEATS for answer in answers(approach, ENDING))

    def test_none_sounds_into_the_breath(self, approach: Approach) -> None:
        ended = answers(approach, ENDING, breath_beats=1.0)
        assert max(answer[-1].note.end_beats for answer in ended) <= 31.0
        assert not any(answer[-1].fills_gap for answer in ended)

    def test_the_same_numbers_give_the_same_answers(self, approach: Approach) -> None:
        assert [[note.note for note in answer] for answer in answers(approach, ENDING)] == [
            [note.note for note in answer] for answer in answers(approach, ENDING)
        ]


class TestFactor:
    def test_before_the_last_bar_pitches_keep_their_weights(self) -> None:
        weights = np.ones(PITCH_WORDS.size)
        Closing(PITCH_WORDS, ENDING).apply(weights, ForecastPoint(16.0, 32.0, 27.5))
        assert (weights == 1.0).all()

    def test_in_the_last_bar_pitches_are_weighted_by_the_chance_of_an_end(self) -> None:
        weights = np.ones(PITCH_WORDS.size)
        Closing(PITCH_WORDS, ENDING).apply(weights, ForecastPoint(16.0, 32.0, 28.0))
        tonic = 1 + PITCH_WORDS.pitches.index(next(pitch for pitch in count(60) if pitch % 12 == 0))
        chance = ENDS.first_half[4]
        assert weights[tonic] == pytest.approx(1 - chance + chance * ENDING.weight_of(60))

    def test_the_times_that_end_get_the_chance_of_an_end(self) -> None:
        words = EventVocabulary(EVENT_WORDS.pitches, musical_bins(16))
        weights = np.ones(words.size)
        closing = Closing(words, ENDING, closing_beats=1.0)
        closing.apply(weights, ForecastPoint(16.0, 32.0, 28.0, chord=(62,)))
        times = weights[words.first_time_token :]
        ends = np.array(words.bins.shifts) > 3.0
        assert ends.any()
        assert times[ends].sum() / times.sum() == pytest.approx(closing.chance_after(28.0, 62))

    def test_times_that_pass_the_last_bar_line_are_less_likely(self) -> None:
        weights = np.ones(EVENT_WORDS.size)
        Closing(EVENT_WORDS, ENDING).apply(weights, ForecastPoint(16.0, 32.0, 27.5, chord=(62,)))
        times = weights[EVENT_WORDS.first_time_token :]
        shifts = np.array(EVENT_WORDS.bins.shifts)
        assert set(times[shifts > 0.6]) <= {ENDS.passing_weight}
        assert set(times[shifts <= 0.5]) <= {1.0}
