from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.approach import APPROACHES, Approach
from model.improvising.improviser import Improviser
from model.improvising.improvisers import create_improviser
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.pack.dummy_pack import PITCHES, DummyPack, RuleEngine
from tests.music import line

PACK = DummyPack()


def dummy_improviser(approach: Approach) -> Improviser:
    return create_improviser(PACK.engine(approach), PACK.vocabulary(approach))


def answer(approach: Approach, phrase: list[Note], random_seed: int = 1, beats: float = 16.0) -> list[Note]:
    player = dummy_improviser(approach)
    for note in phrase:
        player.hear(note)
    start_beats = phrase[-1].end_beats if phrase else 0.0
    return [
        planned.note
        for planned in player.compose(start_beats, start_beats + beats, SamplingSettings(), Random(random_seed))
    ]


@pytest.mark.parametrize("approach", APPROACHES)
class TestAnAnswer:
    def test_plays_mostly_the_notes_of_the_phrase(self, approach: Approach) -> None:
        phrase = line(62, 65, 69, 65, 67, 65, 64, 62)
        played = [note.pitch % 12 for seed in range(10) for note in answer(approach, phrase, seed)]
        own = {note.pitch % 12 for note in phrase}
        assert sum(pitch in own for pitch in played) > 0.7 * len(played)

    def test_stays_in_the_register_of_the_phrase(self, approach: Approach) -> None:
        high, low = (
            np.mean([note.pitch for note in answer(approach, line(*pitches))])
            for pitches in ([86, 88, 84], [43, 45, 40])
        )
        assert high > low + 12

    def test_moves_in_small_steps(self, approach: Approach) -> None:
        pitches = [note.pitch for note in answer(approach, line(60, 62, 64, 65, 67, 65, 64, 62), beats=64.0)]
        assert np.median(np.abs(np.diff(pitches))) <= 4

    def test_without_a_phrase_is_music_too(self, approach: Approach) -> None:
        assert len(answer(approach, [])) > 4

    def test_depends_on_the_random_seed(self, approach: Approach) -> None:
        phrase = line(60, 62, 64)
        assert answer(approach, phrase, 1) == answer(approach, phrase, 1)
        assert answer(approach, phrase, 1) != answer(approach, phrase, 2)


def test_an_answer_in_events_has_the_phrases_rhythm() -> None:
    shifts = np.diff([note.onset_beats for note in answer("event", line(*range(60, 68), step_beats=0.25), beats=16.0)])
    assert np.median(shifts) == 0.25


class TestTheEngine:
    @pytest.mark.parametrize("approach", APPROACHES)
    @given(st.lists(st.integers(0, len(PITCHES)), max_size=100))
    def test_after_any_tokens_its_logits_are_finite_and_its_states_unchanged(
        self, approach: Approach, tokens: list[int]
    ) -> None:
        engine = RuleEngine(PACK.vocabulary(approach))
        state = engine.initial_state()
        for token in tokens:
            before = state.copy()
            logits, after = engine.step(token, state)
            assert np.array_equal(state, before)
            assert logits.shape == (engine.vocabulary_size,)
            assert np.isfinite(logits).all()
            state = after

    def test_reports_that_it_has_no_weights(self) -> None:
        assert PACK.engine("event").device == "rules, no weights"
