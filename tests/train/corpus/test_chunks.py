from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import START, EventVocabulary
from tests.music import tune
from train.corpus.chunks import NO_TARGET, Chunk, Remembered, chunk_count, chunks
from train.corpus.corpora import Line
from train.corpus.dataset import TokenPieces, Tokens, pieces_in_memory

EVENTS = EventVocabulary(tuple(range(48, 85)), TimeBins((0.25, 0.5, 1.0, 4.0), (0.375, 0.75, 2.0)))

PIECES = st.lists(
    st.lists(st.integers(1, 99), min_size=1, max_size=30).map(lambda tokens: [START, *tokens]), max_size=9
)
LANES = st.integers(1, 5)
LENGTHS = st.integers(1, 8)


class Counting:
    """Pieces that know how often they were asked for; a piece in another key is so much higher."""

    def __init__(self, pieces: Sequence[Sequence[int]]) -> None:
        self._pieces = [np.array(piece, np.int64) for piece in pieces]
        self.asked: list[int] = []

    @property
    def lengths(self) -> Tokens:
        return np.array([len(piece) for piece in self._pieces], np.int64)

    def piece(self, index: int, semitones: int = 0) -> Tokens:
        self.asked.append(index)
        moved: Tokens = np.where(self._pieces[index] == START, START, self._pieces[index] + 1000 * semitones)
        return moved


def laid(pieces: Sequence[Sequence[int]], lanes: int, length: int, mine: range | None = None) -> list[Chunk]:
    return list(chunks(Counting(pieces), range(len(pieces)), [0] * len(pieces), lanes, length, mine))


def as_lists(chunk: Chunk) -> tuple[object, ...]:
    return chunk.inputs.tolist(), chunk.targets.tolist(), chunk.fresh.tolist(), chunk.total_targets


