import logging
from pathlib import Path

import numpy as np
import onnx

from model.engines.onnx_engine import OnnxEngine
from model.engines.step_graph import LOGITS_OUTPUT, TOKEN_INPUT
from tests.tiny_pack import SHAPE, random_weights
from train.onnx_graph import one_step_graph, write_fp32, write_int8

SIZE = 50
WIDE = SHAPE.model_copy(update={"embedding": 32, "hidden": 64})


def test_a_graph_takes_a_token_and_a_state_to_logits_and_the_next_state() -> None:
    graph = one_step_graph(random_weights(SIZE)).graph
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    states = {
        name: [1, 1, 16] for layer in (0, 1) for name in (f"h{layer}", f"c{layer}", f"next_h{layer}", f"next_c{layer}")
    }
    assert shapes == {TOKEN_INPUT: [1], LOGITS_OUTPUT: [1, 1, SIZE], **states}


def test_a_step_is_as_many_nodes_as_it_needs() -> None:
    nodes = [node.op_type for node in one_step_graph(random_weights(SIZE)).graph.node]
    assert nodes == ["Gather", "LSTM", "LSTM", "MatMul", "Add"]


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    for write in (write_fp32, write_int8):
        write(random_weights(SIZE), tmp_path / "one.onnx")
        write(random_weights(SIZE), tmp_path / "other.onnx")
        assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


def test_int8_holds_every_matrix_in_8_bits_and_the_table_of_entries_in_full(tmp_path: Path) -> None:
    write_fp32(random_weights(SIZE, WIDE), tmp_path / "fp32.onnx")
    write_int8(random_weights(SIZE, WIDE), tmp_path / "int8.onnx")
    quantised = onnx.load(tmp_path / "int8.onnx").graph
    kinds = {node.op_type for node in quantised.node}
    assert "DynamicQuantizeLSTM" in kinds
    assert kinds.isdisjoint({"LSTM", "MatMul"})
    wide = {tensor.name: tensor.data_type for tensor in quantised.initializer if np.prod(tensor.dims) > 64 * 64}
    assert {name: kind for name, kind in wide.items() if kind == onnx.TensorProto.FLOAT}.keys() == {"entries"}


def test_int8_plays(tmp_path: Path) -> None:
    write_int8(random_weights(SIZE, WIDE), tmp_path / "int8.onnx")
    engine = OnnxEngine(tmp_path / "int8.onnx")
    logits, state = engine.step(7, engine.initial_state())
    assert np.isfinite(logits).all()
    assert state.shape == (2, 2, 64)


def test_writing_leaves_the_log_as_loud_as_it_was(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = root.level
    write_int8(random_weights(SIZE), tmp_path / "int8.onnx")
    assert root.level == before
