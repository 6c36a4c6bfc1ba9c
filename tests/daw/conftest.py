"""Fixtures for the tests of daw, taken from the server's tests."""

from tests.server.conftest import tiny_pack as tiny_pack  # noqa: PLC0414  a fixture is found by its name here
