"""How old jams are, so that a wrong clock cannot make them old: counted in days from the start that first saw each one.

From one start to the next at most a week is counted, and nothing where the clock went back. So a clock that is wrong by
months or decades, ahead or back, removes no jam that is new. Users who play less than once a week keep jams for longer.
It knows no journals, only their ids; the file lies beside them.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from model.whole_file import write_whole

AGES_FILE = ".ages.json"
LARGEST_BYTES = 10_000_000
MOST_DAYS_PER_START = 7.0
SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class TakeAges:
    """The days counted so far, the last start by the clock of the system, and the day on which each jam was first seen."""

    day: float = 0.0
    last_start_s: float | None = None
    first_seen: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The ages of the jams in a folder; where the file is missing or damaged, they all start from 0."""
        path = folder / AGES_FILE
        try:
            if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
                return cls()
            tree = json.loads(path.read_bytes())
            seen = {str(id_): _number(day) for id_, day in tree["first_seen"].items()}
            return cls(_number(tree["day"]), _number(tree["last_start_s"]), seen)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return cls()

    def write(self, folder: Path) -> None:
        """Raises OSError."""
        tree = {"day": self.day, "last_start_s": self.last_start_s, "first_seen": dict(self.first_seen)}
        write_whole(folder / AGES_FILE, json.dumps(tree, indent=0).encode())

    def at_start(self, now: datetime, ids: Iterable[str]) -> "TakeAges":
        """The ages at a start at which there are these jams."""
        now_s = now.timestamp()
        passed_days = 0.0 if self.last_start_s is None else (now_s - self.last_start_s) / SECONDS_PER_DAY
        day = self.day + min(max(passed_days, 0.0), MOST_DAYS_PER_START)
        return TakeAges(day, now_s, {id_: min(self.first_seen.get(id_, day), day) for id_ in ids})

    def days(self, id_: str) -> float:
        """How old a jam is."""
        return self.day - self.first_seen.get(id_, self.day)


def _number(item: object) -> float:
    if isinstance(item, bool) or not isinstance(item, int | float) or not math.isfinite(item):
        raise ValueError("this is no number")
    return float(item)
