"""Each test that docs/promises.md names exists, under that name."""

import re

import pytest

from tests.named_tests import CHECKOUT, assert_test_exists

PROMISES = (CHECKOUT / "docs" / "promises.md").read_text(encoding="utf-8")
ROWS = [line for line in PROMISES.splitlines() if line.startswith("| ") and not line.startswith("| promise |")]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


def test_each_promise_names_the_test_that_holds_it() -> None:
    assert len(ROWS) >= 20
    assert [row for row in ROWS if not NAMED.search(row)] == []


@pytest.mark.parametrize(("path", "name"), NAMED.findall(PROMISES), ids=lambda part: part.rpartition("::")[2])
def test_that_test_exists(path: str, name: str) -> None:
    assert_test_exists(path, name)
