"""Range checks of the values in a journal's records: one that no jam writes makes its record a damaged one.

A checksum shows that a line is unchanged, and not that a jam wrote it. Every check raises ValueError or TypeError.
"""

from datetime import datetime
from itertools import pairwise
from typing import cast, get_args

from bridge.timing.clock_messages import Transport
from model.approach import APPROACHES, Approach
from model.harmony.chart import MAX_BARS, MAX_CHORDS_PER_BAR
from model.harmony.chord_symbol import LONGEST_SYMBOL
from model.memory.context_kinds import kind_named
from model.memory.memory_mark import CHORD_PLACE_BYTES, LARGEST_PLACE

LARGEST_S = LARGEST_BEATS = 1e8
"""Three years of seconds; as beats, half a year at 400 bpm."""
SLOWEST_BPM, FASTEST_BPM = 1.0, 10_000.0
"""Wider than any clock's tempo, as a glide is faster or slower than the tempo that it leads to."""
MOST_NOTES = 1_000_000_000
MOST_TOKENS = 128
"""Of pitches or of times in a vocabulary."""
MOST_CONTEXTS = 64
"""Kinds of context that a memory counts before a note, or before a time."""
LONGEST_NAME = 4096
"""In characters, as a control's value may be the path of a pack."""
LONGEST_CHART = MAX_BARS * MAX_CHORDS_PER_BAR * 2 * LONGEST_SYMBOL
"""In characters, with the dots and bar lines between its chords: the value of one control is a whole chart."""


def second(item: object) -> float:
    """A second of the jam; its timeline may begin before the journal."""
    return _number(item, -LARGEST_S, LARGEST_S)


def beat(item: object) -> float:
    """A beat of the jam."""
    return _number(item, -LARGEST_BEATS, LARGEST_BEATS)


def tempo_bpm(item: object) -> float:
    """The tempo of a segment."""
    return _number(item, SLOWEST_BPM, FASTEST_BPM)


def duration(item: object) -> float:
    """A length of time, in any unit."""
    return _number(item, 0.0, LARGEST_S)


def count(item: object) -> int:
    """How many notes there are."""
    return int(_number(item, 0, MOST_NOTES))


def name(item: object) -> str:
    """The name of a control, an action or a clock."""
    if not isinstance(item, str) or len(item) > LONGEST_NAME:
        raise TypeError("this is no name")
    return item


def path(item: object) -> str:
    """The path of a file, or empty."""
    text = name(item)
    if "\0" in text:
        raise ValueError("no path has a zero byte")
    return text


def control_value(item: object) -> float | str:
    """The value of a control."""
    return item if isinstance(item, str) and len(item) <= LONGEST_CHART else _number(item, -LARGEST_S, LARGEST_S)


def transport(item: object) -> Transport:
    """The transport of the song that is followed."""
    if item not in get_args(Transport):
        raise ValueError("this is no transport")
    return cast("Transport", item)


def approach(item: object) -> Approach:
    """The approach of a memory."""
    for known in APPROACHES:
        if item == known:
            return known
    raise ValueError("this is no approach")


def pitches(items: list[object]) -> tuple[int, ...]:
    """The pitches of a vocabulary, rising."""
    return tuple(int(pitch) for pitch in _rising(items, 0, 127))


def shifts(items: list[object]) -> tuple[float, ...]:
    """The shifts of a vocabulary's time bins, rising; none in a vocabulary without time."""
    return _rising(items, 1e-6, LARGEST_BEATS) if items else ()


def token(item: object) -> int:
    """A token of a memory; negative where it was not learnt."""
    return int(_number(item, -2 * MOST_TOKENS - 2, 2 * MOST_TOKENS + 1))


def place(item: object) -> int | None:
    """The place in a bar where a token stood, None where that was not known."""
    return None if item is None else int(_number(item, 0, LARGEST_PLACE))


def chord_place(item: object) -> bytes:
    """The place among the chords where a token stood, no bytes where that was not known."""
    place = bytes.fromhex(name(item))
    if len(place) not in {0, CHORD_PLACE_BYTES}:
        raise ValueError("this is no place among chords")
    return place


def contexts(items: object) -> tuple[str, ...]:
    """The names of the contexts that a memory counts."""
    if not isinstance(items, list | tuple) or len(items) > MOST_CONTEXTS:
        raise TypeError("these are no contexts")
    kinds = tuple(kind_named(name(item)) for item in items)
    if len(set(kinds)) != len(kinds):
        raise ValueError("a context is named twice")
    return tuple(map(str, kinds))


def _rising(items: list[object], low: float, high: float) -> tuple[float, ...]:
    numbers = tuple(_number(item, low, high) for item in items)
    if not 1 <= len(numbers) <= MOST_TOKENS or any(after <= before for before, after in pairwise(numbers)):
        raise ValueError("these do not rise")
    return numbers


def date(item: object) -> str:
    """A date and time in ISO 8601."""
    datetime.fromisoformat(name(item))
    return name(item)


def _number(item: object, low: float, high: float) -> float:
    # Written so that NaN fails too. Compared before it is converted, as a large whole number cannot be.
    if isinstance(item, bool) or not isinstance(item, int | float) or not low <= item <= high:
        raise ValueError("this is no number, or out of its range")
    return float(item)
