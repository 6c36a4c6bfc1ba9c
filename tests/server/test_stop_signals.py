import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bridge.timing.clock import ManualClock
from server.stop_signals import SAME_REQUEST_S, STOP_SIGNALS, StopSignals
from tests.server.jam_process import PATIENCE_S

# A process that ignores the request to stop, and gets a second signal this many seconds later.
HUNG_SCRIPT = """
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
def stop_requests() -> Iterator[list[str]]:
    """The calls of `on_stop`, while this process handles the signals."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    requests: list[str] = []
    with StopSignals(ManualClock(), lambda: requests.append("stop")):
        yield requests
    for number, handler in before.items():
        signal.signal(number, handler)


def signal_hung_process(second_signal_after_s: float) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", HUNG_SCRIPT, str(second_signal_after_s)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_each_signal_requests_a_stop(stop_requests: list[str], number: signal.Signals) -> None:
    signal.raise_signal(number)
    assert stop_requests == ["stop"]


def test_signals_soon_after_the_first_belong_to_the_same_request(stop_requests: list[str]) -> None:
    for number in (*STOP_SIGNALS, *STOP_SIGNALS):
        signal.raise_signal(number)
    assert stop_requests == ["stop"]


def test_without_a_signal_the_previous_handlers_are_restored() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with StopSignals(ManualClock(), lambda: None):
        assert [signal.getsignal(number) for number in STOP_SIGNALS] != before
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_a_later_signal_ends_a_process_that_hangs() -> None:
    assert signal_hung_process(second_signal_after_s=SAME_REQUEST_S) == (0, "goes on\n")
    assert signal_hung_process(second_signal_after_s=SAME_REQUEST_S + 0.1) == (-signal.SIGINT, "")


# The signal goes to another thread than the main one, which sleeps: it interrupts as little as one that comes just as the main thread
# begins to wait.
SLEEPING_SCRIPT = """
import asyncio, signal, threading
from bridge.timing.clock import MonotonicClock
from server.stop_signals import StopSignals, waking_at_signals

async def main():
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    with waking_at_signals(loop), StopSignals(MonotonicClock(), lambda: loop.call_soon_threadsafe(stopped.set)):
        signal_here = lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        threading.Timer(0.2, signal_here).start()
        await stopped.wait()

asyncio.run(main())
print("stopped")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="asyncio does it there")
def test_a_loop_that_sleeps_without_end_is_woken_by_a_signal_that_interrupts_nothing() -> None:
    command = [sys.executable, "-c", SLEEPING_SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert done.stdout == "stopped\n"
