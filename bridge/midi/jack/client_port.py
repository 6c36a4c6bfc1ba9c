"""One port of our JACK client, with what waits and sounds at it. It calls no JACK."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.midi.jack.held_keys import HeldKeys
from bridge.midi.jack.jack_frames import SendQueue
from bridge.midi.messages import ALL_NOTES_OFF, SUSTAIN_PEDAL
from bridge.midi.ports import Direction

if TYPE_CHECKING:
    import jack

AT_ONCE_S = 0.0
"""A due time that is long past."""

Notes = set[tuple[int, int]]
Events = Sequence[tuple[int, bytes]]


@dataclass(slots=True, eq=False)
class ClientPort:
    """One of our ports; an input also has what is held at it, an output the messages that wait and the notes that sound."""

    number: int
    direction: Direction
    port: jack.OwnMidiPort
    wanted: str | None = None
    """The text that selects the port of another program to connect to; None for a virtual port."""
    target: str | None = None
    """The name of that port while it is there."""
    keys: HeldKeys = field(default_factory=HeldKeys)
    queue: SendQueue = field(default_factory=SendQueue)
    received: Events = ()
    """The messages of the last cycle that was looked at, with their offsets."""
    sounding: Notes = field(default_factory=set)
    channels: set[int] = field(default_factory=set)
    last_cycle: int = 0
    """The number of the cycle in which a message was written last."""

    def new_events(self, events: Events, *, is_repeat: bool) -> Events:
        """The messages that came in with a cycle; none where JACK runs a cycle again (`is_repeat`) and delivers the same ones."""
        before, self.received = self.received, events
        return () if is_repeat and events == before else events

    def on_sent(self, data: bytes) -> None:
        """Records which notes sound, given a message that is sent."""
        status = data[0]
        kind, channel = status >> 4, status & 0x0F
        if kind == 9 and data[2]:
            self.sounding.add((channel, data[1]))
            self.channels.add(channel)
        elif kind in (8, 9):
            self.sounding.discard((channel, data[1]))

    def end_notes(self) -> None:
        """Drops the messages that wait, ends the notes that sound, and releases all pedals."""
        self.queue.clear()
        for channel, pitch in sorted(self.sounding):
            self.queue.put(AT_ONCE_S, bytes((0x80 | channel, pitch, 0)))
        for channel in sorted(self.channels):
            self.queue.put(AT_ONCE_S, bytes((0xB0 | channel, SUSTAIN_PEDAL, 0)))
            self.queue.put(AT_ONCE_S, bytes((0xB0 | channel, ALL_NOTES_OFF, 0)))
