"""`python -m tests.faults`: runs the tests of each fault that happened once, and prints which rows of README.md hold now."""

import sys
from collections import defaultdict

import pytest

from tests.faults.pages import FAULTS_PAGE, rows_of


class Outcomes:
    """A pytest plugin: the outcomes of all cases of each test, by the test's name without its parameters."""

    def __init__(self) -> None:
        self.by_test: defaultdict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.by_test[report.nodeid.partition("[")[0]].append(report.outcome)

    def of(self, tests: tuple[str, ...]) -> str:
        """What is so of a row: it holds only if each of its tests has run, and all their cases have passed."""
        outcomes = {name for test in tests for name in self.by_test.get(test, ["not run"])}
        return next((name for name in ("failed", "not run", "skipped") if name in outcomes), "holds")


def main() -> int:
    rows, outcomes = rows_of(FAULTS_PAGE), Outcomes()
    named = dict.fromkeys(test for row in rows for test in row.tests)
    status = pytest.main(["-q", *named], plugins=[outcomes])
    for row in rows:
        print(f"{outcomes.of(row.tests):8} {row.text}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
