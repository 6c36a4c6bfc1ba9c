"""The weights of a network in a `.safetensors` file, a format that loads without running code; knows no card."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from model.engines.network_shape import Hyperparameters

Weights = Mapping[str, npt.NDArray[np.float32]]
"""The arrays of a network by their torch names."""

_FLOATS = frozenset({"F16", "F32"})


def save_weights(weights: Weights, path: Path) -> None:
    """Writes weights as fp16."""
    save_file({name: np.ascontiguousarray(value, np.float16) for name, value in weights.items()}, path)
    path.chmod(0o644)  # safetensors makes it readable by its owner alone


def load_weights(path: Path, tokens: int, shape: Hyperparameters) -> dict[str, npt.NDArray[np.float32]]:
    """The weights in fp32. Raises ValueError if the file is damaged, or they are not those of a network of this shape.

    Their sizes are checked before the first is loaded.
    """
    try:
        with safe_open(path, "numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
            found = {name: tuple(part.get_shape()) for name, part in slices.items()}
            expected = weight_sizes(tokens, shape)
            wrong = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
            if wrong:
                raise ValueError(f"its array {wrong[0][:40]!r} is missing or has another size than its card states")
            if not _FLOATS.issuperset(part.get_dtype() for part in slices.values()):
                raise ValueError("its numbers are of another kind")
            return {name: file.get_tensor(name).astype(np.float32) for name in expected}
    except SafetensorError as error:
        raise ValueError("it is damaged") from error


def weight_sizes(tokens: int, shape: Hyperparameters) -> dict[str, tuple[int, ...]]:
    """The sizes of all arrays of a network with this many tokens, by torch's names."""
    gates = 4 * shape.hidden
    sizes: dict[str, tuple[int, ...]] = {
        "embedding.weight": (tokens, shape.embedding),
        "output.weight": (tokens, shape.hidden),
        "output.bias": (tokens,),
    }
    for layer in range(shape.layers):
        sizes |= {
            f"lstm.weight_ih_l{layer}": (gates, shape.hidden if layer else shape.embedding),
            f"lstm.weight_hh_l{layer}": (gates, shape.hidden),
            f"lstm.bias_ih_l{layer}": (gates,),
            f"lstm.bias_hh_l{layer}": (gates,),
        }
    return sizes
