"""Fixtures for all tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.tiny_pack import write_tiny_pack


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are slower on two threads, much slower when other programs are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small pack that all tests share; none may write to it."""
    return write_tiny_pack(tmp_path_factory.mktemp("packs") / "tiny")
