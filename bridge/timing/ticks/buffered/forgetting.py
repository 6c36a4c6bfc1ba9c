"""How fast a steady clock's old ticks are forgotten: by which share the set of its possible lines grows at each tick. Times are in seconds."""

from bridge.timing.ticks.buffered.tick_windows import MARGIN_S

FORGETTING = 0.0003
"""The share by which the set of possible lines grows at each tick: a tempo may drift by some millionths in a minute."""

LEAST_SPREAD, FAST_FORGETTING = 0.08, 0.01
"""Where the possible lines are closer together than this share of a buffer, they are more likely wrong than exact, as
the grid they come from was measured on few dates at first. Then the set grows faster."""

OLD_TICKS, OLD_SPREAD = 192, 0.02
"""After this many ticks the grid has been measured on many dates, and the possible lines may be as close together as this share of a
buffer: a set that grows fast says little of the tempo."""

CONTRADICTED_FORGETTING = 0.2
"""Windows are wider than a buffer by `MARGIN_S` on each side. Where they leave less than that between the possible lines, they
contradict each other, and the set grows at once."""


def forgetting(spread_s: float, period_s: float, age: int) -> float:
    """Returns by which share lines grow that leave a tick so much time in a buffer of `period_s`, and that `age` ticks have shown."""
    if spread_s < MARGIN_S:
        return CONTRADICTED_FORGETTING
    least = LEAST_SPREAD if age < OLD_TICKS else OLD_SPREAD
    return FAST_FORGETTING if spread_s < least * period_s else FORGETTING
