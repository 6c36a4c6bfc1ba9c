import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator

import py2tosc
import pytest

from bridge.surfaces.surface import Surface, lay_out
from bridge.surfaces.touchosc_file import touchosc_bytes
from tests.bridge.surfaces.test_surface import ROWS, STATUS_LIGHTS


@pytest.fixture(scope="module")
def surface() -> Surface:
    return lay_out(ROWS, STATUS_LIGHTS)


@pytest.fixture(scope="module")
def root(surface: Surface) -> ET.Element:
    """The file, decoded without the library that wrote it."""
    return ET.fromstring(zlib.decompress(touchosc_bytes(surface)))  # noqa: S314  our own file


def nodes(root: ET.Element, kind: str) -> Iterator[ET.Element]:
    return (node for node in root.iter("node") if node.get("type") == kind)


def address(message: ET.Element) -> str:
    return "".join(value.text or "" for value in message.findall("path/partial/value"))


def messages(root: ET.Element) -> dict[str, set[tuple[str, str]]]:
    """For each address, whether messages are sent and whether they are received."""
    found: dict[str, set[tuple[str, str]]] = {}
    for osc in root.iter("osc"):
        found.setdefault(address(osc), set()).add((osc.findtext("send", ""), osc.findtext("receive", "")))
    return found


def test_every_address_of_the_surface_is_in_it_and_no_other(surface: Surface, root: ET.Element) -> None:
    assert set(messages(root)) == {widget.address for widget in surface.widgets if widget.address}


def test_touched_widgets_send_and_receive_and_the_others_only_receive(root: ET.Element) -> None:
    directions = messages(root)
    for touched in ("/t/temperature/norm", "/t/mode/fours", "/t/respond", "/t/sync"):
        assert directions[touched] == {("1", "1")}
    for shown_only in ("/t/temperature/text", "/t/state/listening", "/t/beat/1", "/t/bar/text"):
        assert directions[shown_only] == {("0", "1")}


def test_a_label_shows_text_and_a_fader_its_position(root: ET.Element) -> None:
    for kind, expected_conversion, variable in (
        ("LABEL", "STRING", "text"),
        ("FADER", "FLOAT", "x"),
        ("BUTTON", "FLOAT", "x"),
    ):
        for osc in (osc for node in nodes(root, kind) for osc in node.findall("messages/osc")):
            (argument,) = osc.findall("arguments/partial")
            assert (argument.findtext("conversion"), argument.findtext("value")) == (expected_conversion, variable)


def test_its_pages_are_those_of_the_surface(surface: Surface, root: ET.Element) -> None:
    (pager,) = nodes(root, "PAGER")
    tabs = [
        entry.findtext("value")
        for page in pager.findall("children/node")
        for entry in page.findall("properties/property")
        if entry.findtext("key") == "tabLabel"
    ]
    assert tabs == [page.name for page in surface.pages]


def test_the_library_finds_nothing_wrong_with_it(surface: Surface) -> None:
    assert py2tosc.validate(py2tosc.loads(touchosc_bytes(surface))) == []


def test_the_same_surface_gives_the_same_bytes_and_unique_ids(surface: Surface, root: ET.Element) -> None:
    assert touchosc_bytes(surface) == touchosc_bytes(lay_out(ROWS, STATUS_LIGHTS))
    ids = [node.get("ID") for node in root.iter("node")]
    assert len(set(ids)) == len(ids)
