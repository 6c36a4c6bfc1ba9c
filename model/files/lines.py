"""The lines of a score: a channel of a track each, or all channels of one player of MPE; every note with a length to play.

What a reader of the score would see, and a program could not play, is mended here: notes of no length, graces that are written
on the note they lead to, a pitch that begins twice at once.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from model.files.score import FileScore, Part, Ticks
from model.notes import CHORD_BEATS

# A note of no length lasts until the next onset, and no longer than this.
LONGEST_GIVEN_BEATS = 1.0
# So long before its note a grace begins, where there is room: 62 ms at 120 bpm. Nearer than CHORD_BEATS it would be a chord's.
GRACE_BEATS = 1 / 8
# A player of MPE whose file says nothing of zones: each note on the next channel of several, never on the manager's, which is
# the first, and one note after another, as voices of a choir are not.
MPE_MANAGER = 0
MPE_CHANNELS = 3
MPE_SHARE = 0.9


def lines_of(score: FileScore) -> list[Part]:
    """The lines, drums among them, in the order of the file."""
    parts = list(score.parts)
    if len({part.track for part in parts}) < len(parts):
        parts = [line for _, track in groupby(parts, key=lambda part: part.track) for line in _by_player(list(track))]
    if score.is_playable:
        return parts
    return [_playable(part, score.ticks_per_beat) for part in parts]


def merged(parts: Sequence[Part]) -> Part:
    """All notes as one line, like the first part in all else; of a pitch that begins twice at once the later part's is left."""
    tick = np.concatenate([part.tick for part in parts])
    pitch = np.concatenate([part.pitch for part in parts])
    every = replace(
        parts[0],
        tick=tick,
        end=np.concatenate([part.end for part in parts]),
        pitch=pitch,
        velocity=np.concatenate([part.velocity for part in parts]),
    )
    return _once(_taken(every, np.lexsort((pitch, tick))))


def _by_player(parts: Sequence[Part]) -> list[Part]:
    """The parts of one track, those together that are one player's."""
    members = parts[0].members
    if members is None and _take_turns(parts):
        members = frozenset(part.channel for part in parts)
    together = [part for part in parts if members is not None and part.channel in members]
    if len(together) < 2:
        return list(parts)
    player = replace(merged(together), is_drums=False)
    return [player if part is together[0] else part for part in parts if part is together[0] or part not in together]


def _take_turns(parts: Sequence[Part]) -> bool:
    """Whether notes go round the channels one by one, each sounding alone on its channel."""
    channels = [part.channel for part in parts]
    if len(parts) < MPE_CHANNELS or MPE_MANAGER in channels:
        return False
    if any((part.tick[1:] < part.end[:-1]).any() for part in parts):
        return False
    tick = np.concatenate([part.tick for part in parts])
    order = np.argsort(tick, kind="stable")
    place = np.repeat(np.arange(len(parts)), [len(part) for part in parts])[order]
    steps = (place[1:] - place[:-1]) % len(parts)
    later = tick[order][1:] > tick[order][:-1]
    # Up from the second channel in a lower zone, down from the last but one in an upper.
    return any(bool(np.mean((steps == step) & later) >= MPE_SHARE) for step in (1, len(parts) - 1))


def _playable(part: Part, ticks_per_beat: float) -> Part:
    part = _once(part)
    without_length = part.end <= part.tick
    return _with_lengths(part, without_length, ticks_per_beat) if without_length.any() else part


def _once(part: Part) -> Part:
    """The part with one note where a pitch begins twice at once: the last that is written."""
    twice = (part.tick[1:] == part.tick[:-1]) & (part.pitch[1:] == part.pitch[:-1])
    if not twice.any():
        return part
    return _taken(part, np.append(~twice, True))


def _taken(part: Part, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Part:
    return replace(
        part, tick=part.tick[which], end=part.end[which], pitch=part.pitch[which], velocity=part.velocity[which]
    )


def _with_lengths(part: Part, without_length: npt.NDArray[np.bool_], ticks_per_beat: float) -> Part:
    tick, end = part.tick.copy(), part.end.copy()
    _begin_graces(tick, without_length, round(GRACE_BEATS * ticks_per_beat))
    order = np.argsort(tick, kind="stable")
    part = _taken(replace(part, tick=tick, end=end), order)
    without_length = without_length[order]
    begins = np.unique(part.tick)
    longest = max(round(LONGEST_GIVEN_BEATS * ticks_per_beat), 1)
    following = np.append(begins, begins[-1] + longest)[np.searchsorted(begins, part.tick[without_length], "right")]
    part.end[without_length] = np.minimum(following, part.tick[without_length] + longest)
    return part


def _begin_graces(tick: npt.NDArray[np.int64], without_length: npt.NDArray[np.bool_], before: int) -> None:
    """Moves notes of no length that stand on one that has a length: one after another, they come before it."""
    main_ticks = np.intersect1d(tick[without_length], tick[~without_length])
    begins = np.unique(tick)
    for at in main_ticks.tolist():
        graces = np.flatnonzero(without_length & (tick == at))
        earlier = begins[begins < at]
        room = at - int(earlier[-1]) if len(earlier) else at
        step = min(before, room // (len(graces) + 1))
        tick[graces] = at - step * np.arange(len(graces), 0, -1)


def begins_of(line: Part, ticks_per_beat: float) -> Ticks:
    """For each note the tick at which its chord begins: notes are one chord that begin together, or nearly, and sound together.

    A grace, which is over when its note begins, is none.
    """
    tick = line.tick
    gap = tick[1:] - tick[:-1]
    near = (gap > 0) & (gap < math.ceil(CHORD_BEATS * ticks_per_beat))
    if not np.count_nonzero(near):
        return tick
    shorter = np.minimum(line.end[1:] - tick[1:], line.end[:-1] - tick[:-1])
    together = np.minimum(line.end[1:], line.end[:-1]) - tick[1:]
    begins = np.concatenate([[True], ~((gap == 0) | near & (2 * together > shorter))])
    first = np.maximum.accumulate(np.where(begins, np.arange(len(tick)), 0))
    return tick[first]
