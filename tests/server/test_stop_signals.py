import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bridge.timing.clock import ManualClock
from server.stop_signals import SAME_REQUEST_S, STOP_SIGNALS, StopSignals
from tests.server.jam_process import PATIENCE_S

# A process that takes no notice of being asked, and asks itself again so much later.
HUNG = """
import signal, sys
from bridge.timing.clock import ManualClock
from server.stop_signals import StopSignals
clock = ManualClock()
with StopSignals(clock, lambda: None):
    signal.raise_signal(signal.SIGINT)
    clock.advance(float(sys.argv[1]))
signal.raise_signal(signal.SIGINT)
print("goes on")
"""


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What was asked of somebody who listens to the signals of this process."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    heard: list[str] = []
    with StopSignals(ManualClock(), lambda: heard.append("stop")):
        yield heard
    for number, handler in before.items():
        signal.signal(number, handler)


def hung(again_after_s: float) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", HUNG, str(again_after_s)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_any_of_them_asks_to_stop(asked: list[str], number: signal.Signals) -> None:
    signal.raise_signal(number)
    assert asked == ["stop"]


def test_what_comes_soon_after_is_the_same_wish_whoever_says_it(asked: list[str]) -> None:
    for number in (*STOP_SIGNALS, *STOP_SIGNALS):
        signal.raise_signal(number)
    assert asked == ["stop"]


def test_who_was_asked_nothing_gives_them_back() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with StopSignals(ManualClock(), lambda: None):
        assert [signal.getsignal(number) for number in STOP_SIGNALS] != before
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_a_process_that_hangs_is_ended_by_whoever_asks_once_more_later() -> None:
    assert hung(again_after_s=SAME_REQUEST_S) == (0, "goes on\n")
    assert hung(again_after_s=SAME_REQUEST_S + 0.1) == (-signal.SIGINT, "")
