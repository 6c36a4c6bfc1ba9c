"""`fours calibrate`: sends clicks to the output that a jam would use, measures how late they are, and keeps the offset.

A loop is measured by what comes back to the input. By ear, somebody taps the space bar with the clicks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Protocol

from bridge.midi.messages import NoteOn, parse
from bridge.midi.ports import MidiSystem, OutputPort
from bridge.timing.clock import Clock
from server.calibration.click_player import ClickPlayer
from server.calibration.delay import TAP_EARLY_S, TAP_LATE_S, Delay, heard_delay, loop_delay
from server.config.config import Config
from server.config.kept_offsets import OFFSET_SECTION, offset_key, write_offset
from server.errors import CalibrationError

Say = Callable[[str], None]

FIRST_PITCH = 48
MOST_CLICKS, LEAST_CLICKS = 48, 8
PROBE_PITCH = 36
"""Sent until it comes back, as a track may have to be connected first; not the pitch of any click that is measured."""
INTERVAL_S = 0.3
LAST_COMES_BACK_S = 0.5
"""How long the last clicks are waited for; a longer delay than half of it cannot be made up for."""

EAR_PITCH = 84
EAR_INTERVAL_S = TAP_EARLY_S + TAP_LATE_S
LEAD_IN_CLICKS = 4
"""This many first clicks are not measured, as a person has to find the beat."""


class Taps(Protocol):
    """The presses of a space bar."""

    @property
    def pressed_s(self) -> Sequence[float]:
        """The seconds of the presses so far."""
        ...


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """How to measure. `path` is the configuration that keeps the offset, None to keep nothing; `wait_s` is for how long a click may be
    sent before the first one comes back.
    """

    clicks: int
    path: Path | None
    wait_s: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Measures with the ports of a MIDI system; `wait_until` returns at a second, and raises to stop everything."""

    config: Config
    system: MidiSystem
    clock: Clock
    wait_until: Callable[[float], None]
    say: Say

    def through_loop(self, request: CalibrationRequest) -> Delay:
        """Measures the way from the output back to the input, and keeps the offset.

        Raises CalibrationError if the clicks do not show the delay, ConfigError, and what the ports raise; then nothing is changed.
        """
        returned: list[tuple[int, float]] = []

        def receive(data: bytes, at_s: float) -> None:
            message = parse(data)
            if isinstance(message, NoteOn):
                returned.append((message.pitch, at_s))

        midi = self.config.midi
        with (
            self.system.open_input(midi.input or None, receive) as source,
            self.system.open_output(midi.output or None) as output,
        ):
            self.say(f"Clicks go out on {output.name}, and must come back on {source.name} ({output.description}).")
            player = self._player(output)
            self._find_loop(player, lambda: bool(returned), request.wait_s)
            clicks = list(player.play(range(FIRST_PITCH, FIRST_PITCH + request.clicks), INTERVAL_S))
            self.wait_until(self.clock.now_s() + LAST_COMES_BACK_S)
            port_name = output.name
            period_s = output.latency_s
        # The probes are no notes of anybody's, but those that come back late are no clicks either.
        delay = loop_delay(clicks, [note for note in returned if note[0] != PROBE_PITCH])
        self.say(
            f"{delay.measured} of {delay.sent} clicks came back {1000 * delay.median_s:.1f} ms late ({delay.range_text})."
        )
        if period_s:
            self.say(f"Of that, {1000 * period_s:.1f} ms are one period of {self.system.api}, which every loop takes.")
        self._keep(delay, port_name, request.path)
        self.say("Take the way back out again now, so that a jam does not hear its own notes.")
        return delay

    def by_ear(self, request: CalibrationRequest, taps: Taps) -> Delay:
        """Measures the way from the output to somebody's ear, and keeps the offset. Raises as `through_loop` does."""
        with self.system.open_output(self.config.midi.output or None) as output:
            self.say(
                f"Clicks go out on {output.name}. Press the space bar with each one; the first {LEAD_IN_CLICKS} do not count."
            )
            pitches = repeat(EAR_PITCH, LEAD_IN_CLICKS + request.clicks)
            clicks = list(self._player(output).play(pitches, EAR_INTERVAL_S))[LEAD_IN_CLICKS:]
            self.wait_until(self.clock.now_s() + TAP_LATE_S)
            port_name = output.name
        delay = heard_delay(clicks, taps.pressed_s)
        self.say(
            f"You tapped {1000 * delay.median_s:.0f} ms after {delay.measured} of {delay.sent} clicks ({delay.range_text}). People tap "
            "up to 50 ms ahead of what they hear, so the true delay may be that much longer."
        )
        self._keep(delay, port_name, request.path)
        return delay

    def _player(self, output: OutputPort) -> ClickPlayer:
        return ClickPlayer(output, self.clock, self.wait_until, self.config.settings.channel - 1)

    def _find_loop(self, player: ClickPlayer, has_returned: Callable[[], bool], wait_s: float) -> None:
        """Sends a click again and again until something comes back."""
        until_s = self.clock.now_s() + wait_s
        for _ in player.play(repeat(PROBE_PITCH), INTERVAL_S):
            if has_returned():
                return
            if self.clock.now_s() >= until_s:
                raise CalibrationError(
                    f"No click came back within {wait_s:.0f} s: connect the output to an armed and monitored track whose output goes to "
                    "the input, or measure with --by-ear."
                )

    def _keep(self, delay: Delay, port_name: str, path: Path | None) -> None:
        key = offset_key(port_name, is_virtual=not self.config.midi.output)
        if path is None:
            self.say(f'Put this into config.toml, under [{OFFSET_SECTION}]: "{key}" = {delay.offset_ms:.1f}')
            return
        write_offset(path, key, delay.offset_ms)
        self.say(
            f'offset_ms = {delay.offset_ms:.1f} is kept for "{key}" in {path}, under [{OFFSET_SECTION}]; a jam starts with it there.'
        )
        if self.config.settings.offset_ms:
            self.say("But controls.offset_ms of the configuration is not 0, and goes before it: set it to 0.0.")
