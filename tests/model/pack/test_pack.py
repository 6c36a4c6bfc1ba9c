import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from model.approach import APPROACHES, Approach
from model.engines import device as device_module
from model.engines import torch_engine
from model.engines.device import has_cuda
from model.errors import PackError
from model.pack import pack as pack_module
from model.pack.card import CARD_FILE
from model.pack.pack import available_packs, open_pack, sha256_of
from model.pack.weights import save_weights
from tests.model.engines.test_engines import run_engine, softmax
from tests.tiny_pack import EVENT_WORDS, PITCHES, VOCABULARIES, random_walk, random_weights
from train.onnx_graph import write_fp32

# The largest allowed difference between the probabilities of the included graph and of its fp16 weights, on average and
# summed over the vocabulary; on trained weights it is a few in a thousand.
MAX_MEAN_DIFFERENCE = 0.05


def error_message(folder: Path, approach: Approach = "pitch") -> str:
    """The error message from opening the pack and its engine."""
    with pytest.raises(PackError) as raised:
        open_pack(str(folder)).engine(approach, "cpu")
    return str(raised.value)


def error_message_of_weights(folder: Path, approach: Approach = "pitch") -> str:
    with pytest.raises(PackError) as raised:
        open_pack(str(folder)).weights(approach)
    return str(raised.value)


