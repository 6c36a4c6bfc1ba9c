import json
from collections.abc import Iterator
from typing import TypeAlias

from bridge.surfaces.open_stage_control import session_json
from bridge.surfaces.surface import lay_out
from tests.bridge.surfaces.test_surface import ROWS, STATUS_LIGHTS

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | bool | None"

SURFACE = lay_out(ROWS, STATUS_LIGHTS)


def widgets(tree: Json) -> Iterator[dict[str, Json]]:
    """All widgets, including the root."""
    if isinstance(tree, dict):
        if "type" in tree:
            yield tree
        for child in tree.values():
            yield from widgets(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from widgets(child)


CONTENT = json.loads(session_json(SURFACE))["content"]


def test_every_address_of_the_surface_is_in_it_and_no_other() -> None:
    addresses = {widget.get("address") for widget in widgets(CONTENT)} - {None, "auto"}
    assert addresses == {widget.address for widget in SURFACE.widgets if widget.address}


def test_its_tabs_are_the_pages() -> None:
    tabs = [widget["label"] for widget in widgets(CONTENT) if widget["type"] == "tab"]
    assert tabs == [page.name for page in SURFACE.pages]


def test_every_widget_has_a_unique_id_and_a_type_that_the_app_knows() -> None:
    ids = [widget["id"] for widget in widgets(CONTENT)]
    assert len(set(map(str, ids))) == len(ids)
    assert {widget["type"] for widget in widgets(CONTENT)} == {"root", "panel", "tab", "fader", "button", "text"}


def test_faders_go_from_0_to_1_and_lights_cannot_be_pressed() -> None:
    by_address = {widget.get("address"): widget for widget in widgets(CONTENT)}
    assert by_address["/t/temperature/norm"]["range"] == {"min": 0, "max": 1}
    assert by_address["/t/beat/1"]["interaction"] is False
    assert by_address["/t/respond"]["mode"] == "push"


def test_the_same_surface_gives_the_same_text() -> None:
    assert session_json(SURFACE) == session_json(lay_out(ROWS, STATUS_LIGHTS))
