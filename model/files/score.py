"""The content of a music file of any format: parts with notes, tempi and meters, in ticks.

A part is a channel of a track, across program changes. Its columns are numpy arrays of shape (notes,).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from model.defaults import DEFAULT_TEMPO_BPM
from model.files.tempo import SLOWEST_MICROSECONDS, microseconds_of, tempo_of
from model.files.time_signature import MeterChange

Ticks = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
_DEFAULT_MICROSECONDS = microseconds_of(DEFAULT_TEMPO_BPM)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The notes of one voice by onset, then pitch, as written: some may have no length.

    `members` are the channels of one MPE player, by what the track sets up or how its notes begin; None if neither shows one. `programs` are those of the notes
    if they change and are known: `program` is the first.
    """

    tick: Ticks
    end: Ticks
    pitch: Bytes
    velocity: Bytes
    track: int = 0
    channel: int = 0
    program: int = 0
    members: frozenset[int] | None = None
    is_drums: bool = False
    programs: Bytes | None = None

    def __len__(self) -> int:
        return len(self.tick)


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Tempi from tick 0 on: at each of `ticks` the new microseconds per beat."""

    ticks: Ticks
    microseconds: Ticks

    @classmethod
    def of(cls, changes: Sequence[tuple[int, ...]]) -> Self:
        """From pairs of tick and microseconds in any order; of two at one tick the later one in `changes` applies.

        A tempo of zero microseconds is a damaged event and is left out. The default is 120 bpm.
        """
        in_force = {0: _DEFAULT_MICROSECONDS}
        if changes:
            in_force |= {tick: microseconds for tick, microseconds in changes if microseconds > 0}
        rows = sorted(in_force.items())
        return cls(np.array([tick for tick, _ in rows], np.int64), np.array([value for _, value in rows], np.int64))

    def seconds(self, ticks: Ticks, ticks_per_beat: float) -> npt.NDArray[np.float64]:
        """The times of ticks in seconds."""
        seconds_per_tick: npt.NDArray[np.float64] = self.microseconds / (1e6 * ticks_per_beat)
        if len(self.ticks) == 1:
            return np.asarray(ticks * seconds_per_tick[0])
        starts = np.concatenate([[0.0], np.cumsum(np.diff(self.ticks) * seconds_per_tick[:-1])])
        at = np.searchsorted(self.ticks, ticks, side="right") - 1
        found: npt.NDArray[np.float64] = starts[at] + (ticks - self.ticks[at]) * seconds_per_tick[at]
        return found

    def seconds_at(self, tick: int, ticks_per_beat: float) -> float:
        """The time of one tick in seconds, in less time than numpy takes for the few changes that most files have."""
        at_s, begin, in_force = 0.0, 0, 0
        for following, microseconds in zip(self.ticks.tolist(), self.microseconds.tolist(), strict=True):
            if following > tick:
                break
            at_s += (following - begin) * (in_force / (1e6 * ticks_per_beat))
            begin, in_force = following, microseconds
        return float(at_s + (tick - begin) * (in_force / (1e6 * ticks_per_beat)))

    def tempo_at(self, tick: int) -> float:
        """Beats per minute at a tick."""
        return tempo_of(int(self.microseconds[np.searchsorted(self.ticks, tick, side="right") - 1]))

    def commonest(self, last_tick: int) -> float:
        """The tempo that applies to the most beats in total until `last_tick`."""
        if len(self.ticks) == 1:
            return tempo_of(int(self.microseconds[0]))
        ticks = [min(tick, last_tick) for tick in self.ticks.tolist()]
        in_force: dict[int, int] = {}
        for value, tick, following in zip(self.microseconds.tolist(), ticks, [*ticks[1:], last_tick], strict=True):
            in_force[value] = in_force.get(value, 0) + following - tick
        # Of equals the fastest.
        return tempo_of(min(in_force, key=lambda value: (-in_force[value], value)))


@dataclass(frozen=True, slots=True)
class FileScore:
    """All music of a file. `is_playable` is True if every note has a length, and no pitch starts twice at one tick.

    Each of `remarks` says what is wrong or was left out, in words that follow the file's name.
    """

    ticks_per_beat: float
    parts: tuple[Part, ...]
    tempi: TempoMap
    meters: tuple[MeterChange, ...] = ()
    remarks: tuple[str, ...] = ()
    is_playable: bool = False

    @property
    def last_tick(self) -> int:
        """Where the last note ends; 0 if there is none."""
        return max((int(part.end.max()) for part in self.parts if len(part)), default=0)

    def is_longer_than(self, seconds: float, last_tick: int) -> bool:
        """Whether it lasts longer than this, up to `last_tick`. Quick, as the exact time is computed only for scores that may."""
        slowest_s = last_tick * SLOWEST_MICROSECONDS / (1e6 * self.ticks_per_beat)
        return slowest_s > seconds and self.seconds_at(last_tick) > seconds

    def seconds_at(self, tick: int) -> float:
        return self.tempi.seconds_at(tick, self.ticks_per_beat)
