"""The page's files, read once into memory. No path is looked up on disk afterwards, so a request reaches nothing else."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STATIC_FOLDER = Path(__file__).parent.parent / "static"
INDEX = "index.html"
# A system's own table may map these differently, and a browser runs no module that has another type.
MEDIA_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file, plain and gzipped. `etag` is a quoted HTTP entity tag that changes with the content."""

    content: bytes
    gzipped: bytes
    media_type: str
    etag: str


@cache
def page_files() -> Mapping[str, PageFile]:
    """All files of the page, by their path within the static folder, with `/` between folders."""
    paths = (path for path in sorted(STATIC_FOLDER.rglob("*")) if path.is_file())
    return {path.relative_to(STATIC_FOLDER).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> PageFile:
    content = path.read_bytes()
    media_type = MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    digest = hashlib.sha256(content).hexdigest()[:16]
    return PageFile(content, gzip.compress(content, mtime=0), media_type, f'"{digest}"')
