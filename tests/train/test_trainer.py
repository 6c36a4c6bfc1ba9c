import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.card import Hyperparameters
from model.network import MusicLSTM
from tests.music import exercise
from tests.tiny_pack import SHAPE, random_walk
from train.corpus import Line
from train.dataset import NO_TARGET, Chunk, Tokens, event_vocabulary, pitch_vocabulary, tokens_as_written
from train.trainer import Outcome, Progress, Recipe, chunk_loss, fit, reset, schedule, sum_bits, wants_bf16

TUNES = [Line(Path(f"{key}.mid"), tuple(exercise(key=key))) for key in range(57, 65)]
HELD_OUT = [Line(Path("held out.mid"), tuple(exercise(key=65, start=3)))]
WORDS = pitch_vocabulary(TUNES)
SMALL = Hyperparameters(embedding=8, hidden=16, layers=1, dropout=0.0)
BRIEF = Recipe(epochs=2, lanes=4, chunk=16, learning_rate=0.02, warm_up_steps=4, average_decay=0.9, precision="fp32")


def weights_of(outcome: Outcome) -> dict[str, list[float]]:
    return {name: value.flatten().tolist() for name, value in outcome.network.state_dict().items()}


def network(size: int, shape: Hyperparameters = SHAPE) -> MusicLSTM:
    torch.manual_seed(1)
    return MusicLSTM(size, shape).eval()


class TestFit:
    def test_it_learns_what_lines_have_in_common(self) -> None:
        larger = SMALL.model_copy(update={"hidden": 32})
        outcome = fit(WORDS, TUNES, HELD_OUT, larger, replace(BRIEF, epochs=16))
        assert outcome.valid_bits < 0.6 * math.log2(WORDS.size)

    def test_it_learns_rhythm_too(self) -> None:
        words = event_vocabulary(TUNES, "commonest", 8)
        outcome = fit(words, TUNES, HELD_OUT, SMALL, replace(BRIEF, epochs=4))
        tokens_per_note = (64 + 63) / 64
        assert outcome.valid_bits < 0.6 * tokens_per_note * math.log2(words.size)

    def test_equal_seeds_give_equal_weights(self) -> None:
        dropped_out = SHAPE.model_copy(update={"dropout": 0.2})
        one, other = (fit(WORDS, TUNES, HELD_OUT, dropped_out, BRIEF) for _ in range(2))
        assert weights_of(one) == weights_of(other)
        assert one.valid_bits == other.valid_bits

    def test_another_seed_gives_other_weights(self) -> None:
        short = replace(BRIEF, epochs=1)
        one = fit(WORDS, TUNES, [], SMALL, short)
        assert weights_of(one) != weights_of(fit(WORDS, TUNES, [], SMALL, replace(short, random_seed=1)))

    def test_it_tells_of_every_step_and_measures_at_an_epochs_end(self) -> None:
        told: list[Progress] = []
        fit(WORDS, TUNES, HELD_OUT, SMALL, BRIEF, report=told.append)
        ends = [progress for progress in told if progress.valid_bits is not None]
        steps = told[0].steps
        assert steps == 2 * 4  # two lines of 64 targets in each lane, 16 at a time
        assert [(progress.epoch, progress.step) for progress in told] == [
            (epoch, step) for epoch in (1, 2) for step in range(1, steps + 1)
        ]
        assert [(end.epoch, end.step, end.best) for end in ends] == [(1, steps, True), (2, steps, True)]
        assert all(progress.tokens_per_s > 0 for progress in told)

    def test_it_counts_what_it_foretold(self) -> None:
        outcome = fit(WORDS, TUNES, HELD_OUT, SMALL, BRIEF)
        assert (outcome.epochs, outcome.best_epoch, outcome.tokens_per_epoch) == (2, 2, 8 * 64)

    def test_it_stops_when_held_out_lines_are_foretold_no_better(self) -> None:
        stuck = replace(BRIEF, epochs=20, patience=3, learning_rate=0.0)
        outcome = fit(WORDS, TUNES, HELD_OUT, SMALL, stuck)
        assert (outcome.best_epoch, outcome.epochs) == (1, 4)

    def test_the_best_weights_are_kept_and_not_the_last(self) -> None:
        bits: list[float] = []
        wild = replace(BRIEF, epochs=6, learning_rate=0.5, average_decay=0.0, patience=6)
        outcome = fit(WORDS, TUNES[:1], HELD_OUT, SMALL, wild, report=lambda told: bits.append(told.valid_bits or 0.0))
        measured = [value for value in bits if value]
        assert outcome.valid_bits == min(measured)
        assert outcome.best_epoch == 1 + measured.index(min(measured))
        again = sum_bits(outcome.network, tokens_as_written(WORDS, HELD_OUT)).sum() / len(HELD_OUT[0].notes)
        assert again == outcome.valid_bits

    def test_with_nothing_held_out_the_last_epoch_is_kept(self) -> None:
        outcome = fit(WORDS, TUNES, [], SMALL, replace(BRIEF, epochs=3, patience=1))
        assert (outcome.best_epoch, outcome.epochs) == (3, 3)

    def test_bf16_learns_too(self) -> None:
        outcome = fit(WORDS, TUNES, HELD_OUT, SMALL, replace(BRIEF, epochs=1, precision="bf16"))
        assert outcome.valid_bits < math.log2(WORDS.size)


