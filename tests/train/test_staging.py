import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from model.pack.card import CARD_FILE
from tests.train.trainings import names_in
from train.errors import OutputError
from train.learning.parallel import World
from train.staging import (
    atomic_folder,
    checkpoint_file,
    has_unfinished_training,
    staging_folder_for,
    tokens_file,
    training_folder,
)

SOME_BYTES = 1_000_000.0


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def complaint(out: Path, *, resume: bool = False) -> str:
    with (
        pytest.raises(OutputError) as raised,
        staging_folder_for(out, SOME_BYTES, resume=resume),
    ):
        pytest.fail("it should have been refused")
    return str(raised.value)


def break_off(out: Path) -> None:
    """A training that got as far as a checkpoint, and was stopped."""
    with pytest.raises(KeyboardInterrupt):
        stop_after(out, "pitch.checkpoint")


def stop_after(out: Path, written: str) -> None:
    with staging_folder_for(out, SOME_BYTES) as staging_folder:
        (staging_folder / written).write_bytes(b"far")
        raise KeyboardInterrupt


class TestWorkshop:
    def test_it_lies_beside_the_pack_and_goes_away_with_all_in_it(self, tmp_path: Path) -> None:
        out = tmp_path / "deep" / "tiny"
        with staging_folder_for(out, SOME_BYTES) as staging_folder:
            assert staging_folder == training_folder(out) == tmp_path / "deep" / "tiny.training"
            tokens_file(staging_folder, "event", 0).touch()
            checkpoint_file(staging_folder, "pitch").touch()
        assert names_in(tmp_path / "deep") == []

    def test_it_stays_where_there_is_something_to_go_on_with(self, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        assert not has_unfinished_training(out)
        break_off(out)
        assert has_unfinished_training(out)
        with staging_folder_for(out, SOME_BYTES, resume=True) as staging_folder:
            assert checkpoint_file(staging_folder, "pitch").read_bytes() == b"far"
        assert not has_unfinished_training(out)

    def test_without_resume_what_was_begun_is_gone(self, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        break_off(out)
        with staging_folder_for(out, SOME_BYTES) as staging_folder:
            assert names_in(staging_folder) == []

    def test_what_fails_before_the_first_checkpoint_leaves_nothing(self, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        with pytest.raises(KeyboardInterrupt):
            stop_after(out, "pitch.0.tokens")
        assert names_in(tmp_path) == []


class TestRefused:
    def test_a_folder_of_something_else_is_not_replaced(self, tmp_path: Path) -> None:
        out = tmp_path / "photos"
        out.mkdir()
        (out / "holiday.jpg").touch()
        assert complaint(out) == f"{out} is there and is no pack, so it is not replaced; choose another --out"
        assert names_in(tmp_path) == ["photos"]
        assert names_in(out) == ["holiday.jpg"]

    def test_a_file_is_not_replaced(self, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        out.write_text("a letter", encoding="utf-8")
        assert complaint(out) == f"{out} is there and is no pack, so it is not replaced; choose another --out"
        assert out.read_text(encoding="utf-8") == "a letter"

    def test_a_full_disk_is_told_before_anything_is_trained(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 2500, 2500))
        out = tmp_path / "tiny"
        assert complaint(out) == (
            f"training needs about 1 MB beside {out}, and 0 MB are free; make room, or choose another --out"
        )
        assert names_in(tmp_path) == []

    def test_a_full_disk_costs_nothing_of_what_was_begun(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        out = tmp_path / "tiny"
        break_off(out)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
        assert "make room" in complaint(out, resume=True)
        assert has_unfinished_training(out)

    def test_a_place_that_is_no_folder_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        text = complaint(tmp_path / "file" / "tiny")
        assert text.startswith(f"{tmp_path / 'file' / 'tiny.training'} cannot be written (")
        assert text.endswith("); choose another --out")


class TestSeveralProcesses:
    class Second(World):
        """One that is not the first; what the first does once, was done."""

        def __init__(self) -> None:
            super().__init__(rank=1, size=2)

        def run_on_first(self, work: object) -> None:  # type: ignore[override]  # it gives nothing here
            assert callable(work)

    def test_the_others_take_away_what_is_theirs(self, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        folder = training_folder(out)
        folder.mkdir()
        checkpoint_file(folder, "pitch").touch()
        tokens_file(folder, "pitch", 0).touch()
        with staging_folder_for(out, SOME_BYTES, self.Second()) as staging_folder:
            tokens_file(staging_folder, "pitch", 1).touch()
        assert names_in(folder) == ["pitch.0.tokens", "pitch.checkpoint"]

    def test_on_a_machine_of_its_own_one_leaves_nothing(self, tmp_path: Path) -> None:
        with staging_folder_for(tmp_path / "deep" / "tiny", SOME_BYTES, self.Second()) as staging_folder:
            tokens_file(staging_folder, "event", 1).touch()
        assert names_in(tmp_path / "deep") == []


class TestAppearing:
    @pytest.fixture
    def staging_folder(self, tmp_path: Path) -> Path:
        folder = training_folder(tmp_path / "tiny")
        folder.mkdir()
        return folder

    def test_it_is_there_once_all_is_written(self, tmp_path: Path, staging_folder: Path) -> None:
        with atomic_folder(tmp_path / "tiny", staging_folder) as folder:
            (folder / CARD_FILE).touch()
            assert not (tmp_path / "tiny").exists()
        assert names_in(tmp_path / "tiny") == [CARD_FILE]
        assert names_in(staging_folder) == []

    def test_an_empty_folder_makes_room(self, tmp_path: Path, staging_folder: Path) -> None:
        (tmp_path / "tiny").mkdir()
        with atomic_folder(tmp_path / "tiny", staging_folder) as folder:
            (folder / CARD_FILE).touch()
        assert names_in(tmp_path / "tiny") == [CARD_FILE]

    def test_what_a_killed_run_left_half_written_is_gone(self, tmp_path: Path, staging_folder: Path) -> None:
        (staging_folder / "pack").mkdir()
        (staging_folder / "pack" / "half").touch()
        with atomic_folder(tmp_path / "tiny", staging_folder) as folder:
            assert names_in(folder) == []

    def test_a_run_that_was_killed_between_the_two_renames_left_the_old_pack(
        self, tmp_path: Path, staging_folder: Path
    ) -> None:
        (staging_folder / "replaced").mkdir()
        (staging_folder / "replaced" / CARD_FILE).write_text("old", encoding="utf-8")
        with (
            pytest.raises(KeyboardInterrupt),
            atomic_folder(tmp_path / "tiny", staging_folder),
        ):
            raise KeyboardInterrupt
        assert (tmp_path / "tiny" / CARD_FILE).read_text(encoding="utf-8") == "old"
