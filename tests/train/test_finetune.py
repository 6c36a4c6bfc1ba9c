from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from tests.music import line
from tests.tiny_pack import BINS, EVENT_WORDS, PITCH_WORDS, PITCHES, random_weights
from train import finetune
from train.corpus.corpora import Line
from train.errors import CorpusError
from train.finetune import NEW_TOKEN_BIAS, grow_vocabulary, grow_weights

THIRD = 8 / 24


def line_of(*pitches: int, step_beats: float = 0.5) -> Line:
    return Line.of(Path("mine.mid"), line(*pitches, step_beats=step_beats))


def shifts_of(*steps: tuple[float, int]) -> list[Line]:
    """Lines with these steps between onsets, in beats, each so many times."""
    return [line_of(*[60] * (times + 1), step_beats=step_beats) for step_beats, times in steps]


class TestVocabulary:
    def test_music_within_the_vocabulary_leaves_it_as_it_is(self) -> None:
        inside = [line_of(60, 64, 67)]
        assert grow_vocabulary(PITCH_WORDS, inside) == PITCH_WORDS
        assert grow_vocabulary(EVENT_WORDS, inside) == EVENT_WORDS

    def test_it_reaches_as_far_as_the_music_and_its_transposed_copies(self) -> None:
        # Six semitones down and five up reach every key.
        assert grow_vocabulary(PITCH_WORDS, [line_of(50)]).pitches == tuple(range(44, PITCHES[-1] + 1))
        assert grow_vocabulary(EVENT_WORDS, [line_of(90)]).pitches == tuple(range(PITCHES[0], 96))

    def test_no_pitch_lies_outside_of_midi(self) -> None:
        assert grow_vocabulary(PITCH_WORDS, [line_of(2, 125)]).pitches == tuple(range(128))

    def test_a_shift_that_is_common_gets_a_bin_of_its_own(self) -> None:
        after = grow_vocabulary(EVENT_WORDS, shifts_of((0.5, 50), (THIRD, 50)))
        assert isinstance(after, EventVocabulary)
        assert after.bins.shifts == (0.25, THIRD, 0.5, 1.0, 2.0)
        assert after.bins.index(THIRD) == 1

    @pytest.mark.parametrize(("times", "bins"), [(1, 5), (0, 4)])
    def test_common_is_one_in_a_hundred(self, times: int, bins: int) -> None:
        after = grow_vocabulary(EVENT_WORDS, shifts_of((0.5, 99), (THIRD, times)))
        assert isinstance(after, EventVocabulary)
        assert len(after.bins) == bins

    def test_a_rarer_shift_uses_the_nearest_bin_as_before(self) -> None:
        after = grow_vocabulary(EVENT_WORDS, shifts_of((0.5, 200), (THIRD, 1)))
        assert isinstance(after, EventVocabulary)
        assert after.bins == BINS

    def test_music_without_rhythm_needs_no_bin(self) -> None:
        assert grow_vocabulary(EVENT_WORDS, shifts_of((0.0, 9))) == EVENT_WORDS

    def test_more_bins_than_there_may_be_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(finetune, "MAX_BINS", 5)
        assert len(grow_vocabulary(EVENT_WORDS, shifts_of((THIRD, 9))).pitches) == len(PITCHES)
        with pytest.raises(CorpusError) as raised:
            grow_vocabulary(EVENT_WORDS, shifts_of((THIRD, 9), (1.5, 9)))
        assert str(raised.value) == (
            "the new music needs 2 time bins besides the pack's 4, and 5 are the most there may be; train it from "
            "nothing, without --from"
        )

    def test_a_pack_of_many_bins_and_music_of_many_more_are_refused(self) -> None:
        ticks = np.arange(1, 121) / 24
        bins = TimeBins(tuple(ticks.tolist()), tuple(((ticks[1:] + ticks[:-1]) / 2).tolist()))
        wide = EventVocabulary(PITCHES, bins)
        with pytest.raises(CorpusError, match="needs 9 time bins besides the pack's 120, and 128 are the most"):
            grow_vocabulary(wide, shifts_of(*((beats, 20) for beats in range(6, 15))))


class TestWeights:
    def test_rows_of_known_tokens_stay_as_they_were(self) -> None:
        before = random_weights(EVENT_WORDS.size)
        after_words = EventVocabulary(
            tuple(range(40, 90)), TimeBins((0.25, THIRD, 0.5, 1.0, 2.0), (0.3, 0.4, 0.75, 1.5))
        )
        after = grow_weights(before, EVENT_WORDS, after_words)
        old = [
            0,
            *(1 + PITCHES.index(pitch) for pitch in PITCHES),
            *range(EVENT_WORDS.first_time_token, EVENT_WORDS.size),
        ]
        new = [0, *(1 + pitch - 40 for pitch in PITCHES)]
        new += [after_words.first_time_token + after_words.bins.shifts.index(shift) for shift in BINS.shifts]
        for name in ("embedding.weight", "output.weight", "output.bias"):
            assert len(after[name]) == after_words.size
            assert np.array_equal(after[name][new], before[name][old])
        for name in before.keys() - {"embedding.weight", "output.weight", "output.bias"}:
            assert np.array_equal(after[name], before[name])

    def test_a_new_token_copies_its_nearest_token_with_a_lower_bias(self) -> None:
        before = random_weights(EVENT_WORDS.size)
        bins = TimeBins((0.25, THIRD, 0.5, 1.0, 2.0), (0.3, 0.4, 0.75, 1.5))
        after_words = EventVocabulary((*PITCHES, 85, 86), bins)
        after = grow_weights(before, EVENT_WORDS, after_words)
        # The pitch an octave lower, and the shift whose bin it was in.
        octave, quarter = 1 + PITCHES.index(85 - 12), EVENT_WORDS.first_time_token
        for token, nearest in ((1 + len(PITCHES), octave), (after_words.first_time_token + 1, quarter)):
            for name in ("embedding.weight", "output.weight"):
                assert np.array_equal(after[name][token], before[name][nearest])
            assert after["output.bias"][token] == pytest.approx(before["output.bias"][nearest] + NEW_TOKEN_BIAS)

    def test_they_stay_in_fp32(self) -> None:
        after = grow_weights(random_weights(PITCH_WORDS.size), PITCH_WORDS, PitchVocabulary((*PITCHES, 85)))
        assert {value.dtype for value in after.values()} == {np.dtype(np.float32)}

    @given(st.sets(st.integers(0, 127), min_size=1, max_size=20), st.sets(st.integers(0, 127), max_size=20))
    def test_known_rows_move_with_their_pitch(self, known: set[int], added: set[int]) -> None:
        before, after = PitchVocabulary(tuple(sorted(known))), PitchVocabulary(tuple(sorted(known | added)))
        weights = random_weights(before.size)
        grown_to = grow_weights(weights, before, after)
        for pitch in known:
            old, new = 1 + before.pitches.index(pitch), 1 + after.pitches.index(pitch)
            assert np.array_equal(grown_to["embedding.weight"][new], weights["embedding.weight"][old])
            assert grown_to["output.bias"][new] == weights["output.bias"][old]
