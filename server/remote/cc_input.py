"""MIDI controllers to the desk: what comes in by MIDI and moves a control; everything else goes on to the player.

`hear` runs in the thread of whoever has heard it, a port or a page: it looks a number up and leaves the rest to the
asyncio loop, where `take` sets of each control only the latest. Knows no port.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from bridge.errors import BridgeError
from bridge.fault_counter import FaultCounter
from bridge.midi.controller_moves import CcMove, ProgramSelected, parse_controller_move
from bridge.midi.ports import Receiver
from model.approach import APPROACHES
from model.errors import ModelError
from server.config.config import ProgramChange
from server.controls.cc_bindings import CcBinding, CcBindings
from server.controls.control_store import ControlStore
from server.controls.control_table import BY_NAME, control_named
from server.controls.fader import cc_value, value_from_cc
from server.errors import BadValue

logger = logging.getLogger("fours.midi.in")

ORIGIN = "midi"
PRESSED = 64
"""From this value on a pedal or a button is down."""
ECHO_S = 0.1
"""A value that comes in so soon after it was sent out has gone through a DAW, and is moved by no hand."""

CallSoon = Callable[[Callable[[], None]], object]
"""Has something done on the asyncio loop: its `call_soon_threadsafe`."""
OnLearnt = Callable[[str, CcBinding], None]
OnRefused = Callable[[BadValue], None]


class CcInput:
    """Between a port and the player; `packs` are those that a program change picks from."""

    def __init__(
        self,
        bindings: CcBindings,
        program_change: ProgramChange,
        packs: Sequence[str],
        desk: ControlStore,
        onward: Receiver,
        soon: CallSoon,
    ) -> None:
        self.bindings = bindings
        self._programs: Mapping[str, Sequence[str]] = {"pack": tuple(packs), "approach": APPROACHES}
        self._program_change = program_change
        self._desk = desk
        self._onward = onward
        self._soon = soon
        self._waiting: deque[tuple[str, int] | ProgramSelected] = deque()
        self._is_called = False
        self._down: set[str] = set()
        self._to_learn: tuple[str, OnLearnt, OnRefused] | None = None
        self._sent: dict[tuple[int, int], tuple[int, float]] = {}
        self.on_control_moved: Callable[[str], None] = lambda _control: None
        """Hears of each control that a knob has moved: its motor is not to work against the hand."""
        self.channels: dict[str, int] = {}
        """The channel that each control was last moved on, from 0."""
        self.faults = FaultCounter(logger, "MIDI controller")

    def receive_midi(self, data: bytes, at_s: float) -> None:
        """A message that has come in; made to be a port's receiver."""
        move = parse_controller_move(data)
        if isinstance(move, CcMove):
            is_loop = self._is_loop(move, at_s)
            control = (None if is_loop else self._learn(move)) or self.bindings.control_moved_by(move)
            if control is not None:
                if not is_loop:
                    self.channels[control] = move.channel
                    self._leave(control, move.value)
                return
        elif isinstance(move, ProgramSelected) and self._program_change != "off":
            self._waiting.append(move)
            self._call()
            return
        self._onward(data, at_s)

    def start_learning(self, control: str, learnt: OnLearnt, refused: OnRefused) -> None:
        """Binds the next knob that moves to a control, unless it moves another; which of both is told on the loop.

        Raises BadValue for what takes none.
        """
        CcBinding.read(control, 0)
        self._to_learn = (control, learnt, refused)

    def cancel_learning(self) -> None:
        """No knob is waited for any longer."""
        self._to_learn = None

    def on_value_sent(self, move: CcMove, at_s: float) -> None:
        """A value goes out to a controller at `at_s`; should it come in again at once, it is nobody's."""
        self._sent[move.cc, move.channel] = (move.value, at_s)

    def apply_pending(self) -> None:
        """Sets what has been moved, on the loop."""
        self._is_called = False
        latest: dict[str, int] = {}
        while self._waiting:
            item = self._waiting.popleft()
            if isinstance(item, ProgramSelected):
                self._do(partial(self._choose, item.program))
                continue
            control, value = item
            if BY_NAME[control].kind == "action":
                self._set(latest)
                latest = {}
                self._do(partial(self._press, control, value))
            else:
                latest[control] = value
        self._set(latest)

    def _learn(self, move: CcMove) -> str | None:
        # Taken away before it is looked at: a port and a page may ask at once.
        to_learn, self._to_learn = self._to_learn, None
        if to_learn is None:
            return None
        control, learnt, refused = to_learn
        try:
            binding = self.bindings.learn(control, move)
        except BadValue as error:
            self._soon(partial(refused, error))
            return None
        self.bindings = self.bindings.with_binding(control, binding)
        self._soon(lambda: learnt(control, binding))
        return control

    def _is_loop(self, move: CcMove, at_s: float) -> bool:
        value, sent_s = self._sent.get((move.cc, move.channel), (-1, 0.0))
        return value == move.value and at_s - sent_s < ECHO_S

    def _leave(self, control: str, value: int) -> None:
        self._waiting.append((control, value))
        self._call()

    def _call(self) -> None:
        if not self._is_called:
            self._is_called = True
            self._soon(self.apply_pending)

    def _set(self, latest: Mapping[str, int]) -> None:
        for control, value in latest.items():
            self._do(partial(self._turn, control, value))

    def _do(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        except (BadValue, BridgeError, ModelError) as error:
            self.faults.count(error)

    def _turn(self, control: str, received: int) -> None:
        row, present = control_named(control), self._desk.value(control)
        # Where it is there already, to set it would only round it.
        if present is not None and cc_value(row, present) != received:
            self._desk.set(control, value_from_cc(row, received), ORIGIN)
            self.on_control_moved(control)

    def _press(self, action: str, received: int) -> None:
        was_down = action in self._down
        if received < PRESSED:
            self._down.discard(action)
        elif not was_down:  # a pedal that tells how far down it is does it once
            self._down.add(action)
            self._desk.set(action, 1.0, ORIGIN)

    def _choose(self, program: int) -> None:
        what = self._program_change
        names = self._programs[what]
        if program >= len(names):
            raise BadValue(f"program {program + 1} is no {what}; there are {len(names)}: {', '.join(names)}")
        self._desk.set(what, names[program], ORIGIN)
