"""The lines of a score: one for each channel of a track, or one for all channels of an MPE player. Every note gets a length.

Scores hold things that cannot be played as written; they are corrected here: notes of no length, grace notes at the tick of their
main note, and a pitch that starts twice at the same tick.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from model.files.score import FileScore, Part, Ticks
from model.notes import CHORD_BEATS

# A note of no length lasts until the next onset, but at most this long.
LONGEST_GIVEN_BEATS = 1.0
# A grace note starts this long before its main note if there is room: 62 ms at 120 bpm. Closer than CHORD_BEATS they would be a chord.
GRACE_BEATS = 1 / 8
# How an MPE player is recognised in a file that sets up no zones: each note is on the next of several channels, none is on the
# first, which is the manager's, and notes follow one another, unlike the voices of a choir.
MPE_MANAGER = 0
MPE_CHANNELS = 3
MPE_SHARE = 0.9


def lines_of(score: FileScore) -> list[Part]:
    """All lines, including drums, in the order of the file."""
    parts = list(score.parts)
    if len({part.track for part in parts}) < len(parts):
        parts = [line for _, track in groupby(parts, key=lambda part: part.track) for line in _by_player(list(track))]
    if score.is_playable:
        return parts
    return [_playable(part, score.ticks_per_beat) for part in parts]


def merged(parts: Sequence[Part]) -> Part:
    """All notes as one line with the channel and program of the first part. If parts start a pitch at the same tick, the last part's note stays."""
    tick = np.concatenate([part.tick for part in parts])
    pitch = np.concatenate([part.pitch for part in parts])
    every = replace(
        parts[0],
        tick=tick,
        end=np.concatenate([part.end for part in parts]),
        pitch=pitch,
        velocity=np.concatenate([part.velocity for part in parts]),
        programs=None,
    )
    return _once(_taken(every, np.lexsort((pitch, tick))))


def by_program(part: Part) -> list[Part]:
    """The notes of each program as a line of their own; the part itself if it has one program, or its programs are not known."""
    if part.programs is None:
        return [part]
    return [
        replace(_taken(part, part.programs == program), program=program, programs=None)
        for program in np.unique(part.programs).tolist()
    ]


def _by_player(parts: Sequence[Part]) -> list[Part]:
    """The parts of one track; those that belong to one MPE player are merged."""
    members = parts[0].members
    if members is None and _take_turns(parts):
        members = frozenset(part.channel for part in parts)
    together = [part for part in parts if members is not None and part.channel in members]
    if len(together) < 2:
        return list(parts)
    player = replace(merged(together), is_drums=False)
    return [player if part is together[0] else part for part in parts if part is together[0] or part not in together]


def _take_turns(parts: Sequence[Part]) -> bool:
    """Whether each note is on the next channel, and no channel has two notes at once."""
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
    # Upwards in a lower zone (from the second channel), downwards in an upper zone (from the last but one).
    return any(bool(np.mean((steps == step) & later) >= MPE_SHARE) for step in (1, len(parts) - 1))


def _playable(part: Part, ticks_per_beat: float) -> Part:
    part = _once(part)
    without_length = part.end <= part.tick
    return _with_lengths(part, without_length, ticks_per_beat) if without_length.any() else part


def _once(part: Part) -> Part:
    """The part without duplicates: if a pitch starts twice at one tick, the last note written stays."""
    twice = (part.tick[1:] == part.tick[:-1]) & (part.pitch[1:] == part.pitch[:-1])
    if not twice.any():
        return part
    stays = np.ones(len(part), np.bool_)
    np.logical_not(twice, out=stays[:-1])
    return _taken(part, stays)


def _taken(part: Part, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Part:
    # Not by `replace`, which takes as long as all the rest of it.
    return Part(
        part.tick[which], part.end[which], part.pitch[which], part.velocity[which],
        part.track, part.channel, part.program, part.members, part.is_drums,
        None if part.programs is None else part.programs[which],
    )  # fmt: skip


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
    """Moves grace notes before their main note, one after another: notes of no length at the tick of a note that has one."""
    main_ticks = np.intersect1d(tick[without_length], tick[~without_length])
    begins = np.unique(tick)
    for at in main_ticks.tolist():
        graces = np.flatnonzero(without_length & (tick == at))
        earlier = begins[begins < at]
        room = at - int(earlier[-1]) if len(earlier) else at
        step = min(before, room // (len(graces) + 1))
        tick[graces] = at - step * np.arange(len(graces), 0, -1)


def begins_of(line: Part, ticks_per_beat: float) -> Ticks:
    """For each note the tick at which its chord begins. Notes that start (almost) together and sound together are a chord.

    A grace note is not part of a chord, as it ends when its main note starts.
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
