"""Timing and tables for benchmarks; knows no benchmark."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table


def median_and_p99_ms(step: Callable[[int], object], count: int, warm_up: int = 20) -> tuple[float, float]:
    """The median and 99th percentile of `step(i)` over `count` calls, in milliseconds."""
    durations_s = []
    for i in range(warm_up + count):
        started_s = time.perf_counter()
        step(i)
        durations_s.append(time.perf_counter() - started_s)
    median, p99 = np.percentile(np.array(durations_s[warm_up:]) * 1000, [50, 99])
    return float(median), float(p99)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console(width=130).print(table)
