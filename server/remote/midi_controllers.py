"""MIDI controllers in a running jam: knobs in, motor faders and lights back; `hear` stands between the port and the player.

Knows the asyncio loop it runs in. What is told back goes out by the music thread, as a port is one thread's.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

from bridge.midi.controller_moves import CcMove
from bridge.midi.messages import ControlChange
from bridge.midi.ports import Receiver
from bridge.timing.clock import Clock
from server.config.config import MidiSection
from server.controls.control_store import AcceptedChange, ControlStore
from server.remote.cc_feedback import CcFeedback
from server.remote.cc_input import CcInput

TICK_S = 1 / 30

Send = Callable[[ControlChange], None]


class MidiControllers:
    """`async with` begins to tell back; `knobs` can learn."""

    def __init__(
        self,
        config: MidiSection,
        desk: ControlStore,
        onward: Receiver,
        send: Send,
        clock: Clock,
        packs: Sequence[str] = (),
    ) -> None:
        loop = asyncio.get_running_loop()
        self.cc_input = CcInput(config.bindings, config.program_change, packs, desk, onward, loop.call_soon_threadsafe)
        self._tells_back = config.cc_feedback
        self._desk = desk
        self._send = send
        self._clock = clock
        self._motors = CcFeedback(self.cc_input, desk)
        self._next: asyncio.TimerHandle | None = None

    def receive_midi(self, data: bytes, at_s: float) -> None:
        """A message that has come in; made to be a port's receiver."""
        self.cc_input.receive_midi(data, at_s)

    async def __aenter__(self) -> Self:
        self.cc_input.on_control_moved = lambda control: self._motors.on_control_moved(control, self._clock.now_s())
        self._leave = self._desk.add_listener(self._changed)
        if self._tells_back:
            self._tick()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._leave()
        if self._next is not None:
            self._next.cancel()

    def _changed(self, change: AcceptedChange) -> None:
        self._motors.on_control_changed(change, self._clock.now_s())

    def _tick(self) -> None:
        self._next = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        now_s = self._clock.now_s()
        for move in self._motors.take_due(now_s):
            self._tell(move, now_s)

    def _tell(self, move: CcMove, now_s: float) -> None:
        self.cc_input.on_value_sent(move, now_s)
        self._send(ControlChange(move.cc, move.value, move.channel))
