from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.notes import MAX_CHORD_NOTES, Note
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import (
    START,
    Cursor,
    EventVocabulary,
    PitchVocabulary,
    Vocabulary,
    nearest_pitch,
)
from tests.music import line
from tests.tokens import encode_notes, token_names

OCTAVE = tuple(range(60, 73))
PITCHES_ONLY = PitchVocabulary(OCTAVE)
EVENTS = EventVocabulary(OCTAVE, TimeBins((0.25, 0.5, 1.0, 2.0), (0.375, 0.75, 1.5)))
# C, a beat later E and G together, half a beat later the C above.
CADENCE = [Note(60, 0.0, 1.0, 80), Note(64, 1.0, 0.5, 80), Note(67, 1.0, 0.5, 80), Note(72, 1.5, 2.0, 80)]


def decode(tokens: Sequence[int]) -> list[tuple[float, int]]:
    """Onsets and pitches, decoded independently by the grammar in the event vocabulary's docstring."""
    onset_beats, read = 0.0, []
    for token in tokens[1:]:
        if EVENTS.is_time(token):
            onset_beats += EVENTS.shift_beats(token)
        else:
            read.append((onset_beats, EVENTS.pitch(token)))
    return read


def names_of(tokens: Sequence[int]) -> str:
    return " ".join(token_names(EVENTS)[token] for token in tokens)


class TestGolden:
    def test_the_tokens_of_pitches(self) -> None:
        assert encode_notes(PITCHES_ONLY, CADENCE) == [0, 1, 5, 8, 13]

    def test_the_tokens_of_events(self) -> None:
        assert encode_notes(EVENTS, CADENCE) == [0, 1, 16, 5, 8, 15, 13]
        assert names_of(encode_notes(EVENTS, CADENCE)) == "START NOTE_60 TIME_2 NOTE_64 NOTE_67 TIME_1 NOTE_72"

    def test_the_order_of_the_given_notes_does_not_matter(self) -> None:
        assert encode_notes(EVENTS, CADENCE[::-1]) == encode_notes(EVENTS, CADENCE)

    @pytest.mark.parametrize("vocabulary", [PITCHES_ONLY, EVENTS])
    def test_no_music_is_the_start_token_alone(self, vocabulary: Vocabulary) -> None:
        assert encode_notes(vocabulary, []) == [START]

    def test_every_token_has_a_name(self) -> None:
        assert token_names(PITCHES_ONLY) == ("START", *(str(pitch) for pitch in OCTAVE))
        assert token_names(EVENTS)[-5:] == ("NOTE_72", "TIME_0", "TIME_1", "TIME_2", "TIME_3")
        assert (
            (len(token_names(PITCHES_ONLY)), len(token_names(EVENTS))) == (PITCHES_ONLY.size, EVENTS.size) == (14, 18)
        )


class TestTime:
    def test_notes_within_a_sixteenth_of_a_beat_are_one_chord(self) -> None:
        spread = [Note(60, 0.0, 1.0, 80), Note(64, 0.0624, 1.0, 80)]
        assert names_of(encode_notes(EVENTS, spread)) == "START NOTE_60 NOTE_64"

    def test_notes_a_sixteenth_of_a_beat_apart_are_two_onsets(self) -> None:
        apart = [Note(60, 0.0, 1.0, 80), Note(64, 0.0625, 1.0, 80)]
        assert names_of(encode_notes(EVENTS, apart)) == "START NOTE_60 TIME_0 NOTE_64"

    def test_a_chord_is_measured_from_its_first_note_so_a_fast_run_is_no_chord(self) -> None:
        run = line(60, 62, 64, step_beats=0.04)
        assert names_of(encode_notes(EVENTS, run)) == "START NOTE_60 NOTE_62 TIME_0 NOTE_64"

    def test_music_that_begins_with_a_rest_begins_with_its_first_note(self) -> None:
        assert encode_notes(EVENTS, line(60, 62, start_beats=7.0)) == encode_notes(EVENTS, line(60, 62))

    def test_a_very_long_rest_is_the_longest_time(self) -> None:
        assert names_of(encode_notes(EVENTS, line(60, 62, step_beats=300.0))) == "START NOTE_60 TIME_3 NOTE_62"

    def test_a_rest_before_all_music_has_no_token(self) -> None:
        assert EVENTS.encode_time(16.0, Cursor()) == ()


