"""Writes trained weights as a pack's one-step `.onnx` graph, fp32 or dynamic int8; knows no training."""

import logging
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from model.engines.step_graph import (
    LOGITS_OUTPUT,
    TOKEN_INPUT,
    cell_name,
    hidden_name,
    next_cell_name,
    next_hidden_name,
)
from model.pack.weights import Weights

OPSET = 17
IR_VERSION = 9


def one_step_graph(weights: Weights) -> onnx.ModelProto:
    """The network of `weights` (torch's names) as a graph of one step: see `model.engines.step_graph`.

    It has as few nodes as possible, since each costs some microseconds per step. What a token adds to the first
    layer's gates depends on the token alone, so it is looked up in a table and enters as that layer's bias, without a
    matrix product.
    """
    layers = sum(name.startswith("lstm.weight_hh_l") for name in weights)
    vocabulary, hidden = weights["output.weight"].shape
    constants = {
        "nothing": np.zeros((1, 1, 1), np.float32),
        "output.weight": weights["output.weight"].T,
        "output.bias": weights["output.bias"],
    }
    nodes = [helper.make_node("Gather", ["entries", TOKEN_INPUT], ["B0"], axis=0)]
    for layer in range(layers):
        constants |= _lstm_constants(weights, layer)
        below = next_hidden_name(layer - 1) if layer else "nothing"
        nodes.append(
            helper.make_node(
                "LSTM",
                [below, f"W{layer}", f"R{layer}", f"B{layer}", "", hidden_name(layer), cell_name(layer)],
                ["", next_hidden_name(layer), next_cell_name(layer)],
                name=f"lstm{layer}",
                hidden_size=hidden,
            )
        )
    nodes += [
        helper.make_node("MatMul", [next_hidden_name(layers - 1), "output.weight"], ["products"]),
        helper.make_node("Add", ["products", "output.bias"], [LOGITS_OUTPUT]),
    ]
    states = [name(layer) for layer in range(layers) for name in (hidden_name, cell_name)]
    next_states = [name(layer) for layer in range(layers) for name in (next_hidden_name, next_cell_name)]
    graph = helper.make_graph(
        nodes,
        "music_lstm_step",
        [helper.make_tensor_value_info(TOKEN_INPUT, TensorProto.INT64, [1])] + [_row(name, hidden) for name in states],
        [_row(LOGITS_OUTPUT, vocabulary)] + [_row(name, hidden) for name in next_states],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _row(name: str, size: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, size])


def write_fp32(weights: Weights, path: Path) -> None:
    onnx.save(one_step_graph(weights), path)


def write_int8(weights: Weights, path: Path) -> None:
    """Writes matrices in 8 bits per output column; activations are quantised while the graph runs.

    The output matrix is unsigned: signed ones saturate on x86 CPUs without VNNI (AVX2), and the speed is the same. Those of the LSTM are signed
    whatever is asked for; there the forecasts of `songbook` cost as many bits as without 8 bits, to a thousandth of a bit a note.
    """
    # Imported here, once `model` has switched its telemetry off.
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        fp32 = Path(folder) / "fp32.onnx"
        write_fp32(weights, fp32)
        root = logging.getLogger()
        level = root.level
        root.setLevel(
            logging.ERROR
        )  # the quantiser advises a pre-processing step, which a graph as simple as this does not need
        try:
            quantize_dynamic(
                fp32, path, op_types_to_quantize=["LSTM", "MatMul"], weight_type=QuantType.QUInt8, per_channel=True
            )
        finally:
            root.setLevel(level)


def _lstm_constants(weights: Weights, layer: int) -> dict[str, npt.NDArray[np.float32]]:
    """The constants of one layer's node, with gates in ONNX's order i, o, f, c; torch has i, f, c, o."""

    def reorder_gates(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        entry, forget, update, out = np.split(value, 4)
        return np.concatenate([entry, out, forget, update])

    entering = reorder_gates(weights[f"lstm.weight_ih_l{layer}"])
    recurrent = reorder_gates(weights[f"lstm.weight_hh_l{layer}"])
    bias = reorder_gates(weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"])
    gates = len(bias)
    if layer:
        # ONNX has two biases, of the input and of the recurrence, and adds them.
        both = np.concatenate([bias, np.zeros(gates, np.float32)])
        return {f"W{layer}": entering[None], f"R{layer}": recurrent[None], f"B{layer}": both[None]}
    entries = weights["embedding.weight"] @ entering.T + bias
    return {
        "W0": np.zeros((1, gates, 1), np.float32),
        "R0": recurrent[None],
        "entries": np.hstack([entries, np.zeros_like(entries)]),
    }
