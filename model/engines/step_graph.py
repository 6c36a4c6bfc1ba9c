"""The one-step graph of a pack, as the program writes it, and the check that a file holds this graph and nothing else.

ONNX can describe any computation: loops without end, arrays without bound, weights in other files. A pack comes from
anyone, so before ONNX Runtime sees a graph, it is compared with the only two that a pack may have, of fp32 and of int8:
the same nodes in the same order, with arrays of the sizes that follow from the network's shape. Then running it can do
nothing else than one step of an LSTM.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from model.engines.network_shape import MOST_LAYERS, MOST_UNITS
from model.engines.protobuf import Field, fields_of, signed, varints_of

# Names in the graph, which the exporter uses too. Inputs: `token` (1,) int64, and per layer `h` and `c`, each
# (1, 1, hidden) float32. Outputs: `logits` (1, 1, vocabulary), and per layer `next_h` and `next_c`.
TOKEN_INPUT, LOGITS_OUTPUT = "token", "logits"
# What enters the first layer, whose bias has all that comes from the token; and the scales of the matrix that it enters by.
NOTHING, NOTHING_SCALE = "nothing", "W0_scale"

MOST_TOKENS = 65_536

_MOST_FIELDS = 1000
_MOST_DIMENSIONS = 4
# Field numbers of onnx.proto.
_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_NODES, _INITIALIZERS, _INPUTS, _OUTPUTS, _VALUES, _QUANTIZATION, _SPARSE = 1, 5, 11, 12, 13, 14, 15
_NODE_INPUTS, _NODE_OUTPUTS, _NODE_OP, _NODE_ATTRIBUTES, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TYPE = 1, 3, 20
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME = 1, 2, 8
_TENSOR_LOCATION, _IN_THE_FILE = 14, 0
_TENSOR_DATA = frozenset({4, 5, 9})  # floats, small integers, or raw bytes
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR, _TENSOR_SHAPE, _SHAPE_DIMENSION, _DIMENSION_VALUE = 1, 2, 1, 1
_DOCUMENTATION = frozenset({3, 6})  # a node's own name and text
_INT_ATTRIBUTE = 2
_FLOAT32, _UINT8, _INT8 = 1, 2, 3
_INITIALIZER_TYPES = frozenset({_FLOAT32, _UINT8, _INT8})
_QUANTIZED_OPS = "com.microsoft"


def hidden_name(layer: int) -> str:
    return f"h{layer}"


def cell_name(layer: int) -> str:
    return f"c{layer}"


def next_hidden_name(layer: int) -> str:
    return f"next_h{layer}"


def next_cell_name(layer: int) -> str:
    return f"next_c{layer}"


@dataclass(frozen=True, slots=True)
class StepShape:
    """The sizes that decide everything about a graph."""

    layers: int
    hidden: int
    tokens: int
    is_int8: bool


@dataclass(frozen=True, slots=True)
class _Node:
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[tuple[str, int], ...] = ()
    domain: str = ""


Dimensions = tuple[int, ...]


def check_step_graph(content: bytes) -> StepShape:
    """The shape of the network in an `.onnx` file. Raises ValueError, with what is wrong, where it is no graph of a pack."""
    graph = _graph_of(memoryview(content))
    nodes: list[_Node] = []
    sizes_found: dict[str, Dimensions] = {}
    numbers_found: dict[str, list[Field]] = {}
    declared: dict[int, dict[str, Dimensions]] = {_INPUTS: {}, _OUTPUTS: {}, _VALUES: {}}
    for number, field in fields_of(graph, _MOST_FIELDS):
        if number == _NODES:
            nodes.append(_read_node(_message(field)))
        elif number == _INITIALIZERS:
            name, dimensions, numbers = _read_initializer(_message(field))
            if name in sizes_found:
                raise ValueError(f"it has two arrays {_shown(name)}")
            sizes_found[name], numbers_found[name] = dimensions, numbers
        elif number in declared:
            name, dimensions = _read_value(_message(field))
            declared[number][name] = dimensions
        elif number in {_QUANTIZATION, _SPARSE}:
            raise ValueError("it has arrays of another kind")
    shape = _shape_of(nodes, sizes_found)
    for found, expected in zip(nodes, expected_nodes(shape), strict=True):
        if found != expected:
            raise ValueError(f"its node {_shown(found.op)} is not the {expected.op} that belongs there")
    _check_arrays(sizes_found, numbers_found, shape)
    _check_declared(declared, shape)
    return shape


def zero_point_names(shape: StepShape) -> list[str]:
    """The arrays that hold, for each column of a layer's matrices, the number that stands for 0: it is 0."""
    if not shape.is_int8:
        return []
    return [f"{matrix}{layer}_zero_point" for layer in range(shape.layers) for matrix in "WR"]


