"""The page's files, read once into memory with their types and tags; knows no HTTP beyond those, and looks up no path."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
INDEX = "index.html"
# What a system's own table of types may have otherwise: a browser runs no module of another type.
TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file, as it is and zipped; `tag` changes when its content does."""

    content: bytes
    zipped: bytes
    media_type: str
    tag: str


@cache
def page_files() -> Mapping[str, PageFile]:
    """All of them, by name: what is not among them is not served, whatever its path says."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.is_file()}


def _read(path: Path) -> PageFile:
    content = path.read_bytes()
    media_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    tag = hashlib.sha256(content).hexdigest()[:16]
    return PageFile(content, gzip.compress(content, mtime=0), media_type, f'"{tag}"')
