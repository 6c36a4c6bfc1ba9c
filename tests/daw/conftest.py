"""Fixtures for the tests beside a DAW, taken from the server's tests."""

from tests.server.conftest import long_cycle_jackd as long_cycle_jackd  # noqa: PLC0414  a fixture is found by its name here
from tests.server.conftest import tiny_pack as tiny_pack  # noqa: PLC0414
