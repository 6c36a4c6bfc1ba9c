import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from model.approach import APPROACHES, Approach
from model.engines.network_shape import Hyperparameters
from model.notes import Note
from model.pack.card import Card, read_card
from model.pack.pack import open_pack
from model.tokens.vocabulary import EventVocabulary
from tests.music import Part, exercise, line, midi_bytes, write_part
from tests.train.trainings import RECIPE, names_in, read_in_this_process, weights_of, write_sides
from train.build import TrainingRequest
from train.corpus.corpora import SPLITS, Corpus, Line, read_corpora
from train.corpus.reading import LineSelection
from train.errors import CheckpointError, CorpusError, RecipeError
from train.experiment import notebook, replay
from train.experiment.replay import replay_experiment, streams_of
from train.learning.parallel import SINGLE_PROCESS, World
from train.learning.trainer import Progress

AS_THE_NOTEBOOK = LineSelection("merged", drums=True, time_unit="seconds")
SMALL = Hyperparameters(embedding=8, hidden=16, layers=2, dropout=0.3)
EPOCHS = 3
# Four files with 64 notes and 63 times each; windows of 16 and 24 tokens, 32 windows at a time.
WINDOWS: dict[Approach, int] = {"pitch": 4 * 64 - 16, "event": 4 * (64 + 63) - 24}
STEPS = {approach: -(-windows // 32) for approach, windows in WINDOWS.items()}


@pytest.fixture(scope="module", autouse=True)
def small_and_here() -> Iterator[None]:
    """A small network for the notebook's recipe, and MIDI files read in this process."""
    with read_in_this_process(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebook, "SHAPE", SMALL)
        patch.setattr(notebook, "WINDOW", {"pitch": 16, "event": 24})
        patch.setattr(notebook, "BATCH", 32)
        yield


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return read(write_sides(tmp_path_factory.mktemp("corpora") / "tunes"))


@pytest.fixture(scope="module")
def replayed(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Card]:
    out = tmp_path_factory.mktemp("out") / "old"
    return out, replay_experiment([corpus], request(out), ignore_progress, SINGLE_PROCESS)


def read(folder: Path) -> Corpus:
    (corpus,) = read_corpora([folder], folder.parent / "cache", AS_THE_NOTEBOOK)
    return corpus


def request(out: Path, epochs: int = EPOCHS) -> TrainingRequest:
    recipe = replace(RECIPE, epochs=epochs)
    return TrainingRequest(out, dict.fromkeys(APPROACHES, recipe), SMALL, AS_THE_NOTEBOOK, command="fours train tunes")


def ignore_progress(approach: Approach, progress: Progress) -> None:
    """Takes no notice of the progress."""


class ProgressRecorder:
    """Records the progress, and calls `do` after a given step."""

    def __init__(self, at: tuple[Approach, int, int] | None = None, do: Callable[[], None] = lambda: None) -> None:
        self.steps: list[tuple[Approach, int, int]] = []
        self._at, self._do = at, do

    def __call__(self, approach: Approach, progress: Progress) -> None:
        self.steps.append((approach, progress.epoch, progress.step))
        if self.steps[-1] == self._at:
            self._do()


class Killed(Exception):
    """Ends a training without any clean-up, like kill -9."""


def kill() -> NoReturn:
    raise Killed


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


class TestPack:
    def test_it_opens_and_plays(self, replayed: tuple[Path, Card]) -> None:
        out, card = replayed
        pack = open_pack(str(out))
        assert pack.card == card
        for approach in APPROACHES:
            assert pack.engine(approach, "cpu").vocabulary_size == pack.vocabulary(approach).size
        assert names_in(out.parent) == ["old"]
        assert "NOTICES.txt" in names_in(out)

    def test_its_vocabulary_is_that_of_the_training_files(self, replayed: tuple[Path, Card]) -> None:
        pitches = {57, 59, 60, 62}
        expected = tuple(sorted(key + shape for key in pitches for shape in (0, 4, 7, 12)))
        for part in replayed[1].approaches.values():
            assert part.pitches == tuple(sorted(set(expected)))

    def test_its_time_is_in_seconds(self, replayed: tuple[Path, Card]) -> None:
        bins = replayed[1].approaches["event"].bins
        assert bins is not None
        assert (bins.unit, bins.choice) == ("seconds", "notebook")
        # There are only shifts of 1/2 and 1/4 second; the notebook made one bin between them.
        assert bins.shifts == pytest.approx((0.375,))
        at_60 = replayed[1].vocabulary("event", tempo_bpm=60.0)
        assert isinstance(at_60, EventVocabulary)
        assert at_60.bins.shifts == pytest.approx((0.375,))

    def test_the_card_records_how_it_was_made(self, replayed: tuple[Path, Card]) -> None:
        _, card = replayed
        assert card.approaches["pitch"].training.tracks == "most-notes"
        assert card.approaches["event"].training.tracks == "merged"
        for approach, part in card.approaches.items():
            training = part.training
            assert part.network == SMALL
            assert training.drums
            assert (training.epochs, training.best_epoch) == (EPOCHS, EPOCHS)
            assert training.tokens_per_epoch == WINDOWS[approach]
            assert [row.tokens for row in training.history] == [WINDOWS[approach] * epoch for epoch in (1, 2, 3)]
            assert training.recipe == {
                "name": "notebook",
                "window": notebook.WINDOW[approach],
                "batch": 32,
                "learning_rate": 0.002,
                "gradient_norm": 1.0,
                "precision": "fp32",
            }

    def test_the_card_has_figures_of_held_out_files(self, replayed: tuple[Path, Card]) -> None:
        _, card = replayed
        for approach, part in card.approaches.items():
            figures = part.held_out["tunes"]
            # All notes except those of the first window.
            assert figures.notes == (64 - 16 if approach == "pitch" else 64 - 12)
            assert 0.0 < figures.pitch_bits < 10.0
            assert (figures.time_bits is None) == (approach == "pitch")
            assert all(0.0 < (row.valid_bits or 0.0) < 20.0 for row in part.training.history)

    def test_the_last_epoch_is_used_even_if_it_is_not_the_best(
        self, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The network is best before it learns, as the rate is far too high.
        monkeypatch.setattr(notebook, "LEARNING_RATE", 3.0)
        card = replay_experiment([corpus], request(tmp_path / "old", epochs=2), ignore_progress, SINGLE_PROCESS)
        assert {part.training.best_epoch for part in card.approaches.values()} == {2}
        assert max(part.held_out["tunes"].pitch_bits for part in card.approaches.values()) > 10.0

    def test_with_nothing_held_out_there_are_no_figures(self, corpus: Corpus, tmp_path: Path) -> None:
        alone = Corpus("tunes", corpus.folder, {"train": corpus.lines["train"], "valid": [], "test": []})
        card = replay_experiment([alone], request(tmp_path / "old", epochs=1), ignore_progress, SINGLE_PROCESS)
        assert read_card(tmp_path / "old") == card
        for part in card.approaches.values():
            assert part.held_out == {}
            assert [row.valid_bits for row in part.training.history] == [None]


class TestInterrupted:
    @pytest.mark.parametrize("at", [("pitch", 2, 3), ("pitch", 2, STEPS["pitch"]), ("event", 1, 1), ("event", 3, 5)])
    def test_stopped_and_resumed_it_ends_with_the_same_weights(
        self, at: tuple[Approach, int, int], corpus: Corpus, replayed: tuple[Path, Card], tmp_path: Path
    ) -> None:
        out = tmp_path / "old"
        with pytest.raises(KeyboardInterrupt):
            replay_experiment([corpus], request(out), ProgressRecorder(at, press_ctrl_c), SINGLE_PROCESS)
        assert names_in(tmp_path) == ["old.training"]
        recorder = ProgressRecorder()
        replay_experiment([corpus], replace(request(out), resume=True), recorder, SINGLE_PROCESS)
        assert recorder.steps[0] > at
        assert weights_of(out) == weights_of(replayed[0])
        assert names_in(tmp_path) == ["old"]

    def test_killed_and_resumed_it_ends_with_the_same_weights(
        self, corpus: Corpus, replayed: tuple[Path, Card], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replay, "CHECKPOINT_EVERY_S", 0.0)
        out = tmp_path / "old"
        with pytest.raises(Killed):
            replay_experiment([corpus], request(out), ProgressRecorder(("event", 2, 4), kill), SINGLE_PROCESS)
        recorder = ProgressRecorder()
        card = replay_experiment([corpus], replace(request(out), resume=True), recorder, SINGLE_PROCESS)
        # The step at which it was killed was not saved.
        assert recorder.steps[0] == ("event", 2, 4)
        assert weights_of(out) == weights_of(replayed[0])
        for approach, part in card.approaches.items():
            before = replayed[1].approaches[approach]
            assert part.held_out == before.held_out
            assert [row.training_bits for row in part.training.history] == [
                row.training_bits for row in before.training.history
            ]

    def test_it_can_be_resumed_for_more_epochs(self, corpus: Corpus, tmp_path: Path) -> None:
        out = tmp_path / "longer"
        with pytest.raises(KeyboardInterrupt):
            replay_experiment([corpus], request(out), ProgressRecorder(("pitch", 1, 2), press_ctrl_c), SINGLE_PROCESS)
        epochs = request(out).recipes["pitch"].epochs
        card = replay_experiment(
            [corpus], replace(request(out, epochs=epochs + 1), resume=True), ignore_progress, SINGLE_PROCESS
        )
        assert card.approaches["pitch"].training.epochs == epochs + 1

    def test_with_other_settings_it_is_not_resumed(self, corpus: Corpus, tmp_path: Path) -> None:
        out = tmp_path / "old"
        with pytest.raises(KeyboardInterrupt):
            replay_experiment([corpus], request(out), ProgressRecorder(("pitch", 1, 2), press_ctrl_c), SINGLE_PROCESS)
        with pytest.raises(CheckpointError, match="is of a training with other settings or another corpus"):
            replay_experiment(
                [corpus], replace(another_seed(request(out)), resume=True), ignore_progress, SINGLE_PROCESS
            )
        assert names_in(tmp_path / "old.training") == ["pitch.checkpoint"]


def another_seed(epochs: TrainingRequest) -> TrainingRequest:
    return replace(epochs, recipes={name: replace(recipe, random_seed=9) for name, recipe in epochs.recipes.items()})


class TestBudget:
    def test_it_ends_at_an_epochs_end(self, corpus: Corpus, tmp_path: Path) -> None:
        recorder = ProgressRecorder()
        card = replay_experiment(
            [corpus], replace(request(tmp_path / "old", 50), budget_s=1e-6), recorder, SINGLE_PROCESS
        )
        assert recorder.steps[STEPS["pitch"] - 1] == ("pitch", 1, STEPS["pitch"])
        assert recorder.steps[-1] == ("event", 1, STEPS["event"])
        assert {part.training.epochs for part in card.approaches.values()} == {1}


class TestRefused:
    def test_several_processes(self, corpus: Corpus, tmp_path: Path) -> None:
        with pytest.raises(RecipeError, match="knows one process only; start it without torchrun"):
            replay_experiment([corpus], request(tmp_path / "old"), ignore_progress, World(size=2))
        assert names_in(tmp_path) == []

    def test_no_more_notes_than_one_window(self, tmp_path: Path) -> None:
        write_part(tmp_path / "short" / "one.mid", exercise(16))
        with pytest.raises(CorpusError) as raised:
            replay_experiment([read(tmp_path / "short")], request(tmp_path / "old"), ignore_progress, SINGLE_PROCESS)
        assert str(raised.value) == (
            "the training side has 16 tokens for pitch, no more than one window of 16; give it more files"
        )
        assert "old.training" not in names_in(tmp_path)

    @pytest.mark.parametrize("step_beats", [0.0, 1.0])
    def test_music_without_rhythm(self, step_beats: float, tmp_path: Path) -> None:
        # One beat is one second, so that rounding does not split one shift into two.
        notes = [Note(40 + index, index * step_beats, 1.0, 80) for index in range(40)]
        (tmp_path / "still").mkdir()
        (tmp_path / "still" / "one.mid").write_bytes(midi_bytes(Part(notes), tempo_bpm=60.0))
        recorder = ProgressRecorder()
        with pytest.raises(CorpusError) as raised:
            replay_experiment([read(tmp_path / "still")], request(tmp_path / "old"), recorder, SINGLE_PROCESS)
        assert str(raised.value) == ("all time between onsets is the same: the notebook's recipe makes no bins from it")
        assert recorder.steps == []
        assert "old.training" not in names_in(tmp_path)

    def test_a_file_that_only_pretty_midi_refuses(self, corpus: Corpus, tmp_path: Path) -> None:
        spoilt = tmp_path / "spoilt.mid"
        spoilt.write_bytes(b"RIFF")
        with_it = Corpus("tunes", corpus.folder, {**corpus.lines, "valid": [Line.of(spoilt, exercise())]})
        with pytest.raises(CorpusError) as raised:
            replay_experiment([with_it], request(tmp_path / "old"), ignore_progress, SINGLE_PROCESS)
        assert str(raised.value).startswith(
            f"pretty_midi, which the notebook's recipe reads with, cannot read {spoilt} ("
        )
        assert str(raised.value).endswith("); delete the file")
        assert names_in(tmp_path) == ["spoilt.mid"]


class TestStreams:
    def test_each_file_is_a_stream_on_its_side(self, corpus: Corpus) -> None:
        streams = streams_of("pitch", [corpus])
        assert {split: len(streams.all_of(split)) for split in SPLITS} == {"train": 4, "valid": 1, "test": 1}
        assert [len(tokens) for tokens in streams.all_of("train")] == [64] * 4
        assert streams.notes("train") == 4 * 64
        assert streams_of("event", [corpus]).notes("train") == 4 * 64

    def test_only_event_streams_have_drums_and_all_instruments(self, tmp_path: Path) -> None:
        path = tmp_path / "band" / "one.mid"
        path.parent.mkdir()
        drums = line(*[36, 38] * 10, start_beats=0.25)
        path.write_bytes(midi_bytes(Part(exercise(40)), Part(drums, channel=9)))
        band = read(path.parent)
        assert len(streams_of("pitch", [band]).all_of("train")[0]) == 40
        events = streams_of("event", [band])
        assert events.notes("train") == 60
        assert {36, 38} <= set(events.vocabulary.pitches)

    def test_held_out_pitches_become_the_nearest_known_ones(self, corpus: Corpus) -> None:
        streams = streams_of("pitch", [corpus])
        (test,) = streams.all_of("test")
        # The test file is in F, and its 65 is in no training file; 64 and 66 are.
        assert int(np.max(test)) <= len(streams.vocabulary.pitches)
        assert 65 not in streams.vocabulary.pitches
