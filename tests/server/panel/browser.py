"""Opens the page of a running jam in a browser; the screen sizes that it must fit."""

from playwright.sync_api import BrowserContext, Page

from tests.server.jam_process import RunningJam

PATIENCE_MS = 15_000
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "laptop": (1440, 900)}


def open_page(context: BrowserContext, jam: RunningJam) -> Page:
    """A page that has received the full state. An uncaught error in its scripts fails the test."""
    page = context.new_page()
    page.on("pageerror", _raise)
    page.goto(jam.start_line("Panel"))
    page.wait_for_selector("[data-control=temperature]")
    return page


def _raise(error: Exception) -> None:
    raise error
