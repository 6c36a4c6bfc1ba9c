"""Compares a release's tag with the version of `pyproject.toml`: `python -m tests.install.release_tag v0.2.0`. Needs nothing but Python."""

import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def main(tag: str) -> None:
    """Ends with a sentence and status 1 where they differ."""
    version = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    if tag != f"v{version}":
        sys.exit(
            f"the tag is {tag}, and pyproject.toml has version {version}: tag v{version}, or change the version first"
        )


if __name__ == "__main__":
    main(sys.argv[1])
