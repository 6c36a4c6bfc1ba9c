"""`Delay`: how late clicks come back through a loop, or are heard, from the seconds at which they were sent. Pure; it plays nothing.

In a loop each click has a pitch of its own, so a click that was lost or came twice is distinguished from a late one.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from server.controls.control_table import BY_NAME
from server.errors import CalibrationError

LEAST_SHARE = 0.75
"""How many of the clicks must have come back, or been tapped."""
DOUBLED_SHARE = 0.25
"""If more clicks than that come back twice, there are two ways through the loop, and either may be the one that is heard."""

EARLY_S = 0.002
"""A click may come back this much before it was due, by the rounding of dates; what comes sooner is no click."""
ONE_MOMENT_S = 0.002
"""Two copies of a click within this time are heard as one, and are no second way through the loop."""
WIDEST_LOOP_S, WIDEST_TAPS_S = 0.030, 0.120
"""The widest range of eight in ten delays at which their median is used: with a wider one, notes sound uneven.
People tap a steady beat within some 0.05 s."""

TAP_EARLY_S, TAP_LATE_S = 0.15, 0.45
"""A tap from this much before a click to this much after it belongs to that click; together they are the time between
two clicks."""

LONGEST_OFFSET_MS = -BY_NAME["offset_ms"].low
"""By how much the control can move notes forward."""


@dataclass(frozen=True, slots=True)
class Click:
    """A note that was sent: its pitch, and the second at which it was due, or went out where that was later."""

    pitch: int
    sent_s: float


@dataclass(frozen=True, slots=True)
class Delay:
    """How late the clicks were: the median in seconds, and the range of eight in ten; and how many of how many were measured."""

    median_s: float
    shortest_s: float
    longest_s: float
    measured: int
    sent: int

    @property
    def offset_ms(self) -> float:
        """The value of the control `offset_ms` that makes up for the delay: negative, as notes must go out earlier."""
        return 0.0 - round(1000 * self.median_s, 1)

    @property
    def range_text(self) -> str:
        """The spread, in words."""
        return f"8 of 10 between {1000 * self.shortest_s:.1f} and {1000 * self.longest_s:.1f} ms"


def loop_delay(clicks: Sequence[Click], returned: Sequence[tuple[int, float]]) -> Delay:
    """The delay of a loop, from the pitches and seconds of all notes that came in. Raises CalibrationError where they do not show it.

    The pitches of the clicks must differ.
    """
    arrivals_s = [
        sorted(at_s for pitch, at_s in returned if pitch == click.pitch and at_s >= click.sent_s - EARLY_S)
        for click in clicks
    ]
    came = sum(bool(each) for each in arrivals_s)
    if not came and returned:
        raise CalibrationError(
            f"{len(returned)} notes came in, but none at the pitch of a click: switch off what changes notes on that track, "
            "such as transposition or an arpeggiator."
        )
    if came < math.ceil(LEAST_SHARE * len(clicks)):
        raise CalibrationError(
            f"Only {came} of {len(clicks)} clicks came back, which is too few: look whether that track is armed and monitored, "
            "and passes on every note."
        )
    doubled = [each for each in arrivals_s if each and each[-1] - each[0] > ONE_MOMENT_S]
    if len(doubled) > DOUBLED_SHARE * len(clicks):
        apart_ms = 1000 * statistics.median(each[-1] - each[0] for each in doubled)
        raise CalibrationError(
            f"{len(doubled)} of {len(clicks)} clicks came back more than once, {apart_ms:.1f} ms apart: there are two ways from "
            "the output to the input; take one of them away."
        )
    delays_s = [
        each[0] - click.sent_s
        for click, each in zip(clicks, arrivals_s, strict=True)
        if each and each[-1] - each[0] <= ONE_MOMENT_S
    ]
    hint = "a shorter audio buffer in the DAW makes it narrower"
    return _checked(_delay(delays_s, len(clicks)), WIDEST_LOOP_S, hint)


def heard_delay(clicks: Sequence[Click], taps_s: Sequence[float]) -> Delay:
    """The delay until a person hears the clicks and taps with them. Raises CalibrationError where the taps do not show it.

    A tap belongs to the click that it is nearest to, late rather than early; a second tap for one click does not count.
    """
    delays_s = []
    for click in clicks:
        near_s = [tap_s - click.sent_s for tap_s in taps_s if -TAP_EARLY_S <= tap_s - click.sent_s < TAP_LATE_S]
        if near_s:
            delays_s.append(near_s[0])
    if len(delays_s) < math.ceil(LEAST_SHARE * len(clicks)):
        raise CalibrationError(
            f"You tapped with only {len(delays_s)} of {len(clicks)} clicks, which is too few: press the space bar once with each "
            "click that you hear."
        )
    delay = _checked(_delay(delays_s, len(clicks)), WIDEST_TAPS_S, "try again, and tap as with a metronome")
    if delay.median_s < 0.0:
        raise CalibrationError(
            f"You tapped {-1000 * delay.median_s:.0f} ms before the clicks were due, as people do who wait for a beat: there is "
            "no delay that can be measured by ear."
        )
    return delay


def _delay(delays_s: Sequence[float], sent: int) -> Delay:
    tenths = statistics.quantiles(delays_s, n=10, method="inclusive")
    return Delay(statistics.median(delays_s), tenths[0], tenths[-1], len(delays_s), sent)


def _checked(delay: Delay, widest_s: float, hint: str) -> Delay:
    """The delay. Raises CalibrationError if it is too uneven, or longer than the control can make up for."""
    if delay.longest_s - delay.shortest_s > widest_s:
        raise CalibrationError(
            f"The delays differ too much ({delay.range_text}; up to {1000 * widest_s:.0f} ms apart is taken): {hint}."
        )
    if 1000 * delay.median_s > LONGEST_OFFSET_MS:
        raise CalibrationError(
            f"The clicks came {1000 * delay.median_s:.0f} ms late, and offset_ms makes up for at most {LONGEST_OFFSET_MS:.0f} ms: "
            "look for what delays them, such as a long audio buffer."
        )
    return delay
