"""Unfolds written bars into the bars as they are played: repeats, endings, D.C., D.S., codas and fine. Knows no chords."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from model.harmony.chart import MAX_BARS, ChartBar

Jump = Literal["", "D.C.", "D.S."]


@dataclass(slots=True)
class WrittenBar:
    """A bar as written. `endings` are the numbers of the ending that begins here; `times` is how often the repeat that ends here is played in all, 0 where none ends here.

    `jump` is done after the bar, once.
    """

    bar: ChartBar
    begins_repeat: bool = False
    times: int = 0
    endings: frozenset[int] = frozenset()
    is_segno: bool = False
    is_coda: bool = False
    jump: Jump = ""
    is_fine: bool = False


def unfold(written: Sequence[WrittenBar]) -> tuple[tuple[ChartBar, ...], bool]:
    """The bars as played, and whether all of them fitted in: no more than `MAX_BARS` are played.

    After a jump, playing goes from the first coda sign to the last one. After a jump repeats are not played again,
    and the last ending is taken.
    """
    walk = _Walk(written)
    played: list[ChartBar] = []
    while walk.at < len(written):
        if len(played) >= MAX_BARS:
            return tuple(played), False
        if not walk.skips():
            played.append(written[walk.at].bar)
            walk.go_on()
    # If nothing would be played, as all bars are endings with numbers that never come, the bars are played as written.
    return tuple(played or [bar.bar for bar in written]), True


class _Walk:
    """The way through the written bars: the present bar, where its repeat began, and which repetition this is."""

    def __init__(self, written: Sequence[WrittenBar]) -> None:
        self._written = written
        self.at = self._start = 0
        self._turn, self._has_jumped = 1, False
        codas = [index for index, bar in enumerate(written) if bar.is_coda]
        # A single coda sign has no effect: there is no second one to jump to.
        self._leave, self._coda = (codas[0], codas[-1]) if len(codas) > 1 else (-1, -1)

    def skips(self) -> bool:
        """Moves past the present bar, where a coda or another ending comes now; returns whether it did."""
        bar = self._written[self.at]
        if self._has_jumped and self.at == self._leave:
            self.at, self._leave = self._coda, -1
            return True
        if bar.begins_repeat and self.at != self._start:
            self._start, self._turn = self.at, 1
        is_taken = self._turn in bar.endings or (self._has_jumped and _is_last_ending(self._written, self.at))
        if bar.endings and not is_taken:
            self.at = _next_ending(self._written, self.at, self._turn)
            return True
        return False

    def go_on(self) -> None:
        """Goes to the bar after the one that was just played."""
        bar = self._written[self.at]
        if bar.is_fine and self._has_jumped:
            self.at = len(self._written)
        elif bar.jump and not self._has_jumped:
            self.at, self._has_jumped = (_segno(self._written) if bar.jump == "D.S." else 0), True
            self._start, self._turn = self.at, 1
        elif bar.times and not self._has_jumped and _goes_back(self._written, self._start, self.at, self._turn):
            self.at, self._turn = self._start, self._turn + 1
        else:
            self.at += 1
            is_next_ending = self.at < len(self._written) and self._written[self.at].endings
            if bar.times and not is_next_ending:
                self._start, self._turn = self.at, 1


def _segno(written: Sequence[WrittenBar]) -> int:
    return next((index for index, bar in enumerate(written) if bar.is_segno), 0)


def _is_last_ending(written: Sequence[WrittenBar], at: int) -> bool:
    later = written[at + 1 :]
    following = next((bar for bar in later if bar.endings or bar.begins_repeat), None)
    return following is None or not following.endings


def _next_ending(written: Sequence[WrittenBar], at: int, turn: int) -> int:
    """The index where this repetition goes on: at its own ending, or after all endings."""
    end = at
    for index in range(at + 1, len(written)):
        if written[index].begins_repeat:
            break
        if written[index].endings:
            end = index
            if turn in written[index].endings:
                return index
    # No ending has this number: go on after the last one.
    return next((index + 1 for index in range(end, len(written)) if written[index].times), len(written))


def _goes_back(written: Sequence[WrittenBar], start: int, at: int, turn: int) -> bool:
    has_ending = any(bar.endings for bar in written[start : at + 1])
    if not has_ending:
        return turn < written[at].times
    following = written[at + 1 :]
    upcoming = next((index for index, bar in enumerate(following) if bar.begins_repeat), len(following))
    numbers = {number for bar in [*written[start : at + 1], *following[:upcoming]] for number in bar.endings}
    return turn + 1 in numbers
