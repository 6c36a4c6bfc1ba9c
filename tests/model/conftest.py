"""What the tests of this room share."""

import shutil
from pathlib import Path

import pytest

from tests.tiny_pack import write_tiny_pack


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small pack; it is all tests', so none writes to it."""
    return write_tiny_pack(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture
def own_pack(tiny_pack: Path, tmp_path: Path) -> Path:
    """A copy of the small pack for one test to spoil."""
    return shutil.copytree(tiny_pack, tmp_path / "tiny")
