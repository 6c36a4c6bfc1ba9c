"""`write_whole`: writes a file that appears whole or not at all. Knows no format."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Writes the content beside `path` first, then puts it there. Raises OSError where the place cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
