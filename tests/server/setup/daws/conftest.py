"""Fixtures for the tests of the DAWs' files."""

import pytest

from server.config.config import Config
from server.setup.partner import Partner


@pytest.fixture
def partner() -> Partner:
    return Partner.of(Config())
