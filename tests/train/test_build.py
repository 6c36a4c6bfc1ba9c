import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from model.approach import APPROACHES, Approach
from model.pack.card import CARD_FILE, Card, CardBins, Epoch, read_card
from model.pack.pack import open_pack, sha256_of
from model.tokens.time_bins import BinChoice, TimeBins
from model.tokens.vocabulary import EventVocabulary
from tests.music import line
from tests.train.trainings import (
    RECIPE,
    SHAPE,
    names_in,
    read_in_this_process,
    triplets,
    weights_of,
    write_sides,
)
from train import build as build_module
from train import pack_writing
from train.build import AUTO_LANES, LANES, TrainingRequest, build_pack, repeats_of_lines, staging_bytes_needed
from train.corpus.corpora import Corpus, Line, read_corpora
from train.corpus.reading import LineSelection
from train.errors import CheckpointError, CorpusError, OutputError, RecipeError
from train.evaluation.evaluate import pack_network
from train.learning.checkpoint import CheckpointSettings
from train.learning.parallel import SINGLE_PROCESS
from train.learning.tracker import NoTracker
from train.learning.trainer import LearningTask, Outcome, Progress, fit
from train.memory.forecasts import bits_with_memory, forecast_lines
from train.staging import training_folder

# Long enough to be interrupted in the middle.
LONGER = replace(RECIPE, epochs=4, chunk=16)


def request(out: Path) -> TrainingRequest:
    return TrainingRequest(
        out=out,
        recipes=dict.fromkeys(APPROACHES, RECIPE),
        shape=SHAPE,
        choice=LineSelection(),
        bin_count=8,
        command="fours train tunes --out tiny",
    )


def longer(out: Path) -> TrainingRequest:
    return replace(request(out), recipes=dict.fromkeys(APPROACHES, LONGER))


def ignore_progress(approach: Approach, progress: Progress) -> None:
    """Takes no notice of the progress."""


def train_nothing(*_: object, **__: object) -> NoReturn:
    pytest.fail("there should have been no training")


def interrupt_in(approach: Approach, epoch: int) -> build_module.OnProgress:
    """A callback that raises KeyboardInterrupt after the second step of the epoch."""

    def report(trained: Approach, progress: Progress) -> None:
        if (trained, progress.epoch, progress.step) == (approach, epoch, 2):
            raise KeyboardInterrupt

    return report


@pytest.fixture(scope="module", autouse=True)
def read_here() -> Iterator[None]:
    with read_in_this_process():
        yield


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = write_sides(tmp_path_factory.mktemp("corpora") / "tunes")
    (corpus,) = read_corpora([folder], tmp_path_factory.mktemp("cache"), LineSelection())
    return corpus


@pytest.fixture(scope="module")
def built(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Card]:
    out = tmp_path_factory.mktemp("out") / "deep" / "tiny"
    return out, built_card([corpus], request(out))


