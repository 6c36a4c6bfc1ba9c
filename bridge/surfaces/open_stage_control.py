"""Writes a surface as a session for Open Stage Control, in JSON, to be loaded in the browser; knows no controls, no network.

The session holds no addresses of machines: the send address and the OSC port are set when that program is started.
"""

import json
from collections.abc import Iterable

from bridge.surfaces.surface import BACKGROUND, HEADER_HEIGHT, HEIGHT, WIDTH, Page, Surface, Widget

VERSION = "1.27.0"

Properties = dict[str, object]


def session_json(surface: Surface) -> str:
    """The content of the session file."""
    header = _panel("header", 0, HEADER_HEIGHT, _widgets("header", surface.header))
    pages = _panel("pages", HEADER_HEIGHT, HEIGHT - HEADER_HEIGHT, []) | {
        "tabs": [_tab(page) for page in surface.pages]
    }
    root: Properties = {
        "type": "root",
        "id": "root",
        "width": WIDTH,
        "height": HEIGHT,
        "colorBg": BACKGROUND,
        "widgets": [header, pages],
        "tabs": [],
    }
    tree = {"createdWith": "Open Stage Control", "version": VERSION, "type": "session", "content": root}
    return json.dumps(tree, indent=1) + "\n"


def _panel(name: str, top: int, height: int, widgets: list[Properties]) -> Properties:
    place: Properties = {"left": 0, "top": top, "width": WIDTH, "height": height}
    return {"type": "panel", "id": name, **place, "scroll": False, "padding": 0, "widgets": widgets, "tabs": []}


def _tab(page: Page) -> Properties:
    widgets = _widgets(page.name, page.widgets)
    return {
        "type": "tab",
        "id": f"page {page.name}",
        "label": page.name,
        "colorWidget": page.colour,
        "widgets": widgets,
    }


def _widgets(place: str, widgets: Iterable[Widget]) -> list[Properties]:
    return [_widget(f"{place} {number}", widget) for number, widget in enumerate(widgets)]


def _widget(name: str, widget: Widget) -> Properties:
    properties: Properties = {
        "id": name,
        "left": widget.left,
        "top": widget.top,
        "width": widget.width,
        "height": widget.height,
        "colorWidget": widget.colour,
        "address": widget.address or "auto",
    }
    match widget.kind:
        case "fader":
            return properties | {
                "type": "fader",
                "range": {"min": 0, "max": 1},
                "horizontal": not widget.is_vertical,
                "design": "compact",
                "default": widget.level,
            }
        case "choice" | "action":
            return properties | {
                "type": "button",
                "mode": "toggle" if widget.kind == "choice" else "push",
                "on": 1,
                "off": 0,
                "label": widget.text,
                "default": int(widget.level),
            }
        case "light":
            light = {"mode": "toggle", "on": 1, "off": 0, "interaction": False}
            return properties | {"type": "button", **light, "label": widget.text, "default": int(widget.level)}
        case "value":
            return properties | {"type": "text", "default": widget.text}
        case "caption":
            return properties | {"type": "text", "default": widget.text, "bypass": True}
