import re

import pytest

from server.panel.page_files import FOLDER, INDEX, page_files

PAGE_BYTES = 300_000


def text_of(name: str) -> str:
    return page_files()[name].content.decode()


def test_the_page_weighs_less_than_300_kb_with_all_that_belongs_to_it() -> None:
    assert sum(len(file.content) for file in page_files().values()) < PAGE_BYTES


def test_nothing_on_it_comes_from_elsewhere() -> None:
    namespace = "http://www.w3.org/2000/svg"
    for name in page_files():
        found = re.findall(r"(?:https?:)?//[a-z0-9][\w.-]*\.[a-z]{2,}", text_of(name).replace(namespace, ""))
        assert found == [], name


def test_every_module_that_is_imported_is_there_and_every_one_is_used() -> None:
    imported = {name for file in page_files() for name in re.findall(r'from "\./([\w.]+)"', text_of(file))}
    modules = {name for name in page_files() if name.endswith(".js")}
    assert imported | {"main.js"} == modules
    named = re.findall(r'(?:src|href)="([\w.]+)"', text_of(INDEX))
    assert set(named) <= set(page_files())


def test_every_module_says_first_what_it_is() -> None:
    for name in page_files():
        if name.endswith(".js"):
            assert text_of(name).startswith("// "), name


@pytest.mark.parametrize(
    ("name", "media_type"), [("main.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml")]
)
def test_types_are_those_that_a_browser_asks_for(name: str, media_type: str) -> None:
    assert page_files()[name].media_type == media_type


def test_only_the_folders_own_files_are_there() -> None:
    assert set(page_files()) == {path.name for path in FOLDER.iterdir()}
    assert len({file.tag for file in page_files().values()}) == len(page_files())


def luminance(color: str) -> float:
    """As WCAG 2 has it."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("ground", ["ground", "surface", "raised"])
@pytest.mark.parametrize("ink", ["text", "muted", "player", "partner", "memory", "danger"])
def test_what_is_written_can_be_read_on_what_it_stands_on(ink: str, ground: str) -> None:
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", text_of("style.css")))
    lighter, darker = sorted((luminance(colors[ink]), luminance(colors[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
