import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

import pytest

from model.approach import APPROACHES, Approach
from model.bins import TimeBins
from model.card import Card, Hyperparameters, read_card
from model.pack import open_pack, sha256_of
from model.vocabulary import EventVocabulary
from tests.music import exercise, line, write_part
from train import build as build_module
from train.build import Order, build_pack
from train.corpus import Corpus, Line, read_corpus
from train.errors import CorpusError, OutputError
from train.trainer import Progress, Recipe

RECIPE = Recipe(epochs=1, lanes=4, chunk=32, learning_rate=0.02, warm_up_steps=2, precision="fp32")
SHAPE = Hyperparameters(embedding=8, hidden=16, layers=2, dropout=0.1)
SIDES = {"train": (57, 59, 60, 62), "valid": (64,), "test": (65,)}


def order(out: Path) -> Order:
    return Order(
        out=out,
        recipes=dict.fromkeys(APPROACHES, RECIPE),
        shape=SHAPE,
        tracks="lead",
        bin_choice="commonest",
        bin_count=8,
        command="fours train tunes --out tiny",
    )


def say_nothing(approach: Approach, progress: Progress) -> None:
    """Reports to nobody."""


def train_nothing(*_: object, **__: object) -> NoReturn:
    pytest.fail("there should have been no training")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "tunes"
    rows = ["path,split,licence,source_repo,source_commit"]
    for side, keys in SIDES.items():
        for key in keys:
            write_part(folder / f"{key}.mid", exercise(key=key))
            rows.append(f"tunes/{key}.mid,{side},CC0-1.0,https://example.org/tunes,abc")
    (folder.parent / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "NOTICE").write_text("Played by nobody.", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return read_corpus(folder, workers=1)


@pytest.fixture(scope="module")
def built(corpus: Corpus, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Card]:
    out = tmp_path_factory.mktemp("out") / "deep" / "tiny"
    return out, build_pack([corpus], [folder], order(out), say_nothing)


def complaint(corpus: Corpus, folder: Path, out: Path) -> str:
    with pytest.raises(OutputError) as raised:
        build_pack([corpus], [folder], order(out), say_nothing)
    return str(raised.value)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestWholePack:
    def test_it_holds_weights_and_a_graph_for_each_approach_and_nothing_else(self, built: tuple[Path, Card]) -> None:
        out, _ = built
        graphs = [re.sub(r"\.(int8|fp32)\.onnx$", ".onnx", name) for name in names_in(out)]
        weights = ["event.onnx", "event.safetensors", "pitch.onnx", "pitch.safetensors"]
        assert sorted(graphs) == ["NOTICES.txt", "card.json", *weights]
        assert names_in(out.parent) == ["tiny"]
        assert out.stat().st_mode & 0o777 == 0o755

    def test_one_approach_is_trained_anew_and_the_other_kept_as_it_is(
        self, built: tuple[Path, Card], corpus: Corpus, folder: Path, tmp_path: Path
    ) -> None:
        before = open_pack(str(built[0]))
        changed = replace(RECIPE, random_seed=1)
        anew = replace(order(tmp_path / "anew"), recipes={"pitch": changed}, kept=before)
        card = build_pack([corpus], [folder], anew, say_nothing)
        after = open_pack(str(tmp_path / "anew"))
        assert card.approaches["event"] == before.card.approaches["event"]
        assert after.engine("event", "cpu").vocabulary_size == before.vocabulary("event").size
        assert sha256_of(after.weights_file("pitch")) != sha256_of(before.weights_file("pitch"))

    def test_it_opens_and_plays(self, built: tuple[Path, Card]) -> None:
        out, card = built
        pack = open_pack(str(out))
        assert pack.card == card == read_card(out)
        for approach in APPROACHES:
            assert pack.engine(approach, "cpu").vocabulary_size == pack.vocabulary(approach).size
            assert pack.twin(approach).initial().shape == (2, 2, 16)

    def test_its_vocabularies_are_those_of_the_training_side(self, built: tuple[Path, Card]) -> None:
        _, card = built
        event = card.vocabulary("event")
        assert event == EventVocabulary(tuple(range(51, 80)), TimeBins((0.5, 1.0), (0.75,)))
        assert card.vocabulary("pitch").pitches == event.pitches

    def test_the_card_tells_how_it_came_about(self, built: tuple[Path, Card]) -> None:
        _, card = built
        assert card.name == "tiny"
        (source,) = card.corpora
        assert (source.name, source.files, source.notes) == ("tunes", 4, 256)
        assert (source.licences, source.attribution) == ({"CC0-1.0": 4}, "Played by nobody.")
        for part in card.approaches.values():
            assert part.network == SHAPE
            assert (part.training.command, part.training.tracks) == ("fours train tunes --out tiny", "lead")
            assert (part.training.epochs, part.training.best_epoch, part.training.random_seed) == (1, 1, 0)
            assert part.training.recipe == asdict(RECIPE)

    def test_the_card_counts_its_files(self, built: tuple[Path, Card]) -> None:
        out, card = built
        for part in card.approaches.values():
            assert part.files == {name: sha256_of(out / name) for name in part.files}

    def test_the_card_says_how_well_held_out_lines_are_foretold(self, built: tuple[Path, Card]) -> None:
        _, card = built
        for approach, part in card.approaches.items():
            figures = part.held_out["tunes"]
            assert figures.notes == 64
            assert figures.pitch_bits > 0.0
            assert (figures.time_bits is None) == (approach == "pitch")
            assert list(figures.ppm) == [f"order {length}" for length in range(5)]
            training = part.training
            assert training.fp32_bits == pytest.approx(training.valid_bits, rel=1e-4)
            assert training.int8_bits == pytest.approx(training.valid_bits, rel=0.05)

    def test_the_notices_of_the_corpora_go_along(self, built: tuple[Path, Card]) -> None:
        out, _ = built
        assert (out / "NOTICES.txt").read_text(encoding="utf-8") == "==== tunes/NOTICE ====\n\nPlayed by nobody.\n"

    def test_a_pack_that_is_there_is_replaced_whole(self, corpus: Corpus, folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        out.mkdir()
        (out / "card.json").write_text("an older card", encoding="utf-8")
        (out / "older.onnx").touch()
        told: list[tuple[Approach, int]] = []
        card = build_pack(
            [corpus], [folder], order(out), lambda approach, progress: told.append((approach, progress.epoch))
        )
        assert read_card(out) == card
        assert not (out / "older.onnx").exists()
        assert names_in(tmp_path) == ["tiny"]
        assert set(told) == {("pitch", 1), ("event", 1)}


class TestGraphThatShips:
    @pytest.mark.parametrize(("int8_bits", "ships"), [(2.0, "int8"), (2.0099, "int8"), (2.0101, "fp32"), (1.9, "int8")])
    def test_int8_ships_where_it_costs_next_to_nothing(
        self,
        int8_bits: float,
        ships: str,
        corpus: Corpus,
        folder: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        figures = iter([2.0, int8_bits] * len(APPROACHES))
        monkeypatch.setattr(build_module, "engine_bits", lambda *_: next(figures))
        build_pack([corpus], [folder], order(tmp_path / "tiny"), say_nothing)
        assert [name for name in names_in(tmp_path / "tiny") if name.endswith(".onnx")] == [
            f"event.{ships}.onnx",
            f"pitch.{ships}.onnx",
        ]

    def test_with_nothing_held_out_int8_ships_unmeasured(self, corpus: Corpus, folder: Path, tmp_path: Path) -> None:
        alone = Corpus("tunes", {"train": corpus.lines["train"], "valid": [], "test": []})
        card = build_pack([alone], [folder], order(tmp_path / "tiny"), say_nothing)
        assert read_card(tmp_path / "tiny") == card
        for approach, part in card.approaches.items():
            assert f"{approach}.int8.onnx" in part.files
            training = part.training
            assert (training.valid_bits, training.fp32_bits, training.int8_bits) == (None, None, None)
            assert part.held_out == {}


class TestNothingHalfWritten:
    def test_what_fails_half_way_leaves_nothing(
        self, corpus: Corpus, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fill_the_disk(_: object, path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(build_module, "write_int8", fill_the_disk)
        out = tmp_path / "tiny"
        assert complaint(corpus, folder, out) == (
            f"{out} cannot be written (No space left on device); choose another --out"
        )
        assert names_in(tmp_path) == []

    def test_whoever_stops_a_training_keeps_the_pack_that_was_there(
        self, built: tuple[Path, Card], corpus: Corpus, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def press_ctrl_c(*_: object, **__: object) -> NoReturn:
            raise KeyboardInterrupt

        out, card = built
        monkeypatch.setattr(build_module, "fit", press_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            build_pack([corpus], [folder], order(out), say_nothing)
        assert read_card(out) == card
        assert names_in(out.parent) == ["tiny"]

    def test_a_pack_that_cannot_be_put_in_place_leaves_the_one_that_was_there(
        self, corpus: Corpus, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "tiny"
        out.mkdir()
        (out / "card.json").write_text("an older card", encoding="utf-8")
        rename = Path.rename
        refused: list[Path] = []

        def refuse_once(path: Path, target: Path) -> Path:
            if target == out and not refused:
                refused.append(path)
                raise OSError(5, "Input/output error")
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", refuse_once)
        assert complaint(corpus, folder, out).startswith(f"{out} cannot be written (Input/output error)")
        assert (out / "card.json").read_text(encoding="utf-8") == "an older card"
        assert names_in(tmp_path) == ["tiny"]


class TestRefused:
    @pytest.fixture(autouse=True)
    def no_training(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(build_module, "fit", train_nothing)

    def test_a_place_that_cannot_be_written_is_told_before_any_training(
        self, corpus: Corpus, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        out = tmp_path / "file" / "tiny"
        text = complaint(corpus, folder, out)
        assert re.fullmatch(rf"{re.escape(str(out))} cannot be written \(.+\); choose another --out", text)

    def test_a_folder_of_something_else_is_not_replaced(self, corpus: Corpus, folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "photos"
        out.mkdir()
        (out / "holiday.jpg").touch()
        assert complaint(corpus, folder, out) == (
            f"{out} is there and is no pack, so it is not replaced; choose another --out"
        )
        assert names_in(out) == ["holiday.jpg"]

    def test_a_file_is_not_replaced(self, corpus: Corpus, folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        out.write_text("a letter", encoding="utf-8")
        assert complaint(corpus, folder, out) == (
            f"{out} is there and is no pack, so it is not replaced; choose another --out"
        )
        assert out.read_text(encoding="utf-8") == "a letter"

    def test_a_corpus_with_no_training_side_is_an_error(self, corpus: Corpus, folder: Path, tmp_path: Path) -> None:
        held_out = Corpus("tunes", {"train": [], "valid": corpus.lines["valid"], "test": corpus.lines["test"]})
        text = "no file of the corpus falls to the training side of the split; give it more files"
        with pytest.raises(CorpusError, match=f"^{text}$"):
            build_pack([held_out], [folder], order(tmp_path / "tiny"), say_nothing)
        assert names_in(tmp_path) == []


@pytest.mark.parametrize("choice", ["commonest", "quantile"])
def test_a_corpus_without_rhythm_is_an_error(choice: str, folder: Path, tmp_path: Path) -> None:
    still = Corpus("still")
    still.lines["train"].append(Line(folder / "one.mid", tuple(line(*range(60, 70), step_beats=0.0))))
    asked = replace(order(tmp_path / "tiny"), bin_choice="commonest" if choice == "commonest" else "quantile")
    with pytest.raises(CorpusError) as raised:
        build_pack([still], [folder], asked, say_nothing)
    assert str(raised.value) == "no time between any two onsets: there is nothing to learn rhythm from"
    assert names_in(tmp_path) == []
