import logging

import pytest

from bridge.errors import BadMidi, BridgeError
from bridge.fault_counter import MOST_TEXTS, FaultCounter


class NotUnderstood(Exception):
    pass


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def count(faults: FaultCounter, error: Exception) -> None:
    """Counts an error as it is where it is caught."""
    try:
        raise error
    except Exception as raised:  # noqa: BLE001
        faults.count(raised)


def test_each_kind_of_error_is_counted_every_time_and_logged_once_as_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = FaultCounter(logging.getLogger("fours.test"), "the port")
    with caplog.at_level(logging.DEBUG, "fours.test"):
        for error in (ValueError("a"), ValueError("b"), KeyError("c"), ValueError("d")):
            faults.count(error)
    assert faults.counts == {"ValueError": 3, "KeyError": 1}
    assert [text.split(" (")[0] for text in warnings(caplog)] == ["the port: ValueError: a", "the port: KeyError: 'c'"]


def test_the_warning_names_the_class_and_the_line_that_raised_an_error_without_a_text_for_the_user(
    caplog: pytest.LogCaptureFixture,
) -> None:
    count(FaultCounter(logging.getLogger("fours.test"), "the port"), ZeroDivisionError("no"))
    assert warnings(caplog)[0].startswith("the port: ZeroDivisionError: no, in test_fault_counter.py, line ")


def test_each_text_for_the_user_is_logged_once_without_them(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultCounter(logging.getLogger("fours.test"), "the port")
    for text in ("FF is no message", "F4 is no message", "FF is no message"):
        count(faults, BadMidi(text))
    assert warnings(caplog) == [
        "the port: FF is no message (this is said once)",
        "the port: F4 is no message (this is said once)",
    ]
    assert faults.counts == {"BadMidi": 3}


def test_which_texts_are_for_the_user_may_be_told(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultCounter(logging.getLogger("fours.test"), "OSC", (BridgeError, NotUnderstood))
    for error in (NotUnderstood("temperature is 0.1 to 2"), BadMidi("FF is no message")):
        count(faults, error)
    assert [text.split(" (")[0] for text in warnings(caplog)] == [
        "OSC: temperature is 0.1 to 2",
        "OSC: FF is no message",
    ]


def test_what_sends_nonsense_all_the_time_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultCounter(logging.getLogger("fours.test"), "the port")
    for number in range(1000):
        count(faults, BadMidi(f"{number} is no message"))
    assert len(warnings(caplog)) == MOST_TEXTS
    assert faults.counts == {"BadMidi": 1000}
