"""Knobs learnt while the jam plays: one control at a time waits for one, and what was learnt is written down; knows no page."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from server.controls.cc_bindings import Binding, Bindings
from server.errors import BadValue, ConfigError
from server.remote.cc_input import Knobs
from server.remote.learn_command import write_binding


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a lesson has ended, for those who look on."""

    sentence: str
    is_wrong: bool = False


Told = Callable[[Outcome], None]


class Lessons:
    """On the asyncio loop; `path` is the configuration file that they are written to, which need not be there."""

    def __init__(self, knobs: Knobs, path: Path) -> None:
        self._knobs = knobs
        self._path = path
        self._told: Told | None = None
        self.control: str | None = None
        """What waits for a knob."""

    @property
    def bindings(self) -> Bindings:
        """What is bound where, now."""
        return self._knobs.bindings

    def begin(self, control: str, told: Told) -> None:
        """The next knob that moves is this control's; another lesson is given up. Raises BadValue for what takes none."""
        self._knobs.learn(control, partial(self._learnt, told), partial(self._refused, told))
        self.control, self._told = control, told

    def give_up(self) -> None:
        """No knob is waited for any longer."""
        self._knobs.forget_learning()
        self.control = self._told = None

    def _learnt(self, told: Told, control: str, binding: Binding) -> None:
        self._end(told)
        try:
            write_binding(self._path, control, binding)
        except ConfigError as error:
            # It moves the control all the same.
            told(Outcome(f"{binding} moves {control} in this jam only: {error}", is_wrong=True))
        else:
            told(Outcome(f"{binding} moves {control} now; it is written to {self._path}"))

    def _refused(self, told: Told, error: BadValue) -> None:
        self._end(told)
        told(Outcome(str(error), is_wrong=True))

    def _end(self, told: Told) -> None:
        # Another may have begun since the knob was moved.
        if self._told is told:
            self.control = self._told = None
