"""Writes a line into a config.toml and leaves everything else in it as its owner wrote it, comments too.

So it goes by lines and is no TOML writer: a key that stands in its section is replaced, another one is added.
"""

import re
import tomllib
from pathlib import Path

from server.errors import ConfigError

_HEADER = re.compile(r"\s*\[\s*(?P<name>[^\[\]]+?)\s*\]\s*(#.*)?$")


def write_key(path: Path, section: str, key: str, value: str) -> None:
    """Sets a key in a file, which need not be there. Raises ConfigError where it cannot be written, or were no TOML then."""
    try:
        text = with_key(path.read_text(encoding="utf-8") if path.exists() else "", section, key, value)
        tomllib.loads(text)  # a section that was written in another of TOML's ways would be there twice
        path.write_text(text, encoding="utf-8")
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} would be no TOML with {key} = {value} under [{section}]: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def with_key(text: str, section: str, key: str, value: str) -> str:
    """The text with a key of a section set to what is written as `value`."""
    lines = text.splitlines()
    line = f"{key} = {value}"
    begin = next((number for number, old in enumerate(lines) if _section_name(old) == section), None)
    if begin is None:
        gap = [""] if lines and lines[-1].strip() else []
        return "\n".join([*lines, *gap, f"[{section}]", line]) + "\n"
    end = next((number for number in range(begin + 1, len(lines)) if _section_name(lines[number])), len(lines))
    for number in range(begin + 1, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[number]):
            lines[number] = line
            break
    else:
        while not lines[end - 1].strip():
            end -= 1
        lines.insert(end, line)
    return "\n".join(lines) + "\n"


def _section_name(line: str) -> str | None:
    header = _HEADER.match(line)
    return header["name"] if header else None
