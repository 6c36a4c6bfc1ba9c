"""The folders are rooms: small enough to be understood at a glance, described in a line, and mirrored by the tests."""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCES = ("server", "bridge", "model", "train", "bench", "tests")
MODULE_SUFFIXES = {".py", ".js"}
MOST_MODULES = 14


def folders() -> list[Path]:
    """Every folder that holds modules, relative to the checkout."""
    found = [folder for source in SOURCES for folder in (CHECKOUT / source, *sorted((CHECKOUT / source).rglob("*")))]
    return [folder.relative_to(CHECKOUT) for folder in found if folder.is_dir() and modules_in(folder)]


def modules_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix in MODULE_SUFFIXES and path.name != "__init__.py"]


@pytest.mark.parametrize("folder", folders(), ids=str)
def test_a_folder_has_no_more_modules_than_a_reader_can_survey(folder: Path) -> None:
    names = sorted(path.name for path in modules_in(CHECKOUT / folder))
    assert len(names) <= MOST_MODULES, f"{folder} has {len(names)} modules: {', '.join(names)}; give it rooms"


@pytest.mark.parametrize("folder", [folder for folder in folders() if folder.parts[0] != "tests"], ids=str)
def test_a_python_package_has_a_docstring_that_says_what_it_is(folder: Path) -> None:
    init = CHECKOUT / folder / "__init__.py"
    if not any(path.suffix == ".py" for path in modules_in(CHECKOUT / folder)):
        return
    assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), f"{folder} has no line that says what it is"


def test_the_tests_mirror_the_rooms() -> None:
    for room in ("server", "bridge", "model", "train"):
        for folder in (CHECKOUT / "tests" / room).iterdir():
            if folder.is_dir() and any(folder.glob("test_*.py")):
                assert (CHECKOUT / room / folder.name).is_dir(), f"tests/{room}/{folder.name} mirrors no room"
