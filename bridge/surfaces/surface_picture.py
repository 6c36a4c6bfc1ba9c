"""Draws a surface as a picture, for the docs; needs matplotlib, and knows no app."""

from pathlib import Path
from typing import TYPE_CHECKING

from bridge.surfaces.surface import (
    BACKGROUND,
    HEADER_HEIGHT,
    HEIGHT,
    TABS_HEIGHT,
    TEXT_COLOUR,
    WIDGET_BACKGROUND,
    WIDTH,
    Page,
    Surface,
    Widget,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS_PER_PIXEL = 0.66
DPI = 110


def draw_surface(surface: Surface, path: Path) -> None:
    """Writes a .png: the first page large, the others below it.

    Raises ModuleNotFoundError without matplotlib, and OSError if the file cannot be written.
    """
    from matplotlib.figure import Figure

    first, *others = surface.pages
    lines = (len(others) + 1) // 2
    figure = Figure(figsize=(11, 8.25 + 4.2 * lines), facecolor="#0b0c0f", dpi=DPI)
    heights = [2.0, *([1.0] * lines)]
    grid = figure.add_gridspec(
        lines + 1, 2, height_ratios=heights, left=0.01, right=0.99, top=0.995, bottom=0.005, wspace=0.02, hspace=0.03
    )
    _draw_page(figure.add_subplot(grid[0, :]), surface, first, 1.0)
    for number, page in enumerate(others):
        _draw_page(figure.add_subplot(grid[1 + number // 2, number % 2]), surface, page, 0.49)
    figure.savefig(path, metadata={"Software": None})


def _draw_page(axes: "Axes", surface: Surface, page: Page, scale: float) -> None:
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(HEIGHT, 0)
    axes.set_aspect("equal")
    axes.axis("off")
    _draw_box(axes, 0, 0, WIDTH, HEIGHT, BACKGROUND, 0.0)
    for widget in surface.header:
        _draw_widget(axes, widget, 0.0, scale)
    wide = WIDTH / len(surface.pages)
    for number, other in enumerate(surface.pages):
        colour = other.colour if other is page else WIDGET_BACKGROUND
        _draw_box(axes, number * wide + 1, HEADER_HEIGHT + 2, wide - 2, TABS_HEIGHT - 4, colour, 4.0)
        _draw_text(axes, (number + 0.5) * wide, HEADER_HEIGHT + TABS_HEIGHT / 2, other.name, 15 * scale)
    for widget in page.widgets:
        _draw_widget(axes, widget, HEADER_HEIGHT + TABS_HEIGHT, scale)


def _draw_widget(axes: "Axes", widget: Widget, down: float, scale: float) -> None:
    left, top, width, height = widget.left, widget.top + down, widget.width, widget.height
    match widget.kind:
        case "fader":
            _draw_box(axes, left, top, width, height, WIDGET_BACKGROUND, 6.0, edge=widget.colour)
            if widget.is_vertical:
                filled = max(height * widget.level, 4)
                _draw_box(axes, left, top + height - filled, width, filled, widget.colour, 6.0)
            else:
                _draw_box(axes, left, top, max(width * widget.level, 4), height, widget.colour, 6.0)
        case "choice" | "light":
            _draw_box(
                axes,
                left,
                top,
                width,
                height,
                widget.colour if widget.level else WIDGET_BACKGROUND,
                6.0,
                edge=widget.colour,
            )
        case "action":
            _draw_box(axes, left, top, width, height, widget.colour, 8.0)
        case "value":
            _draw_box(axes, left, top, width, height, "#1b1e24", 6.0)
        case "caption":
            pass
    _draw_text(axes, left + width / 2, top + height / 2, widget.text, widget.text_size * scale)


def _draw_box(
    axes: "Axes", left: float, top: float, width: float, height: float, colour: str, radius: float, edge: str = "none"
) -> None:
    from matplotlib.patches import FancyBboxPatch

    style = f"round,pad=0,rounding_size={radius}"
    axes.add_patch(FancyBboxPatch((left, top), width, height, boxstyle=style, facecolor=colour, edgecolor=edge, lw=0.8))


def _draw_text(axes: "Axes", x: float, y: float, text: str, size: float) -> None:
    axes.text(x, y, text, color=TEXT_COLOUR, ha="center", va="center", fontsize=size * POINTS_PER_PIXEL)