def expected_nodes(shape: StepShape) -> list[_Node]:
    """The nodes of a graph in order."""
    nodes = [_Node("Gather", ("entries", TOKEN_INPUT), ("B0",), (("axis", 0),))]
    for layer in range(shape.layers):
        below = next_hidden_name(layer - 1) if layer else NOTHING
        before = (f"B{layer}", "", hidden_name(layer), cell_name(layer))
        after = ("", next_hidden_name(layer), next_cell_name(layer))
        size = (("hidden_size", shape.hidden),)
        if shape.is_int8:
            scales = ("", *(f"{matrix}{layer}_{part}" for matrix in "WR" for part in ("scale", "zero_point")))
            inputs = (below, f"W{layer}_quantized", f"R{layer}_quantized", *before, *scales)
            nodes.append(_Node("DynamicQuantizeLSTM", inputs, after, size, _QUANTIZED_OPS))
        else:
            nodes.append(_Node("LSTM", (below, f"W{layer}", f"R{layer}", *before), after, size))
    top = next_hidden_name(shape.layers - 1)
    nodes += _int8_products(top) if shape.is_int8 else [_Node("MatMul", (top, "output.weight"), ("products",))]
    return [*nodes, _Node("Add", ("products", "output.bias"), (LOGITS_OUTPUT,))]


def _int8_products(top: str) -> list[_Node]:
    """The product of the top layer with the output matrix, as ONNX Runtime's quantiser writes it."""
    scale, product = f"{top}_scale_output.weight_scale_mul:0", "products_output_quantized"
    quantized = (f"{top}_quantized", f"{top}_scale", f"{top}_zero_point")
    return [
        _Node("DynamicQuantizeLinear", (top,), quantized),
        _Node("Mul", (f"{top}_scale", "output.weight_scale"), (scale,)),
        _Node(
            "MatMulInteger",
            (f"{top}_quantized", "output.weight_quantized", f"{top}_zero_point", "output.weight_zero_point"),
            (product,),
        ),
        _Node("Cast", (product,), (f"{product}_cast_output",), (("to", _FLOAT32),)),
        _Node("Mul", (f"{product}_cast_output", scale), ("products",)),
    ]


def expected_initializers(shape: StepShape) -> dict[str, Dimensions]:
    """The sizes of all arrays of weights, by name."""
    hidden, tokens, gates = shape.hidden, shape.tokens, 4 * shape.hidden
    sizes: dict[str, Dimensions] = {NOTHING: (1, 1, 1), "output.bias": (tokens,), "entries": (tokens, 2 * gates)}
    for layer in range(shape.layers):
        entry = hidden if layer else 1
        if layer:
            sizes[f"B{layer}"] = (1, 2 * gates)
        if not shape.is_int8:
            sizes |= {f"W{layer}": (1, gates, entry), f"R{layer}": (1, gates, hidden)}
            continue
        for matrix, inputs in (("W", entry), ("R", hidden)):
            # The quantiser has them transposed.
            sizes[f"{matrix}{layer}_quantized"] = (1, inputs, gates)
            sizes[f"{matrix}{layer}_scale"] = sizes[f"{matrix}{layer}_zero_point"] = (1, gates)
    if shape.is_int8:
        sizes["output.weight_quantized"] = (hidden, tokens)
        sizes["output.weight_scale"] = sizes["output.weight_zero_point"] = (tokens,)
    else:
        sizes["output.weight"] = (hidden, tokens)
    return sizes


