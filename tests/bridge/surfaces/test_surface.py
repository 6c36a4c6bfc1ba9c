from itertools import combinations

import pytest

from bridge.surfaces.surface import (
    HEIGHT,
    NEUTRAL,
    PAGE_HEIGHT,
    WARNING,
    WIDTH,
    LabelledAddress,
    StatusLights,
    Surface,
    SurfaceRow,
    Widget,
    lay_out,
)

STATUS_LIGHTS = StatusLights(
    light_groups=(
        (LabelledAddress("listening", "/t/state/listening"),),
        (LabelledAddress("your turn", "/t/turn/player"),),
    ),
    values=(LabelledAddress("bar", "/t/bar/text"),),
    beats=tuple(LabelledAddress(str(beat), f"/t/beat/{beat}") for beat in range(1, 13)),
    sync_address="/t/sync",
)


def choices(name: str, *captions: str) -> tuple[LabelledAddress, ...]:
    return tuple(LabelledAddress(caption, f"/t/{name}/{caption.replace(' ', '_')}") for caption in captions)


KEYS = choices("key", "off", "auto", *(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in "CDEFGABHIJKL"))
ROWS = (
    SurfaceRow(
        "temperature", "partner", "/t/temperature/norm", "/t/temperature/text", fader_position=0.4, value_text="0.9"
    ),
    SurfaceRow("key", "partner", "/t/key/norm", "/t/key/text", choices=KEYS, chosen_caption="auto", value_text="auto"),
    SurfaceRow("top_p", "partner", "/t/top_p/norm", "/t/top_p/text"),
    SurfaceRow("begins", "turns", choices=choices("begins", "player", "partner")),
    SurfaceRow("record", "takes", choices=choices("record", "off", "on"), chosen_caption="off"),
    SurfaceRow(
        "mode",
        "turns",
        "/t/mode/norm",
        "/t/mode/text",
        choices=choices("mode", "answer", "fours"),
        chosen_caption="fours",
    ),
    SurfaceRow("respond", "turns", action_address="/t/respond"),
    SurfaceRow("stop", "turns", action_address="/t/stop"),
    SurfaceRow("panic", "turns", action_address="/t/panic"),
    SurfaceRow("tap", "time", action_address="/t/tap"),
)


@pytest.fixture(scope="module")
def surface() -> Surface:
    return lay_out(ROWS, STATUS_LIGHTS)


def overlap(one: Widget, other: Widget) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )


def test_there_is_a_page_for_playing_one_for_each_group_and_one_for_each_row_with_many_choices(
    surface: Surface,
) -> None:
    assert [page.name for page in surface.pages] == ["play", "partner", "turns", "key"]


def test_every_address_is_on_some_page(surface: Surface) -> None:
    wanted = {STATUS_LIGHTS.sync_address}
    for addresses in (
        *STATUS_LIGHTS.light_groups,
        STATUS_LIGHTS.values,
        STATUS_LIGHTS.beats,
        *(row.choices for row in ROWS),
    ):
        wanted |= {choice.address for choice in addresses}
    for row in ROWS:
        wanted |= {row.action_address} if row.action_address else set()
    wanted |= {f"/t/{name}/{part}" for name in ("temperature", "top_p", "key") for part in ("norm", "text")}
    assert {widget.address for widget in surface.widgets if widget.address} == wanted


def test_no_widget_overlaps_another_or_its_page(surface: Surface) -> None:
    for widgets, height in (
        (surface.header, HEIGHT - PAGE_HEIGHT),
        *((page.widgets, PAGE_HEIGHT) for page in surface.pages),
    ):
        for one, other in combinations(widgets, 2):
            assert not overlap(one, other), (one, other)
        for widget in widgets:
            assert widget.left >= 0
            assert widget.top >= 0
            assert widget.left + widget.width <= WIDTH
            assert widget.top + widget.height <= height


def test_the_widgets_for_playing_are_the_largest(surface: Surface) -> None:
    def area(address: str) -> float:
        return next(widget.width * widget.height for widget in surface.pages[0].widgets if widget.address == address)

    assert area("/t/respond") == max(area(row.action_address) for row in ROWS if row.action_address)
    assert area("/t/temperature/norm") > 0.1 * WIDTH * PAGE_HEIGHT


def test_it_shows_the_initial_values(surface: Surface) -> None:
    lit = {
        widget.address for page in surface.pages for widget in page.widgets if widget.kind == "choice" and widget.level
    }
    assert lit == {"/t/key/auto", "/t/mode/fours", "/t/record/off"}
    assert {widget.level for widget in surface.widgets if widget.address == "/t/temperature/norm"} == {0.4}


def test_a_word_that_all_buttons_of_a_line_share_is_shown_once(surface: Surface) -> None:
    texts = [(widget.kind, widget.text) for widget in surface.pages[-1].widgets]
    assert ("caption", "minor") in texts
    assert ("choice", "C") in texts
    assert ("choice", "C minor") not in texts


def test_other_rows_can_be_laid_out() -> None:
    one = lay_out([SurfaceRow("gate", "rhythm", "/t/gate/norm", "/t/gate/text")], STATUS_LIGHTS)
    assert [page.name for page in one.pages] == ["play", "rhythm"]


def test_dangerous_buttons_are_red_but_off_never_is(surface: Surface) -> None:
    colours = {widget.address: widget.colour for widget in surface.pages[0].widgets}
    assert colours["/t/panic"] == colours["/t/record/on"] == WARNING
    assert colours["/t/record/off"] == NEUTRAL
