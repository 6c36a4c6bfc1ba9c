"""Each test that docs/promises.md and tests/faults/README.md name exists, under that name."""

from pathlib import Path

import pytest

from tests.faults.pages import FAULTS_PAGE, PROMISES_PAGE, rows_of
from tests.named_tests import assert_test_exists

PAGES = (PROMISES_PAGE, FAULTS_PAGE)


@pytest.mark.parametrize(("page", "least"), [(PROMISES_PAGE, 20), (FAULTS_PAGE, 30)], ids=lambda part: str(part)[-12:])
def test_each_row_names_the_test_that_holds_it(page: Path, least: int) -> None:
    rows = rows_of(page)
    assert len(rows) >= least
    assert [row.text for row in rows if not row.tests] == []


def test_the_faults_are_numbered_without_a_gap() -> None:
    numbers = [text.partition(" | ")[0] for row in rows_of(FAULTS_PAGE) if (text := row.text)[0].isdigit()]
    assert [number for number in numbers if number.isdigit()] == [str(number) for number in range(1, 18)]


@pytest.mark.parametrize(
    "test", dict.fromkeys(test for page in PAGES for row in rows_of(page) for test in row.tests), ids=str
)
def test_that_test_exists(test: str) -> None:
    path, _, name = test.partition("::")
    assert_test_exists(path, name)
