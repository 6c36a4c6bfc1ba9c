import errno
import json
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from train.errors import CheckpointError, OutputError
from train.learning.checkpoint import EpochFigures, TrainingState, load_checkpoint, save_checkpoint

STATE = TrainingState(
    epoch=3,
    step=5,
    steps_taken=21,
    seconds=12.5,
    tokens=1344,
    epoch_nats=0.1 + 0.2,
    epoch_tokens=320,
    best_epoch=1,
    best_bits=2.75,
    history=[EpochFigures(0, math.nan, 3.0, 0.0, 0), EpochFigures(1, 2.5, 2.75, 6.0, 512)],
)
TENSORS = {
    "network.weight": torch.arange(6.0).reshape(2, 3).t(),
    "lanes.hidden": torch.tensor([[1.5]], dtype=torch.bfloat16),
    "moments.0.step": torch.tensor(21.0),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "training" / "pitch.safetensors"


@pytest.fixture
def saved(path: Path) -> Path:
    save_checkpoint(path, "these settings", STATE, TENSORS)
    return path


class TestSaving:
    def test_a_saved_checkpoint_loads_unchanged(self, saved: Path) -> None:
        state, tensors = load_checkpoint(saved, "these settings")
        assert repr(state) == repr(STATE)  # NaN is not equal to itself
        assert tensors.keys() == TENSORS.keys()
        assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())
        assert {name: value.dtype for name, value in tensors.items()} == {n: v.dtype for n, v in TENSORS.items()}

    def test_infinity_is_saved_and_loaded(self, path: Path) -> None:
        save_checkpoint(path, "", TrainingState(), {})
        assert load_checkpoint(path, "") == (TrainingState(), {})

    def test_it_replaces_the_last_one_and_leaves_nothing_else(self, saved: Path) -> None:
        save_checkpoint(saved, "these settings", TrainingState(epoch=4), TENSORS)
        assert load_checkpoint(saved, "these settings")[0].epoch == 4
        assert list(saved.parent.iterdir()) == [saved]

    def test_a_full_disk_is_reported_and_keeps_the_last_one(self, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("train.learning.checkpoint.os.fsync", full)
        with pytest.raises(
            OutputError, match=r"pitch\.safetensors cannot be written \(No space left on device\); make room"
        ):
            save_checkpoint(saved, "these settings", TrainingState(), TENSORS)
        assert load_checkpoint(saved, "these settings")[0].epoch == STATE.epoch
        assert list(saved.parent.iterdir()) == [saved]

    def test_a_place_that_is_no_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a file").write_text("")
        with pytest.raises(OutputError, match="cannot be written"):
            save_checkpoint(tmp_path / "a file" / "pitch.safetensors", "", STATE, TENSORS)


class TestLoading:
    def test_a_checkpoint_of_another_training_is_refused(self, saved: Path) -> None:
        with pytest.raises(
            CheckpointError, match="with other settings or another corpus; repeat the command that began it"
        ):
            load_checkpoint(saved, "other settings")

    def test_a_cut_anywhere_is_noticed(self, saved: Path) -> None:
        whole = saved.read_bytes()
        for length in (*range(0, len(whole), 17), len(whole) - 1):
            saved.write_bytes(whole[:length])
            with pytest.raises(CheckpointError, match="is cut off or is no checkpoint; delete it"):
                load_checkpoint(saved, "these settings")

    @pytest.mark.parametrize("content", [b"", b"a letter", bytes(64), b"\xff" * 64])
    def test_another_file_is_refused(self, path: Path, content: bytes) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="no checkpoint"):
            load_checkpoint(path, "")

    def test_weights_of_a_pack_are_refused(self, tmp_path: Path) -> None:
        save_file(TENSORS | {"network.weight": torch.zeros(2)}, tmp_path / "pitch.safetensors")
        with pytest.raises(CheckpointError, match="is cut off or is no checkpoint"):
            load_checkpoint(tmp_path / "pitch.safetensors", "")

    def test_one_of_another_format_is_refused_by_its_number(self, tmp_path: Path) -> None:
        path = tmp_path / "pitch.safetensors"
        save_file({}, path, {"training": json.dumps({"format": 2, "weather": "fine"})})
        with pytest.raises(
            CheckpointError, match="of checkpoint format 2, and this program goes on from format 1; finish"
        ):
            load_checkpoint(path, "")

    @pytest.mark.parametrize("state", [{}, {"weather": "fine", "history": []}, {"history": [{}]}, None])
    def test_metadata_with_other_fields_is_refused(self, tmp_path: Path, state: object) -> None:
        path = tmp_path / "pitch.safetensors"
        save_file({}, path, {"training": json.dumps({"format": 1, "fingerprint": "", "standing": state})})
        with pytest.raises(CheckpointError, match="no checkpoint"):
            load_checkpoint(path, "")

    def test_a_file_that_cannot_be_read_is_reported(self, tmp_path: Path) -> None:
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_checkpoint(tmp_path / "none.safetensors", "")
