import logging

import pytest

from bridge.errors import BadMidi
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


def test_the_warning_names_the_line_that_raised_an_error_without_a_text_for_the_user(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = FaultCounter(logging.getLogger("fours.test"), "the port")
    with caplog.at_level(logging.WARNING, "fours.test"):
        for error in (ZeroDivisionError("no"), BadMidi("FF is no message")):
            try:
                raise error
            except (ZeroDivisionError, BadMidi) as raised:
                faults.count(raised)
    unforeseen, foreseen = (record.getMessage() for record in caplog.records)
    assert unforeseen.startswith("the port: ZeroDivisionError: no, in test_fault_counter.py, line ")
    assert foreseen == "the port: BadMidi: FF is no message (more are only counted)"
