"""Unfolds written bars into the bars as they are played: repeats, endings, D.C., D.S., codas and fine. Knows no chords."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from model.harmony.chart import MAX_BARS, ChartBar

Jump = Literal["", "D.C.", "D.S."]


@dataclass(slots=True)
class WrittenBar:
    """A bar as written. `endings` are the numbers of the ending that begins here; `times` is how often the repeat that ends
    here is played in all, 0 where none ends here. `jump` is done after the bar, once.
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

    The first coda sign is where a jump leaves for the second one. After a jump repeats are not played again, and the last ending is taken.
    """
    played: list[ChartBar] = []
    at = start = 0
    turn, has_jumped = 1, False
    codas = [index for index, bar in enumerate(written) if bar.is_coda]
    # Without a jump a coda is only a place in the text.
    while at < len(written):
        bar = written[at]
        if len(played) >= MAX_BARS:
            return tuple(played), False
        if has_jumped and len(codas) > 1 and at == codas[0]:
            at, codas = codas[-1], []
            continue
        if bar.begins_repeat and at != start:
            start, turn = at, 1
        if bar.endings and not (turn in bar.endings or (has_jumped and _is_last_ending(written, at))):
            at = _next_ending(written, at, turn)
            continue
        played.append(bar.bar)
        if bar.is_fine and has_jumped:
            break
        if bar.jump and not has_jumped:
            at, has_jumped = (_segno(written) if bar.jump == "D.S." else 0), True
            start, turn = at, 1
        elif bar.times and not has_jumped and _goes_back(written, start, at, turn):
            at, turn = start, turn + 1
        else:
            at += 1
            if bar.times:
                # What comes next has its own repeats, unless it is the next ending of this one.
                if not (at < len(written) and written[at].endings):
                    start, turn = at, 1
    return tuple(played), True


def _segno(written: Sequence[WrittenBar]) -> int:
    return next((index for index, bar in enumerate(written) if bar.is_segno), 0)


def _is_last_ending(written: Sequence[WrittenBar], at: int) -> bool:
    later = written[at + 1 :]
    following = next((bar for bar in later if bar.endings or bar.begins_repeat), None)
    return following is None or not following.endings


def _next_ending(written: Sequence[WrittenBar], at: int, turn: int) -> int:
    """Where this time round goes on: at its own ending, or after all of them."""
    end = at
    for index in range(at + 1, len(written)):
        if written[index].begins_repeat:
            break
        if written[index].endings:
            end = index
            if turn in written[index].endings:
                return index
    # No ending has this number: go on behind the last one.
    return next((index + 1 for index in range(end, len(written)) if written[index].times), len(written))


def _goes_back(written: Sequence[WrittenBar], start: int, at: int, turn: int) -> bool:
    has_ending = any(bar.endings for bar in written[start : at + 1])
    if not has_ending:
        return turn < written[at].times
    following = written[at + 1 :]
    upcoming = next((index for index, bar in enumerate(following) if bar.begins_repeat), len(following))
    numbers = {number for bar in [*written[start : at + 1], *following[:upcoming]] for number in bar.endings}
    return turn + 1 in numbers
