"""MIDI controllers move controls: CC and program changes set them; all other messages go on to the music. Knows no port.

`receive_midi` runs in the thread that received the message, that of a port or of a page: it looks up the binding and
leaves the rest to the asyncio loop, where `apply_pending` sets each control to its latest value only.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from bridge.fault_counter import FaultCounter
from bridge.midi.controller_moves import CcMove, ProgramSelected, parse_controller_move
from bridge.midi.ports import Receiver
from model.approach import APPROACHES
from server.config.config import ProgramChange
from server.controls.cc_bindings import CcBinding, CcBindings
from server.controls.control_store import ControlStore
from server.controls.control_table import BY_NAME, control_named
from server.controls.fader import cc_value, value_from_cc
from server.errors import FORESEEN, BadValue
from server.remote.learnable_moves import LearnableMoves

logger = logging.getLogger("fours.midi.in")

ORIGIN = "midi"
PRESSED_FROM = 64
"""A pedal or a button is down from this value on (MIDI 1.0: 64 to 127 is on)."""
ECHO_S = 0.1
"""A value that comes in so soon after it was sent has been looped back by a DAW; no hand has moved it."""

CallSoon = Callable[[Callable[[], None]], object]
"""Schedules a call on the asyncio loop from any thread: the loop's `call_soon_threadsafe`."""
OnLearnt = Callable[[str, CcBinding], None]
OnRefused = Callable[[BadValue], None]


class CcInput:
    """Stands between a port and the music.

    `packs` are the packs that a program change selects from, in order; `forward` receives every message that moves no
    control, in the thread of `receive_midi`.
    """

    def __init__(
        self,
        bindings: CcBindings,
        program_change: ProgramChange,
        packs: Sequence[str],
        controls: ControlStore,
        forward: Receiver,
        call_soon: CallSoon,
    ) -> None:
        self.bindings = bindings
        self._programs: Mapping[str, Sequence[str]] = {"pack": tuple(packs), "approach": APPROACHES}
        self._program_change = program_change
        self._controls = controls
        self._forward = forward
        self._call_soon = call_soon
        self._pending: deque[tuple[str, int] | ProgramSelected] = deque()
        self._is_scheduled = False
        self._pressed_actions: set[str] = set()
        self._learning: tuple[str, OnLearnt, OnRefused] | None = None
        self._learnable_moves = LearnableMoves()
        self._sent: dict[tuple[int, int], tuple[int, float]] = {}
        self.on_control_moved: Callable[[str], None] = lambda _control: None
        """Called on the loop with each control that a knob has moved, so that its motor does not move against the hand."""
        self.channels: dict[str, int] = {}
        """The channel on which each control was last moved, from 0."""
        self.faults = FaultCounter(logger, "MIDI controller", FORESEEN)

    def receive_midi(self, data: bytes, at_s: float) -> None:
        """Takes one MIDI message that came in at `at_s`.

        It has the signature of a port's receiver; any thread may call it.
        """
        move = parse_controller_move(data)
        if isinstance(move, CcMove):
            is_echo = self._is_echo(move, at_s)
            control = (None if is_echo else self._learn(move)) or self.bindings.control_moved_by(move)
            if control is not None:
                # The 0 that switches a lamp off comes back as an echo, and a foot may lift its pedal at the same
                # moment. So a release always counts: one that was an echo changes nothing, while a real one that was
                # missed would lose the next press.
                is_release = move.value < PRESSED_FROM and BY_NAME[control].kind == "action"
                if not is_echo or is_release:
                    self.channels[control] = move.channel
                    self._enqueue((control, move.value))
                return
        elif isinstance(move, ProgramSelected) and self._program_change != "off":
            self._enqueue(move)
            return
        self._forward(data, at_s)

    def start_learning(self, control: str, on_learnt: OnLearnt, on_refused: OnRefused) -> None:
        """Binds the next knob that moves to `control`, and calls `on_learnt` on the loop.

        If that knob moves another control already, or sends no CC of its own, nothing changes and `on_refused` is
        called instead. Either of the two ends the learning. Raises BadValue if no knob can move this control.
        """
        CcBinding.read(control, 0)
        self._learning = (control, on_learnt, on_refused)

    def cancel_learning(self) -> None:
        """Stops waiting for a knob."""
        self._learning = None

    def on_value_sent(self, move: CcMove, at_s: float) -> None:
        """A value was sent to a controller at `at_s`: the same value, received right after, is an echo."""
        self._sent[move.cc, move.channel] = (move.value, at_s)

    def apply_pending(self) -> None:
        """Sets the controls that have been moved; runs on the loop. What is refused is counted in `faults`."""
        self._is_scheduled = False
        latest: dict[str, int] = {}
        while self._pending:
            item = self._pending.popleft()
            if isinstance(item, ProgramSelected):
                self._count_faults(partial(self._select_program, item.program))
                continue
            control, value = item
            if BY_NAME[control].kind == "action":
                # An action must find the controls as they were when its pedal went down.
                self._set_controls(latest)
                latest = {}
                self._count_faults(partial(self._press_action, control, value))
            else:
                latest[control] = value
        self._set_controls(latest)

    def _learn(self, move: CcMove) -> str | None:
        refusal: BadValue | None = None
        try:
            if not self._learnable_moves.is_learnable(move):
                return None
        except BadValue as error:
            refusal = error
        # Removed before it is used: a port and a page may call at the same time, from two threads.
        learning, self._learning = self._learning, None
        if learning is None:
            return None
        control, on_learnt, on_refused = learning
        try:
            if refusal is not None:
                raise refusal
            binding = self.bindings.binding_to_learn(control, move)
        except BadValue as error:
            self._call_soon(partial(on_refused, error))
            return None
        self.bindings = self.bindings.with_binding(control, binding)
        self._call_soon(lambda: on_learnt(control, binding))
        return control

    def _is_echo(self, move: CcMove, at_s: float) -> bool:
        value, sent_s = self._sent.get((move.cc, move.channel), (-1, 0.0))
        return value == move.value and at_s - sent_s < ECHO_S

    def _enqueue(self, item: tuple[str, int] | ProgramSelected) -> None:
        self._pending.append(item)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._call_soon(self.apply_pending)

    def _set_controls(self, latest: Mapping[str, int]) -> None:
        for control, cc in latest.items():
            self._count_faults(partial(self._set_control, control, cc))

    def _count_faults(self, call: Callable[[], None]) -> None:
        try:
            call()
        except FORESEEN as error:
            self.faults.count(error)

    def _set_control(self, name: str, received: int) -> None:
        control, value = control_named(name), self._controls.value(name)
        # A value that is there already would only be rounded to one of the knob's 128 steps.
        if value is not None and cc_value(control, value) != received:
            self._controls.set(name, value_from_cc(control, received), ORIGIN)
            self.on_control_moved(name)

    def _press_action(self, action: str, received: int) -> None:
        was_down = action in self._pressed_actions
        if received < PRESSED_FROM:
            self._pressed_actions.discard(action)
        elif not was_down:  # a continuous pedal sends many values on its way down; the action is done once
            self._pressed_actions.add(action)
            self._controls.set(action, 1.0, ORIGIN)

    def _select_program(self, program: int) -> None:
        control = self._program_change
        names = self._programs[control]
        if program >= len(names):
            raise BadValue(f"program {program + 1} is no {control}; there are {len(names)}: {', '.join(names)}")
        self._controls.set(control, names[program], ORIGIN)
