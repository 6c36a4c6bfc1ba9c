import asyncio
from collections.abc import Callable, Coroutine
from threading import Event
from typing import Any

import pytest

from model.errors import ChartError
from model.files.charts.chart_source import form_chart
from model.harmony.chart import Chart
from server.session import chart_switcher
from server.session.chart_switcher import ChartSwitcher

PATIENCE_S = 10
BLUES, FOLK = form_chart("blues"), form_chart("folk")


async def loop_has_called_back() -> None:
    """Returns when the event loop has run what a thread that has ended asked of it."""
    await asyncio.to_thread(lambda: None)


class Disk:
    """Files of charts: each is read when its event is set."""

    def __init__(self) -> None:
        self.answers = {"slow.txt": Event(), "other.txt": Event(), "broken.txt": Event()}
        self.adopted: list[Chart | None] = []
        self.failures: list[tuple[str, str, str]] = []
        self.switcher = ChartSwitcher(
            self.read,
            lambda text: text.endswith(".txt"),
            self.adopted.append,
            lambda *failure: self.failures.append(failure),
            "pop",
        )

    def read(self, text: str) -> Chart | None:
        if text in self.answers:
            self.answers[text].wait(PATIENCE_S)
        if text in {"broken.txt", "none.txt"}:
            raise ChartError(f"the chart {text} cannot be read")
        return {"off": None, "folk": FOLK}.get(text, BLUES)

    async def answer(self, text: str) -> None:
        """The disk answers, and what waits for it is done."""
        reading = self.switcher._reading
        assert reading is not None
        self.answers[text].set()
        await asyncio.to_thread(reading.join, PATIENCE_S)
        await loop_has_called_back()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_switcher, "CHECK_S", 0.05)


def on_disk(steps: Callable[[Disk], Coroutine[Any, Any, None]]) -> Disk:
    async def run() -> Disk:
        disk = Disk()
        await steps(disk)
        return disk

    return asyncio.run(run())


def test_a_chart_on_a_disk_that_answers_is_adopted_at_once_and_only_once() -> None:
    async def steps(disk: Disk) -> None:
        disk.switcher.switch_to("tune.txt")
        assert disk.adopted == [BLUES]
        await loop_has_called_back()

    assert on_disk(steps).adopted == [BLUES]


def test_what_is_wrong_with_it_is_raised_and_changes_nothing() -> None:
    async def steps(disk: Disk) -> None:
        with pytest.raises(ChartError, match=r"none\.txt cannot be read"):
            disk.switcher.switch_to("none.txt")
        await loop_has_called_back()

    disk = on_disk(steps)
    assert (disk.adopted, disk.failures) == ([], [])


def test_a_chart_on_a_slow_disk_is_adopted_when_it_has_answered() -> None:
    async def steps(disk: Disk) -> None:
        disk.switcher.switch_to("slow.txt")
        assert disk.adopted == []
        await disk.answer("slow.txt")

    assert on_disk(steps).adopted == [BLUES]


def test_a_chart_that_is_chosen_meanwhile_stays_when_the_disk_answers() -> None:
    async def steps(disk: Disk) -> None:
        disk.switcher.switch_to("slow.txt")
        disk.switcher.switch_to("folk")
        disk.switcher.switch_to("off")
        await disk.answer("slow.txt")

    assert on_disk(steps).adopted == [FOLK, None]


def test_a_refused_choice_meanwhile_leaves_the_chart_before_it_to_come() -> None:
    async def steps(disk: Disk) -> None:
        disk.switcher.switch_to("slow.txt")
        with pytest.raises(ChartError, match=r"has not answered yet with the chart slow\.txt"):
            disk.switcher.switch_to("other.txt")
        await disk.answer("slow.txt")

    assert on_disk(steps).adopted == [BLUES]


def test_what_is_found_wrong_late_is_reported_with_the_chart_that_stays() -> None:
    async def steps(disk: Disk) -> None:
        disk.switcher.switch_to("folk")
        disk.switcher.switch_to("broken.txt")
        await disk.answer("broken.txt")

    disk = on_disk(steps)
    assert (disk.adopted, disk.failures) == ([FOLK], [("broken.txt", "folk", "the chart broken.txt cannot be read")])
