import numpy as np
import pytest

from model.analysis.scale import parse_key
from model.improvising.forecast_point import ForecastPoint
from model.improvising.melodic_motion import (
    ECHO_WEIGHT,
    NEW_WEIGHT,
    OUTSIDE_WEIGHT,
    UNUSED_WEIGHT,
    MelodicMotion,
    Melody,
)
from model.notes import Note
from model.tokens.time_bins import musical_bins
from model.tokens.vocabulary import EventVocabulary

PITCHES = tuple(range(48, 85))
WORDS = EventVocabulary(PITCHES, musical_bins(8))
# No note of this phrase is repeated.
PHRASE = [Note(60, 0.0, 1.0, 80), Note(64, 1.0, 1.0, 80), Note(66, 2.0, 1.0, 80), Note(67, 3.0, 1.0, 80)]
SELDOM = 1.4 * 0.06 / 0.14
C_MAJOR = {parse_key("C major"): 1.0}


def melody(probabilities: dict[str, float] | None = None, transpose: int = 0) -> Melody:
    keys = {parse_key(name): probability for name, probability in (probabilities or {}).items()}
    found = Melody.after_phrase(PHRASE, keys, transpose)
    assert found is not None
    return found


def weighted(motion: MelodicMotion, outline: list[int], chord: tuple[int, ...] = ()) -> dict[int, float]:
    """The weight of each pitch where all began with 1; those of the start token and of the times stand around them."""
    weights = np.ones(WORDS.size)
    motion.apply(weights, ForecastPoint(0.0, 8.0, 4.0, chord, outline=outline))
    assert {weights[0], *weights[1 + len(PITCHES) :]} == {1.0}
    return dict(zip(PITCHES, weights[1 : 1 + len(PITCHES)].tolist(), strict=True))


class TestMelody:
    def test_a_phrase_without_notes_has_no_melody(self) -> None:
        assert Melody.after_phrase([], C_MAJOR) is None

    def test_pitches_that_the_phrase_does_not_have_become_likelier(self) -> None:
        weights = melody().of_pitch
        assert [weights[pitch] for pitch in (60, 66, 62, 72)] == [1.0, 1.0, NEW_WEIGHT, NEW_WEIGHT]

    def test_pitches_outside_the_key_become_less_likely_even_where_the_phrase_has_them(self) -> None:
        weights = melody({"C major": 1.0}).of_pitch
        assert weights[66] == pytest.approx(OUTSIDE_WEIGHT)
        assert weights[61] == pytest.approx(NEW_WEIGHT * OUTSIDE_WEIGHT)
        assert weights[64] == 1.0

    def test_a_pitch_is_outside_by_as_much_as_the_keys_are_probable(self) -> None:
        weights = melody({"C major": 0.75, "G major": 0.25}).of_pitch
        assert weights[66] == pytest.approx(OUTSIDE_WEIGHT**0.75)
        assert weights[65] == pytest.approx(NEW_WEIGHT * OUTSIDE_WEIGHT**0.25)

    def test_a_riff_makes_no_other_pitch_likelier_and_its_answer_has_no_motifs_of_its_own(self) -> None:
        found = Melody.after_phrase(PHRASE, {}, self_quoting=1.0)
        assert found is not None
        assert set(found.of_pitch) == {1.0}
        assert found.echo_weight == 1.0

    def test_keys_are_those_of_the_notes_as_they_sound(self) -> None:
        # Played a fifth higher, F sharp sounds as C sharp, and B flat as F.
        weights = melody({"C major": 1.0}, transpose=7).of_pitch
        assert weights[66] == pytest.approx(OUTSIDE_WEIGHT)
        assert weights[70] == pytest.approx(NEW_WEIGHT)


class TestMelodicMotion:
    def test_the_first_note_is_less_likely_to_repeat_the_phrases_last_one(self) -> None:
        weights = weighted(MelodicMotion(WORDS, melody()), [])
        assert weights[67] == pytest.approx(SELDOM)
        assert weights[64] == 1.0

    def test_a_later_note_is_less_likely_to_repeat_the_one_before(self) -> None:
        weights = weighted(MelodicMotion(WORDS, melody()), [64])
        assert weights[67] == UNUSED_WEIGHT
        assert weights[64] == pytest.approx(SELDOM)

    def test_the_more_notes_of_the_phrase_are_repeated_the_likelier_are_those_of_the_answer(self) -> None:
        pitches = ((60, 64, 66, 67), (60, 60, 64, 67), (60, 60, 60, 67), (60, 60, 60, 60))
        found = [Melody.after_phrase([Note(p, i, 1.0, 80) for i, p in enumerate(each)], {}) for each in pitches]
        weights = [melody.repeat_weight for melody in found if melody is not None]
        assert weights == pytest.approx([1.4 * (share + 0.06) / (share + 0.14) for share in (0.0, 1 / 3, 2 / 3, 1.0)])

    def test_an_interval_that_came_after_the_same_one_is_likelier_at_any_height(self) -> None:
        motion = MelodicMotion(WORDS, melody())
        # Up a fourth and down a tone, then up a fourth again, a third higher.
        for length in range(5):
            weighted(motion, [60, 65, 63, 64][:length])
        weights = weighted(motion, [60, 65, 63, 64, 69])
        assert weights[67] == pytest.approx(ECHO_WEIGHT * UNUSED_WEIGHT)
        assert weights[71] == pytest.approx(NEW_WEIGHT * UNUSED_WEIGHT)

    def test_a_pitch_that_the_answer_has_had_at_no_octave_is_likelier(self) -> None:
        weights = weighted(MelodicMotion(WORDS, melody()), [60, 64])
        assert weights[67] == weights[66] == pytest.approx(UNUSED_WEIGHT)
        assert weights[60] == weights[48] / NEW_WEIGHT == 1.0
        assert weights[62] == pytest.approx(NEW_WEIGHT * UNUSED_WEIGHT)

    def test_a_repeated_note_is_no_motif(self) -> None:
        motion = MelodicMotion(WORDS, melody())
        for length in range(4):
            weighted(motion, [60, 60, 60][:length])
        assert weighted(motion, [60, 60, 60, 60])[60] == pytest.approx(SELDOM)

    def test_other_notes_of_a_chord_keep_their_weights(self) -> None:
        assert set(weighted(MelodicMotion(WORDS, melody()), [64], (67,)).values()) == {1.0}

    def test_a_phrase_beyond_the_vocabulary_weights_what_there_is(self) -> None:
        high = Melody.after_phrase([Note(100, 0.0, 1.0, 80)], {})
        assert high is not None
        assert set(weighted(MelodicMotion(WORDS, high), []).values()) == {NEW_WEIGHT}

    def test_a_motif_that_leaves_the_vocabulary_is_not_continued(self) -> None:
        motion = MelodicMotion(WORDS, melody())
        for length in range(4):
            weighted(motion, [60, 72, 84][:length])
        weights = weighted(motion, [60, 72, 84])
        assert max(weights.values()) == NEW_WEIGHT * UNUSED_WEIGHT
