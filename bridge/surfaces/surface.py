"""The layout of a control surface for touch screens: pages of faders, buttons, lights and labels; knows no app's file format.

It is computed from rows, one for each thing that can be moved, without knowing what they mean. The writers for the apps
(`bridge.surfaces.touchosc_file`, `bridge.surfaces.open_stage_control`) and the picture in the docs use the same surface.
All sizes and positions are in pixels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

WIDTH, HEIGHT = 1024, 768
HEADER_HEIGHT, TABS_HEIGHT = 100, 44
PAGE_HEIGHT = HEIGHT - HEADER_HEIGHT - TABS_HEIGHT
MARGIN, GAP = 14, 10
CAPTION_HEIGHT = 22

WidgetKind = Literal["fader", "choice", "action", "light", "value", "caption"]
"""The button of a choice stays down, and that of an action comes up again; a light and a value only show something."""

BACKGROUND, WIDGET_BACKGROUND, TEXT_COLOUR = "#14161a", "#23262d", "#f2f4f8"
NEUTRAL, WARNING = "#66707f", "#c0403c"
GROUP_COLOURS: Mapping[str, str] = {
    "partner": "#c4801f",
    "band": "#a8962a",
    "turns": "#2f83bd",
    "time": "#3f9159",
    "rhythm": "#8761bd",
    "sound": "#bd566a",
    "takes": "#3b8787",
}

# The rows that a player needs most share the first page, with all actions; one action has the largest button of all.
PLAY_PAGE = "play"
PLAY_FADERS = ("temperature", "answer_length")
PLAY_CHOICES = ("mode", "approach", "key", "pack", "record")
LARGEST_ACTION, RED_ROWS = "respond", ("panic", "record", "forget")
NEUTRAL_CHOICE = "off"
# A row with more choices than fit into a line has a page of its own.
MAX_BUTTONS_PER_LINE = 16
GRID_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class LabelledAddress:
    """A button or a light: its caption, and its OSC address."""

    caption: str
    address: str


@dataclass(frozen=True, slots=True)
class SurfaceRow:
    """Something that can be moved, with the OSC addresses of its fader, label, action and choices, as far as it has them.

    `fader_position` (0 to 1), `chosen_caption` and `value_text` are shown until the app receives the current values.
    """

    name: str
    group: str
    fader_address: str = ""
    text_address: str = ""
    action_address: str = ""
    choices: tuple[LabelledAddress, ...] = ()
    fader_position: float = 0.0
    chosen_caption: str = ""
    value_text: str = ""

    @property
    def caption(self) -> str:
        """The name as users read it."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Widget:
    """One thing on the screen, in pixels from the top left of its page or of the header.

    `level` is the position of a fader, 0 to 1, or 1 for a button or light that is on.
    """

    kind: WidgetKind
    left: float
    top: float
    width: float
    height: float
    address: str = ""
    text: str = ""
    colour: str = NEUTRAL
    level: float = 0.0
    text_size: int = 14

    @property
    def is_vertical(self) -> bool:
        """Whether a fader moves up and down, and not sideways."""
        return self.height > self.width


@dataclass(frozen=True, slots=True)
class Page:
    """The widgets that are visible together, below the header."""

    name: str
    colour: str
    widgets: tuple[Widget, ...]


@dataclass(frozen=True, slots=True)
class StatusLights:
    """What the header shows of the jam's status."""

    light_groups: tuple[tuple[LabelledAddress, ...], ...]
    """Groups of which one light each is on."""
    values: tuple[LabelledAddress, ...]
    """Texts, shown beside the lights."""
    beats: tuple[LabelledAddress, ...]
    """The lights of a bar's beats."""
    sync_address: str
    """The button that requests all current values."""


@dataclass(frozen=True, slots=True)
class Surface:
    """The header, which is always visible, and the pages."""

    header: tuple[Widget, ...]
    pages: tuple[Page, ...]

    @property
    def widgets(self) -> tuple[Widget, ...]:
        """All widgets, of the header and of every page."""
        return (*self.header, *(widget for page in self.pages for widget in page.widgets))


def lay_out(rows: Sequence[SurfaceRow], status_lights: StatusLights) -> Surface:
    """Lays out the rows on pages.

    The first page is for playing. Then comes one for each group that has rows beyond those on the first, and one for
    each row with more than `MAX_BUTTONS_PER_LINE` choices.
    """
    groups = dict.fromkeys(
        row.group for row in rows if not row.action_address and row.name not in PLAY_FADERS + PLAY_CHOICES
    )
    pages = [Page(PLAY_PAGE, NEUTRAL, tuple(_play_page(rows)))]
    for group in groups:
        lines = [row for row in rows if row.group == group and not row.action_address]
        pages.append(Page(group, _colour(group), tuple(_row_lines(lines))))
    pages += [
        Page(row.name, _colour_of(row), tuple(_choice_grid(row)))
        for row in rows
        if len(row.choices) > MAX_BUTTONS_PER_LINE
    ]
    return Surface(tuple(_header(status_lights)), tuple(pages))


