import inspect
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import typer

from model.approach import APPROACHES
from model.memory.backoff import DEFAULT_BACKOFFS
from model.pack import pack as packs
from model.pack.card import CARD_FILE, read_card
from model.pack.pack import open_pack
from model.tokens.vocabulary import EventVocabulary
from server import cli as fours_cli
from tests.music import exercise, tune, write_part
from tests.train.trainings import (
    AS_A_PROGRAM,
    RECIPE_OPTIONS,
    SHAPE_OPTIONS,
    CommandResult,
    FoursTrain,
    names_in,
    read_in_this_process,
    train_pack,
    weights_of,
    write_triplets,
    write_tunes,
)
from train import console as console_module
from train.cli import FINE_TUNING_RATE, parse_duration, train
from train.console import ProgressBars
from train.experiment import notebook
from train.learning.trainer import Progress
from train.staging import has_unfinished_training, training_folder

# Some seconds of training, so that there is time to kill it.
LONG = ("--epochs", "30", "--patience", "30", "--threads", "1")
PATIENCE_S = 50


@pytest.fixture(scope="module", autouse=True)
def read_here() -> Iterator[None]:
    with read_in_this_process():
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def fours_train(cache: Path, capsys: pytest.CaptureFixture[str]) -> FoursTrain:
    return FoursTrain(cache, capsys)


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tunes(tmp_path_factory.mktemp("corpora") / "tunes")


@pytest.fixture(scope="module")
def triplets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_triplets(tmp_path_factory.mktemp("corpora") / "mine")