def _graph_of(model: memoryview) -> memoryview:
    graphs = []
    for number, field in fields_of(model, _MOST_FIELDS):
        if number in {_MODEL_TRAINING, _MODEL_FUNCTIONS}:
            raise ValueError("it has functions of its own")
        if number == _MODEL_GRAPH:
            graphs.append(_message(field))
    if len(graphs) != 1:
        raise ValueError(f"it has {len(graphs) or 'no'} graphs")
    return graphs[0]


def _shape_of(nodes: list[_Node], initializers: dict[str, Dimensions]) -> StepShape:
    """The shape that follows from some of the arrays; the others must agree with it."""
    layers = sum(node.op in {"LSTM", "DynamicQuantizeLSTM"} for node in nodes)
    is_int8 = "output.weight_quantized" in initializers
    top = initializers.get("output.weight_quantized" if is_int8 else "output.weight", ())
    if not 1 <= layers <= MOST_LAYERS or len(top) != 2:
        raise ValueError("it is no LSTM with an output layer")
    hidden, tokens = top
    if not (1 <= hidden <= MOST_UNITS and 1 <= tokens <= MOST_TOKENS):
        raise ValueError(f"it has {hidden} hidden units and {tokens} tokens")
    shape = StepShape(layers, hidden, tokens, is_int8)
    if len(nodes) != len(expected_nodes(shape)):
        raise ValueError(f"it has {len(nodes)} nodes")
    return shape


def _check_arrays(
    sizes_found: Mapping[str, Dimensions], numbers_found: Mapping[str, list[Field]], shape: StepShape
) -> None:
    """All arrays must have their sizes, and those of which the engine knows that they are zeros must be that."""
    sizes = expected_initializers(shape)
    if sizes_found != sizes:
        wrong = next(name for name in {**sizes, **sizes_found} if sizes_found.get(name) != sizes.get(name))
        raise ValueError(f"its array {_shown(wrong)} is missing or has another size")
    for name in (NOTHING, *zero_point_names(shape)):
        if not all(map(_is_zero, numbers_found[name])):
            raise ValueError(f"its array {_shown(name)} is not all 0")


def _check_declared(declared: Mapping[int, Mapping[str, Dimensions]], shape: StepShape) -> None:
    """All inputs and outputs must be declared as what they are, and nothing may be declared larger than it is."""
    row, logits = (1, 1, shape.hidden), (1, 1, shape.tokens)
    before = [make(layer) for layer in range(shape.layers) for make in (hidden_name, cell_name)]
    after = [make(layer) for layer in range(shape.layers) for make in (next_hidden_name, next_cell_name)]
    inputs: dict[str, Dimensions] = {TOKEN_INPUT: (1,), **dict.fromkeys(before, row)}
    outputs: dict[str, Dimensions] = {LOGITS_OUTPUT: logits, **dict.fromkeys(after, row)}
    between: dict[str, Dimensions] = {"B0": (1, 8 * shape.hidden), "products": logits}
    for number, expected in ((_INPUTS, inputs), (_OUTPUTS, outputs), (_VALUES, {**inputs, **outputs, **between})):
        wrong = [name for name, dimensions in declared[number].items() if dimensions != expected.get(name)]
        if number != _VALUES:
            wrong += [name for name in expected if name not in declared[number]]
        if wrong:
            raise ValueError(f"its value {_shown(wrong[0])} is not one of a step, or has another size")


