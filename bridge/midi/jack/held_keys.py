"""The keys and pedals that are held at an input, and those among them whose release may have been lost. No I/O.

JACK delivers the messages of each cycle once: those of a cycle that a client misses are gone. A lost note-off would leave a phrase
open for ever.
"""

from __future__ import annotations

from bridge.midi.messages import PEDAL_DOWN, SUSTAIN_PEDAL

DOUBT_S = 4.0
"""How long a key may be silent after a cycle was missed; then it counts as up. Few notes of a phrase are longer."""

Releases = dict[bytes, float]


class HeldKeys:
    """The keys and pedals that are held at one input, each stored as the message that would release it."""

    def __init__(self) -> None:
        self._held: set[bytes] = set()
        self._doubtful: Releases = {}
        """The keys and pedals in doubt, each with the second since which it may be up."""

    def on_message(self, data: bytes) -> None:
        """Takes a message that came in."""
        release, is_down = _release(data)
        if release is None:
            return
        self._doubtful.pop(release, None)
        if is_down:
            self._held.add(release)
        else:
            self._held.discard(release)

    def on_missed_cycle(self, at_s: float) -> None:
        """Records that messages may have been lost by `at_s`, so that all held keys and pedals are in doubt."""
        for release in self._held:
            self._doubtful.setdefault(release, at_s)

    def take_releases(self, at_s: float) -> list[bytes]:
        """Releases all keys and pedals that have been in doubt for `DOUBT_S`; returns the messages for that."""
        if not self._doubtful:
            return []
        releases = sorted(release for release, since_s in self._doubtful.items() if at_s - since_s >= DOUBT_S)
        for release in releases:
            del self._doubtful[release]
            self._held.discard(release)
        return releases


def _release(data: bytes) -> tuple[bytes | None, bool]:
    """The message that releases the key or pedal of this one, and whether this one presses it; None for other messages."""
    kind, channel = data[0] >> 4, data[0] & 0x0F
    if kind in {8, 9} and len(data) == 3:
        return bytes((0x80 | channel, data[1], 0)), kind == 9 and data[2] > 0
    if kind == 0xB and len(data) == 3 and data[1] == SUSTAIN_PEDAL:
        return bytes((0xB0 | channel, SUSTAIN_PEDAL, 0)), data[2] >= PEDAL_DOWN
    return None, False
