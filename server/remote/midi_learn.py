"""MIDI learn while the jam plays: one control at a time waits for a knob, and its binding is written down; knows no page."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from server.controls.cc_bindings import CcBinding, CcBindings
from server.errors import BadValue, ConfigError
from server.remote.cc_input import CcInput


@dataclass(frozen=True, slots=True)
class LearnOutcome:
    """How a learning has ended, as a sentence for the user; `is_error` if the binding failed or could not be written."""

    sentence: str
    is_error: bool = False


OnOutcome = Callable[[LearnOutcome], None]


class MidiLearn:
    """Runs on the asyncio loop; bindings are written to the configuration file `path`, which need not exist."""

    def __init__(self, cc_input: CcInput, path: Path) -> None:
        self._cc_input = cc_input
        self._path = path
        self._on_outcome: OnOutcome | None = None
        self.waiting_control: str | None = None
        """The control that waits for a knob."""

    @property
    def bindings(self) -> CcBindings:
        """The bindings of this moment."""
        return self._cc_input.bindings

    def start(self, control: str, on_outcome: OnOutcome) -> None:
        """Binds the next knob that moves to `control`, then calls `on_outcome` on the loop.

        A learning that still waits is replaced, and its callback is not called. Raises BadValue, with nothing changed, if
        no knob can move this control.
        """
        self._cc_input.start_learning(
            control, partial(self._on_learnt, on_outcome), partial(self._on_refused, on_outcome)
        )
        self.waiting_control, self._on_outcome = control, on_outcome

    def cancel(self) -> None:
        """Stops waiting for a knob; the callback is not called."""
        self._cc_input.cancel_learning()
        self.waiting_control = self._on_outcome = None

    def _on_learnt(self, on_outcome: OnOutcome, control: str, binding: CcBinding) -> None:
        # Imported here, as few jams learn a knob.
        from server.remote.learn_command import write_binding

        self._finish(on_outcome)
        try:
            write_binding(self._path, control, binding)
        except ConfigError as error:
            # The binding still holds in this jam.
            on_outcome(LearnOutcome(f"{binding} moves {control} in this jam only: {error}", is_error=True))
        else:
            on_outcome(LearnOutcome(f"{binding} moves {control} now; it is written to {self._path}"))

    def _on_refused(self, on_outcome: OnOutcome, error: BadValue) -> None:
        self._finish(on_outcome)
        on_outcome(LearnOutcome(str(error), is_error=True))

    def _finish(self, on_outcome: OnOutcome) -> None:
        # Another learning may have started since the knob moved.
        if self._on_outcome is on_outcome:
            self.waiting_control = self._on_outcome = None
