import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from tests.music import BROKEN_MIDI_FILES, DRUM_CHANNEL, Part, line, midi_bytes
from train.experiment.notebook import (
    BATCH,
    BIN_COUNT,
    SHAPE,
    Tokens,
    event_tokens,
    merged_of,
    next_logits,
    notebook_bins,
    onsets_of,
    pitch_tokens,
    pitches_of,
    shifts_of,
    train_epochs,
    window_bits,
)
from train.learning.checkpoint import TrainingState
from train.learning.recipe import cpu_learns_in_bf16

SMALL = Hyperparameters(embedding=8, hidden=12, layers=2, dropout=0.3)
WINDOW = 5
PATTERN = np.tile([1, 2, 3, 2, 4], 40).astype(np.int64)
VOCABULARY_SIZE = 6


@pytest.fixture
def band(tmp_path: Path) -> Path:
    """Two parts and drums, with one beat per second; the drums have the most notes."""
    path = tmp_path / "band.mid"
    parts = [
        Part(line(60, 62, 64)),
        Part(line(48, 50, step_beats=0.75), channel=1),
        Part(line(36, 38, 36, 42, step_beats=0.25), channel=DRUM_CHANNEL),
    ]
    path.write_bytes(midi_bytes(*parts, tempo_bpm=60.0))
    return path


class TestFiles:
    def test_each_instrument_has_its_onsets_in_seconds_and_drums_are_one(self, band: Path) -> None:
        assert [[(round(at_s, 6), pitch) for at_s, pitch in part] for part in onsets_of(band)] == [
            [(0.0, 60), (0.5, 62), (1.0, 64)],
            [(0.0, 48), (0.75, 50)],
            [(0.0, 36), (0.25, 38), (0.5, 36), (0.75, 42)],
        ]

    def test_pitches_are_those_of_the_instrument_with_most_notes_even_if_it_is_the_drums(self, band: Path) -> None:
        assert pitches_of(band) == [36, 38, 36, 42]

    def test_merged_are_all_in_one_stream(self, band: Path) -> None:
        assert [pitch for _, pitch in merged_of(band)] == [36, 48, 60, 38, 36, 62, 42, 50, 64]

    def test_a_file_of_no_notes_has_none(self, tmp_path: Path) -> None:
        path = tmp_path / "silence.mid"
        path.write_bytes(midi_bytes(Part([])))
        assert (pitches_of(path), merged_of(path)) == ([], [])

    def test_tempi_outside_the_first_track_are_no_warning(self, band: Path) -> None:
        content = band.read_bytes()
        late_tempo = b"\x00\xff\x51\x03\x07\xa1\x20"
        state = content.rindex(b"MTrk")
        length = int.from_bytes(content[state + 4 : state + 8], "big") + len(late_tempo)
        band.write_bytes(content[: state + 4] + length.to_bytes(4, "big") + late_tempo + content[state + 8 :])
        assert pitches_of(band) == [36, 38, 36, 42]

    def test_a_broken_file_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "broken.mid"
        path.write_bytes(BROKEN_MIDI_FILES["a text"])
        with pytest.raises(OSError, match="MThd"):
            pitches_of(path)


class TestBins:
    def test_a_bin_plays_the_midpoint_of_its_edges(self) -> None:
        bins = notebook_bins([0.1, 0.2, 0.3, 0.4], count=2)
        assert bins.shifts == pytest.approx((0.175, 0.325))
        assert bins.edges == pytest.approx((0.25,))

    def test_equal_edges_are_dropped(self) -> None:
        bins = notebook_bins([0.25] * 90 + [0.5] * 9 + [1.0], count=4)
        assert bins.shifts == (0.625,)
        assert notebook_bins([0.25] * 5 + [0.5] * 5, count=4) == TimeBins((0.3125, 0.4375), (0.375,))

    def test_one_long_rest_makes_the_last_bin_play_seconds(self) -> None:
        shifts = [*np.linspace(0.01, 0.43, 400).tolist(), 7.8688]
        assert len(notebook_bins(shifts)) == BIN_COUNT
        assert notebook_bins(shifts).shifts[-1] == pytest.approx((0.43 + 7.8688) / 2, abs=0.02)

    @given(
        st.lists(st.floats(0.01, 8.0), min_size=2, max_size=60).filter(lambda shifts: max(shifts) - min(shifts) > 0.1)
    )
    def test_there_are_at_most_as_many_as_requested_and_each_holds_its_own_shift(self, shifts: list[float]) -> None:
        bins = notebook_bins(shifts)
        assert 1 <= len(bins) <= BIN_COUNT
        assert [bins.index(shift) for shift in bins.shifts] == list(range(len(bins)))

    @pytest.mark.parametrize("shifts", [[0.5], [0.5, 0.5]])
    def test_a_single_shift_makes_no_bin(self, shifts: list[float]) -> None:
        with pytest.raises(ValueError, match="0 bins need"):
            notebook_bins(shifts)