class TestPitch:
    @pytest.mark.parametrize(
        ("played", "encoded"), [(60, 60), (36, 60), (47, 71), (73, 61), (84, 72), (0, 60), (127, 67)]
    )
    def test_a_pitch_out_of_range_is_moved_by_octaves(self, played: int, encoded: int) -> None:
        for vocabulary in (PITCHES_ONLY, EVENTS):
            (token,), cursor = vocabulary.encode_note(Note(played, 0.0, 1.0, 80), Cursor())
            assert vocabulary.pitch(token) == encoded
            assert cursor == Cursor(0.0, (encoded,))

    def test_an_unknown_note_name_becomes_the_nearest_pitch_and_the_lower_of_two(self) -> None:
        assert [nearest_pitch(pitch, (60, 62, 67)) for pitch in (61, 64, 65, 97)] == [60, 62, 67, 67]

    @given(st.integers(0, 127), st.sets(st.integers(0, 127), min_size=1))
    def test_any_pitch_is_encoded_as_a_known_one(self, pitch: int, known: set[int]) -> None:
        pitches = tuple(sorted(known))
        encoded = nearest_pitch(pitch, pitches)
        assert encoded in known
        if any((other - pitch) % 12 == 0 for other in known):
            assert (encoded - pitch) % 12 == 0


def allowed_after(vocabulary: PitchVocabulary | EventVocabulary, *chord: int) -> list[str]:
    weights = np.ones(vocabulary.size)
    vocabulary.forbid_after(weights, chord)
    return [name for name, weight in zip(token_names(vocabulary), weights, strict=True) if weight]


class TestGrammar:
    def test_after_a_time_a_note_must_come(self) -> None:
        assert allowed_after(EVENTS) == [f"NOTE_{pitch}" for pitch in OCTAVE]

    def test_after_a_note_comes_a_time_or_another_note_of_the_chord(self) -> None:
        others = [f"NOTE_{pitch}" for pitch in OCTAVE if pitch not in {60, 64}]
        assert allowed_after(EVENTS, 60, 64) == [*others, "TIME_0", "TIME_1", "TIME_2", "TIME_3"]

    def test_after_a_full_chord_a_time_must_come(self) -> None:
        assert allowed_after(EVENTS, *OCTAVE[:MAX_CHORD_NOTES]) == ["TIME_0", "TIME_1", "TIME_2", "TIME_3"]

    def test_after_a_chord_of_all_pitches_a_time_must_come(self) -> None:
        assert allowed_after(EventVocabulary((60,), TimeBins((1.0,), ())), 60) == ["TIME_0"]

    def test_every_pitch_may_follow_another_and_the_start_follows_nothing(self) -> None:
        assert allowed_after(PITCHES_ONLY) == [str(pitch) for pitch in PITCHES_ONLY.pitches]
        assert not any("START" in allowed_after(EVENTS, *OCTAVE[:size]) for size in range(MAX_CHORD_NOTES + 1))

    def test_weights_of_allowed_tokens_stay_as_they_are(self) -> None:
        weights = np.linspace(0.1, 1.0, EVENTS.size)
        before = weights.copy()
        EVENTS.forbid_after(weights, ())
        assert weights[1 : EVENTS.first_time_token].tolist() == before[1 : EVENTS.first_time_token].tolist()


CHORDS = st.lists(
    st.tuples(st.sampled_from(EVENTS.bins.shifts), st.sets(st.sampled_from(OCTAVE), min_size=1, max_size=4)),
    min_size=1,
    max_size=24,
)


class TestRoundTrip:
    @given(CHORDS)
    def test_music_on_the_grid_comes_back_as_it_was(self, chords: list[tuple[float, set[int]]]) -> None:
        onset_beats = -chords[0][0]
        notes = []
        for shift, pitches in chords:
            onset_beats += shift
            notes += [Note(pitch, onset_beats, shift, 80) for pitch in sorted(pitches)]
        assert decode(encode_notes(EVENTS, notes)) == [(note.onset_beats, note.pitch) for note in notes]
        assert [PITCHES_ONLY.pitch(token) for token in encode_notes(PITCHES_ONLY, notes)[1:]] == [
            n.pitch for n in notes
        ]

    @given(st.lists(st.builds(Note, st.integers(0, 127), st.floats(0.0, 64.0), st.just(0.0), st.just(80)), max_size=40))
    def test_every_answer_follows_the_grammar(self, notes: list[Note]) -> None:
        tokens = encode_notes(EVENTS, notes)
        times = [EVENTS.is_time(token) for token in tokens]
        assert tokens.count(START) == 1
        assert not any(a and b for a, b in pairwise(times))
        assert not times[-1]
        assert len(tokens) - 1 - sum(times) == len(notes)
