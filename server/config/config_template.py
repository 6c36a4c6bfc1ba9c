"""The commented `config.toml` with all keys and their defaults, for people who installed the program and have no clone of it."""

from pathlib import Path

from model.named_file import path_fault, shown_path
from server.config.config import CONFIG_FILE
from server.errors import ConfigError

_PLACES = (Path(__file__).with_name(CONFIG_FILE), Path(__file__).parents[2] / CONFIG_FILE)
"""In an installed program it lies beside this module, and in a clone at the top."""


def config_template() -> str:
    """The text of the file. Raises ConfigError where the installed program lacks it."""
    for path in _PLACES:
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise ConfigError(f"{CONFIG_FILE} is missing beside {__file__}: install Trading Fours again")


def write_template(path: Path) -> None:
    """Writes the file, unless there is one already. Raises ConfigError."""
    text = config_template()
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} is there already, and stays as it is; name another file with --out") from None
    except (OSError, ValueError) as error:  # a zero byte in its name is a ValueError
        reason = path_fault(path) or getattr(error, "strerror", None) or error
        raise ConfigError(f"{shown_path(path)} cannot be written ({reason}); name another file with --out") from error
