"""The command `fours calibrate`: it parses and prints; `server.calibration` does the work."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import ConfigOption

CLICKS = 16


def calibrate(
    *,
    midi_in: Annotated[str | None, typer.Option(help="Listen to the port with this in its name.")] = None,
    midi_out: Annotated[str | None, typer.Option(help="Play to the port with this in its name.")] = None,
    midi_api: Annotated[str | None, typer.Option(help="As for jam: auto, jack, alsa, ...")] = None,
    by_ear: Annotated[
        bool, typer.Option("--by-ear", help="Where nothing comes back: tap the space bar with the clicks.")
    ] = False,
    clicks: Annotated[int, typer.Option(min=8, max=48, help="How many clicks to measure.")] = CLICKS,
    wait: Annotated[
        float, typer.Option(min=1, max=600, help="Seconds to wait until the first click comes back.")
    ] = 60.0,
    dry_run: Annotated[bool, typer.Option(help="Print the offset, and write nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Measure how late notes come back from the DAW or synth, and keep the offset for that output in the configuration."""
    from contextlib import ExitStack

    from bridge.midi.midi_systems import open_midi_system
    from bridge.timing.clock import MonotonicClock
    from server.calibration.calibrate_command import Calibration, CalibrationRequest
    from server.calibration.click_player import Pause
    from server.calibration.space_bar import SpaceBar
    from server.config.config import CONFIG_FILE, load
    from server.music.thread_priority import request_high_priority
    from server.stop_signals import StopSignals

    clock = MonotonicClock()
    pause = Pause(clock)
    checked = load(config).with_values({"midi.input": midi_in, "midi.output": midi_out, "midi.api": midi_api})
    request = CalibrationRequest(clicks, None if dry_run else config or Path(CONFIG_FILE), wait)
    with ExitStack() as stack:
        stack.enter_context(StopSignals(clock, pause.request_stop))
        request_high_priority()
        taps = stack.enter_context(SpaceBar(sys.stdin, clock)) if by_ear else None
        # Measuring needs a port even if the jam has none.
        api = "auto" if checked.midi.api == "none" else checked.midi.api
        calibration = Calibration(checked, open_midi_system(api, clock), clock, pause.until, partial(print, flush=True))
        if taps is None:
            calibration.through_loop(request)
        else:
            calibration.by_ear(request, taps)