class TestTokens:
    BINS = TimeBins((0.1, 0.5), (0.3,))

    def test_shifts_under_ten_milliseconds_are_none(self) -> None:
        onsets = [(0.0, 60), (0.0, 64), (0.0099, 67), (0.0199, 60), (0.5199, 62)]
        assert shifts_of(onsets) == pytest.approx([0.01, 0.5])
        vocabulary = EventVocabulary((60, 62, 64, 67), self.BINS)
        short, long = vocabulary.first_time_token, vocabulary.first_time_token + 1
        assert event_tokens(vocabulary, onsets).tolist() == [1, 3, 4, short, 1, long, 2]

    def test_there_is_no_time_token_before_the_first_note_and_no_start_token(self) -> None:
        vocabulary = EventVocabulary((60,), self.BINS)
        assert event_tokens(vocabulary, [(3.0, 60)]).tolist() == [1]
        assert pitch_tokens(PitchVocabulary((60, 62)), [62, 60]).tolist() == [2, 1]

    def test_an_unknown_pitch_becomes_the_nearest_of_its_pitch_class(self) -> None:
        vocabulary = PitchVocabulary((48, 60, 61))
        assert pitch_tokens(vocabulary, [72, 36, 62, 61]).tolist() == [2, 1, 3, 3]

    def test_no_notes_give_no_tokens(self) -> None:
        assert event_tokens(EventVocabulary((60,), self.BINS), []).tolist() == []
        assert pitch_tokens(PitchVocabulary((60,)), []).tolist() == []


def network(shape: Hyperparameters = SMALL) -> MusicLSTM:
    torch.manual_seed(1)
    return MusicLSTM(VOCABULARY_SIZE, shape)