def cut_off(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def update_hashes(folder: Path) -> None:
    """Writes the present hashes of the files into the card."""
    file = folder / CARD_FILE
    card = json.loads(file.read_text(encoding="utf-8"))
    for part in card["approaches"].values():
        part["files"] = {name: sha256_of(folder / name) for name in part["files"]}
    file.write_text(json.dumps(card), encoding="utf-8")


class TestWholePack:
    def test_it_opens_by_its_folder(self, tiny_pack: Path) -> None:
        pack = open_pack(str(tiny_pack))
        assert (pack.name, pack.folder) == ("tiny", tiny_pack)

    def test_it_opens_by_its_name_among_others(self, tiny_pack: Path) -> None:
        assert open_pack("tiny", (tiny_pack.parent,)).folder == tiny_pack

    @pytest.mark.parametrize("approach", APPROACHES)
    def test_its_engines_fit_its_vocabularies(self, tiny_pack: Path, approach: Approach) -> None:
        pack = open_pack(str(tiny_pack))
        assert pack.vocabulary(approach) == VOCABULARIES[approach]
        for engine in (pack.engine(approach, "cpu"), pack.reference_engine(approach)):
            assert engine.vocabulary_size == VOCABULARIES[approach].size

    def test_each_engine_reports_the_precision_of_its_graph(self, tiny_pack: Path) -> None:
        pack = open_pack(str(tiny_pack))
        devices = [pack.engine(approach, "cpu").device for approach in APPROACHES]
        assert devices == ["CPU, ONNX Runtime int8", "CPU, ONNX Runtime fp32"]

    def test_saved_weights_are_read_back_in_fp32(self, tiny_pack: Path) -> None:
        weights = open_pack(str(tiny_pack)).weights("event")
        expected = random_weights(EVENT_WORDS.size)
        assert weights.keys() == expected.keys()
        assert all(weights[name].dtype == np.float32 and (weights[name] == expected[name]).all() for name in weights)

    def test_its_files_are_readable_by_all_users(self, tiny_pack: Path) -> None:
        assert all(path.stat().st_mode & 0o044 == 0o044 for path in tiny_pack.glob("*.safetensors"))

    def test_auto_is_the_cpu_where_there_is_no_gpu(self, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pack_module, "has_cuda", lambda: False)
        assert open_pack(str(tiny_pack)).engine("pitch").device == "CPU, ONNX Runtime int8"

    def test_without_a_driver_there_is_no_cuda(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(device_module, "_DRIVER_FILES", (str(tmp_path / "driver"),))
        assert not has_cuda()


class TestNaming:
    def test_the_error_for_a_mistyped_name_suggests_the_nearest(self, tiny_pack: Path) -> None:
        with pytest.raises(PackError) as raised:
            open_pack("tiney", (tiny_pack.parent,))
        assert str(raised.value) == "there is no pack named tiney and no such folder; did you mean tiny?"

    def test_the_error_for_any_other_name_lists_all_packs(self, tiny_pack: Path, tmp_path: Path) -> None:
        shutil.copytree(tiny_pack, tmp_path / "blues")
        with pytest.raises(PackError, match=r"^there is no pack named xyzzy and no such folder; there are .*blues"):
            open_pack("xyzzy", (tmp_path,))

    @pytest.mark.parametrize("name", ["x" * 300, "x/" * 5000, "a\0b", "\udcff"])
    def test_a_name_that_no_folder_can_have_is_a_pack_that_is_not_there(self, tiny_pack: Path, name: str) -> None:
        with pytest.raises(PackError, match="there is no pack named") as raised:
            open_pack(name, (tiny_pack.parent, Path("y" * 300)))
        assert len(str(raised.value)) < 400

    def test_the_error_reports_that_there_are_no_packs(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(pack_module, "PACKS_FOLDER", tmp_path / "packs")
        with pytest.raises(PackError) as raised:
            open_pack("tiny")
        assert str(raised.value) == "there is no pack named tiny and no such folder; there are none"

    def test_only_folders_with_a_card_are_packs(self, tiny_pack: Path, tmp_path: Path) -> None:
        shutil.copytree(tiny_pack, tmp_path / "blues")
        (tmp_path / "photos").mkdir()
        (tmp_path / "notes.txt").touch()
        found = available_packs((tmp_path, tmp_path / "nowhere"))
        assert {name for name, folder in found.items() if folder.parent == tmp_path} == {"blues"}

    def test_a_pack_of_the_same_name_does_not_hide_one_of_the_program(
        self, own_pack: Path, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pack_module, "PACKS_FOLDER", tiny_pack.parent)
        assert open_pack("tiny", (own_pack.parent,)).folder == tiny_pack


class TestBadPack:
    def test_a_missing_graph_is_an_error(self, own_pack: Path) -> None:
        graph = own_pack / "pitch.int8.onnx"
        graph.unlink()
        assert error_message(own_pack) == f"pack tiny: {graph} is missing; copy the pack again"

    def test_a_graph_that_is_cut_off_is_an_error(self, own_pack: Path) -> None:
        graph = cut_off(own_pack / "pitch.int8.onnx")
        assert error_message(own_pack) == f"pack tiny: {graph} is cut off or was changed; copy the pack again"

    def test_a_graph_that_was_cut_off_before_hashing_is_an_error(self, own_pack: Path) -> None:
        graph = cut_off(own_pack / "pitch.int8.onnx")
        update_hashes(own_pack)
        assert error_message(own_pack) == (
            f"{graph} is no network of this program: it is cut off or damaged; copy the pack again"
        )

    def test_weights_that_are_cut_off_are_an_error(self, own_pack: Path) -> None:
        weights = cut_off(own_pack / "event.safetensors")
        assert error_message_of_weights(own_pack, "event") == (
            f"pack tiny: {weights} is cut off or was changed; copy the pack again"
        )

    def test_weights_that_were_cut_off_before_hashing_are_an_error(self, own_pack: Path) -> None:
        weights = cut_off(own_pack / "event.safetensors")
        update_hashes(own_pack)
        assert error_message_of_weights(own_pack, "event") == (
            f"{weights} has not this pack's weights: it is damaged; copy the pack again"
        )

    def test_a_changed_byte_is_an_error(self, own_pack: Path) -> None:
        weights = own_pack / "pitch.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        assert (
            error_message_of_weights(own_pack) == f"pack tiny: {weights} is cut off or was changed; copy the pack again"
        )

    def test_damage_to_one_approach_does_not_affect_the_other(self, own_pack: Path) -> None:
        cut_off(own_pack / "pitch.int8.onnx")
        assert open_pack(str(own_pack)).engine("event", "cpu").vocabulary_size == EVENT_WORDS.size

    def test_a_folder_in_place_of_a_file_is_an_error(self, own_pack: Path) -> None:
        graph = own_pack / "pitch.int8.onnx"
        graph.unlink()
        graph.mkdir()
        assert error_message(own_pack) == f"pack tiny: {graph} is no file; copy the pack again"

    def test_a_vocabulary_that_does_not_fit_the_weights_is_an_error(self, own_pack: Path) -> None:
        file = own_pack / CARD_FILE
        card = json.loads(file.read_text(encoding="utf-8"))
        card["approaches"]["pitch"]["pitches"] = PITCHES[1:]
        file.write_text(json.dumps(card), encoding="utf-8")
        text = "pack tiny: the pitch vocabulary has 37 tokens, but its weights are for 38; train the pack again or copy it again"
        assert error_message(own_pack) == text
        with pytest.raises(PackError, match=r"its array 'embedding.weight' is missing or has another size"):
            open_pack(str(own_pack)).reference_engine("pitch")

    def test_a_graph_of_another_network_is_an_error(self, own_pack: Path) -> None:
        write_fp32(random_weights(50), own_pack / "event.fp32.onnx")
        update_hashes(own_pack)
        assert error_message(own_pack, "event") == (
            "pack tiny: the event vocabulary has 42 tokens, but its weights are for 50; "
            "train the pack again or copy it again"
        )

    def test_time_bins_that_contradict_themselves_are_an_error_when_the_pack_opens(self, own_pack: Path) -> None:
        file = own_pack / CARD_FILE
        card = json.loads(file.read_text(encoding="utf-8"))
        card["approaches"]["event"]["bins"]["shifts"] = [1.0, 0.5, 0.25, 2.0]
        file.write_text(json.dumps(card), encoding="utf-8")
        with pytest.raises(PackError) as raised:
            open_pack(str(own_pack))
        assert str(raised.value) == (
            "pack tiny: the card's time bins are wrong (the bins' shifts must rise); train the pack again"
        )

    def test_a_card_that_names_no_graph_is_an_error(self, own_pack: Path) -> None:
        file = own_pack / CARD_FILE
        card = json.loads(file.read_text(encoding="utf-8"))
        del card["approaches"]["pitch"]["files"]["pitch.int8.onnx"]
        file.write_text(json.dumps(card), encoding="utf-8")
        assert error_message(own_pack) == "pack tiny: its card names no .onnx file for pitch; train the pack again"

    @pytest.mark.parametrize("name", ["../pitch.int8.onnx", "/etc/pitch.int8.onnx", "a\\b.onnx", ""])
    def test_a_card_that_names_a_file_elsewhere_is_an_error(self, own_pack: Path, name: str) -> None:
        file = own_pack / CARD_FILE
        card = json.loads(file.read_text(encoding="utf-8"))
        card["approaches"]["pitch"]["files"] = {name: "0" * 64}
        file.write_text(json.dumps(card), encoding="utf-8")
        assert "a file of a pack lies in its folder" in error_message(own_pack)

    @pytest.mark.parametrize("name", ["pitch.int8.onnx", CARD_FILE])
    @pytest.mark.timeout(10)
    def test_a_pipe_in_place_of_a_file_is_not_waited_for(self, own_pack: Path, name: str) -> None:
        (own_pack / name).unlink()
        os.mkfifo(own_pack / name)
        assert error_message(own_pack).endswith(f"{own_pack / name} is no file; copy the pack again")

    @pytest.mark.parametrize("name", ["pitch.int8.onnx", CARD_FILE])
    def test_a_file_of_gigabytes_is_not_read(self, own_pack: Path, name: str) -> None:
        os.truncate(own_pack / name, 1 << 40)  # the disk holds no more than before: the rest is a hole
        assert f"{own_pack / name} is larger than " in error_message(own_pack)

    def test_weights_of_another_size_than_on_the_card_are_an_error(self, own_pack: Path) -> None:
        file = own_pack / CARD_FILE
        card = json.loads(file.read_text(encoding="utf-8"))
        card["approaches"]["pitch"]["network"]["hidden"] = 8192
        file.write_text(json.dumps(card), encoding="utf-8")
        assert "its array 'output.weight' is missing or has another size" in error_message_of_weights(own_pack)

    def test_cuda_without_a_device_is_an_error(self, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pack_module, "has_cuda", lambda: False)
        with pytest.raises(PackError) as raised:
            open_pack(str(tiny_pack)).engine("pitch", "cuda")
        assert str(raised.value) == ("device = cuda, but there is no torch with a CUDA device here; use auto or cpu")

    def test_a_gpu_that_cannot_run_the_network_is_not_used_or_an_error(
        self, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise RuntimeError("CUDA error: no kernel image is available\nand more lines")

        monkeypatch.setattr(pack_module, "has_cuda", lambda: True)
        monkeypatch.setattr(torch_engine, "TorchEngine", refuse)
        pack = open_pack(str(tiny_pack))
        assert pack.engine("pitch", "auto").device == "CPU, ONNX Runtime int8"
        with pytest.raises(PackError) as raised:
            pack.engine("pitch", "cuda")
        assert str(raised.value) == (
            "device = cuda, but the GPU cannot run the network (CUDA error: no kernel image is available); use auto or cpu"
        )


def test_weights_are_saved_in_half_the_bytes(tmp_path: Path) -> None:
    weights = random_weights(50)
    save_weights(weights, tmp_path / "half.safetensors")
    values = sum(value.size for value in weights.values())
    assert 2 * values < (tmp_path / "half.safetensors").stat().st_size < 2 * values + 2000


def test_every_included_pack_opens_and_its_graphs_match_its_weights() -> None:
    for name in available_packs():
        pack = open_pack(name)
        for approach in APPROACHES:
            graph, reference = pack.engine(approach, "cpu"), pack.reference_engine(approach)
            walk = [0, *(1 + token for token in random_walk(graph.vocabulary_size - 1, 48))]
            apart = np.abs(softmax(run_engine(graph, walk)[0]) - softmax(run_engine(reference, walk)[0])).sum(axis=-1)
            assert apart.mean() < MAX_MEAN_DIFFERENCE, (name, approach)
