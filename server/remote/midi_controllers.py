"""MIDI controllers in a running jam: knobs move controls, and motor faders and lights show their values.

It knows the asyncio loop in which it runs. Feedback goes out through the music thread, because only one thread may use
a port. It is sent thirty times a second while values are pending, and nothing runs while none are.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

from bridge.midi.messages import ControlChange
from bridge.midi.ports import Receiver
from bridge.timing.clock import Clock
from server.config.config import MidiSection
from server.controls.control_store import AcceptedChange, ControlStore, FailedChange
from server.errors import BadValue
from server.remote.cc_feedback import CcFeedback
from server.remote.cc_input import ORIGIN, CcInput

TICK_S = 1 / 30
SETTLE_S = 0.5
"""How long after its port is back a controller gets all values: what is sent while ports are being connected may be lost."""

SendControlChange = Callable[[ControlChange], None]
"""Gives a control change to the music thread, which sends it."""


class MidiControllers:
    """Receives controllers from the start; feedback runs inside `async with`, if the configuration has it on.

    `forward` receives every message that moves no control. `cc_input` can learn knobs. Create it on the asyncio loop.
    """

    def __init__(
        self,
        config: MidiSection,
        controls: ControlStore,
        forward: Receiver,
        send: SendControlChange,
        clock: Clock,
        packs: Sequence[str] = (),
    ) -> None:
        loop = asyncio.get_running_loop()
        self.cc_input = CcInput(
            config.bindings, config.program_change, packs, controls, forward, loop.call_soon_threadsafe
        )
        self._has_feedback = config.cc_feedback
        self._controls = controls
        self._send = send
        self._clock = clock
        self._feedback = CcFeedback(self.cc_input, controls)
        self._tick_handle: asyncio.TimerHandle | None = None
        self._loop = loop

    def receive_midi(self, data: bytes, at_s: float) -> None:
        """Takes one MIDI message that came in at `at_s`.

        It has the signature of a port's receiver; any thread may call it.
        """
        self.cc_input.receive_midi(data, at_s)

    def on_output_found(self) -> None:
        """Notes that the output is back: faders and lights get all values again. Any thread may call it."""
        with suppress(RuntimeError):  # the loop is closed: the jam has ended
            self._loop.call_soon_threadsafe(self._loop.call_later, SETTLE_S, self._send_all)

    async def __aenter__(self) -> Self:
        self.cc_input.on_control_moved = self._on_control_moved
        self._remove_listener = self._controls.add_listener(self._on_control_changed)
        self._remove_failure_listener = self._controls.add_failure_listener(self._on_change_failed)
        if self._has_feedback:
            self._tick()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._remove_listener()
        self._remove_failure_listener()
        if self._tick_handle is not None:
            self._tick_handle.cancel()
            self._tick_handle = None

    def _on_control_moved(self, control: str) -> None:
        self._feedback.on_control_moved(control, self._clock.now_s())
        self._schedule_tick()

    def _on_control_changed(self, change: AcceptedChange) -> None:
        self._feedback.on_control_changed(change, self._clock.now_s())
        self._schedule_tick()

    def _send_all(self) -> None:
        self._feedback.add_all()
        self._schedule_tick()

    def _schedule_tick(self) -> None:
        if self._has_feedback and self._tick_handle is None and self._feedback.is_pending:
            self._tick_handle = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _on_change_failed(self, failure: FailedChange) -> None:
        if failure.origin == ORIGIN:
            self.cc_input.faults.count(BadValue(failure.sentence))

    def _tick(self) -> None:
        self._tick_handle = None
        now_s = self._clock.now_s()
        for move in self._feedback.take_due(now_s):
            self.cc_input.on_value_sent(move, now_s)
            self._send(ControlChange(move.cc, move.value, move.channel))
        self._schedule_tick()
