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


def interrupt_training(out: Path) -> None:
    """A training that wrote a checkpoint and was interrupted."""
    with pytest.raises(KeyboardInterrupt):
        stop_after(out, "pitch.checkpoint")


def stop_after(out: Path, written: str) -> None:
    with staging_folder_for(out, SOME_BYTES) as staging_folder:
        (staging_folder / written).write_bytes(b"far")
        raise KeyboardInterrupt


class TestStagingFolder:
    def test_it_is_beside_the_pack_and_is_removed_with_its_content(self, tmp_path: Path) -> None:
        out = tmp_path / "deep" / "tiny"
        with staging_folder_for(out, SOME_BYTES) as staging_folder:
            assert staging_folder == training_folder(out) == tmp_path / "deep" / "tiny.training"
            tokens_file(staging_folder, "event", 0).touch()
            checkpoint_file(staging_folder, "pitch").touch()
        assert names_in(tmp_path / "deep") == []

    def test_it_stays_where_there_is_a_checkpoint_to_resume_from(self, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        assert not has_unfinished_training(out)
        interrupt_training(out)
        assert has_unfinished_training(out)
        with staging_folder_for(out, SOME_BYTES, resume=True) as staging_folder:
            assert checkpoint_file(staging_folder, "pitch").read_bytes() == b"far"
        assert not has_unfinished_training(out)

    def test_without_resume_an_interrupted_training_is_removed(self, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        interrupt_training(out)
        with staging_folder_for(out, SOME_BYTES) as staging_folder:
            assert names_in(staging_folder) == []

    def test_a_failure_before_the_first_checkpoint_leaves_nothing(self, tmp_path: Path) -> None:
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

    def test_a_full_disk_is_reported_before_any_training(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 2500, 2500))
        out = tmp_path / "tiny"
        assert complaint(out) == (
            f"training needs about 1 MB beside {out}, and 0 MB are free; make room, or choose another --out"
        )
        assert names_in(tmp_path) == []

    def test_a_full_disk_keeps_an_interrupted_training(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        out = tmp_path / "tiny"
        interrupt_training(out)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
        assert "make room" in complaint(out, resume=True)
        assert has_unfinished_training(out)

    def test_a_place_that_is_no_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        text = complaint(tmp_path / "file" / "tiny")
        assert text.startswith(f"{tmp_path / 'file' / 'tiny.training'} cannot be written (")
        assert text.endswith("); choose another --out")


class TestSeveralProcesses:
    class Second(World):
        """A process that is not the first; the first one has done its work."""

        def __init__(self) -> None:
            super().__init__(rank=1, size=2)

        def run_on_first(self, work: object) -> None:  # type: ignore[override]  # it gives nothing here
            assert callable(work)

    def test_other_processes_remove_their_own_files(self, tmp_path: Path) -> None:
        out = tmp_path / "tiny"
        folder = training_folder(out)
        folder.mkdir()
        checkpoint_file(folder, "pitch").touch()
        tokens_file(folder, "pitch", 0).touch()
        with staging_folder_for(out, SOME_BYTES, self.Second()) as staging_folder:
            tokens_file(staging_folder, "pitch", 1).touch()
        assert names_in(folder) == ["pitch.0.tokens", "pitch.checkpoint"]

    def test_a_process_on_a_machine_of_its_own_leaves_nothing(self, tmp_path: Path) -> None:
        with staging_folder_for(tmp_path / "deep" / "tiny", SOME_BYTES, self.Second()) as staging_folder:
            tokens_file(staging_folder, "event", 1).touch()
        assert names_in(tmp_path / "deep") == []


class TestAtomicFolder:
    @pytest.fixture
    def staging_folder(self, tmp_path: Path) -> Path:
        folder = training_folder(tmp_path / "tiny")
        folder.mkdir()
        return folder

    def test_the_folder_appears_once_everything_is_written(self, tmp_path: Path, staging_folder: Path) -> None:
        with atomic_folder(tmp_path / "tiny", staging_folder) as folder:
            (folder / CARD_FILE).touch()
            assert not (tmp_path / "tiny").exists()
        assert names_in(tmp_path / "tiny") == [CARD_FILE]
        assert names_in(staging_folder) == []

    def test_an_empty_folder_is_replaced(self, tmp_path: Path, staging_folder: Path) -> None:
        (tmp_path / "tiny").mkdir()
        with atomic_folder(tmp_path / "tiny", staging_folder) as folder:
            (folder / CARD_FILE).touch()
        assert names_in(tmp_path / "tiny") == [CARD_FILE]

    def test_half_written_files_of_a_killed_run_are_removed(self, tmp_path: Path, staging_folder: Path) -> None:
        (staging_folder / "pack").mkdir()
        (staging_folder / "pack" / "half").touch()
        with atomic_folder(tmp_path / "tiny", staging_folder) as folder:
            assert names_in(folder) == []

    def test_after_a_kill_between_the_two_renames_the_old_pack_is_restored(
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
