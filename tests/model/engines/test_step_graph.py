"""Only the graph that the program writes itself reaches ONNX Runtime, which would run any other one too."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.engines.onnx_engine import OnnxEngine
from model.engines.step_graph import StepShape, check_step_graph
from model.errors import PackError
from tests.tiny_pack import EVENT_WORDS, SHAPE, random_weights
from train.onnx_graph import one_step_graph, write_int8

SIZE = EVENT_WORDS.size
Change = Callable[[onnx.ModelProto], None]


def refusal_of(change: Change) -> str:
    """What is said of a pack's graph after a change."""
    model = one_step_graph(random_weights(SIZE))
    change(model)
    with pytest.raises(ValueError, match=r".") as raised:
        check_step_graph(model.SerializeToString())
    return str(raised.value)


def initializer(model: onnx.ModelProto, name: str) -> onnx.TensorProto:
    found: list[onnx.TensorProto] = [tensor for tensor in model.graph.initializer if tensor.name == name]
    return found[0]


def test_the_shape_of_both_kinds_of_graph_is_read(tmp_path: Path) -> None:
    weights = random_weights(SIZE)
    fp32 = one_step_graph(weights).SerializeToString()
    assert check_step_graph(fp32) == StepShape(SHAPE.layers, SHAPE.hidden, SIZE, is_int8=False)
    write_int8(weights, tmp_path / "int8.onnx")
    int8 = (tmp_path / "int8.onnx").read_bytes()
    assert check_step_graph(int8) == StepShape(SHAPE.layers, SHAPE.hidden, SIZE, is_int8=True)


def add_a_loop(model: onnx.ModelProto) -> None:
    """A loop that never ends, beside the network."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["goes_on"])],
        "body",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("goes_on", TensorProto.BOOL, [])],
    )
    model.graph.node.append(helper.make_node("Loop", ["", "always"], [], body=body))
    model.graph.initializer.append(numpy_helper.from_array(np.array([True]), "always"))


def test_a_loop_without_end_is_refused() -> None:
    assert refusal_of(add_a_loop) == "an attribute is no number"


def test_weights_in_another_file_are_refused() -> None:
    def refer(model: onnx.ModelProto) -> None:
        tensor = initializer(model, "R0")
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="/etc/passwd")

    assert refusal_of(refer) == "the numbers of its array 'R0' are not in the file"


def test_a_product_that_would_fill_the_memory_is_refused() -> None:
    def grow(model: onnx.ModelProto) -> None:
        model.graph.node.append(helper.make_node("MatMul", ["column", "row"], ["everything"]))
        for name, dims in (("column", (250_000, 1)), ("row", (1, 250_000))):
            model.graph.initializer.append(numpy_helper.from_array(np.zeros(dims, np.float32), name))

    assert refusal_of(grow) == "it has 6 nodes"


def test_an_array_that_claims_to_be_larger_than_it_is_is_refused() -> None:
    def grow(model: onnx.ModelProto) -> None:
        initializer(model, "entries").dims[0] = 1 << 40

    assert refusal_of(grow) == "its array 'entries' is missing or has another size"


def test_a_step_whose_inputs_are_declared_larger_is_refused() -> None:
    def grow(model: onnx.ModelProto) -> None:
        model.graph.input[1].type.tensor_type.shape.dim[2].dim_value = 1 << 40

    assert refusal_of(grow) == "its value 'h0' is not one of a step, or has another size"


def test_an_output_that_is_not_declared_as_one_is_refused() -> None:
    def hide(model: onnx.ModelProto) -> None:
        (state,) = [value for value in model.graph.output if value.name == "next_h0"]
        model.graph.output.remove(state)
        model.graph.value_info.append(state)

    assert refusal_of(hide) == "its value 'next_h0' is not one of a step, or has another size"


def test_another_activation_is_refused() -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[1].attribute.append(helper.make_attribute("activations", ["Relu"] * 3))

    assert refusal_of(change) == "an attribute is no number"


def test_functions_are_refused() -> None:
    def add(model: onnx.ModelProto) -> None:
        model.functions.append(onnx.FunctionProto(name="Gather", domain=""))

    assert refusal_of(add) == "it has functions of its own"


def test_an_array_twice_is_refused() -> None:
    def repeat(model: onnx.ModelProto) -> None:
        model.graph.initializer.append(initializer(model, "R0"))

    assert refusal_of(repeat) == "it has two arrays 'R0'"


def test_what_is_refused_never_reaches_onnx_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = one_step_graph(random_weights(SIZE))
    add_a_loop(model)
    graph = tmp_path / "pitch.onnx"
    graph.write_bytes(model.SerializeToString())
    monkeypatch.delattr(onnxruntime, "InferenceSession")
    with pytest.raises(PackError, match="is no network of this program"):
        OnnxEngine(graph)


@pytest.mark.parametrize("name", ["R0_zero_point", "nothing"])
def test_an_array_of_zeros_that_has_another_number_is_refused(name: str, tmp_path: Path) -> None:
    graph = tmp_path / "pitch.onnx"
    write_int8(random_weights(SIZE), graph)
    model = onnx.load(graph)
    tensor = initializer(model, name)
    numbers = numpy_helper.to_array(tensor).copy()
    numbers.flat[-1] = 1
    tensor.CopyFrom(numpy_helper.from_array(numbers, name))
    onnx.save(model, graph)
    with pytest.raises(PackError, match=f"is no network of this program: its array {name!r} is not all 0"):
        OnnxEngine(graph)
