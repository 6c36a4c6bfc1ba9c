"""Sets a key in a config.toml, and leaves everything else as the user wrote it, comments too.

Therefore it edits lines, and is no TOML writer: it replaces the line of a key that its section has, or else adds one.
"""

import re
from pathlib import Path

from model.whole_file import write_whole
from server.config.toml_file import BYTE_ORDER_MARK, parse, read_text
from server.errors import ConfigError

_HEADER = re.compile(r"\s*\[\s*(?P<name>[^\[\]]+?)\s*\]\s*(#.*)?$")


def write_key(path: Path, section: str, key: str, value: str) -> None:
    """Sets a key in a file, which is created if it does not exist; `value` is TOML text.

    Raises ConfigError if the file cannot be written, or would not be valid TOML afterwards; then it is not changed.
    """
    try:
        mark = BYTE_ORDER_MARK if _has_mark(path) else ""
        text = with_key(read_text(path) if path.exists() else "", section, key, value)
        # A section that is written in another of TOML's ways would be defined twice.
        parse(text, f"with {key} = {value} under [{section}], {path}")
        write_whole(path, f"{mark}{text}".encode(), is_synced=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be written, and is as it was: {error}") from error


def with_key(text: str, section: str, key: str, value: str) -> str:
    """The text with a key of a section set to `value`, which is TOML text."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    line = f"{key} = {value}"
    start = next((number for number, old in enumerate(lines) if _section_name(old) == section), None)
    if start is None:
        gap = [""] if lines and lines[-1].strip() else []
        return line_end.join([*lines, *gap, f"[{section}]", line, ""])
    end = next((number for number in range(start + 1, len(lines)) if _section_name(lines[number])), len(lines))
    for number in range(start + 1, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[number]):
            lines[number] = line
            break
    else:
        while not lines[end - 1].strip():
            end -= 1
        lines.insert(end, line)
    return line_end.join([*lines, ""])


def _has_mark(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        mark = BYTE_ORDER_MARK.encode()
        return file.read(len(mark)) == mark


def _section_name(line: str) -> str | None:
    header = _HEADER.match(line)
    return header["name"] if header else None
