import logging

import pytest

from bridge.fault_counter import FaultCounter


def test_each_kind_of_error_is_counted_every_time_and_logged_once_as_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = FaultCounter(logging.getLogger("fours.test"), "the port")
    with caplog.at_level(logging.DEBUG, "fours.test"):
        for error in (ValueError("a"), ValueError("b"), KeyError("c"), ValueError("d")):
            faults.count(error)
    assert faults.counts == {"ValueError": 3, "KeyError": 1}
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text.split(" (")[0] for text in warnings] == ["the port: ValueError: a", "the port: KeyError: 'c'"]
