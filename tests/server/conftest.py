"""What the tests of this room share."""

from pathlib import Path

import pytest

from tests.tiny_pack import write_tiny_pack


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small pack; it is all tests', so none writes to it."""
    return write_tiny_pack(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own, without a config.toml."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
