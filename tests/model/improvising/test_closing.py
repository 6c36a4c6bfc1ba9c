from dataclasses import replace
from itertools import count
from random import Random

import numpy as np
import pytest

from model.analysis.bars import COMMON_BARS
from model.analysis.scale import parse_key
from model.approach import APPROACHES, Approach
from model.harmony.changes import Changes, ChartChanges
from model.harmony.notations.text_chart import read_text_chart
from model.harmony.preference.chord_preference import BY_INTERVAL_SIZE, BY_NEXT_SIZE, BY_PLACE_SIZE, ChordPreference
from model.improvising.closing import ChordEnds, Closing
from model.improvising.forecast_point import ForecastPoint
from model.improvising.improviser import PlannedNote
from model.improvising.improvisers import create_improviser
from model.improvising.sampling_settings import SamplingSettings
from model.notes import CHORD_BEATS, Note
from model.phrasing.phrase_ends import Ending
from model.tokens.time_bins import musical_bins
from model.tokens.vocabulary import EventVocabulary
from tests.engines import RandomEngine
from tests.phrasings import ENDS
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS, VOCABULARIES

ENDING = Ending(ENDS, COMMON_BARS, 16.0, 32.0, ENDS.mean_stability({parse_key("C"): 1.0}, "full"))
ANSWERS = 60


def answers(approach: Approach, ending: Ending | None, breath_beats: float = 0.0) -> list[list[PlannedNote]]:
    closing_beats = max(1.0, 2 * breath_beats)
    if ending is not None:
        ending = replace(ending, breath_beats=breath_beats, closing_beats=closing_beats)
    settings = SamplingSettings(closing_beats=closing_beats, ending=ending)
    vocabulary = VOCABULARIES[approach]
    improviser = create_improviser(RandomEngine(vocabulary.size, 3), vocabulary)
    return [list(improviser.compose(16.0, 32.0, settings, Random(seed))) for seed in range(ANSWERS)]


def last_onset(answer: list[PlannedNote]) -> Note:
    """The first note of an answer's last onset, by which it ends; a random network adds many others to it."""
    return next(planned.note for planned in answer if planned.note.onset_beats == answer[-1].note.onset_beats)


@pytest.mark.parametrize("approach", APPROACHES)
class TestAnswers:
    def test_more_answers_end_on_the_first_beat_of_the_last_bar(self, approach: Approach) -> None:
        def on_first_beat(ending: Ending | None) -> int:
            lasts = [answer[-1].note.onset_beats for answer in answers(approach, ending)]
            return sum(abs(onset - 28.0) < CHORD_BEATS for onset in lasts)

        assert on_first_beat(None) == 0
        assert on_first_beat(ENDING) >= 0.1 * ANSWERS

    def test_more_answers_end_on_the_tonic(self, approach: Approach) -> None:
        def on_tonic(ending: Ending | None) -> int:
            return sum(last_onset(answer).pitch % 12 == 0 for answer in answers(approach, ending))

        assert on_tonic(ENDING) > 1.5 * on_tonic(None)

    def test_no_answer_ends_before_its_last_bar(self, approach: Approach) -> None:
        assert all(answer[-1].note.onset_beats >= 28.0 - CHORD_BEATS for answer in answers(approach, ENDING))

    def test_no_answer_sounds_into_the_breath(self, approach: Approach) -> None:
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
        chance = ENDING.chance_of_end(28.0)
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

    def test_after_a_note_that_is_all_but_certain_to_be_the_last_the_answer_ends(self) -> None:
        """As in a half close on a phrase that has no note but the tonic, the least stable one there."""
        words = EventVocabulary(EVENT_WORDS.pitches, musical_bins(16))
        weights = np.ones(words.size)
        closing = Closing(words, replace(ENDING, stability=(1e18,) * 12), closing_beats=1.0)
        closing.apply(weights, ForecastPoint(16.0, 32.0, 28.0, chord=(62,)))
        times = weights[words.first_time_token :]
        ends = np.array(words.bins.shifts) > 3.0
        assert times[ends].sum() / times.sum() == pytest.approx(1.0)
        assert closing.chance_after(28.0, 62) == pytest.approx(1.0)

    def test_times_that_pass_the_last_bar_line_are_less_likely(self) -> None:
        weights = np.ones(EVENT_WORDS.size)
        Closing(EVENT_WORDS, ENDING).apply(weights, ForecastPoint(16.0, 32.0, 27.5, chord=(62,)))
        times = weights[EVENT_WORDS.first_time_token :]
        shifts = np.array(EVENT_WORDS.bins.shifts)
        assert set(times[shifts > 0.6]) <= {ENDS.passing_weight}
        assert set(times[shifts <= 0.5]) <= {1.0}


PREFERENCE = ChordPreference(
    (0.0,) * BY_PLACE_SIZE, (0.0,) * BY_NEXT_SIZE, (0.0,) * BY_INTERVAL_SIZE, ends=(8.0, 1.0, 1.0, 0.5, 0.1)
)
OVER_F = ChartChanges(read_text_chart("| N.C. | F |"), downbeat=24.0)


class TestChords:
    def closing(self, changes: Changes = OVER_F, *, strength: float = 1.0, transpose: int = 0) -> Closing:
        return Closing(PITCH_WORDS, ENDING, chord_ends=ChordEnds(PREFERENCE, changes, strength, transpose))

    def test_where_a_chord_is_known_its_notes_are_the_stable_ones(self) -> None:
        weights = np.ones(PITCH_WORDS.size)
        self.closing().apply(weights, ForecastPoint(16.0, 32.0, 28.0))
        chance = ENDING.chance_of_end(28.0)
        for pitch, weight in ((65, 8.0), (69, 1.0), (72, 1.0), (67, 0.1)):
            at = 1 + PITCH_WORDS.pitches.index(pitch)
            assert weights[at] == pytest.approx(1 - chance + chance * weight)

    def test_the_chance_that_a_note_is_the_last_goes_by_the_chord(self) -> None:
        closing = self.closing()
        assert closing.chance_after(28.0, 65) > closing.chance_after(28.0, 69) > closing.chance_after(28.0, 67)

    def test_where_no_chord_sounds_the_key_counts(self) -> None:
        no_chord = self.closing(ChartChanges(read_text_chart("| N.C. | N.C. |")))
        assert no_chord.chance_after(28.0, 60) == Closing(PITCH_WORDS, ENDING).chance_after(28.0, 60)

    def test_a_transposed_answer_ends_on_the_note_that_sounds_in_the_chord(self) -> None:
        transposed = self.closing(transpose=2)
        assert transposed.chance_after(28.0, 63) == self.closing().chance_after(28.0, 65)

    def test_more_harmony_makes_it_stronger(self) -> None:
        assert self.closing(strength=2.0).chance_after(28.0, 65) > self.closing().chance_after(28.0, 65)

    @pytest.mark.parametrize("approach", APPROACHES)
    def test_more_answers_end_in_the_chord(self, approach: Approach) -> None:
        def in_chord(preference: ChordPreference | None) -> int:
            vocabulary = VOCABULARIES[approach]
            improviser = create_improviser(RandomEngine(vocabulary.size, 3), vocabulary, chord_preference=preference)
            ending = replace(ENDING, stability=None)
            settings = SamplingSettings(closing_beats=1.0, ending=ending, changes=OVER_F)
            found = [
                last_onset(list(improviser.compose(16.0, 32.0, settings, Random(seed)))) for seed in range(ANSWERS)
            ]
            return sum(note.pitch % 12 in {5, 9, 0} for note in found)

        assert in_chord(PREFERENCE) > 1.3 * in_chord(None)