@pytest.fixture(scope="module")
def base(tunes: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of the tunes to start from; no test writes to it."""
    return train_pack(tmp_path_factory.mktemp("packs") / "base", tunes, "--cache", cache)


@pytest.fixture(scope="module")
def uninterrupted(tunes: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of a long training that was not interrupted."""
    return train_pack(tmp_path_factory.mktemp("packs") / "uninterrupted", tunes, *LONG, "--cache", cache)


@pytest.fixture(scope="module")
def in_seconds(tunes: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_pack(tmp_path_factory.mktemp("packs") / "seconds", tunes, "--time-unit", "seconds", "--cache", cache)


def interrupt_training(
    fours_train: Callable[..., CommandResult], folder: Path, out: Path, *arguments: str
) -> CommandResult:
    """Presses Ctrl-C in the second epoch of the pitch model."""
    report = ProgressBars.show_progress

    def press_ctrl_c(bars: ProgressBars, approach: str, step: Progress) -> None:
        report(bars, "pitch" if approach == "pitch" else "event", step)
        if (step.epoch, step.step) == (2, 1):
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console_module.ProgressBars, "show_progress", press_ctrl_c)
        return fours_train(folder, "--out", out, "--epochs", "3", *arguments)


class TestMemoryOnly:
    def test_a_pack_is_given_its_memory_and_nothing_else(
        self, fours_train: FoursTrain, tunes: Path, base: Path, tmp_path: Path
    ) -> None:
        out = shutil.copytree(base, tmp_path / "old")
        card = json.loads((out / CARD_FILE).read_text(encoding="utf-8"))
        for part in card["approaches"].values():
            del part["memory"]
            for figures in part["held_out"].values():
                del figures["pitch_bits_with_memory"], figures["time_bits_with_memory"]
                figures |= {"notes": 1, "pitch_bits": 9.0}  # of an older reader, which found other notes
        (out / CARD_FILE).write_text(json.dumps(card), encoding="utf-8")
        result = fours_train(tunes, "--out", out, "--memory-only", shape=(), recipe=())
        assert result.status == 0
        assert result.stderr.endswith(f"The memory's figures are on {out / CARD_FILE}.\n")
        # Refitting measures the stored fp16 weights; the training measured fp32.
        before, after = read_card(base), read_card(out)
        for approach, part in after.approaches.items():
            theirs = before.approaches[approach]
            assert after.backoff(approach).notes.concentrations == pytest.approx(
                before.backoff(approach).notes.concentrations, rel=0.05
            )
            assert part.held_out["tunes"].pitch_bits_with_memory == pytest.approx(
                theirs.held_out["tunes"].pitch_bits_with_memory, rel=1e-3
            )
            assert part.held_out["tunes"].notes == theirs.held_out["tunes"].notes
            assert part.held_out["tunes"].pitch_bits == pytest.approx(theirs.held_out["tunes"].pitch_bits, rel=1e-3)
            unlike: dict[str, object] = {"memory": None, "held_out": {}}
            assert part.model_copy(update=unlike) == theirs.model_copy(update=unlike)
        assert names_in(out) == names_in(base)
        assert weights_of(out) == weights_of(base)

    def test_without_a_pack_its_memory_cannot_be_fitted(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "gone"
        assert fours_train(tunes, "--out", out, "--memory-only", shape=(), recipe=()).error_message == (
            f"there is no pack at {out} to fit the memory of; train one first, without --memory-only"
        )

    @pytest.mark.parametrize("arguments", [("--from", "songbook"), ("--epochs", "3"), ("--force",)])
    def test_options_of_training_are_refused_where_only_a_memory_is_fitted(
        self, fours_train: FoursTrain, tunes: Path, base: Path, arguments: tuple[str, ...]
    ) -> None:
        assert fours_train(tunes, "--out", base, "--memory-only", *arguments, shape=(), recipe=()).error_message == (
            f"--memory-only trains nothing, and reads what the pack was trained on; leave out {arguments[0]}"
        )

    def test_without_held_out_files_a_memory_cannot_be_fitted(
        self, fours_train: FoursTrain, base: Path, tmp_path: Path
    ) -> None:
        lone = write_part(tmp_path / "lone.mid", exercise())
        before = (base / CARD_FILE).read_bytes()
        assert fours_train(lone, "--out", base, "--memory-only", shape=(), recipe=()).error_message == (
            "no file is on the validation side of the split, which a memory is fitted to; give it more files"
        )
        assert (base / CARD_FILE).read_bytes() == before


class TestPack:
    def test_a_folder_of_midi_files_becomes_a_pack(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        result = fours_train(tunes, "--out", tmp_path / "my pack")
        assert result.status == 0
        assert result.stderr.endswith(
            f"Pack written to {tmp_path / 'my pack'}. Play with it: fours jam --pack '{tmp_path / 'my pack'}'\n"
        )
        assert names_in(tmp_path) == ["my pack"]
        card = open_pack(str(tmp_path / "my pack")).card
        assert [source.name for source in card.corpora] == ["tunes"]
        for part in card.approaches.values():
            assert part.training.command.startswith("fours train --hidden 16 ")
            assert part.training.command.endswith(shlex.join([str(tunes), "--out", str(tmp_path / "my pack")]))

    def test_the_hint_selects_the_new_pack_and_not_one_of_its_name_that_comes_with_the_program(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = fours_train(tunes, "--out", "songbook")
        assert result.stderr.endswith("Pack written to songbook. Play with it: fours jam --pack ./songbook\n")
        assert open_pack("./songbook").folder.resolve() == tmp_path / "songbook"

    def test_the_card_holds_the_figures_of_ppm(self, base: Path) -> None:
        orders = ["order 0", "order 1", "order 2", "order 3", "order 4", "unbounded"]
        for approach, part in read_card(base).approaches.items():
            figures = part.held_out["tunes"]
            assert list(figures.ppm) == orders
            assert list(figures.ppm_time) == (orders if approach == "event" else [])

    def test_the_card_holds_how_far_a_memory_is_trusted_and_what_it_adds(self, base: Path) -> None:
        card = read_card(base)
        for approach, part in card.approaches.items():
            assert part.memory is not None
            assert card.backoff(approach) != DEFAULT_BACKOFFS[approach]
            figures = part.held_out["tunes"]
            assert figures.pitch_bits_with_memory is not None
            assert (figures.time_bits_with_memory is None) == (approach == "pitch")

    def test_equal_seeds_give_equal_weights_and_others_do_not(
        self, fours_train: FoursTrain, tunes: Path, base: Path, tmp_path: Path
    ) -> None:
        fours_train(tunes, "--out", tmp_path / "again")
        fours_train(tunes, "--out", tmp_path / "other", "--random-seed", "5")
        assert weights_of(tmp_path / "again") == weights_of(base)
        assert weights_of(tmp_path / "other") != weights_of(base)

    def test_files_that_are_broken_are_named_and_left_out(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        folder = shutil.copytree(tunes, tmp_path / "tunes")
        (folder / "torn [live].mid").write_bytes(b"MThd")
        result = fours_train(folder, "--out", tmp_path / "tiny")
        assert result.status == 0
        assert "left out 1 file, which breaks off in its header: torn [live].mid\n" in result.stderr

    def test_names_that_are_not_utf_8_are_read_and_written(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        folder = shutil.copytree(tunes, tmp_path / os.fsdecode(b"caf\xe9"))
        first = min(folder.iterdir())
        first.rename(folder / os.fsdecode(b"\xff\xfe t\xfcne.mid"))
        (folder / os.fsdecode(b"br\xf6ken.mid")).write_bytes(b"MThd")
        out = tmp_path / os.fsdecode(b"p\xe4ck")
        result = fours_train(folder, "--out", out)
        assert result.status == 0
        assert read_card(out).approaches.keys() == {"pitch", "event"}
        (line,) = [line for line in result.stderr.splitlines() if "breaks off in its header" in line]
        assert "ken.mid" in line
        assert f"fours jam --pack $'{tmp_path}/p\\xe4ck'" in result.stderr

    def test_a_single_file_is_not_held_out_and_a_message_explains_it(
        self, fours_train: FoursTrain, tmp_path: Path
    ) -> None:
        path = write_part(tmp_path / "one.mid", tune(1, 96))
        result = fours_train(path, "--out", tmp_path / "tiny", "--lanes", "2")
        assert result.status == 0
        assert (
            "Nothing is held out, as there are too few files: all are learnt from, and the last epoch is kept, since no epoch can be called the best.\n"
        ) in result.stderr
        for part in read_card(tmp_path / "tiny").approaches.values():
            assert (part.training.valid_bits, part.held_out) == (None, {})

    def test_time_that_is_used_up_ends_the_training(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        result = fours_train(tunes, "--out", tmp_path / "tiny", "--epochs", "5000", "--time-budget", "0.1s")
        assert result.status == 0
        for part in read_card(tmp_path / "tiny").approaches.values():
            assert 1 <= part.training.epochs < 100
            assert part.training.valid_bits is not None

    def test_curves_are_written_for_tensorboard(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        fours_train(tunes, "--out", tmp_path / "tiny", "--tensorboard", tmp_path / "curves")
        assert names_in(tmp_path / "curves") == ["tiny-event", "tiny-pitch"]


class TestInSeconds:
    def test_the_card_has_bins_in_seconds_and_a_tempo_turns_them_into_beats(self, in_seconds: Path) -> None:
        card = read_card(in_seconds)
        bins = card.approaches["event"].bins
        assert bins is not None
        # The tunes have 120 beats a minute and steps of one, two and three half beats.
        assert (bins.unit, bins.shifts) == ("seconds", (0.25, 0.5, 0.75))
        at_60 = card.vocabulary("event", tempo_bpm=60.0)
        assert isinstance(at_60, EventVocabulary)
        assert at_60.bins.shifts == (0.25, 0.5, 0.75)

    @pytest.mark.parametrize("tempo_bpm", [60, 180])
    def test_it_plays_as_fast_at_any_tempo(
        self, tempo_bpm: int, in_seconds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seed, out = write_part(tmp_path / "seed.mid", exercise(8)), tmp_path / "answer.mid"
        arguments = ["--pack", in_seconds, "--tempo", tempo_bpm, "--length", 32, "--answer-only", "--approach", "event"]
        fours_cli.command_line()(["export", str(seed), "--out", str(out), *map(str, arguments)], standalone_mode=False)
        capsys.readouterr()
        onsets_s = [note.start for note in pretty_midi.PrettyMIDI(str(out)).instruments[0].notes]
        steps_s = {round(float(step), 2) for step in np.diff(onsets_s) if step > 0}
        assert steps_s
        assert steps_s <= {0.25, 0.5, 0.75}


class TestInterrupted:
    def test_ctrl_c_saves_a_checkpoint_and_prints_the_command_to_resume(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tiny"
        fours_train(tunes, "--out", tmp_path / "uninterrupted", "--epochs", "3")
        result = interrupt_training(fours_train, tunes, out)
        assert result.status == 130
        assert names_in(tmp_path) == ["tiny.training", "uninterrupted"]
        assert (training_folder(out) / "pitch.checkpoint").is_file()
        hint = re.search(r"^Stopped; nothing is lost\. Go on with: fours train (.+)$", result.stderr, re.MULTILINE)
        assert hint
        again = shlex.split(hint[1])
        assert again[-1] == "--resume"
        assert fours_train(*again[len(SHAPE_OPTIONS) + len(RECIPE_OPTIONS) + 2 :]).status == 0
        assert weights_of(out) == weights_of(tmp_path / "uninterrupted")
        assert names_in(tmp_path) == ["tiny", "uninterrupted"]

    def test_the_command_to_resume_still_replaces_a_pack(
        self, fours_train: FoursTrain, tunes: Path, base: Path, tmp_path: Path
    ) -> None:
        out = shutil.copytree(base, tmp_path / "tiny")
        result = interrupt_training(fours_train, tunes, out, "--force")
        assert result.stderr.endswith(" --force --resume\n")
        assert weights_of(out) == weights_of(base)
        assert fours_train(tunes, "--out", out, "--epochs", "3", "--force", "--resume").status == 0
        assert weights_of(out) != weights_of(base)

    def test_ctrl_c_before_the_first_checkpoint_prints_nothing(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def press_ctrl_c(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("train.cli.read_corpora", press_ctrl_c)
        assert fours_train(tunes, "--out", tmp_path / "tiny") == CommandResult(130, "")
        assert names_in(tmp_path) == []

    def test_it_is_neither_lost_nor_resumed_without_an_option(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tiny"
        interrupt_training(fours_train, tunes, out)
        assert fours_train(tunes, "--out", out, "--epochs", "3").error_message == (
            f"a training of {out} was interrupted; resume it with --resume, or start again with --force"
        )
        assert has_unfinished_training(out)
        restarted = fours_train(tunes, "--out", out, "--epochs", "3", "--force")
        assert restarted.status == 0
        assert "pitch epoch 1:" in restarted.stderr
        assert names_in(tmp_path) == ["tiny"]

    def test_with_other_settings_it_is_not_resumed(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        interrupt_training(fours_train, tunes, out)
        assert fours_train(tunes, "--out", out, "--epochs", "4", "--resume").error_message == (
            f"{training_folder(out) / 'pitch.checkpoint'} is of a training with other settings or another corpus; repeat "
            "the command that began it, with --resume, or start again without --resume"
        )
        assert has_unfinished_training(out)

    def test_a_checkpoint_of_another_version_is_refused(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "tiny"
        interrupt_training(fours_train, tunes, out)
        monkeypatch.setattr("train.learning.checkpoint.CHECKPOINT_FORMAT", 2)
        assert "is of checkpoint format 1, and this program goes on from format 2" in (
            fours_train(tunes, "--out", out, "--epochs", "3", "--resume").error_message
        )
        assert has_unfinished_training(out)

    def test_resume_without_a_checkpoint_starts_a_training(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        assert fours_train(tunes, "--out", tmp_path / "tiny", "--resume").status == 0

    def test_killed_in_the_middle_and_resumed_it_ends_with_the_same_weights(
        self, fours_train: FoursTrain, tunes: Path, cache: Path, uninterrupted: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tiny"
        arguments = [*SHAPE_OPTIONS, *RECIPE_OPTIONS, *LONG, "--cache", str(cache), str(tunes), "--out", str(out)]
        with subprocess.Popen([*AS_A_PROGRAM, *arguments], stderr=subprocess.PIPE, text=True) as training:
            assert training.stderr is not None
            for line in training.stderr:
                if line.startswith("pitch epoch 3:"):
                    break
            training.kill()
        assert training.returncode == -signal.SIGKILL
        assert names_in(tmp_path) == ["tiny.training"]
        result = fours_train(tunes, "--out", out, *LONG, "--resume")
        assert result.status == 0
        assert "pitch epoch 2:" not in result.stderr
        assert weights_of(out) == weights_of(uninterrupted)
        assert names_in(tmp_path) == ["tiny"]


class TestFromAPack:
    def test_training_starts_from_the_weights_and_vocabulary_of_the_pack(
        self, fours_train: FoursTrain, triplets_folder: Path, base: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tuned"
        assert fours_train(triplets_folder, "--from", base, "--out", out, shape=()).status == 0
        before, after = open_pack(str(base)), open_pack(str(out))
        assert [source.name for source in after.card.corpora] == ["tunes", "mine"]
        for approach in APPROACHES:
            part = after.card.approaches[approach]
            assert part.network == before.card.approaches[approach].network
            assert part.training.recipe["learning_rate"] == FINE_TUNING_RATE
            assert (part.training.base, part.training.history[0].epoch) == ("base", 0)
            assert set(before.vocabulary(approach).pitches) < set(after.vocabulary(approach).pitches)
            assert after.engine(approach, "cpu").vocabulary_size == after.vocabulary(approach).size
        bins = after.card.approaches["event"].bins
        assert bins is not None
        assert bins.shifts == pytest.approx((1 / 3, 0.5, 1.0, 1.5))

    def test_where_no_epoch_is_better_it_says_that_the_weights_are_kept(
        self, fours_train: FoursTrain, tunes: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worse_and_worse = itertools.count(3.0)
        monkeypatch.setattr("train.learning.trainer._Training._valid_bits", lambda _: next(worse_and_worse))
        result = fours_train(tunes, "--from", base, "--out", tmp_path / "tuned", shape=())
        assert result.status == 0
        before = result.stderr.index("pitch before training: held out 3.0000 bits/note\n")
        assert before < result.stderr.index("pitch epoch 1: ")
        for approach in APPROACHES:
            kept = f"{approach} keeps base's weights: no epoch was better than they are on what is held out\n"
            assert kept in result.stderr

    def test_it_uses_the_time_unit_of_the_pack(
        self, fours_train: FoursTrain, tunes: Path, in_seconds: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tuned"
        assert fours_train(tunes, "--from", in_seconds, "--out", out, shape=()).status == 0
        assert read_card(out).approaches["event"].bins == read_card(in_seconds).approaches["event"].bins

    @pytest.mark.parametrize(
        ("option", "value"), [("--hidden", "32"), ("--time-unit", "seconds"), ("--bin-count", "8")]
    )
    def test_options_that_the_pack_decides_are_refused(
        self, option: str, value: str, fours_train: FoursTrain, triplets_folder: Path, base: Path, tmp_path: Path
    ) -> None:
        result = fours_train(triplets_folder, "--from", base, "--out", tmp_path / "tuned", option, value, shape=())
        assert result.error_message == f"with --from the pack's shape, time unit and bins are kept; leave out {option}"

    def test_a_pack_of_another_format_is_refused(
        self, fours_train: FoursTrain, triplets_folder: Path, base: Path, tmp_path: Path
    ) -> None:
        later = shutil.copytree(base, tmp_path / "later")
        card = (later / CARD_FILE).read_text(encoding="utf-8").replace('"format": 1', '"format": 2')
        (later / CARD_FILE).write_text(card, encoding="utf-8")
        result = fours_train(triplets_folder, "--from", later, "--out", tmp_path / "tuned", shape=())
        assert result.error_message == f"{later / CARD_FILE} is of pack format 2; this program reads format 1"
        assert names_in(tmp_path) == ["later"]

    def test_a_vocabulary_that_would_grow_too_large_is_refused(
        self,
        fours_train: FoursTrain,
        triplets_folder: Path,
        base: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("train.finetune.MAX_BINS", 3)
        result = fours_train(triplets_folder, "--from", base, "--out", tmp_path / "tuned", shape=())
        assert result.error_message == (
            "the new music needs 1 time bins besides the pack's 3, and 3 are the most there may be; train it from nothing, "
            "without --from"
        )
        assert names_in(tmp_path) == []


class TestOneApproach:
    def test_the_other_approach_stays_as_it_is(
        self, fours_train: FoursTrain, tunes: Path, base: Path, tmp_path: Path
    ) -> None:
        out = shutil.copytree(base, tmp_path / "tiny")
        assert fours_train(tunes, "--out", out, "--approach", "event", "--random-seed", "3").status == 0
        before, after = weights_of(base), weights_of(out)
        assert after["pitch"] == before["pitch"]
        assert after["event"] != before["event"]

    def test_an_interrupted_training_of_it_is_not_lost(
        self, fours_train: FoursTrain, tunes: Path, base: Path, tmp_path: Path
    ) -> None:
        out = shutil.copytree(base, tmp_path / "tiny")
        interrupt_training(fours_train, tunes, out, "--approach", "event")
        result = fours_train(tunes, "--out", out, "--epochs", "3", "--approach", "event")
        assert "was interrupted; resume it with --resume" in result.error_message
        assert fours_train(tunes, "--out", out, "--epochs", "3", "--approach", "event", "--resume").status == 0
        assert names_in(tmp_path) == ["tiny"]

    def test_the_other_approach_comes_from_the_out_folder_and_not_from_a_pack_of_that_name(
        self,
        fours_train: FoursTrain,
        tunes: Path,
        base: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        fours_train(tunes, "--out", tmp_path / "shipped" / "tiny", "--random-seed", "9")
        monkeypatch.setattr(packs, "PACKS_FOLDER", tmp_path / "shipped")
        shutil.copytree(base, tmp_path / "here" / "tiny")
        monkeypatch.chdir(tmp_path / "here")
        assert fours_train(tunes, "--out", "tiny", "--approach", "event").status == 0
        assert weights_of(tmp_path / "here" / "tiny")["pitch"] == weights_of(base)["pitch"]

    def test_without_a_pack_there_is_nothing_to_keep(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tiny"
        assert fours_train(tunes, "--out", out, "--approach", "pitch").error_message == (
            f"there is no pack at {out} to keep the other approach of; train both, without --approach"
        )

    def test_both_approaches_must_be_trained_on_the_same_corpora(
        self, fours_train: FoursTrain, triplets_folder: Path, base: Path, tmp_path: Path
    ) -> None:
        out = shutil.copytree(base, tmp_path / "tiny")
        assert fours_train(triplets_folder, "--out", out, "--approach", "pitch").error_message == (
            "the existing pack was trained on tunes; one approach can be trained again on the same, from the same pack"
        )
        assert weights_of(out) == weights_of(base)

    def test_one_approach_can_be_fine_tuned_again_from_the_same_pack(
        self, fours_train: FoursTrain, triplets_folder: Path, base: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tuned"
        fours_train(triplets_folder, "--from", base, "--out", out, shape=())
        result = fours_train(
            triplets_folder, "--from", base, "--out", out, "--approach", "pitch", "--dropout", "0.1", shape=()
        )
        assert result.status == 0
        assert [source.name for source in read_card(out).corpora] == ["tunes", "mine"]

    def test_networks_of_two_shapes_are_tuned_one_by_one(
        self, fours_train: FoursTrain, tunes: Path, base: Path, tmp_path: Path
    ) -> None:
        wide = shutil.copytree(base, tmp_path / "wide")
        shape = ("--hidden", "24", "--embedding", "8")
        assert fours_train(tunes, "--out", wide, "--approach", "event", shape=shape).status == 0
        result = fours_train(tunes, "--from", wide, "--out", tmp_path / "tuned", shape=())
        assert result.error_message == (
            "the two networks of wide differ in shape, so both cannot be trained on; use --approach"
        )
        tuned = shutil.copytree(wide, tmp_path / "tuned")
        arguments = ("--from", wide, "--out", tuned, "--approach", "event")
        assert fours_train(tunes, *arguments, shape=()).status == 0
        assert read_card(tuned).approaches["event"].network.hidden == 24


def by_notebook(fours_train: FoursTrain, *arguments: str | Path) -> CommandResult:
    """Trains by the notebook's recipe, which fixes the network's shape and most else."""
    return fours_train(*arguments, "--recipe", "notebook", shape=(), recipe=("--precision", "fp32"))


class TestNotebook:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(notebook, "SHAPE", notebook.SHAPE.model_copy(update={"embedding": 8, "hidden": 16}))
        monkeypatch.setattr(notebook, "WINDOW", {"pitch": 16, "event": 16})

    def test_the_old_recipe_makes_a_pack(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        result = by_notebook(fours_train, tunes, "--out", tmp_path / "old", "--epochs", "1")
        assert result.status == 0
        assert "event epoch 1: training " in result.stderr
        pack = open_pack(str(tmp_path / "old"))
        assert {part.training.recipe["name"] for part in pack.card.approaches.values()} == {"notebook"}
        for approach in APPROACHES:
            assert pack.engine(approach, "cpu").vocabulary_size == pack.vocabulary(approach).size

    def test_stopped_and_resumed_it_ends_with_the_same_weights(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        train = partial(by_notebook, fours_train)
        train(tunes, "--out", tmp_path / "uninterrupted", "--epochs", "3")
        assert interrupt_training(train, tunes, tmp_path / "old").status == 130
        assert train(tunes, "--out", tmp_path / "old", "--epochs", "3", "--resume").status == 0
        assert weights_of(tmp_path / "old") == weights_of(tmp_path / "uninterrupted")

    @pytest.mark.parametrize("more", [("--approach", "pitch"), ("--from", "songbook")])
    def test_it_is_both_approaches_from_nothing(
        self, more: tuple[str, str], fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        result = by_notebook(fours_train, tunes, "--out", tmp_path / "old", *more)
        assert result.error_message == (
            "the notebook's recipe trains both approaches from nothing; leave out --from and --approach"
        )

    @pytest.mark.parametrize(
        "more",
        [("--tracks", "lead"), ("--bins", "musical"), ("--hidden", "8"), ("--lanes", "3"), ("--learning-rate", "0.1")],
    )
    def test_what_it_fixes_cannot_be_chosen(
        self, more: tuple[str, str], fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        result = by_notebook(fours_train, tunes, "--out", tmp_path / "old", *more)
        assert result.error_message == f"the notebook's recipe is as it was; leave out {more[0]}"
        assert names_in(tmp_path) == []

    def test_it_takes_as_many_epochs_as_the_notebook_did(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(notebook, "EPOCHS", 2)
        assert by_notebook(fours_train, tunes, "--out", tmp_path / "old").status == 0
        card = read_card(tmp_path / "old")
        assert {part.training.epochs for part in card.approaches.values()} == {2}


class TestRefused:
    """Each is refused with one sentence, before any training, with nothing written or lost."""

    def test_a_folder_without_midi_files(self, fours_train: FoursTrain, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        result = fours_train(tmp_path / "empty", "--out", tmp_path / "tiny")
        suffixes = ".abc, .kar, .mid, .midi, .musicxml, .mxl, .rmi, .xml"
        assert result.error_message == f"{tmp_path / 'empty'} holds no file of music ({suffixes})"
        assert names_in(tmp_path) == ["empty"]

    def test_fewer_tokens_than_one_chunk(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        result = fours_train(tunes, "--out", tmp_path / "tiny", "--chunk", "9999")
        assert result.error_message == (
            "the training side has 480 tokens for pitch, fewer than one chunk of 9999; give it more files, or a smaller "
            "--chunk"
        )
        assert names_in(tmp_path) == []

    def test_more_lanes_than_the_corpus_fills(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        result = fours_train(tunes, "--out", tmp_path / "tiny", "--lanes", "16")
        assert result.error_message == (
            "the training side has 480 tokens for pitch, fewer than one chunk of 32 for each of 16 lanes; choose at most 15 "
            "for --lanes, or a smaller --chunk"
        )
        assert names_in(tmp_path) == []

    def test_rows_of_a_manifest_that_match_nothing(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        folder = shutil.copytree(tunes, tmp_path / "tunes")
        (folder / "manifest.csv").write_text("path,split\n0.mid,train\nsong.mid,test\n", encoding="utf-8")
        result = fours_train(folder, "--out", tmp_path / "tiny")
        assert result.status == 1
        assert "manifest.csv has rows for files that are not there: song.mid;" in result.error_message
        assert "epoch" not in result.stderr
        assert not (tmp_path / "tiny").exists()

    def test_a_place_that_cannot_be_written(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        result = fours_train(tunes, "--out", tmp_path / "file" / "tiny")
        assert re.fullmatch(
            r".+/file/tiny\.training cannot be written \(.+\); choose another --out", result.error_message
        )
        assert "epoch" not in result.stderr

    def test_a_full_disk(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 0}))
        result = fours_train(tunes, "--out", tmp_path / "tiny")
        assert result.error_message.endswith(" MB are free; make room, or choose another --out")
        assert "epoch" not in result.stderr
        assert names_in(tmp_path) == []

    def test_a_place_without_a_name(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert fours_train(tunes, "--out", ".", "--force").error_message == (
            ". is no place for a pack; name a folder of its own with --out"
        )

    @pytest.mark.parametrize("length", [250, 400])  # a training adds a few letters to the name
    def test_a_place_whose_name_is_too_long(
        self, length: int, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        message = fours_train(tunes, "--out", tmp_path / ("a" * length)).error_message
        assert message.endswith(" is too long: a name in a path has at most 255 bytes; choose another --out")
        assert names_in(tmp_path) == []

    def test_a_pack_that_is_there(self, fours_train: FoursTrain, tunes: Path, base: Path) -> None:
        assert fours_train(tunes, "--out", base).error_message == (
            f"{base} is already there; choose another --out, or use --force to replace it"
        )

    def test_force_replaces_a_pack_and_nothing_else(self, fours_train: FoursTrain, tunes: Path, tmp_path: Path) -> None:
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "holiday.jpg").touch()
        assert fours_train(tunes, "--out", tmp_path / "photos", "--force").error_message == (
            f"{tmp_path / 'photos'} is there and is no pack, so it is not replaced; choose another --out"
        )
        assert names_in(tmp_path / "photos") == ["holiday.jpg"]

    def test_force_loses_nothing_where_there_is_nothing_to_train_on(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "tiny"
        interrupt_training(fours_train, tunes, out)
        (tmp_path / "empty").mkdir()
        assert fours_train(tmp_path / "empty", "--out", out, "--force").status == 1
        assert has_unfinished_training(out)

    def test_a_place_for_curves_that_cannot_be_written(
        self, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        result = fours_train(tunes, "--out", tmp_path / "tiny", "--tensorboard", tmp_path / "file")
        assert re.fullmatch(r".+/file cannot be written \(.+\); choose another --tensorboard", result.error_message)
        assert names_in(tmp_path) == ["file"]

    @pytest.mark.parametrize(
        ("option", "value", "complaint"),
        [
            ("--time-budget", "nonsense", "'nonsense' is no time; write it like 90s, 30m or 1h30m"),
            ("--random-seed", "-1", "Input should be greater than or equal to 0"),
            ("--bin-count", "33", "Input should be less than or equal to 32"),
            ("--embedding", "8193", "Input should be less than or equal to 8192"),
            ("--hidden", "1000000000", "Input should be less than or equal to 8192"),
            ("--layers", "100000", "Input should be less than or equal to 16"),
            ("--threads", "100000", "Input should be less than or equal to 256"),
            ("--workers", "100000", "Input should be less than or equal to 61"),
            ("--lanes", "1000000000", "Input should be less than or equal to 1024"),
            ("--chunk", "1000000000", "Input should be less than or equal to 16384"),
            ("--epochs", "1" + "0" * 400, "Input should be less than or equal to 1000000"),
            ("--learning-rate", "0", "Input should be greater than or equal to 0.0000001"),
            ("--learning-rate", "inf", "Input should be less than or equal to 1"),
            ("--learning-rate", "1e30", "Input should be less than or equal to 1"),
            ("--learning-rate", "nan", "Input should be "),
            ("--dropout", "nan", "Input should be less than or equal to 0.9"),
        ],
    )
    def test_a_value_that_an_option_does_not_take(
        self, option: str, value: str, complaint: str, fours_train: FoursTrain, tunes: Path, tmp_path: Path
    ) -> None:
        result = fours_train(tunes, "--out", tmp_path / "tiny", option, value)
        assert result.status == 2
        # Typer draws a box around it.
        assert f"Invalid value for '{option}': {complaint}" in " ".join(result.stderr.replace("│", " ").split())
        assert names_in(tmp_path) == []


def test_every_option_is_described() -> None:
    parameters = list(inspect.signature(train).parameters.values())[1:]
    undescribed = [each.name for each in parameters if not each.annotation.__metadata__[0].help]
    assert undescribed == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("30m", 1800.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        (" 2m5s ", 125.0),
        ("1m5", 65.0),
    ],
)
def test_time_is_written_as_people_write_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0m", "-5", "soon", "5 minutes", "1m1h", "nan", "1e3"])
def test_a_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no time; write it like 90s, 30m or 1h30m"):
        parse_duration(text)


def test_two_processes_come_to_the_weights_of_one(
    fours_train: FoursTrain, tunes: Path, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "together").mkdir()
    arguments = ("--epochs", "2", "--dropout", "0", "--threads", "1", "--workers", "1")
    fours_train(tunes, "--out", tmp_path / "alone" / "tiny", *arguments)
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "train")
    more = (
        *SHAPE_OPTIONS,
        *RECIPE_OPTIONS,
        *arguments,
        "--cache",
        str(cache),
        "--out",
        str(tmp_path / "together" / "tiny"),
    )
    result = subprocess.run(
        [*torchrun, str(tunes), *more], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("Pack written to ") == 1
    assert result.stderr.count("event epoch 2: ") == 1
    assert names_in(tmp_path / "together") == ["tiny"]
    alone, together = (open_pack(str(tmp_path / name / "tiny")) for name in ("alone", "together"))
    for approach in APPROACHES:
        two_processes = together.weights(approach)
        for name, value in alone.weights(approach).items():
            # Saved weights are fp16 numbers.
            assert np.allclose(two_processes[name], value, rtol=1e-3, atol=1e-4)
