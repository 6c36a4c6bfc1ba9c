"""The commands `fours learn` and `layout`, for knobs and tablets: they parse and print; `server.remote` does the work."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bridge.timing.clock import MonotonicClock
from server.cli.options import ConfigOption


def learn(
    *,
    control: Annotated[
        str, typer.Argument(metavar="CONTROL", help="The control that the knob will move, such as temperature.")
    ],
    midi_in: Annotated[str | None, typer.Option(help="Listen to the port with this in its name.")] = None,
    midi_api: Annotated[str | None, typer.Option(help="As for jam: auto, jack, alsa, ...")] = None,
    any_channel: Annotated[bool, typer.Option(help="Bind the knob on every channel, not only on its own.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Print the binding, and write nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Bind the next MIDI knob, fader or pedal that moves to a control, and write that into the configuration."""
    from bridge.midi.midi_systems import open_midi_system
    from server.config.config import CONFIG_FILE, load
    from server.remote.learn_command import check_learnable
    from server.remote.learn_command import learn as learn_knob

    check_learnable(control)  # before any port is opened, which may fail for another reason
    checked = load(config).with_values({"midi.input": midi_in, "midi.api": midi_api})
    path = None if dry_run else config or Path(CONFIG_FILE)
    api = checked.midi.api
    with suppress(KeyboardInterrupt):
        learn_knob(
            control,
            checked,
            # Learning needs a port even if the jam has none.
            open_midi_system("auto" if api == "none" else api, MonotonicClock()),
            partial(print, flush=True),
            path=path,
            any_channel=any_channel,
        )


def layout(
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write; without it trading-fours.tosc or .json in this folder."),
    ] = None,
    app_name: Annotated[str, typer.Option("--for", help="touchosc or open-stage-control.")] = "touchosc",
    picture: Annotated[Path | None, typer.Option(help="Draw it as a .png too.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write a layout of the controls, and of your packs, for an app on a tablet or a phone."""
    from server.config.config import load
    from server.remote.layout_command import find_surface_app, write_layout

    for path in write_layout(find_surface_app(app_name), load(config), out, picture):
        print(path)
