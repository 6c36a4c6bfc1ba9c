"""A TOML file of the user, read as text and parsed; knows no key.

It refuses what a TOML parser accepts but nobody writes by hand: a file of megabytes, tables in tables
without end, numbers of thousands of digits. Errors are ConfigError, in one sentence.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.named_file import read_regular_file, shown_path
from server.errors import ConfigError

LARGEST_BYTES = 1 << 20
"""A configuration with all its comments has some 7 kB."""
DEEPEST_NESTING = 8
"""The deepest value of ours, `midi.cc.tempo.channel`, is nested four deep."""

BYTE_ORDER_MARK = "\ufeff"
"""Some editors on Windows begin a UTF-8 file with it."""


def read_text(path: Path) -> str:
    """The text of a file, as it is, without a byte-order mark. Raises ConfigError."""
    try:
        return read_regular_file(path, LARGEST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{shown_path(path)} cannot be read: {error.strerror or error}") from error


def parse(text: str, where: str) -> dict[str, Any]:
    """The tree of a TOML text; `where` names its source in an error. Raises ConfigError."""
    too_deep = f"{where} is nested too deeply: there are {DEEPEST_NESTING} levels at most"
    try:
        # tomllib accepts no other line ends than these two, and its error names the place.
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is no TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(too_deep) from error
    except ValueError as error:  # Python reads decimal numbers of up to 4,300 digits
        raise ConfigError(f"{where} has a number with too many digits") from error
    if _is_deeper_than(tree, DEEPEST_NESTING):
        raise ConfigError(too_deep)
    return tree


def _is_deeper_than(tree: Mapping[str, Any], levels: int) -> bool:
    """Whether a value is nested in more than `levels` tables and arrays.

    Without recursion, which has a limit of its own.
    """
    layer: list[Any] = [tree]
    for _ in range(levels):
        inner: list[Any] = []
        for node in layer:
            inner += node.values() if isinstance(node, dict) else node
        layer = [node for node in inner if isinstance(node, dict | list)]
        if not layer:
            return False
    return True
