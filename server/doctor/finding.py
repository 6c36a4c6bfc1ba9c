"""`Finding`: what one check of the doctor has found, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

State = Literal["ok", "warning", "broken"]
"""broken: a jam does not start, or cannot be played. warning: it can, but not as well as it could."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: `what` was found, and as `remedy` one sentence on what to do, empty where nothing is wrong.

    `figures` are the measured values, by names that hold their units.
    """

    state: State
    what: str
    remedy: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


def can_play(findings: Sequence[Finding]) -> bool:
    """Whether a jam can be played here."""
    return all(finding.state != "broken" for finding in findings)