def _read_node(message: memoryview) -> _Node:
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: list[tuple[str, int]] = []
    op = domain = ""
    for number, field in fields_of(message, _MOST_FIELDS):
        if number == _NODE_ATTRIBUTES:
            attributes.append(_read_attribute(_message(field)))
        elif number == _NODE_INPUTS:
            inputs.append(_text(field))
        elif number == _NODE_OUTPUTS:
            outputs.append(_text(field))
        elif number == _NODE_OP:
            op = _text(field)
        elif number == _NODE_DOMAIN:
            domain = _text(field)
        elif number not in _DOCUMENTATION:
            raise ValueError("a node has more than inputs, outputs and numbers")
    return _Node(op, tuple(inputs), tuple(outputs), tuple(attributes), domain)


def _read_attribute(message: memoryview) -> tuple[str, int]:
    """The name and value of an attribute; all of ours are whole numbers."""
    name, value, kind = "", 0, 0
    for number, field in fields_of(message, _MOST_FIELDS):
        if number == _ATTRIBUTE_NAME:
            name = _text(field)
        elif number == _ATTRIBUTE_INT:
            value = signed(_number(field))
        elif number == _ATTRIBUTE_TYPE:
            kind = _number(field)
        else:
            raise ValueError("an attribute is no number")
    if kind != _INT_ATTRIBUTE:
        raise ValueError("an attribute is no whole number")
    return name, value


def _read_initializer(message: memoryview) -> tuple[str, Dimensions, list[Field]]:
    """The name, the size and the numbers, as they are written, of an array whose numbers are in the file itself."""
    name, kind = "", 0
    dimensions: list[int] = []
    numbers: list[Field] = []
    for number, field in fields_of(message, _MOST_FIELDS):
        if number == _TENSOR_DIMS:
            dimensions += [field] if isinstance(field, int) else varints_of(field, _MOST_DIMENSIONS)
        elif number == _TENSOR_TYPE:
            kind = _number(field)
        elif number == _TENSOR_NAME:
            name = _text(field)
        elif number in _TENSOR_DATA:
            numbers.append(field)
        elif (number, field) != (_TENSOR_LOCATION, _IN_THE_FILE):
            raise ValueError(f"the numbers of its array {_shown(name)} are not in the file")
    if kind not in _INITIALIZER_TYPES:
        raise ValueError(f"its array {_shown(name)} has numbers of another kind")
    return name, tuple(dimensions), numbers


def _is_zero(numbers: Field) -> bool:
    """Whether a number, or all numbers of a packed or raw array, are 0."""
    return numbers == 0 if isinstance(numbers, int) else not bytes(numbers).strip(b"\0")


def _read_value(message: memoryview) -> tuple[str, Dimensions]:
    name = ""
    dimensions: Dimensions = ()
    for number, field in fields_of(message, _MOST_FIELDS):
        if number == _VALUE_NAME:
            name = _text(field)
        elif number == _VALUE_TYPE:
            dimensions = tuple(
                _dimension(dimension)
                for shape in _inner(_only(_inner(_message(field), _TYPE_TENSOR)), _TENSOR_SHAPE)
                for dimension in _inner(shape, _SHAPE_DIMENSION)
            )
    return name, dimensions


def _dimension(message: memoryview) -> int:
    """A size that is a number; 0 for one that is a name."""
    return sum(_number(field) for number, field in fields_of(message, _MOST_FIELDS) if number == _DIMENSION_VALUE)


def _inner(message: memoryview, wanted: int) -> list[memoryview]:
    return [_message(field) for number, field in fields_of(message, _MOST_FIELDS) if number == wanted]


def _only(messages: list[memoryview]) -> memoryview:
    if len(messages) != 1:
        raise ValueError("a value is no array")
    return messages[0]


def _message(field: Field) -> memoryview:
    if isinstance(field, int):
        raise ValueError("a field has another kind")  # noqa: TRY004  callers handle one kind of error
    return field


def _number(field: Field) -> int:
    if not isinstance(field, int):
        raise ValueError("a field has another kind")  # noqa: TRY004  as above
    return field


def _text(field: Field) -> str:
    return str(_message(field), "utf-8", errors="replace")


def _shown(name: str) -> str:
    return repr(name[:40])