def chunk(*rows: tuple[list[int], list[int], bool]) -> Chunk:
    inputs, targets, fresh = zip(*rows, strict=True)
    return Chunk(np.array(inputs, np.int64), np.array(targets, np.int64), np.array(fresh, np.bool_))


class TestChunkLoss:
    def test_a_network_that_knows_nothing_costs_all_the_bits_there_are(self) -> None:
        ignorant = network(10)
        torch.nn.init.zeros_(ignorant.output.weight)
        torch.nn.init.zeros_(ignorant.output.bias)
        nats, _ = chunk_loss(ignorant, chunk(([0, 1, 2], [1, 2, NO_TARGET], True)), None, "cpu")
        assert nats.item() == pytest.approx(math.log(10))

    def test_padding_costs_nothing(self) -> None:
        trained = network(10)
        plain, _ = chunk_loss(trained, chunk(([0, 1], [1, 2], True)), None, "cpu")
        padded, _ = chunk_loss(
            trained, chunk(([0, 1, 0], [1, 2, NO_TARGET], True), ([0, 0, 0], [NO_TARGET] * 3, True)), None, "cpu"
        )
        assert padded.item() == pytest.approx(plain.item())

    def test_the_state_is_carried_without_its_history(self) -> None:
        _, (hidden, cell) = chunk_loss(network(10), chunk(([0, 1], [1, 2], True)), None, "cpu")
        assert hidden.abs().max() > 0
        assert not hidden.requires_grad
        assert not cell.requires_grad


class TestReset:
    def test_only_the_lanes_where_a_line_begins_are_zeroed(self) -> None:
        hidden, cell = torch.ones(2, 3, 4), torch.full((2, 3, 4), 2.0)
        rows = [([1], [2], fresh) for fresh in (False, True, False)]
        state = reset((hidden, cell), chunk(*rows), "cpu")
        assert state is not None
        assert state[0][:, :, 0].tolist() == [[1.0, 0.0, 1.0]] * 2
        assert state[1][:, :, 0].tolist() == [[2.0, 0.0, 2.0]] * 2
        assert (hidden == 1.0).all()

    def test_before_all_music_there_is_nothing_to_reset(self) -> None:
        assert reset(None, chunk(([0], [1], True)), "cpu") is None


class TestSumBits:
    # Longer than a chunk of measuring, and shorter; more of them than fit side by side.
    PIECES: tuple[Tokens, ...] = tuple(
        np.array([0, *(1 + token for token in random_walk(19, length, random_seed=length))], np.int64)
        for length in (300, 128, 129, 5, *range(20, 60))
    )

    def test_pieces_in_chunks_cost_what_they_cost_whole(self) -> None:
        trained = network(20)
        expected = np.zeros(20)
        for tokens in self.PIECES:
            with torch.no_grad():
                logits, _ = trained(torch.from_numpy(tokens[None, :-1]))
            bits = -torch.log_softmax(logits[0].double(), -1).numpy() / math.log(2)
            np.add.at(expected, tokens[1:], bits[np.arange(len(tokens) - 1), tokens[1:]])
        assert sum_bits(trained, self.PIECES) == pytest.approx(expected, rel=1e-5)

    def test_the_start_costs_nothing(self) -> None:
        assert sum_bits(network(20), self.PIECES)[0] == 0.0

    def test_measuring_leaves_dropout_out(self) -> None:
        trained = network(20, SHAPE.model_copy(update={"dropout": 0.5})).train()
        assert (sum_bits(trained, self.PIECES) == sum_bits(trained, self.PIECES)).all()

    def test_no_pieces_cost_nothing(self) -> None:
        assert sum_bits(network(20), []).sum() == 0.0


class TestSchedule:
    def test_it_rises_straight_then_falls_to_a_hundredth(self) -> None:
        assert [schedule(step, 100, 10) for step in (0, 4, 9, 10)] == pytest.approx([0.1, 0.5, 1.0, 1.0])
        assert schedule(55, 100, 10) == pytest.approx(0.505)
        assert [schedule(step, 100, 10) for step in (100, 130)] == pytest.approx([0.01, 0.01])

    def test_a_training_shorter_than_its_warm_up_only_rises(self) -> None:
        assert [schedule(step, 3, 10) for step in range(3)] == pytest.approx([0.1, 0.2, 0.3])


class TestPrecision:
    def test_what_is_asked_for_is_done(self) -> None:
        assert wants_bf16("bf16", "cpu")
        assert not wants_bf16("fp32", "cuda")

    def test_left_to_itself_a_gpu_multiplies_in_bf16(self) -> None:
        assert wants_bf16("auto", "cuda")