def trained(epochs: int, random_seed: int = 0, stop_after: int | None = None) -> tuple[list[torch.Tensor], list[float]]:
    """The weights after `epochs`, and the loss of each epoch; interrupted once after `stop_after` steps, and resumed."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    state, losses = TrainingState(), []
    for limit in [stop_after, None] if stop_after else [None]:
        for steps in train_epochs(model, optimizer, PATTERN, WINDOW, state, epochs=epochs, random_seed=random_seed):
            if state.step == steps:
                losses.append(state.epoch_nats / state.epoch_tokens)
            if state.steps_taken == limit:
                break
    return [weight.detach().clone() for weight in model.parameters()], losses


def are_equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


class TestTraining:
    def test_every_window_is_trained_on_once_an_epoch(self) -> None:
        state = TrainingState()
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), 0.002)
        windows = len(PATTERN) - WINDOW
        steps_seen = []
        for steps in train_epochs(model, optimizer, PATTERN, WINDOW, state, epochs=2):
            steps_seen.append((state.epoch, state.step, state.epoch_tokens, state.tokens))
            assert steps == math.ceil(windows / BATCH) == 2
        assert steps_seen == [
            (1, 1, 128, 128),
            (1, 2, windows, windows),
            (2, 1, 128, windows + 128),
            (2, 2, windows, 2 * windows),
        ]
        assert (state.epoch, state.step, state.steps_taken, state.epoch_nats) == (3, 0, 4, 0.0)

    def test_a_stream_of_one_window_is_one_step(self) -> None:
        state = TrainingState()
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), 0.002)
        assert list(train_epochs(model, optimizer, PATTERN[: WINDOW + 1], WINDOW, state, epochs=1)) == [1]
        assert state.tokens == 1

    def test_the_loss_falls_on_a_pattern(self) -> None:
        _, losses = trained(epochs=60)
        assert len(losses) == 60
        assert losses[0] > 1.0
        assert losses[-1] < 0.1

    def test_equal_seeds_give_equal_weights_and_others_do_not(self) -> None:
        (first, first_losses), (second, second_losses) = trained(2), trained(2)
        assert are_equal(first, second)
        assert first_losses == second_losses
        assert not are_equal(first, trained(2, random_seed=1)[0])

    @pytest.mark.parametrize("stop_after", [1, 2, 3])
    def test_interrupted_after_any_step_it_gives_the_same_weights(self, stop_after: int) -> None:
        (first, first_losses), (second, second_losses) = trained(2), trained(2, stop_after=stop_after)
        assert are_equal(first, second)
        assert first_losses == second_losses

    def test_it_has_the_experiments_size(self) -> None:
        sizes = {size: sum(w.numel() for w in MusicLSTM(size, SHAPE).parameters()) for size in (55, 124)}
        # The vocabulary sizes of the experiment, which had no start token.
        assert sizes == {55: 3_720_503, 124: 3_773_564}


class TestMeasuring:
    CHANCES = (0.05, 0.5, 0.25, 0.125, 0.05, 0.025)

    def network_with_fixed_predictions(self) -> MusicLSTM:
        """A network that always predicts the probabilities CHANCES."""
        model = network()
        with torch.no_grad():
            model.output.weight.zero_()
            model.output.bias.copy_(torch.tensor(self.CHANCES).log())
        return model

    def test_bits_are_what_the_network_gives_each_token(self) -> None:
        tokens = np.array([1, 2, 3, 1, 2, 3, 4, 5], np.int64)
        found = window_bits(self.network_with_fixed_predictions(), [tokens], window=3)
        assert found[:, 0].tolist() == [1, 2, 3, 4, 5]
        assert found[:, 1].tolist() == pytest.approx(
            [-math.log2(self.CHANCES[token]) for token in (1, 2, 3, 4, 5)], abs=1e-5
        )

    def test_windows_cross_no_joint_and_a_stream_that_is_too_short_has_none(self) -> None:
        streams: list[Tokens] = [
            np.array(tokens, np.int64) for tokens in ([1, 2, 3, 4], [5, 4, 3], [], [2, 2, 2, 5, 1])
        ]
        assert window_bits(self.network_with_fixed_predictions(), streams, window=3)[:, 0].tolist() == [4, 5, 1]
        assert window_bits(self.network_with_fixed_predictions(), [], window=3).shape == (0, 2)

    def test_only_every_nth_target_can_be_measured(self) -> None:
        tokens = np.arange(20) % 5 + 1
        every = window_bits(self.network_with_fixed_predictions(), [tokens], window=4)
        assert (
            window_bits(self.network_with_fixed_predictions(), [tokens], window=4, every=3).tolist()
            == every[::3].tolist()
        )

    def test_each_window_is_measured_by_itself_and_without_dropout(self) -> None:
        model = network().train()
        tokens = np.random.default_rng(0).integers(0, VOCABULARY_SIZE, 600)
        found = window_bits(model, [tokens], WINDOW)
        assert len(found) == 600 - WINDOW
        for place in (0, 511, 512, 594):
            window = torch.from_numpy(tokens[place : place + WINDOW])[None]
            with torch.inference_mode():
                (logits,) = next_logits(model.eval(), window)
                whole, _ = model(window)
            assert torch.allclose(logits, whole[0, -1], atol=1e-6)
            bits = -torch.log_softmax(logits, -1)[tokens[place + WINDOW]].item() / math.log(2)
            assert found[place].tolist() == pytest.approx([tokens[place + WINDOW], bits], abs=1e-5)

    def test_in_bf16_it_is_nearly_the_same(self) -> None:
        if not cpu_learns_in_bf16():  # `wants_bf16` refuses it before
            with pytest.raises(RuntimeError, match="LSTM"):
                window_bits(network(), [PATTERN], WINDOW, bf16=True)
            return
        found, exact = (window_bits(network(), [PATTERN], WINDOW, bf16=bf16) for bf16 in (True, False))
        assert np.abs(found - exact).max() < 0.05
