"""Writes a surface as a layout for TouchOSC: zlib-compressed XML, made with py2tosc; knows no controls and no network.

Equal surfaces give equal bytes: the id of a node is derived from its position in the tree, and not random.
"""

import uuid
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bridge.surfaces.surface import (
    BACKGROUND,
    HEADER_HEIGHT,
    HEIGHT,
    PAGE_HEIGHT,
    TABS_HEIGHT,
    TEXT_COLOUR,
    WIDGET_BACKGROUND,
    WIDTH,
    Page,
    Surface,
    Widget,
)

if TYPE_CHECKING:
    from py2tosc import Control, OscMessage

NAME = "Trading Fours"
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "https://hexler.net/touchosc/trading-fours")
# zlib's strongest level: the file is written once and loaded often.
COMPRESSION = 9

Rgba = tuple[float, float, float, float]


def touchosc_bytes(surface: Surface) -> bytes:
    """The content of the layout file. Raises ModuleNotFoundError without py2tosc."""
    return zlib.compress(touchosc_xml(surface).encode(), COMPRESSION)


def touchosc_xml(surface: Surface) -> str:
    """The XML of the layout, uncompressed."""
    from py2tosc import Control, ControlType, Document

    pages = [_page(page) for page in surface.pages]
    pager = Control(
        ControlType.PAGER,
        name="pages",
        frame=(0, HEADER_HEIGHT, WIDTH, HEIGHT - HEADER_HEIGHT),
        color=_rgba(BACKGROUND),
        tabbar_size=TABS_HEIGHT,
        text_size_off=18,
        text_size_on=18,
        children=pages,
    )
    header = list(_controls(surface.header))
    root = Control(
        ControlType.GROUP, name=NAME, frame=(0, 0, WIDTH, HEIGHT), color=_rgba(BACKGROUND), children=[*header, pager]
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
        frame=(0, TABS_HEIGHT, WIDTH, PAGE_HEIGHT),
        color=_rgba(BACKGROUND),
        outline=False,
        children=list(_controls(page.widgets)),
        properties={
            "tabLabel": page.name,
            "tabColorOff": _rgba(WIDGET_BACKGROUND),
            "tabColorOn": _rgba(page.colour),
            "textColorOff": white,
            "textColorOn": white,
        },
    )


def _controls(widgets: Iterable[Widget]) -> Iterator["Control"]:
    for widget in widgets:
        if widget.kind not in {"value", "caption"}:
            yield _fader_or_button(widget)
        if widget.text or widget.kind == "value":
            yield _label(widget)


def _fader_or_button(widget: Widget) -> "Control":
    from py2tosc import ButtonType, Control, ControlType, Orientation, Value

    common = {"name": widget.address, "frame": _frame(widget), "color": _rgba(widget.colour), "corner_radius": 4.0}
    values = [Value("x", default=widget.level), Value("touch", default=False)]
    messages = [_message(widget)]
    if widget.kind == "fader":
        orientation = Orientation.NORTH if widget.is_vertical else Orientation.EAST
        return Control(
            ControlType.FADER, values=values, messages=[*messages], properties={**common, "orientation": orientation}
        )
    # The button of a choice stays down; it comes up when a message says that another choice was made.
    stays_down = widget.kind != "action"
    kind = ButtonType.TOGGLE_PRESS if stays_down else ButtonType.MOMENTARY
    properties = {**common, "button_type": kind, "interactive": widget.kind != "light"}
    return Control(ControlType.BUTTON, values=values, messages=[*messages], properties=properties)


def _label(widget: Widget) -> "Control":
    from py2tosc import Control, ControlType, Value

    is_value = widget.kind == "value"
    values: list[Value] = [Value("text", default=widget.text), Value("touch", default=False)]
    properties = {
        "name": widget.address if is_value else widget.text,
        "frame": _frame(widget),
        "color": _rgba(WIDGET_BACKGROUND),
        "background": is_value,
        "outline": False,
        "text_size": widget.text_size,
        "text_color": _rgba(TEXT_COLOUR),
    }
    messages = [_message(widget)] if is_value else []
    return Control(ControlType.LABEL, values=values, messages=[*messages], properties=properties)


def _message(widget: Widget) -> "OscMessage":
    """The one message of a widget, which is both sent and received; a value and a light only receive it."""
    from py2tosc import Conversion, ui

    is_value, can_be_touched = widget.kind == "value", widget.kind not in {"value", "light"}
    argument = ui.value("text", conversion=Conversion.STRING) if is_value else ui.value("x")
    return ui.osc(widget.address, args=[argument], var="text" if is_value else "x", send=can_be_touched)


def _frame(widget: Widget) -> tuple[float, float, float, float]:
    return (widget.left, widget.top, widget.width, widget.height)


def _rgba(colour: str) -> Rgba:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return (round(red, 4), round(green, 4), round(blue, 4), 1.0)
