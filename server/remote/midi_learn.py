"""Knobs learnt while the jam plays: one control at a time waits for one, and what was learnt is written down; knows no page."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from server.controls.cc_bindings import CcBinding, CcBindings
from server.errors import BadValue, ConfigError
from server.remote.cc_input import CcInput
from server.remote.learn_command import write_binding


@dataclass(frozen=True, slots=True)
class LearnOutcome:
    """How a lesson has ended, for those who look on."""

    sentence: str
    is_error: bool = False


OnOutcome = Callable[[LearnOutcome], None]


class MidiLearn:
    """On the asyncio loop; `path` is the configuration file that they are written to, which need not be there."""

    def __init__(self, knobs: CcInput, path: Path) -> None:
        self._knobs = knobs
        self._path = path
        self._told: OnOutcome | None = None
        self.waiting_control: str | None = None
        """What waits for a knob."""

    @property
    def bindings(self) -> CcBindings:
        """What is bound where, now."""
        return self._knobs.bindings

    def start(self, control: str, told: OnOutcome) -> None:
        """The next knob that moves is this control's; another lesson is given up. Raises BadValue for what takes none."""
        self._knobs.start_learning(control, partial(self._learnt, told), partial(self._refused, told))
        self.waiting_control, self._told = control, told

    def cancel(self) -> None:
        """No knob is waited for any longer."""
        self._knobs.cancel_learning()
        self.waiting_control = self._told = None

    def _learnt(self, told: OnOutcome, control: str, binding: CcBinding) -> None:
        self._end(told)
        try:
            write_binding(self._path, control, binding)
        except ConfigError as error:
            # It moves the control all the same.
            told(LearnOutcome(f"{binding} moves {control} in this jam only: {error}", is_error=True))
        else:
            told(LearnOutcome(f"{binding} moves {control} now; it is written to {self._path}"))

    def _refused(self, told: OnOutcome, error: BadValue) -> None:
        self._end(told)
        told(LearnOutcome(str(error), is_error=True))

    def _end(self, told: OnOutcome) -> None:
        # Another may have begun since the knob was moved.
        if self._told is told:
            self.waiting_control = self._told = None
