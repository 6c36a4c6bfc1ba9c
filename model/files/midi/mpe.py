"""Which channels of a track belong to one MPE player. Looks at the bytes of the track, which it does not parse.

Source: "MIDI Polyphonic Expression" (MMA 2018): registered parameter 6 sets up a zone, and each note begins with its own pitch
bend, pressure or controller 74 (often called timbre) on its channel.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
# Registered parameter 6 on the first or last channel: its value is how many channels next to it belong to one player.
_PARAMETER = b"\x64\x06"
_ZONE = re.compile(
    rb"([\xb0\xbf])(?:\x65\x00" + _DELTA + rb"\1?\x64\x06|\x64\x06" + _DELTA + rb"\1?\x65\x00)" + _DELTA + rb"\1?\x06([\x00-\x0f])",
    re.DOTALL,
)  # fmt: skip
_FIRST_CHANNEL = 0
# Some programs leave out the expression of a note now and then, where it did not change.
_EXPRESSED_SHARE = 0.9
_FEWEST_NOTES = 8


def mpe_members(track: bytes, notes: Mapping[int, int]) -> frozenset[int] | None:
    """The channels of one player, with those of the managers; None if there are none. `notes` are how many notes each channel has."""
    if len(notes) < 2:
        return None
    return _zones(track) or _expressed(track, notes)


def _zones(track: bytes) -> frozenset[int]:
    """The channels of the zones that a track sets up."""
    members: set[int] = set()
    if _PARAMETER in track:
        for zone in _ZONE.finditer(track):
            manager, count = zone[1][0] & 0xF, zone[2][0]
            steps = range(count + 1) if count else ()
            members |= {manager + step if manager == _FIRST_CHANNEL else manager - step for step in steps}
    return frozenset(members)


def _expressed(track: bytes, notes: Mapping[int, int]) -> frozenset[int] | None:
    """The channels with notes, if nearly all notes on each of them begin with an expression of their own.

    A recording seldom holds the setting-up of its zones: a keyboard sends that when it is switched on.
    """
    if _FIRST_CHANNEL in notes or sum(notes.values()) < _FEWEST_NOTES:
        return None
    for channel, count in notes.items():
        if len(_expressed_note(channel).findall(track)) < _EXPRESSED_SHARE * count:
            return None
    return frozenset(notes)


@lru_cache(maxsize=16)
def _expressed_note(channel: int) -> re.Pattern[bytes]:
    """A pitch bend, pressure or controller 74, and at most some ticks later a note on the same channel."""
    bend, pressure, control, note_on = (bytes([kind << 4 | channel]) for kind in (0xE, 0xD, 0xB, 0x9))
    data = near = rb"[\x00-\x7f]"
    expression = rb"(?:%b%b%b|%b%b|%b\x4a%b)" % (bend, data, data, pressure, data, control, data)
    return re.compile(rb"%b%b%b%b[\x01-\x7f]" % (expression, near, note_on, data))
