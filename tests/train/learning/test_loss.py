import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from tests.tiny_pack import SHAPE, random_walk
from train.corpus.chunks import NO_TARGET, Chunk
from train.corpus.dataset import TokenPieces, Tokens
from train.learning.loss import chunk_nats, reset_lanes, sum_bits


def network(size: int, shape: Hyperparameters = SHAPE) -> MusicLSTM:
    torch.manual_seed(1)
    return MusicLSTM(size, shape).eval()


def chunk(*rows: tuple[list[int], list[int], bool]) -> Chunk:
    inputs, targets, fresh = (np.array(column) for column in zip(*rows, strict=True))
    return Chunk(inputs, targets, fresh, total_targets=int((targets != NO_TARGET).sum()))


def pieces(*tokens: Tokens) -> TokenPieces:
    written = np.concatenate([np.zeros(0, np.int64), *tokens]).astype(np.uint16)
    return TokenPieces(written, [len(piece) for piece in tokens], np.tile(np.arange(20), (12, 1)))


class TestChunkNats:
    def test_an_untrained_network_has_the_same_loss_for_each_target(self) -> None:
        ignorant = network(10)
        torch.nn.init.zeros_(ignorant.output.weight)
        torch.nn.init.zeros_(ignorant.output.bias)
        nats, _ = chunk_nats(ignorant, chunk(([0, 1, 2], [1, 2, NO_TARGET], True)), None, "cpu")
        assert nats.item() == pytest.approx(2 * math.log(10))

    def test_padding_costs_nothing(self) -> None:
        trained = network(10)
        plain, _ = chunk_nats(trained, chunk(([0, 1], [1, 2], True)), None, "cpu")
        padded, _ = chunk_nats(
            trained, chunk(([0, 1, 0], [1, 2, NO_TARGET], True), ([0, 0, 0], [NO_TARGET] * 3, False)), None, "cpu"
        )
        assert padded.item() == pytest.approx(plain.item())

    def test_lanes_that_are_all_padding_still_have_a_gradient(self) -> None:
        idle = network(10).train()
        nats, _ = chunk_nats(idle, chunk(([0, 0], [NO_TARGET] * 2, False)), None, "cpu")
        nats.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        assert nats.item() == 0.0
        assert all(value.grad is not None and not value.grad.any() for value in idle.parameters())

    def test_the_state_is_carried_without_its_history(self) -> None:
        _, (hidden, cell) = chunk_nats(network(10), chunk(([0, 1], [1, 2], True)), None, "cpu")
        assert hidden.abs().max() > 0
        assert not hidden.requires_grad
        assert not cell.requires_grad


class TestResetLanes:
    def test_only_the_lanes_where_a_piece_begins_are_zeroed(self) -> None:
        hidden, cell = torch.ones(2, 3, 4), torch.full((2, 3, 4), 2.0)
        rows = [([1], [2], fresh) for fresh in (False, True, False)]
        state = reset_lanes((hidden, cell), chunk(*rows), "cpu")
        assert state is not None
        assert state[0][:, :, 0].tolist() == [[1.0, 0.0, 1.0]] * 2
        assert state[1][:, :, 0].tolist() == [[2.0, 0.0, 2.0]] * 2
        assert (hidden == 1.0).all()

    def test_without_a_state_there_is_nothing_to_reset(self) -> None:
        assert reset_lanes(None, chunk(([0], [1], True)), "cpu") is None


class TestSumBits:
    # Longer and shorter than a measured chunk, and more pieces than lanes.
    WALKS: Sequence[Tokens] = [
        np.array([0, *(1 + token for token in random_walk(19, length, random_seed=length))], np.int64)
        for length in (300, 128, 129, 5, *range(20, 60))
    ]

    def test_pieces_in_chunks_cost_what_they_cost_whole(self) -> None:
        trained = network(20)
        expected = np.zeros(20)
        for tokens in self.WALKS:
            with torch.no_grad():
                logits, _ = trained(torch.from_numpy(tokens[None, :-1]))
            bits = -torch.log_softmax(logits[0].double(), -1).numpy() / math.log(2)
            np.add.at(expected, tokens[1:], bits[np.arange(len(tokens) - 1), tokens[1:]])
        assert sum_bits(trained, pieces(*self.WALKS)) == pytest.approx(expected, rel=1e-5)

    def test_shares_add_up_to_the_whole(self) -> None:
        trained, every = network(20), pieces(*self.WALKS)
        shares = [sum_bits(trained, every, order=range(rank, len(self.WALKS), 3)) for rank in range(3)]
        assert sum(shares) == pytest.approx(sum_bits(trained, every), rel=1e-5)

    def test_the_start_costs_nothing(self) -> None:
        assert sum_bits(network(20), pieces(*self.WALKS))[0] == 0.0

    def test_measuring_leaves_dropout_out(self) -> None:
        trained = network(20, SHAPE.model_copy(update={"dropout": 0.5})).train()
        every = pieces(*self.WALKS)
        assert (sum_bits(trained, every) == sum_bits(trained, every)).all()

    def test_no_pieces_cost_nothing(self) -> None:
        assert sum_bits(network(20), pieces()).sum() == 0.0
