"""A short soak: `make soak` has the long one."""

from pathlib import Path

import pytest

from tests.server.conftest import long_cycle_jackd as long_cycle_jackd  # noqa: PLC0414  a fixture is found by its name here
from tests.soak.soak import soak

SECONDS, STRETCH_S = 20.0, 10.0


@pytest.mark.usefixtures("long_cycle_jackd")
@pytest.mark.timeout(180)
def test_twenty_seconds_of_trouble_break_no_promise(tmp_path: Path) -> None:
    report = soak(tmp_path, SECONDS, STRETCH_S, random_seed=1)
    assert report.broken == []
    assert sum(minute.messages for minute in report.minutes) > 0
