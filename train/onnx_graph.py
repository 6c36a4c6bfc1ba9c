"""From trained weights to a pack's one-step `.onnx` graph, fp32 or dynamic int8; knows no training."""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from model.onnx_engine import LOGITS, NEXT_STATE, STATE, TOKEN

Weights = Mapping[str, npt.NDArray[np.float32]]
OPSET = 17
IR_VERSION = 9


def one_step_graph(weights: Weights) -> onnx.ModelProto:
    """The network of `weights` (torch's names) as a graph of one step: see `model.onnx_engine`."""
    layers = sum(name.startswith("lstm.weight_hh_l") for name in weights)
    vocabulary, hidden = weights["output.weight"].shape
    constants = {
        "embedding": weights["embedding.weight"],
        "output.weight": weights["output.weight"].T,
        "output.bias": weights["output.bias"],
        "one_by_hidden": np.array([1, hidden], np.int64),
        "vocabulary": np.array([vocabulary], np.int64),
        "state_shape": np.array([layers, 2, hidden], np.int64),
        "parts": np.ones(layers * 2, np.int64),
        "flat_state": np.array([layers * 2, 1, hidden], np.int64),
        "batch_axis": np.array([1], np.int64),
    }
    parts = [f"{part}{i}" for i in range(layers) for part in ("h", "c")]
    nodes = [
        helper.make_node("Gather", ["embedding", TOKEN], ["embedded"], axis=0),
        helper.make_node("Unsqueeze", ["embedded", "batch_axis"], ["x0"]),
        helper.make_node("Reshape", [STATE, "flat_state"], ["states"]),
        helper.make_node("Split", ["states", "parts"], parts, axis=0),
    ]
    for i in range(layers):
        for name, value in _lstm_constants(weights, i).items():
            constants[f"{name}{i}"] = value
        nodes.append(
            helper.make_node(
                "LSTM",
                [f"x{i}", f"W{i}", f"R{i}", f"B{i}", "", f"h{i}", f"c{i}"],
                ["", f"next_h{i}", f"next_c{i}"],
                name=f"lstm{i}",
                hidden_size=hidden,
            )
        )
        if i + 1 < layers:
            nodes.append(helper.make_node("Identity", [f"next_h{i}"], [f"x{i + 1}"]))
    nodes += [
        helper.make_node("Reshape", [f"next_h{layers - 1}", "one_by_hidden"], ["top"]),
        helper.make_node("MatMul", ["top", "output.weight"], ["products"]),
        helper.make_node("Add", ["products", "output.bias"], ["row"]),
        helper.make_node("Reshape", ["row", "vocabulary"], [LOGITS]),
        helper.make_node("Concat", [f"next_{part}" for part in parts], ["next_states"], axis=0),
        helper.make_node("Reshape", ["next_states", "state_shape"], [NEXT_STATE]),
    ]
    state_shape = [layers, 2, hidden]
    graph = helper.make_graph(
        nodes,
        "music_lstm_step",
        [
            helper.make_tensor_value_info(TOKEN, TensorProto.INT64, [1]),
            helper.make_tensor_value_info(STATE, TensorProto.FLOAT, state_shape),
        ],
        [
            helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, [vocabulary]),
            helper.make_tensor_value_info(NEXT_STATE, TensorProto.FLOAT, state_shape),
        ],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def write_fp32(weights: Weights, path: Path) -> None:
    onnx.save(one_step_graph(weights), path)


def write_int8(weights: Weights, path: Path) -> None:
    """Matrices in 8 bits by output column, activations quantised as they come.

    Unsigned: signed weights saturate on x86 CPUs without VNNI (AVX2), and the speed is the same.
    """
    with tempfile.TemporaryDirectory() as folder:
        fp32 = Path(folder) / "fp32.onnx"
        write_fp32(weights, fp32)
        root = logging.getLogger()
        level = root.level
        root.setLevel(
            logging.ERROR
        )  # the quantiser advises a pre-processing step that a graph this plain does not need
        try:
            quantize_dynamic(
                fp32, path, op_types_to_quantize=["LSTM", "MatMul"], weight_type=QuantType.QUInt8, per_channel=True
            )
        finally:
            root.setLevel(level)


def _lstm_constants(weights: Weights, layer: int) -> dict[str, npt.NDArray[np.float32]]:
    """W, R and B of one layer as ONNX wants them: gates in the order i, o, f, c where torch has i, f, c, o."""

    def regate(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        entry, forget, update, out = np.split(value, 4)
        return np.concatenate([entry, out, forget, update])

    biases = [regate(weights[f"lstm.bias_{kind}_l{layer}"]) for kind in ("ih", "hh")]
    return {
        "W": regate(weights[f"lstm.weight_ih_l{layer}"])[None],
        "R": regate(weights[f"lstm.weight_hh_l{layer}"])[None],
        "B": np.concatenate(biases)[None],
    }
