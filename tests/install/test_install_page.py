"""The page on installing says what `pyproject.toml` says."""

import re
import tomllib

from packaging.requirements import Requirement

from tests.conftest import CHECKOUT

PAGE = (CHECKOUT / "docs" / "install.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def rows_of(title: str) -> list[list[str]]:
    """The cells of the table under a title of the page."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_its_table_has_each_extra_with_what_it_brings() -> None:
    brings = {name.strip("`"): packages.split(", ") for name, _, packages in rows_of("Extras")}
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    assert brings == {name: [Requirement(text).name for text in texts] for name, texts in extras.items()}


def test_it_says_for_which_versions_of_python_the_package_is_meant() -> None:
    listed = re.findall(r"3\.\d+", " ".join(row[0] for row in rows_of("Which Python")))
    assert listed == [text.removeprefix(KIND) for text in PROJECT["classifiers"] if re.match(rf"{KIND}3\.\d+$", text)]


KIND = "Programming Language :: Python :: "