class TestChunks:
    def test_pieces_are_side_by_side_and_a_finished_lane_takes_the_next(self) -> None:
        first, second = laid([[0, 1, 2, 3, 4], [0, 5, 6], [0, 7]], lanes=2, length=3)
        assert first.inputs.tolist() == [[0, 1, 2], [0, 5, 0]]
        assert first.targets.tolist() == [[1, 2, 3], [5, 6, NO_TARGET]]
        assert first.fresh.tolist() == [True, True]
        assert first.total_targets == 5
        assert second.inputs.tolist() == [[3, 0, 0], [0, 0, 0]]
        assert second.targets.tolist() == [[4, NO_TARGET, NO_TARGET], [7, NO_TARGET, NO_TARGET]]
        assert second.fresh.tolist() == [False, True]
        assert second.total_targets == 2

    def test_order_and_keys_select_the_pieces_and_their_transpositions(self) -> None:
        pieces = Counting([[0, 1, 2], [0, 3, 4], [0, 5, 6]])
        found = [chunk.targets.tolist() for chunk in chunks(pieces, [2, 0, 2], [1, -1, 0], lanes=1, length=2)]
        assert found == [[[1005, 1006]], [[-999, -998]], [[5, 6]]]

    def test_no_pieces_give_no_chunk(self) -> None:
        assert laid([], lanes=4, length=8) == []
        assert chunk_count([], lanes=4, length=8) == 0

    @given(PIECES, LANES, LENGTHS)
    def test_every_token_is_a_target_once_after_the_one_before_it(
        self, pieces: list[list[int]], lanes: int, length: int
    ) -> None:
        found: list[list[int]] = []
        steps = laid(pieces, lanes, length)
        for lane in range(lanes):
            for chunk in steps:
                told = chunk.targets[lane] != NO_TARGET
                if chunk.fresh[lane]:
                    assert chunk.inputs[lane, 0] == START
                    found.append([START])
                if told.any():
                    assert (np.diff(told.astype(int)) <= 0).all()  # padding only at the end
                    heard, foretold = chunk.inputs[lane][told].tolist(), chunk.targets[lane][told].tolist()
                    assert heard == [found[-1][-1], *foretold[:-1]]
                    assert START not in foretold  # no second piece in the chunk
                    found[-1].extend(foretold)
        assert sorted(found) == sorted(pieces)

    @given(PIECES, LANES, LENGTHS)
    def test_pieces_begin_in_their_order_each_at_a_chunk(
        self, pieces: list[list[int]], lanes: int, length: int
    ) -> None:
        numbered = [[START, *([1 + number] * (len(piece) - 1))] for number, piece in enumerate(pieces)]
        begun = [
            int(chunk.targets[lane, 0]) - 1
            for chunk in laid(numbered, lanes, length)
            for lane in range(lanes)
            if chunk.fresh[lane]
        ]
        assert begun == list(range(len(pieces)))

    @given(PIECES, LANES, LENGTHS)
    def test_their_number_follows_from_the_lengths_alone(
        self, pieces: list[list[int]], lanes: int, length: int
    ) -> None:
        assert chunk_count([len(piece) for piece in pieces], lanes, length) == len(laid(pieces, lanes, length))

    @given(PIECES, LANES, LENGTHS)
    def test_all_chunks_have_one_shape_and_their_number_of_targets(
        self, pieces: list[list[int]], lanes: int, length: int
    ) -> None:
        for chunk in laid(pieces, lanes, length):
            assert chunk.inputs.shape == chunk.targets.shape == (lanes, length)
            assert chunk.fresh.shape == (lanes,)
            assert chunk.total_targets == (chunk.targets != NO_TARGET).sum() > 0

    @given(PIECES, LANES, LENGTHS, st.data())
    def test_a_process_reads_only_its_own_lanes(
        self, pieces: list[list[int]], lanes: int, length: int, data: st.DataObject
    ) -> None:
        begin = data.draw(st.integers(0, lanes - 1))
        mine = range(begin, data.draw(st.integers(begin + 1, lanes)), data.draw(st.integers(1, 2)))
        counting = Counting(pieces)
        own = list(chunks(counting, range(len(pieces)), [0] * len(pieces), lanes, length, mine))
        whole = laid(pieces, lanes, length)
        assert [as_lists(chunk) for chunk in own] == [
            as_lists(Chunk(chunk.inputs[mine], chunk.targets[mine], chunk.fresh[mine], chunk.total_targets))
            for chunk in whole
        ]
        assert len(counting.asked) == sum(int(chunk.fresh.sum()) for chunk in own)

    def test_the_lanes_of_a_process_need_not_be_neighbours(self) -> None:
        pieces = [[START, number, number] for number in range(1, 5)]
        (chunk,) = laid(pieces, lanes=4, length=2, mine=range(1, 4, 2))
        assert chunk.targets.tolist() == [[2, 2], [4, 4]]
        assert chunk.total_targets == 8

    def test_thousands_of_pieces_are_read_when_they_are_needed(self) -> None:
        pieces = Counting([[START, *range(1, 12)]] * 5000)
        coming = chunks(pieces, range(5000), [0] * 5000, lanes=4, length=4)
        asked = []
        for _ in range(7):
            next(coming)
            asked.append(len(pieces.asked))
        assert asked == [4, 4, 4, 8, 8, 8, 12]

    def test_chunks_of_real_pieces_hold_the_tokens_of_the_lines(self) -> None:
        tunes = [Line.of(Path(f"{number}.mid"), tune(number, 30)) for number in (1, 2)]
        pieces: TokenPieces = pieces_in_memory(EVENTS, tunes)
        (chunk,) = chunks(pieces, [1, 0], [-3, 2], lanes=2, length=500)
        for row, (index, semitones) in enumerate([(1, -3), (0, 2)]):
            tokens = pieces.piece(index, semitones)
            assert chunk.inputs[row, : len(tokens) - 1].tolist() == tokens[:-1].tolist()
            assert chunk.targets[row, : len(tokens) - 1].tolist() == tokens[1:].tolist()

    def test_without_a_memory_there_is_nothing_remembered(self) -> None:
        assert all(chunk.remembered is None for chunk in laid([[0, 1, 2]], lanes=2, length=2))

    def test_what_a_memory_forecasts_of_a_target_stands_at_its_place(self) -> None:
        pieces = [[0, 1, 2, 3], [0, 5, 6]]
        remembered = [
            Remembered(np.array([0.1, 0.2, 0.3], np.float32), np.array([0.5, 0.6, 0.7], np.float32)),
            Remembered(np.array([0.4, 0.5], np.float32), np.array([0.8, 0.9], np.float32)),
        ]
        first, second = chunks(Counting(pieces), [1, 0], [2, 0], lanes=2, length=2, remembered=remembered)
        assert first.targets.tolist() == [[2005, 2006], [1, 2]]
        assert first.remembered is not None
        assert first.remembered.left.round(1).tolist() == np.array([[0.4, 0.5], [0.1, 0.2]], np.float32).tolist()
        assert first.remembered.expected.tolist() == np.array([[0.8, 0.9], [0.5, 0.6]], np.float32).tolist()
        assert second.remembered is not None
        # Padding is forecast by the network alone; it has no loss.
        assert second.remembered.left.tolist() == np.array([[1.0, 1.0], [0.3, 1.0]], np.float32).tolist()
        assert second.remembered.expected.tolist() == np.array([[0.0, 0.0], [0.7, 0.0]], np.float32).tolist()
