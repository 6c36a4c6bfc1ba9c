"""A surface as a layout for TouchOSC: zlib-compressed XML, written by py2tosc. Knows no controls and no network.

The same surface gives the same bytes: every node's number is made from its place, not drawn.
"""

import uuid
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bridge.surfaces.surface import HEADER, HEIGHT, PAGE_HEIGHT, TABS, TEXT_COLOUR, WIDTH, Page, Surface, Widget

if TYPE_CHECKING:
    from py2tosc import Control, OscMessage

GROUND, WELL = "#14161a", "#23262d"
NAME = "Trading Fours"
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "https://hexler.net/touchosc/trading-fours")
# The best that zlib has: the file is made once and loaded often.
COMPRESSION = 9

Rgba = tuple[float, float, float, float]


def touchosc_bytes(surface: Surface) -> bytes:
    """The file."""
    return zlib.compress(touchosc_xml(surface).encode(), COMPRESSION)


def touchosc_xml(surface: Surface) -> str:
    """What is in it."""
    from py2tosc import Control, ControlType, Document

    pages = [_page(page) for page in surface.pages]
    pager = Control(
        ControlType.PAGER,
        name="pages",
        frame=(0, HEADER, WIDTH, HEIGHT - HEADER),
        color=_rgba(GROUND),
        tabbar_size=TABS,
        text_size_off=18,
        text_size_on=18,
        children=pages,
    )
    header = list(_controls(surface.header))
    root = Control(
        ControlType.GROUP, name=NAME, frame=(0, 0, WIDTH, HEIGHT), color=_rgba(GROUND), children=[*header, pager]
    )
    for number, control in enumerate(root.walk()):
        control.id = str(uuid.uuid5(_IDS, f"{number}"))
    return Document(root).dumps()


def _page(page: Page) -> "Control":
    from py2tosc import Control, ControlType

    white = _rgba(TEXT_COLOUR)
    return Control(
        ControlType.GROUP,
        name=page.name,
        frame=(0, TABS, WIDTH, PAGE_HEIGHT),
        color=_rgba(GROUND),
        outline=False,
        children=list(_controls(page.widgets)),
        properties={
            "tabLabel": page.name,
            "tabColorOff": _rgba(WELL),
            "tabColorOn": _rgba(page.colour),
            "textColorOff": white,
            "textColorOn": white,
        },
    )


def _controls(widgets: Iterable[Widget]) -> Iterator["Control"]:
    for widget in widgets:
        if widget.kind not in {"value", "caption"}:
            yield _touched_control(widget)
        if widget.text or widget.kind == "value":
            yield _label(widget)


def _touched_control(widget: Widget) -> "Control":
    """What is touched, or lights up."""
    from py2tosc import ButtonType, Control, ControlType, Orientation, Value

    common = {"name": widget.address, "frame": _frame(widget), "color": _rgba(widget.colour), "corner_radius": 4.0}
    values = [Value("x", default=widget.level), Value("touch", default=False)]
    messages = [_message(widget)]
    if widget.kind == "fader":
        orientation = Orientation.NORTH if widget.is_vertical else Orientation.EAST
        return Control(
            ControlType.FADER, values=values, messages=[*messages], properties={**common, "orientation": orientation}
        )
    # A button of a choice stays as it was put: it is told when another one was chosen.
    stays = widget.kind != "action"
    kind = ButtonType.TOGGLE_PRESS if stays else ButtonType.MOMENTARY
    properties = {**common, "button_type": kind, "interactive": widget.kind != "light"}
    return Control(ControlType.BUTTON, values=values, messages=[*messages], properties=properties)


def _label(widget: Widget) -> "Control":
    from py2tosc import Control, ControlType, Value

    told = widget.kind == "value"
    values: list[Value] = [Value("text", default=widget.text), Value("touch", default=False)]
    properties = {
        "name": widget.address if told else widget.text,
        "frame": _frame(widget),
        "color": _rgba(WELL),
        "background": told,
        "outline": False,
        "text_size": widget.text_size,
        "text_color": _rgba(TEXT_COLOUR),
    }
    return Control(ControlType.LABEL, values=values, messages=[_message(widget)] if told else [], properties=properties)


def _message(widget: Widget) -> "OscMessage":
    """One address for both ways: what is touched is sent, what is told is shown; what cannot be touched only listens."""
    from py2tosc import Conversion, ui

    told = widget.kind == "value"
    value = ui.value("text", conversion=Conversion.STRING) if told else ui.value("x")
    return ui.osc(widget.address, args=[value], var="text" if told else "x", send=widget.kind not in {"value", "light"})


def _frame(widget: Widget) -> tuple[float, float, float, float]:
    return (widget.left, widget.top, widget.width, widget.height)


def _rgba(colour: str) -> Rgba:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return (round(red, 4), round(green, 4), round(blue, 4), 1.0)
