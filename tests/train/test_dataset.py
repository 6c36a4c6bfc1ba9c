from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.bins import TimeBins
from model.notes import Note
from model.vocabulary import PitchVocabulary
from tests.music import exercise, line
from train.corpus import Line
from train.dataset import (
    NO_TARGET,
    TRANSPOSITIONS,
    Tokens,
    chunks,
    event_vocabulary,
    pitch_vocabulary,
    pitches_of,
    shifts_of,
    tokens_as_written,
    tokens_in_all_keys,
    transpose,
)


def lines(*notes: list[Note]) -> list[Line]:
    return [Line(Path(f"{index}.mid"), tuple(some)) for index, some in enumerate(notes)]


def piece(*tokens: int) -> Tokens:
    return np.array(tokens, np.int64)


class TestTransposition:
    def test_every_note_moves_alike(self) -> None:
        assert transpose(line(60, 64, 67), -5) == line(55, 59, 62)

    def test_notes_at_the_ends_of_the_range_stay_an_octave_inside(self) -> None:
        assert [note.pitch for note in transpose(line(1, 126), -3)] == [10, 123]
        assert [note.pitch for note in transpose(line(1, 126), 3)] == [4, 117]

    @given(st.integers(0, 127), st.sampled_from(TRANSPOSITIONS))
    def test_no_note_leaves_midi_and_every_note_keeps_its_key(self, pitch: int, semitones: int) -> None:
        (moved,) = transpose(line(pitch), semitones)
        assert 0 <= moved.pitch <= 127
        assert (moved.pitch - pitch - semitones) % 12 == 0

    def test_a_line_is_spelt_in_twelve_keys_its_own_among_them(self) -> None:
        tunes = lines(exercise())
        words = pitch_vocabulary(tunes)
        (keys,) = tokens_in_all_keys(words, tunes)
        assert len({tuple(key.tolist()) for key in keys}) == 12
        assert (keys[TRANSPOSITIONS.index(0)] == tokens_as_written(words, tunes)[0]).all()


class TestVocabularies:
    def test_pitches_reach_as_far_as_the_transposed_copies(self) -> None:
        assert pitches_of(lines(line(60, 64), line(72))) == tuple(range(54, 78))

    def test_pitches_end_where_midi_does(self) -> None:
        assert pitches_of(lines(line(2, 126))) == tuple(range(128))

    def test_every_transposed_copy_is_spelt_without_bending(self) -> None:
        tunes = lines(exercise(key=120 - 12))
        words = pitch_vocabulary(tunes)
        (keys,) = tokens_in_all_keys(words, tunes)
        for semitones, tokens in zip(TRANSPOSITIONS, keys, strict=True):
            expected = [note.pitch for note in transpose(tunes[0].notes, semitones)]
            assert [words.pitch(token) for token in tokens.tolist()[1:]] == expected

    def test_shifts_are_between_onsets_and_a_chord_is_one(self) -> None:
        chord = [Note(60, 0.0, 1.0, 80), Note(64, 0.03, 1.0, 80), Note(67, 1.0, 1.0, 80), Note(72, 1.5, 1.0, 80)]
        assert shifts_of(lines(chord, line(60, 62, step_beats=0.25))) == [1.0, 0.5, 0.25]

    def test_a_line_of_one_onset_has_no_shift(self) -> None:
        assert shifts_of(lines(line(60), [])) == []

    @pytest.mark.parametrize("choice", ["commonest", "quantile"])
    def test_the_events_are_the_pitches_and_the_bins_of_the_corpus(self, choice: str) -> None:
        words = event_vocabulary(lines(exercise()), "commonest" if choice == "commonest" else "quantile", 32)
        assert words.pitches == tuple(range(54, 78))
        assert words.bins == TimeBins((0.5, 1.0), (0.75,))


PIECES = st.lists(
    st.lists(st.integers(1, 99), min_size=1, max_size=30).map(lambda tokens: piece(0, *tokens)), min_size=1, max_size=9
)


class TestChunks:
    def test_pieces_lie_side_by_side_and_the_next_takes_the_lane_with_least(self) -> None:
        pieces = [piece(0, 1, 2, 3, 4), piece(0, 5, 6), piece(0, 7)]
        first, second = chunks(pieces, lanes=2, length=3)
        assert first.inputs.tolist() == [[0, 1, 2], [0, 5, 0]]
        assert first.targets.tolist() == [[1, 2, 3], [5, 6, NO_TARGET]]
        assert first.fresh.tolist() == [True, True]
        assert second.inputs.tolist() == [[3, 0, 0], [0, 0, 0]]
        assert second.targets.tolist() == [[4, NO_TARGET, NO_TARGET], [7, NO_TARGET, NO_TARGET]]
        assert second.fresh.tolist() == [False, True]

    def test_no_pieces_make_no_chunk(self) -> None:
        assert list(chunks([], lanes=4, length=8)) == []

    @given(PIECES, st.integers(1, 5), st.integers(1, 8))
    def test_every_token_is_foretold_once_from_the_one_before(
        self, pieces: list[Tokens], lanes: int, length: int
    ) -> None:
        found: list[list[int]] = []
        laid = list(chunks(pieces, lanes, length))
        for lane in range(lanes):
            for chunk in laid:
                told = chunk.targets[lane] != NO_TARGET
                if chunk.fresh[lane]:
                    assert chunk.inputs[lane, 0] == 0
                    found.append([0])
                if told.any():
                    assert (np.diff(told.astype(int)) <= 0).all()  # padding only at the end
                    assert chunk.inputs[lane][told].tolist() == [
                        found[-1][-1],
                        *chunk.targets[lane][told][:-1].tolist(),
                    ]
                    found[-1].extend(chunk.targets[lane][told].tolist())
        assert sorted(found) == sorted(tokens.tolist() for tokens in pieces)

    @given(PIECES, st.integers(1, 5), st.integers(1, 8))
    def test_a_lane_that_begins_a_piece_begins_it_at_a_chunk(
        self, pieces: list[Tokens], lanes: int, length: int
    ) -> None:
        laid = list(chunks(pieces, lanes, length))
        assert sum(int(chunk.fresh.sum()) for chunk in laid) == len(pieces)
        assert all(chunk.inputs.shape == chunk.targets.shape == (lanes, length) for chunk in laid)
        assert all(chunk.fresh.shape == (lanes,) for chunk in laid)


def test_the_pitch_vocabulary_of_a_corpus_is_its_pitches() -> None:
    assert pitch_vocabulary(lines(line(60))) == PitchVocabulary(tuple(range(54, 66)))