@pytest.fixture(scope="module")
def uninterrupted(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of a training that was not interrupted."""
    out = tmp_path_factory.mktemp("out") / "uninterrupted"
    built_card([corpus], longer(out))
    return out


@pytest.fixture(scope="module")
def triplet_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpora") / "mine"
    folder.mkdir()
    (folder / "LICENSE").write_text("Mine.", encoding="utf-8")
    corpus = Corpus("mine", folder)
    for number, side in enumerate(("train", "train", "valid", "test")):
        line_of = Line.of(folder / f"{number}.mid", triplets(number))
        corpus.lines[side].append(line_of)  # type: ignore[index]  # they are Splits
    return corpus


@pytest.fixture(scope="module")
def fine_tuned(
    built: tuple[Path, Card], triplet_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Card]:
    out = tmp_path_factory.mktemp("out") / "fine_tuned"
    base = open_pack(str(built[0]))
    return out, built_card([triplet_corpus], replace(request(out), base_pack=base))


def built_card(corpora: list[Corpus], request_changed: TrainingRequest) -> Card:
    card = build_pack(corpora, request_changed, ignore_progress)
    assert card is not None
    return card


def complaint(corpus: Corpus, request_changed: TrainingRequest) -> str:
    with pytest.raises(OutputError) as raised:
        build_pack([corpus], request_changed, ignore_progress)
    return str(raised.value)


class TestWholePack:
    def test_it_holds_weights_and_a_graph_for_each_approach_and_nothing_else(self, built: tuple[Path, Card]) -> None:
        out, _ = built
        graphs = [re.sub(r"\.(int8|fp32)\.onnx$", ".onnx", name) for name in names_in(out)]
        weights = ["event.onnx", "event.safetensors", "pitch.onnx", "pitch.safetensors"]
        assert sorted(graphs) == ["NOTICES.txt", "card.json", *weights]
        assert names_in(out.parent) == ["tiny"]
        assert out.stat().st_mode & 0o755 == 0o755

    def test_it_opens_and_plays(self, built: tuple[Path, Card]) -> None:
        out, card = built
        pack = open_pack(str(out))
        assert pack.card == card == read_card(out)
        for approach in APPROACHES:
            assert pack.engine(approach, "cpu").vocabulary_size == pack.vocabulary(approach).size
            assert pack.reference_engine(approach).initial_state().shape == (2, 2, 16)

    def test_its_vocabularies_are_those_of_the_training_side(self, built: tuple[Path, Card]) -> None:
        _, card = built
        event = card.vocabulary("event")
        assert event == EventVocabulary(tuple(range(51, 80)), TimeBins((0.5, 1.0), (0.75,)))
        assert card.vocabulary("pitch").pitches == event.pitches

    def test_the_card_records_corpus_and_training(self, built: tuple[Path, Card]) -> None:
        _, card = built
        assert card.name == "tiny"
        (source,) = card.corpora
        assert (source.name, source.files, source.notes) == ("tunes", 4, 256)
        assert (source.licences, source.attribution) == ({"CC0-1.0": 4}, "Played by nobody.")
        for part in card.approaches.values():
            assert part.network == SHAPE
            training = part.training
            assert (training.command, training.base, training.tracks) == ("fours train tunes --out tiny", "", "lead")
            assert (training.epochs, training.best_epoch, training.random_seed) == (1, 1, 0)
            assert training.recipe == asdict(RECIPE)

    def test_the_card_records_each_epoch(self, uninterrupted: Path) -> None:
        for part in read_card(uninterrupted).approaches.values():
            history = part.training.history
            assert [row.epoch for row in history] == list(range(1, part.training.epochs + 1))
            assert [row.tokens for row in history] == [row.epoch * part.training.tokens_per_epoch for row in history]
            best = history[part.training.best_epoch - 1]
            assert best.valid_bits == pytest.approx(part.training.valid_bits, abs=1e-4)
            assert best.valid_bits == min(row.valid_bits or 0.0 for row in history)

    def test_the_card_has_the_hashes_of_its_files(self, built: tuple[Path, Card]) -> None:
        out, card = built
        for part in card.approaches.values():
            assert part.files == {name: sha256_of(out / name) for name in part.files}

    def test_the_card_has_figures_of_held_out_lines(self, built: tuple[Path, Card]) -> None:
        _, card = built
        for approach, part in card.approaches.items():
            figures = part.held_out["tunes"]
            assert figures.notes == 64
            assert figures.pitch_bits > 0.0
            assert (figures.time_bits is None) == (approach == "pitch")
            orders = [*(f"order {length}" for length in range(5)), "unbounded"]
            assert list(figures.ppm) == orders
            assert list(figures.ppm_time) == (orders if approach == "event" else [])
            assert all(0.0 < figures.ppm_time[order] < figures.ppm[order] for order in figures.ppm_time)
            training = part.training
            assert training.fp32_bits == pytest.approx(training.valid_bits, rel=1e-4)
            assert training.int8_bits == pytest.approx(training.valid_bits, rel=0.05)

    def test_the_notices_of_the_corpora_go_along(self, built: tuple[Path, Card]) -> None:
        out, _ = built
        assert (out / "NOTICES.txt").read_text(encoding="utf-8") == "==== tunes/NOTICE ====\n\nPlayed by nobody.\n"

    def test_one_approach_is_trained_again_and_the_other_stays_as_it_is(
        self, built: tuple[Path, Card], corpus: Corpus, tmp_path: Path
    ) -> None:
        before = open_pack(str(built[0]))
        changed = replace(RECIPE, random_seed=1)
        retrained = replace(request(tmp_path / "retrained"), recipes={"pitch": changed}, existing_pack=before)
        card = built_card([corpus], retrained)
        after = open_pack(str(tmp_path / "retrained"))
        assert card.approaches["event"] == before.card.approaches["event"]
        assert after.engine("event", "cpu").vocabulary_size == before.vocabulary("event").size
        assert sha256_of(after.weights_file("pitch")) != sha256_of(before.weights_file("pitch"))

    def test_a_pack_that_is_there_is_replaced_whole(self, corpus: Corpus, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        out.mkdir()
        (out / CARD_FILE).write_text("an older card", encoding="utf-8")
        (out / "older.onnx").touch()
        reported: list[tuple[Approach, int]] = []
        card = build_pack(
            [corpus], request(out), lambda approach, progress: reported.append((approach, progress.epoch))
        )
        assert read_card(out) == card
        assert not (out / "older.onnx").exists()
        assert names_in(tmp_path) == ["tiny"]
        assert set(reported) == {("pitch", 1), ("event", 1)}

    def test_the_vocabularies_are_reported_before_any_training(
        self, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reported: list[Approach] = []

        def stop(*_: object, **__: object) -> NoReturn:
            raise KeyboardInterrupt

        monkeypatch.setattr(build_module, "fit", stop)
        with pytest.raises(KeyboardInterrupt):
            build_pack(
                [corpus],
                request(tmp_path / "tiny"),
                ignore_progress,
                on_vocabulary=lambda approach, _: reported.append(approach),
            )
        assert reported == list(APPROACHES)


class TestGraphThatShips:
    @pytest.mark.parametrize(("int8_bits", "ships"), [(2.0, "int8"), (2.0099, "int8"), (2.0101, "fp32"), (1.9, "int8")])
    def test_int8_ships_where_it_costs_next_to_nothing(
        self, int8_bits: float, ships: str, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        figures = iter([2.0, int8_bits] * len(APPROACHES))
        monkeypatch.setattr(pack_writing, "engine_bits", lambda *_: next(figures))
        build_pack([corpus], request(tmp_path / "tiny"), ignore_progress)
        assert [name for name in names_in(tmp_path / "tiny") if name.endswith(".onnx")] == [
            f"event.{ships}.onnx",
            f"pitch.{ships}.onnx",
        ]

    def test_with_nothing_held_out_int8_ships_unmeasured(self, corpus: Corpus, tmp_path: Path) -> None:
        alone = Corpus("tunes", corpus.folder, {"train": corpus.lines["train"], "valid": [], "test": []})
        card = built_card([alone], request(tmp_path / "tiny"))
        assert read_card(tmp_path / "tiny") == card
        for approach, part in card.approaches.items():
            assert f"{approach}.int8.onnx" in part.files
            training = part.training
            assert (training.valid_bits, training.fp32_bits, training.int8_bits) == (None, None, None)
            assert [row.valid_bits for row in training.history] == [None]
            assert part.held_out == {}


class TestAtomicWriting:
    def test_a_failure_while_the_pack_is_written_loses_no_training(
        self, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fill_the_disk(_: object, path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        out = tmp_path / "tiny"
        with monkeypatch.context() as full:
            full.setattr(pack_writing, "write_int8", fill_the_disk)
            assert complaint(corpus, request(out)) == (
                f"{out} cannot be written (No space left on device); make room, then go on with --resume"
            )
        assert names_in(tmp_path) == ["tiny.training"]
        assert "pack" not in names_in(tmp_path / "tiny.training")
        reported: list[Progress] = []
        build_pack([corpus], replace(request(out), resume=True), lambda _, progress: reported.append(progress))
        assert (names_in(tmp_path), reported) == (["tiny"], [])

    def test_an_interrupt_before_the_training_leaves_nothing(
        self, built: tuple[Path, Card], corpus: Corpus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def press_ctrl_c(*_: object, **__: object) -> NoReturn:
            raise KeyboardInterrupt

        out, card = built
        monkeypatch.setattr(build_module, "fit", press_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            build_pack([corpus], request(out), ignore_progress)
        assert read_card(out) == card
        assert names_in(out.parent) == ["tiny"]

    def test_a_pack_that_cannot_be_put_in_place_leaves_the_one_that_was_there(
        self, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "tiny"
        out.mkdir()
        (out / CARD_FILE).write_text("an older card", encoding="utf-8")
        rename = Path.rename
        refused: list[Path] = []

        def refuse_once(path: Path, target: Path) -> Path:
            if target == out and not refused:
                refused.append(path)
                raise OSError(5, "Input/output error")
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", refuse_once)
        assert complaint(corpus, request(out)).startswith(f"{out} cannot be written (Input/output error)")
        assert (out / CARD_FILE).read_text(encoding="utf-8") == "an older card"
        assert names_in(tmp_path) == ["tiny", "tiny.training"]


class TestInterrupted:
    @pytest.mark.parametrize(("approach", "epoch"), [("pitch", 2), ("event", 3)])
    def test_it_resumes_at_the_next_step_and_gives_the_same_weights(
        self, approach: Approach, epoch: int, corpus: Corpus, uninterrupted: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tiny"
        with pytest.raises(KeyboardInterrupt):
            build_pack([corpus], longer(out), interrupt_in(approach, epoch))
        assert names_in(tmp_path) == ["tiny.training"]
        reported: list[tuple[Approach, int, int]] = []
        build_pack(
            [corpus],
            replace(longer(out), resume=True),
            lambda trained, progress: reported.append((trained, progress.epoch, progress.step)),
        )
        assert reported[0] == (approach, epoch, 3)
        assert weights_of(out) == weights_of(uninterrupted)
        assert names_in(tmp_path) == ["tiny"]

    def test_without_resume_it_starts_again(self, corpus: Corpus, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        with pytest.raises(KeyboardInterrupt):
            build_pack([corpus], longer(out), interrupt_in("pitch", 2))
        reported: list[int] = []
        build_pack([corpus], request(out), lambda _, progress: reported.append(progress.epoch))
        assert set(reported) == {1}
        assert names_in(tmp_path) == ["tiny"]

    def test_with_other_settings_it_is_neither_resumed_nor_lost(self, corpus: Corpus, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        with pytest.raises(KeyboardInterrupt):
            build_pack([corpus], longer(out), interrupt_in("event", 2))
        fewer_held_out = replace_lines(corpus, valid=[])
        other_weights = replace(request(out).recipes["pitch"], epochs=4, random_seed=7)
        for corpora, request_changed in (
            ([fewer_held_out], longer(out)),
            ([corpus], replace(longer(out), recipes=dict.fromkeys(APPROACHES, other_weights))),
            ([corpus], replace(longer(out), shape=SHAPE.model_copy(update={"dropout": 0.2}))),
        ):
            with pytest.raises(CheckpointError, match="is of a training with other settings or another corpus"):
                build_pack(corpora, replace(request_changed, resume=True), ignore_progress)
        assert {"event.checkpoint", "pitch.checkpoint"} <= set(names_in(tmp_path / "tiny.training"))


def replace_lines(corpus: Corpus, **sides: list[Line]) -> Corpus:
    return Corpus(corpus.name, corpus.folder, {**corpus.lines, **sides})  # type: ignore[dict-item]  # sides are Splits


class TestArgumentsOfTraining:
    """The arguments that `fit` is called with; it trains something else."""

    @pytest.fixture
    def calls(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
        calls: list[dict[str, object]] = []

        def record_call(task: LearningTask, recipe: object, _: object, **named: object) -> Outcome:
            calls.append({"lesson": task, "recipe": recipe, **named})
            return fit(task, RECIPE, SINGLE_PROCESS)

        monkeypatch.setattr(build_module, "fit", record_call)
        return calls

    def test_the_time_is_shared_as_the_tokens_are(
        self, corpus: Corpus, tmp_path: Path, calls: list[dict[str, object]]
    ) -> None:
        build_pack([corpus], replace(request(tmp_path / "tiny"), budget_s=60.0), ignore_progress)
        pitch_s, event_s = (float(str(named["budget_s"])) for named in calls)
        assert pitch_s + event_s == pytest.approx(60.0)
        # Four lines of 64 notes with a start, and 63 times between them.
        assert event_s / pitch_s == pytest.approx((1 + 64 + 63) / (1 + 64))

    def test_without_a_budget_there_is_none(
        self, corpus: Corpus, tmp_path: Path, calls: list[dict[str, object]]
    ) -> None:
        build_pack([corpus], request(tmp_path / "tiny"), ignore_progress)
        assert [named["budget_s"] for named in calls] == [None, None]

    def test_each_approach_has_a_checkpoint_and_a_tracker_of_its_own(
        self, corpus: Corpus, tmp_path: Path, calls: list[dict[str, object]]
    ) -> None:
        closed: list[Approach] = []

        class ClosingTracker(NoTracker):
            def __init__(self, approach: Approach) -> None:
                self.approach = approach

            def close(self) -> None:
                closed.append(self.approach)

        build_pack([corpus], request(tmp_path / "tiny"), ignore_progress, tracker=ClosingTracker)
        assert closed == list(APPROACHES)
        places = [named["checkpoints"] for named in calls]
        folder = training_folder(tmp_path / "tiny")
        assert [place.path for place in places if isinstance(place, CheckpointSettings)] == [
            folder / f"{approach}.checkpoint" for approach in APPROACHES
        ]
        assert len({place.fingerprint for place in places if isinstance(place, CheckpointSettings)}) == 2

    def test_a_small_corpus_gets_few_lanes_and_a_large_one_many(
        self, corpus: Corpus, tmp_path: Path, calls: list[dict[str, object]]
    ) -> None:
        auto = replace(RECIPE, lanes=AUTO_LANES, chunk=2)
        for lines, name in ((1, "small"), (64, "large")):
            many = replace_lines(corpus, train=corpus.lines["train"] * lines, valid=[], test=[])
            build_pack(
                [many], replace(request(tmp_path / name), recipes=dict.fromkeys(APPROACHES, auto)), ignore_progress
            )
        lanes = [getattr(named["recipe"], "lanes", None) for named in calls]
        assert lanes == [LANES[0], LANES[0], LANES[1], LANES[1]]

    def test_the_lines_of_a_small_corpus_count_more_up_to_a_limit(self, corpus: Corpus) -> None:
        some = corpus.lines["train"]
        small, large = replace_lines(corpus, train=some[:1]), replace_lines(corpus, train=some * 5)
        assert repeats_of_lines([small, large], 3) == [3, *[1] * len(some) * 5]
        assert repeats_of_lines([small, large], 1) == [1] * (1 + len(some) * 5)
        assert repeats_of_lines([large, large], 3) == [1] * len(some) * 10

    @pytest.mark.parametrize("approach", APPROACHES)
    def test_beside_a_memory_it_is_measured_before_and_after_with_that_of_its_base(
        self, approach: Approach, built: tuple[Path, Card], corpus: Corpus, tmp_path: Path
    ) -> None:
        base = open_pack(str(built[0]))
        beside = replace(RECIPE, beside_memory=True, learning_rate=0.0)
        card = build_pack(
            [corpus],
            replace(request(tmp_path / "beside"), recipes=dict.fromkeys(APPROACHES, beside), base_pack=base),
            ignore_progress,
        )
        assert card is not None
        training = card.approaches[approach].training
        assert training.recipe["beside_memory"]
        memory, lines = base.memory(approach), corpus.lines["valid"]
        forecasts = forecast_lines(pack_network(base, approach), base.vocabulary(approach), lines)
        bits = sum(bits_with_memory(memory, line).sum() for line in forecasts) / sum(map(len, lines))
        assert training.history[0].valid_bits == pytest.approx(bits, abs=1e-3)
        assert training.valid_bits == pytest.approx(bits, abs=1e-3)


class TestFromAPack:
    def test_its_vocabulary_is_extended(self, built: tuple[Path, Card], fine_tuned: tuple[Path, Card]) -> None:
        before, after = (open_pack(str(out)).vocabulary("event") for out, _ in (built, fine_tuned))
        assert isinstance(before, EventVocabulary)
        assert isinstance(after, EventVocabulary)
        assert before.bins.shifts == (0.5, 1.0)
        assert after.bins.shifts == (8 / 24, 0.5, 1.0)
        assert before.pitches == tuple(range(51, 80))
        assert after.pitches[0] == 51
        assert after.pitches[-1] > 90
        assert fine_tuned[1].vocabulary("pitch").pitches == after.pitches

    def test_it_opens_and_plays(self, fine_tuned: tuple[Path, Card]) -> None:
        pack = open_pack(str(fine_tuned[0]))
        assert pack.card == fine_tuned[1]
        for approach in APPROACHES:
            assert pack.engine(approach, "cpu").vocabulary_size == pack.vocabulary(approach).size

    def test_the_card_names_the_pack_and_all_corpora(self, fine_tuned: tuple[Path, Card]) -> None:
        out, card = fine_tuned
        assert [source.name for source in card.corpora] == ["tunes", "mine"]
        assert card.corpora[0].licences == {"CC0-1.0": 4}
        assert {part.training.base for part in card.approaches.values()} == {"tiny"}
        assert (out / "NOTICES.txt").read_text(encoding="utf-8") == (
            "==== tunes/NOTICE ====\n\nPlayed by nobody.\n\n==== mine/LICENSE ====\n\nMine.\n"
        )

    def test_the_initial_weights_are_measured_as_epoch_zero(self, fine_tuned: tuple[Path, Card]) -> None:
        for part in fine_tuned[1].approaches.values():
            first, second = part.training.history
            assert (first.epoch, first.tokens, first.training_bits) == (0, 0, None)
            assert first.valid_bits is not None
            assert second.epoch == 1
            assert part.training.valid_bits == pytest.approx(min(first.valid_bits, second.valid_bits or 0.0), abs=1e-4)

    def test_with_a_learning_rate_of_zero_known_rows_stay_as_they_were(
        self, built: tuple[Path, Card], triplet_corpus: Corpus, tmp_path: Path
    ) -> None:
        base = open_pack(str(built[0]))
        frozen = dict.fromkeys(APPROACHES, replace(RECIPE, learning_rate=0.0))
        card = built_card([triplet_corpus], replace(request(tmp_path / "still"), base_pack=base, recipes=frozen))
        assert {part.training.best_epoch for part in card.approaches.values()} == {0}
        grown = open_pack(str(tmp_path / "still"))
        before, after = base.weights("pitch"), grown.weights("pitch")
        known = len(base.vocabulary("pitch").pitches) + 1
        for name, value in before.items():
            assert np.array_equal(after[name][:known] if len(value) == known else after[name], value)

    def test_a_second_corpus_of_one_name_does_not_hide_the_first(
        self, built: tuple[Path, Card], triplet_corpus: Corpus, tmp_path: Path
    ) -> None:
        other = Corpus("tunes", triplet_corpus.folder, triplet_corpus.lines)
        card = built_card([other], replace(request(tmp_path / "fine_tuned"), base_pack=open_pack(str(built[0]))))
        assert [(source.name, source.licences) for source in card.corpora] == [
            ("tunes", {"CC0-1.0": 4}),
            ("tunes", {}),
        ]

    def test_the_same_corpus_is_listed_once(self, built: tuple[Path, Card], corpus: Corpus, tmp_path: Path) -> None:
        out = tmp_path / "again"
        card = built_card([corpus], replace(request(out), base_pack=open_pack(str(built[0]))))
        assert card.corpora == built[1].corpora
        assert (out / "NOTICES.txt").read_bytes() == (built[0] / "NOTICES.txt").read_bytes()

    def test_bins_that_another_choice_made_keep_its_name(
        self, built: tuple[Path, Card], corpus: Corpus, tmp_path: Path
    ) -> None:
        base = open_pack(str(built[0]))
        event = base.card.approaches["event"]
        renamed = event.model_copy(update={"bins": CardBins(choice="quantile", shifts=(0.5, 1.0), edges=(0.75,))})
        of_quantiles = base.card.model_copy(update={"approaches": {**base.card.approaches, "event": renamed}})
        card = built_card([corpus], replace(request(tmp_path / "tiny"), base_pack=replace(base, card=of_quantiles)))
        assert card.approaches["event"].bins == renamed.bins


class TestInSeconds:
    def test_the_bins_are_in_seconds_on_the_card(self, corpus: Corpus, tmp_path: Path) -> None:
        # Seconds are read as beats at 120 a minute, so a beat of the exercise is half a second.
        request_changed = replace(request(tmp_path / "tiny"), choice=LineSelection(time_unit="seconds"))
        card = built_card([corpus], request_changed)
        assert card.approaches["event"].bins == CardBins(
            unit="seconds", choice="commonest", shifts=(0.25, 0.5), edges=(0.375,)
        )
        at_90 = card.vocabulary("event", tempo_bpm=90.0)
        assert isinstance(at_90, EventVocabulary)
        assert at_90.bins == TimeBins((0.375, 0.75), (0.5625,))

    def test_a_pack_in_seconds_is_trained_on_in_seconds(self, corpus: Corpus, tmp_path: Path) -> None:
        in_seconds = replace(request(tmp_path / "tiny"), choice=LineSelection(time_unit="seconds"))
        first = built_card([corpus], in_seconds)
        base = open_pack(str(tmp_path / "tiny"))
        card = built_card([corpus], replace(in_seconds, out=tmp_path / "fine_tuned", base_pack=base))
        assert card.approaches["event"].bins == first.approaches["event"].bins


class TestRefused:
    @pytest.fixture(autouse=True)
    def no_training(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(build_module, "fit", train_nothing)

    def test_a_place_that_cannot_be_written_is_refused_before_any_training(
        self, corpus: Corpus, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        text = complaint(corpus, request(tmp_path / "file" / "tiny"))
        folder = re.escape(str(tmp_path / "file" / "tiny.training"))
        assert re.fullmatch(rf"{folder} cannot be written \(.+\); choose another --out", text)

    def test_a_corpus_with_no_training_side_is_an_error(self, corpus: Corpus, tmp_path: Path) -> None:
        text = "no file of the corpus is on the training side of the split; give it more files"
        with pytest.raises(CorpusError, match=f"^{text}$"):
            build_pack([replace_lines(corpus, train=[])], request(tmp_path / "tiny"), ignore_progress)
        assert names_in(tmp_path) == []

    @pytest.mark.parametrize("choice", ["commonest", "quantile", "quantile-mean"])
    def test_a_corpus_without_rhythm_is_an_error(self, choice: BinChoice, tmp_path: Path) -> None:
        frozen = Corpus("still", tmp_path)
        frozen.lines["train"].append(Line.of(tmp_path / "one.mid", line(*(4 * [*range(60, 100)]), step_beats=0.0)))
        with pytest.raises(CorpusError) as raised:
            build_pack([frozen], replace(request(tmp_path / "tiny"), bin_choice=choice), ignore_progress)
        assert str(raised.value) == "no time between any two onsets: there is nothing to learn rhythm from"
        assert names_in(tmp_path) == []

    def test_fewer_tokens_than_one_chunk_are_an_error(self, tmp_path: Path) -> None:
        short = Corpus("short", tmp_path)
        short.lines["train"].append(Line.of(tmp_path / "one.mid", line(*range(60, 80))))
        with pytest.raises(CorpusError) as raised:
            build_pack([short], request(tmp_path / "tiny"), ignore_progress)
        assert str(raised.value) == (
            "the training side has 20 tokens for pitch, fewer than one chunk of 32; give it more files, or a smaller "
            "--chunk"
        )
        assert names_in(tmp_path) == []

    def test_more_time_bins_than_there_may_be_are_an_error(
        self, built: tuple[Path, Card], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("train.finetune.MAX_BINS", 2)
        new = Corpus("new", tmp_path)
        new.lines["train"].append(Line.of(tmp_path / "one.mid", triplets(0)))
        with pytest.raises(CorpusError, match="needs 1 time bins besides the pack's 2, and 2 are the most"):
            build_pack([new], replace(request(tmp_path / "tiny"), base_pack=open_pack(str(built[0]))), ignore_progress)
        assert names_in(tmp_path) == []


def test_a_learning_rate_that_is_much_too_high_is_reported(corpus: Corpus, tmp_path: Path) -> None:
    too_fast = dict.fromkeys(APPROACHES, replace(RECIPE, learning_rate=1e30))
    with pytest.raises(RecipeError, match="train with a lower --learning-rate"):
        build_pack([corpus], replace(request(tmp_path / "tiny"), recipes=too_fast), ignore_progress)


def test_the_bytes_needed_suffice_for_the_checkpoints(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build_pack([corpus], request(tmp_path / "tiny"), interrupt_in("event", 1))
    written = (tmp_path / "tiny.training" / "event.checkpoint").stat().st_size
    # The checkpoint of one network, and the one before it.
    assert 2 * written < staging_bytes_needed(SHAPE, 1) < 10 * written


def test_a_card_is_json_that_any_program_reads(built: tuple[Path, Card]) -> None:
    card = json.loads((built[0] / CARD_FILE).read_text(encoding="utf-8"))
    assert Epoch(**card["approaches"]["pitch"]["training"]["history"][0]).epoch == 1
