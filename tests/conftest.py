"""Fixtures for all tests: a JACK server, the corpora; and a summary of skipped tests, or a failure for each."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from bench.live.jackd_server import may_be_realtime
from tests.programs import require_program

CHECKOUT = Path(__file__).resolve().parent.parent
# FOURS_NO_SKIPS=1 makes every skip a failure; CI sets it.
SKIPS_FORBIDDEN = os.environ.get("FOURS_NO_SKIPS") == "1"
JACKD_START_S, JACKD_STOP_S = 10, 5

# In CI, which sets the variable CI, the same examples each time, so that a failure there can be repeated here (CI=1 make test).
settings.register_profile("random", max_examples=50, deadline=None)
settings.register_profile("repeatable", max_examples=75, deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable" if os.environ.get("CI") else "random")


@dataclass(frozen=True, slots=True)
class Jackd:
    """A running JACK server; clients that start later find it by the variable `JACK_DEFAULT_SERVER`."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    """The file that its messages go to."""

    def kill(self) -> None:
        """Ends it without warning, as a crash does."""
        self.process.kill()
        # Another server of this name starts only once the process is gone from the system's list.
        self.process.wait(JACKD_STOP_S)


@pytest.fixture(scope="session", autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Jams record into a folder of the tests, and not into that of the user."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def jackd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jackd]:
    """A JACK server without sound hardware, separate from any that already runs."""
    with running_jackd("fours-tests", tmp_path_factory) as server:
        yield server


@contextmanager
def running_jackd(
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
    cycle_frames: int = 64,
    rate: int = 48_000,
    *,
    is_realtime: bool = False,
) -> Iterator[Jackd]:
    """Runs a JACK server of that name, period and sample rate, and makes it the default server until it ends.

    The name is the same in every run, because JACK has room for eight servers, and one that was killed keeps its place
    until another of the same name starts.

    It waits for its clients in each cycle (`-S`). A server that does not wait, as is its default, loses the messages of a
    client that is late: on a busy machine that was one message in sixteen.
    """
    jackd_path, wait_path = require_program("jackd"), require_program("jack_wait")
    log = tmp_path_factory.mktemp("jackd") / "jackd.log"
    priority = ("-R", "-P", "70") if is_realtime and may_be_realtime() else ("-r",)
    driver = ("-d", "dummy", "-r", str(rate), "-p", str(cycle_frames))
    command = [jackd_path, "--name", name, *priority, "-S", *driver]
    with (
        pytest.MonkeyPatch.context() as environment,
        log.open("wb") as log_file,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log_file, stderr=subprocess.STDOUT) as server,
    ):
        environment.setenv("JACK_DEFAULT_SERVER", name)
        environment.setenv("JACK_NO_START_SERVER", "1")
        try:
            wait = [wait_path, "--server", name, "--wait", "--timeout", str(JACKD_START_S)]
            waited = subprocess.run(wait, capture_output=True, timeout=2 * JACKD_START_S, check=False)
            if waited.returncode != 0 or server.poll() is not None:
                pytest.fail(f"jackd did not start; it said:\n{log.read_text(errors='replace')}")
            yield Jackd(name, server, log)
        finally:
            _end_process(server)


def _end_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=JACKD_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of MIDI corpora that the packs are trained on; it holds a `manifest.csv`."""
    folder = Path(os.environ.get("FOURS_CORPORA", CHECKOUT.parent / "shared" / "corpora"))
    if not (folder / "manifest.csv").is_file():
        pytest.skip(f"no corpora in {folder}: see docs/corpora.md, then set FOURS_CORPORA to their folder")
    return folder


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of small files that went wrong once, kept beside the corpora; tests make the like of them themselves, too."""
    folder = Path(os.environ.get("FOURS_CASES", CHECKOUT.parent / "shared" / "cases"))
    if not (folder / "midi").is_dir():
        pytest.skip(f"no cases in {folder}: set FOURS_CASES to their folder")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if SKIPS_FORBIDDEN and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"FOURS_NO_SKIPS=1 forbids to skip: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if SKIPS_FORBIDDEN and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"FOURS_NO_SKIPS=1 forbids to skip: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Ends the report with what was not tested, and how to change that."""
    yield
    reasons = Counter(_reason(report) for report in terminalreporter.getreports("skipped"))
    if reasons:
        terminalreporter.section("not tested", yellow=True)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason of a skipped test, without pytest's prefix "Skipped: "."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return re.sub(r"^Skipped: ", "", text)