def _header(status_lights: StatusLights) -> Iterator[Widget]:
    line = HEADER_HEIGHT // 2 - MARGIN
    lights = [light for group in status_lights.light_groups for light in group]
    cells = _divide(MARGIN, WIDTH - 2 * MARGIN, [1.0] * len(lights) + [0.9] * (len(status_lights.values) + 1), gap=6)
    for light, (left, width) in zip(lights, cells, strict=False):
        colour = NEUTRAL if light in status_lights.light_groups[0] else GROUP_COLOURS["turns"]
        yield Widget("light", left, 8, width, line, light.address, light.caption, colour, text_size=13)
    for value, (left, width) in zip(status_lights.values, cells[len(lights) :], strict=False):
        yield Widget("caption", left, 8, width * 0.4, line, text=value.caption, text_size=12)
        yield Widget("value", left + width * 0.4, 8, width * 0.6, line, value.address, text_size=20)
    left, width = cells[-1]
    yield Widget("action", left, 8, width, line, status_lights.sync_address, "sync", text_size=13)
    # Nearly every bar has at least four beats, so the first four lights are wider.
    beats = _divide(
        MARGIN, WIDTH - 2 * MARGIN, [2.4 if number < 4 else 1.0 for number in range(len(status_lights.beats))], gap=6
    )
    for number, (beat, (left, width)) in enumerate(zip(status_lights.beats, beats, strict=True)):
        colour = GROUP_COLOURS["partner"] if number == 0 else GROUP_COLOURS["time"]
        yield Widget("light", left, 16 + line, width, line, beat.address, beat.caption, colour, text_size=13)


def _play_page(rows: Sequence[SurfaceRow]) -> Iterator[Widget]:
    by_name = {row.name: row for row in rows}
    height = PAGE_HEIGHT - 2 * MARGIN
    left = float(MARGIN)
    for name, width in zip(PLAY_FADERS, (170, 100), strict=True):
        if name in by_name:
            yield from _tall_fader(by_name[name], left, width, height)
            left += width + 2 * GAP
    middle = 430.0
    choices = [by_name[name] for name in PLAY_CHOICES if name in by_name and by_name[name].choices]
    for row, (top, tall) in zip(choices, _divide(MARGIN, height, [1.0] * len(choices)), strict=True):
        yield Widget("caption", left, top, middle, CAPTION_HEIGHT, text=row.caption, colour=_colour_of(row))
        yield from _buttons(row, left, top + CAPTION_HEIGHT, middle, tall - CAPTION_HEIGHT, text_size=18)
    left += middle + 2 * GAP
    yield from _actions([row for row in rows if row.action_address], left, WIDTH - MARGIN - left, height)


def _tall_fader(row: SurfaceRow, left: float, width: float, height: float) -> Iterator[Widget]:
    yield Widget("caption", left, MARGIN, width, CAPTION_HEIGHT, text=row.caption, colour=_colour_of(row))
    yield _value(row, left, MARGIN + CAPTION_HEIGHT, width, 40, text_size=22)
    top = MARGIN + CAPTION_HEIGHT + 40 + GAP
    yield _fader(row, left, top, width, MARGIN + height - top)


def _actions(rows: Sequence[SurfaceRow], left: float, width: float, height: float) -> Iterator[Widget]:
    first = [row for row in rows if row.name == LARGEST_ACTION]
    others = [row for row in rows if row.name != LARGEST_ACTION]
    for row in first:
        yield _action(row, left, MARGIN, width, height * 0.46, 34)
    top = MARGIN + (height * 0.46 + GAP if first else 0)
    pairs = [others[number : number + 2] for number in range(0, len(others), 2)]
    for pair, (above, tall) in zip(pairs, _divide(top, MARGIN + height - top, [1.0] * len(pairs)), strict=True):
        for row, (beside, wide) in zip(pair, _divide(left, width, [1.0] * len(pair)), strict=True):
            yield _action(row, beside, above, wide, tall, 22)


def _action(row: SurfaceRow, left: float, top: float, width: float, height: float, size: int) -> Widget:
    return Widget("action", left, top, width, height, row.action_address, row.caption, _colour_of(row), text_size=size)


def _value(row: SurfaceRow, left: float, top: float, width: float, height: float, text_size: int) -> Widget:
    return Widget(
        "value", left, top, width, height, row.text_address, row.value_text, _colour_of(row), text_size=text_size
    )


def _fader(row: SurfaceRow, left: float, top: float, width: float, height: float) -> Widget:
    colour = _colour_of(row)
    return Widget("fader", left, top, width, height, row.fader_address, colour=colour, level=row.fader_position)


