"""Fixtures for the tests of the model."""

import shutil
from pathlib import Path

import pytest

from tests.tiny_pack import write_tiny_pack


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small pack. All tests share it, so no test may write to it."""
    return write_tiny_pack(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture
def own_pack(tiny_pack: Path, tmp_path: Path) -> Path:
    """A copy of the small pack, which a test may damage."""
    return shutil.copytree(tiny_pack, tmp_path / "tiny")
