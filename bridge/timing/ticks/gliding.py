"""How the beat glides to what is newly known of a steady clock, where a jump would be heard. Times are in seconds."""

from bridge.timing.ticks.buffered.feasible_lines import FeasibleLines
from bridge.timing.ticks.tick import TickLine

SETTLED_LINE_TICKS, GLIDE_S = 168, 0.000002
"""After `SETTLED_LINE_TICKS`, new knowledge moves the line by `GLIDE_S` a tick at most, which is 0.8 ms in 16 beats. It may be up to a
buffer that no earlier tick could show; the glide is inaudible, while a sudden jump of the beat would be heard."""

SLACK_S = 0.0012
"""How far beyond half a buffer from a possible line the beat may be while it glides: 1 ms, and the margin of 0.2 ms by which windows are
too wide. With less, the farthest of all lines, which is seldom the true one, would drag the beat."""

SETTLED_TICKS, SAME_TEMPO = 192, 0.003
"""After `SETTLED_TICKS` with the same tempo, give or take this share, a model that takes over leaves the beat where it is, and only
then glides to where it expects it: no tick has moved, only more is known."""

MOST_GLIDE_S = 0.003
"""The largest difference that is glided over: half of the longest buffer that jitter can hide, and a little more. A larger one means
another buffer."""


def glided(
    line: TickLine,
    number: int,
    lines: FeasibleLines,
    others: FeasibleLines | None,
    period_s: float,
    age: int,
    *,
    are_others_likelier: bool,
) -> TickLine:
    """Returns the line at tick `number` in buffers of `period_s`, on its way to the middle of all possible lines, which `age` ticks show.

    `others` are those that are possible if the clock has changed. They count as far as they leave the line no more room than one buffer.
    """
    at_s, interval_s = lines.middle
    if age > SETTLED_LINE_TICKS:
        due_s = line.due_s(number)
        at_s = due_s + min(max(at_s - due_s, -GLIDE_S), GLIDE_S)
    next_s = at_s + interval_s
    if others is not None and are_others_likelier:
        interval_s = others.middle.interval_s
    # The next tick, which is heard, stays within about half a buffer of every possible line where that can be: while the line glides it lags
    # behind what is known, and where ticks are nearly a whole number of buffers long, the middle is far from some of them.
    half_s = period_s / 2 + SLACK_S
    if others is None:
        earliest_s, latest_s = lines.next_tick_s
        next_s = min(max(next_s, latest_s - half_s), earliest_s + half_s)
    else:
        bounds_s = (
            (lines.next_tick_s, others.next_tick_s) if are_others_likelier else (others.next_tick_s, lines.next_tick_s)
        )
        for earliest_s, latest_s in bounds_s:
            if latest_s - earliest_s <= 2 * half_s:
                next_s = min(max(next_s, latest_s - half_s), earliest_s + half_s)
    return TickLine(number, next_s - interval_s, interval_s)


class ModelGlide:
    """Keeps the beat where it is when another model of the ticks takes over, and glides to where that model expects it."""

    def __init__(self) -> None:
        self.off_s = 0.0
        """How much later than its line the beat still is."""
        self._settled = 0

    def follow(self, before: TickLine | None, after: TickLine | None) -> bool:
        """Takes the line before a tick and after it. Returns whether the clock is steady, so that what is newly known is glided to."""
        if before is None or after is None or abs(after.interval_s / before.interval_s - 1.0) > SAME_TEMPO:
            self._settled, self.off_s = 0, 0.0
            return False
        self._settled += 1
        self.off_s -= min(max(self.off_s, -GLIDE_S), GLIDE_S)
        return self._settled > SETTLED_TICKS

    def take_over(self, before: TickLine, after: TickLine, most_s: float | None) -> None:
        """Glides from one model's line to the other's; on a grid the beat is never farther off than `most_s`."""
        self.off_s += before.due_s(after.number) - after.due_s(after.number)
        if abs(self.off_s) > MOST_GLIDE_S:
            self.off_s = 0.0
        elif most_s is not None:
            self.off_s = min(max(self.off_s, -most_s), most_s)