def _row_lines(rows: Sequence[SurfaceRow]) -> Iterator[Widget]:
    """A line for each row: its name, and the buttons of its choices, or else a fader and the value."""
    cells = _divide(MARGIN, PAGE_HEIGHT - 2 * MARGIN, [1.0] * len(rows), max_size=96)
    name_width, value_width = 150.0, 130.0
    middle = WIDTH - 2 * MARGIN - name_width - value_width - 2 * GAP
    for row, (top, height) in zip(rows, cells, strict=True):
        colour = _colour_of(row)
        yield Widget("caption", MARGIN, top, name_width, height, text=row.caption, colour=colour, text_size=17)
        left = MARGIN + name_width + GAP
        if row.choices and len(row.choices) <= MAX_BUTTONS_PER_LINE:
            yield from _buttons(row, left, top, middle + GAP + value_width, height, text_size=17)
        else:
            yield _fader(row, left, top, middle, height)
            yield _value(row, WIDTH - MARGIN - value_width, top, value_width, height, text_size=20)


def _buttons(row: SurfaceRow, left: float, top: float, width: float, height: float, text_size: int) -> Iterator[Widget]:
    """A button for each choice; if there are too many, for the first two, and the value's text for the others."""
    choices = row.choices if len(row.choices) <= MAX_BUTTONS_PER_LINE else row.choices[:2]
    yield from _buttons_of(row, choices, left, top, width, height, text_size)


def _buttons_of(
    row: SurfaceRow,
    choices: Sequence[LabelledAddress],
    left: float,
    top: float,
    width: float,
    height: float,
    text_size: int,
) -> Iterator[Widget]:
    """A button for each of these choices of the row, and the value's text if it has others."""
    has_value = len(choices) < len(row.choices)
    cells = _divide(left, width, [1.0] * len(choices) + [1.6] * has_value, gap=6)
    size = min(text_size, *(_fitting_size(choice.caption, cell) for choice, cell in zip(choices, cells, strict=False)))
    for choice, (beside, wide) in zip(choices, cells, strict=False):
        yield _button(row, choice, beside, top, wide, height, size)
    if has_value:
        beside, wide = cells[-1]
        yield _value(row, beside, top, wide, height, text_size=20)


def _choice_grid(row: SurfaceRow) -> Iterator[Widget]:
    """The page of one row: its first choices and its value on top, and the other choices in lines of twelve."""
    first = _first_of_grid(row.choices)
    lines = [row.choices[start : start + GRID_COLUMNS] for start in range(first, len(row.choices), GRID_COLUMNS)]
    cells = _divide(MARGIN, PAGE_HEIGHT - 2 * MARGIN, [1.0] * (len(lines) + 1), gap=6)
    top, height = cells[0]
    yield from _buttons_of(row, row.choices[:first], MARGIN, top, WIDTH - 2 * MARGIN, height, text_size=18)
    name_width = 110.0
    columns = _divide(MARGIN + name_width, WIDTH - 2 * MARGIN - name_width, [1.0] * GRID_COLUMNS, gap=6)
    for line, (above, tall) in zip(lines, cells[1:], strict=True):
        common = _common_word(line)
        yield Widget("caption", MARGIN, above, name_width, tall, text=common, colour=_colour_of(row), text_size=17)
        for choice, (left, width) in zip(line, columns, strict=False):
            text = choice.caption.removesuffix(f" {common}")
            button = _button(row, choice, left, above, width, tall, min(20, _fitting_size(text, (left, width))))
            yield replace(button, text=text)


def _first_of_grid(choices: Sequence[LabelledAddress]) -> int:
    """How many choices stand above the lines: those before the first one of two words (off, auto; then C major), or two."""
    first = next((number for number, choice in enumerate(choices) if " " in choice.caption), 0)
    return first if 0 < first <= MAX_BUTTONS_PER_LINE else 2


def _common_word(choices: Sequence[LabelledAddress]) -> str:
    """The last word of all captions, if it is the same: the buttons need not repeat it."""
    words = {choice.caption.rpartition(" ")[2] for choice in choices}
    return words.pop() if len(words) == 1 else ""


def _fitting_size(text: str, cell: tuple[float, float]) -> int:
    """The largest size at which a text fits into a cell, which is its start and its width."""
    return int(1.6 * cell[1] / max(len(text), 1))


def _button(
    row: SurfaceRow, choice: LabelledAddress, left: float, top: float, width: float, height: float, size: int
) -> Widget:
    level = float(choice.caption == row.chosen_caption)
    colour = NEUTRAL if choice.caption == NEUTRAL_CHOICE else _colour_of(row)
    return Widget("choice", left, top, width, height, choice.address, choice.caption, colour, level, size)


def _divide(
    start: float, length: float, shares: Iterable[float], gap: float = GAP, max_size: float = 1e9
) -> list[tuple[float, float]]:
    """Divides a length into cells in proportion to their shares; returns the start and size of each, in whole pixels."""
    shares = list(shares)
    unit = (length - gap * (len(shares) - 1)) / (sum(shares) or 1.0)
    cells: list[tuple[float, float]] = []
    for share in shares:
        size = min(unit * share, max_size)
        cells.append((round(start), round(start + size) - round(start)))
        start += size + gap
    return cells


def _colour_of(row: SurfaceRow) -> str:
    return WARNING if row.name in RED_ROWS else _colour(row.group)


def _colour(group: str) -> str:
    return GROUP_COLOURS.get(group, NEUTRAL)
