import re
from posixpath import dirname, join, normpath

import pytest

from model.files.score_reader import MUSIC_SUFFIXES
from server.panel.web.page_files import INDEX, STATIC_FOLDER, page_files

PAGE_BYTES = 300_000


def text_of(path: str) -> str:
    return page_files()[path].content.decode()


def modules() -> set[str]:
    return {path for path in page_files() if path.endswith(".js")}


def imports_of(module: str) -> set[str]:
    """The modules that a module imports, by their paths."""
    relative_paths = re.findall(r'from "(\.{1,2}/[\w./]+)"', text_of(module))
    return {normpath(join(dirname(module), path)) for path in relative_paths}


def test_the_page_weighs_less_than_300_kb_with_all_its_files() -> None:
    assert sum(len(file.content) for file in page_files().values()) < PAGE_BYTES


def test_nothing_on_it_comes_from_another_site() -> None:
    namespace = "http://www.w3.org/2000/svg"
    for path in page_files():
        found = re.findall(r"(?:https?:)?//[a-z0-9][\w.-]*\.[a-z]{2,}", text_of(path).replace(namespace, ""))
        assert found == [], path


def test_every_imported_module_is_there_and_every_module_is_imported() -> None:
    imported = {path for module in modules() for path in imports_of(module)}
    assert imported | {"main.js"} == modules()
    linked = re.findall(r'(?:src|href)="([\w./]+)"', text_of(INDEX))
    assert set(linked) <= set(page_files())


def test_no_module_imports_itself_by_way_of_others() -> None:
    above: dict[str, set[str]] = {module: imports_of(module) for module in modules()}
    while above:
        lowest = {module for module, imported in above.items() if not imported & set(above)}
        assert lowest, f"these import each other: {sorted(above)}"
        above = {module: imported for module, imported in above.items() if module not in lowest}


def test_every_module_begins_with_a_comment_on_what_it_is() -> None:
    for module in modules():
        assert text_of(module).startswith("// "), module


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("main.js", "text/javascript"),
        ("view/piano_roll.js", "text/javascript"),
        ("style.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_media_types_are_those_that_a_browser_needs(path: str, media_type: str) -> None:
    assert page_files()[path].media_type == media_type


def test_the_files_are_those_of_the_static_folder_by_their_relative_paths() -> None:
    folders = [STATIC_FOLDER, *(path for path in STATIC_FOLDER.iterdir() if path.is_dir())]
    on_disk = {path.relative_to(STATIC_FOLDER).as_posix() for folder in folders for path in folder.glob("*.*")}
    assert set(page_files()) == on_disk
    assert len({file.etag for file in page_files().values()}) == len(page_files())


def test_every_class_that_the_style_sheet_names_is_on_the_page_or_in_a_module() -> None:
    page = " ".join(text_of(path) for path in [INDEX, *modules()])
    words = set(re.findall(r"[\w-]+", page))
    # These are put together from a control's name or kind.
    composed = {"is-respond", "is-panic", "is-record"}
    named = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"\{[^{}]*\}", "", text_of("style.css"))))
    assert named - composed - words == set()


def luminance(color: str) -> float:
    """The relative luminance of #rrggbb by WCAG 2."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("background", ["background", "surface", "raised"])
@pytest.mark.parametrize("color", ["text", "muted", "player", "partner", "memory", "danger"])
def test_texts_have_enough_contrast_to_their_backgrounds(color: str, background: str) -> None:
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", text_of("style.css")))
    lighter, darker = sorted((luminance(colors[color]), luminance(colors[background])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_the_button_for_seeds_lets_one_choose_each_kind_of_file_that_is_read() -> None:
    (accepted,) = re.findall(r'accept: "([^"]+)"', text_of("controls/action_buttons.js"))
    assert set(accepted.split(",")) >= MUSIC_SUFFIXES
