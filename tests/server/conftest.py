"""Fixtures for the tests of `server`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Jackd, running_jackd
from tests.tiny_pack import write_tiny_pack


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small pack; all tests share it, so none may write to it."""
    return write_tiny_pack(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own working folder, without a config.toml."""
    folder = tmp_path / "working folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def long_cycle_jackd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jackd]:
    """A JACK server with long cycles (21 ms), so that every message arrives exactly once even on a busy machine.

    JACK does not wait for slow clients: with cycles of 64 frames (1.3 ms) and both cores busy, one message in fifty
    reached a recorder twice or not at all, no matter what the jam had sent. With 21 ms none did. The tests of the
    bridge cover short cycles.
    """
    with running_jackd("fours-tests-long-cycles", tmp_path_factory, cycle_frames=1024) as server:
        yield server
