"""Judges this machine's timing: how late a thread wakes up that sleeps until a note is due. Measures nothing."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from server.doctor.finding import Finding

AUDIBLE_S = 0.010
"""From about this difference on, two notes that are meant to be together are heard as two."""


@dataclass(frozen=True, slots=True)
class WakeUps:
    """How late each wake-up was, and how late one may be without harm, in seconds.

    `spare_s` is how long before it is due the music thread is awake. `is_realtime` is None where the system has no
    such priority.
    """

    late_s: Sequence[float]
    spare_s: float
    is_realtime: bool | None


def judge_wake_ups(wake_ups: WakeUps, platform: str = sys.platform) -> list[Finding]:
    """Whether notes would be on time, and what to do if not."""
    late_s = sorted(wake_ups.late_s)
    p99_s = late_s[min(len(late_s) - 1, int(0.99 * len(late_s)))]
    figures = {
        "wake_up_median_ms": 1000 * statistics.median(late_s),
        "wake_up_p99_ms": 1000 * p99_s,
        "wake_up_worst_ms": 1000 * late_s[-1],
    }
    priority = {True: ", with real-time priority", False: ", without real-time priority", None: ""}
    what = (
        f"a thread wakes {figures['wake_up_median_ms']:.2f} ms late (one in a hundred {figures['wake_up_p99_ms']:.2f} ms, "
        f"the worst {figures['wake_up_worst_ms']:.2f} ms){priority[wake_ups.is_realtime]}"
    )
    spare_ms = 1000 * wake_ups.spare_s
    if p99_s <= wake_ups.spare_s:
        return [
            Finding("ok", f"{what}: notes are on time, as it is awake {spare_ms:.0f} ms before each", figures=figures)
        ]
    heard = "now and then a note is late, which few will hear" if p99_s <= AUDIBLE_S else "notes will be heard as late"
    return [Finding("warning", f"{what}: {heard}", _remedy(wake_ups.is_realtime, platform), figures)]


def _remedy(is_realtime: bool | None, platform: str) -> str:  # noqa: FBT001  a fact of the machine, not a switch
    close = "Close programs that keep the processor busy"
    if platform.startswith("linux") and is_realtime is False:
        return f"{close}, and allow real-time priority: sudo usermod -aG audio $USER (with PipeWire: the group pipewire), then log in again."
    return f"{close}, and set the power plan to best performance."
