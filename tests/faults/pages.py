"""The pages that name tests: rows of a table, each with the tests that hold it. It runs none."""

import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PROMISES_PAGE, FAULTS_PAGE = CHECKOUT / "docs" / "promises.md", Path(__file__).with_name("README.md")
HELD_BY = "held by"
_TEST_NAME = re.compile(r"`(tests/[\w/]+\.py::[\w:]+)`")


@dataclass(frozen=True, slots=True)
class PageRow:
    """A row of a table whose last column is `held by`: the text before it, and the names of the tests in it, as pytest takes them."""

    text: str
    tests: tuple[str, ...]


def rows_of(page: Path) -> list[PageRow]:
    """All rows of the page's tables, without their heads."""
    rows = []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[-1].strip("| ") != HELD_BY:
            rows.append(PageRow(" | ".join(cells[:-1]), tuple(_TEST_NAME.findall(cells[-1]))))
    return rows
