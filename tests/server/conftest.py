"""What the tests of this room share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Jackd, running_jackd
from tests.tiny_pack import write_tiny_pack


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small pack; it is all tests', so none writes to it."""
    return write_tiny_pack(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own, without a config.toml."""
    folder = tmp_path / "working_folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def long_cycle_jackd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jackd]:
    """A JACK server with time to spare, so that every message comes through once however busy the machine is.

    JACK waits for nobody: with cycles of 64 frames (1.3 ms) and both cores busy, one message in fifty reached a
    recorder twice or not at all, whatever the jam had sent. With 21 ms none did. What short cycles ask of a port, the
    bridge's tests say.
    """
    with running_jackd("fours-tests-patient", tmp_path_factory, cycle_frames=1024) as server:
        yield server
