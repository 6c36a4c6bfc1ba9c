"""The command `fours jam`: it parses; `server.session` does the work."""

import logging
import random
import sys
from pathlib import Path
from typing import Annotated, get_args

import typer

from bridge.midi.midi_systems import MidiApi
from bridge.timing.clock import MonotonicClock
from server.cli.options import ConfigOption, Controls
from server.controls.control_table import Value
from server.garbage import no_search


@no_search()  # until the session is ready, which begins to search
def jam(
    *,
    midi_in: Annotated[str | None, typer.Option(help="Listen to the port with this in its name.")] = None,
    midi_out: Annotated[str | None, typer.Option(help="Play to the port with this in its name.")] = None,
    midi_api: Annotated[str | None, typer.Option(help=", ".join(get_args(MidiApi)) + ".")] = None,
    osc_port: Annotated[int | None, typer.Option(help="The port that receives OSC.")] = None,
    panel: Annotated[
        bool | None, typer.Option("--panel/--no-panel", help="Serve the panel, a page to play on.")
    ] = None,
    panel_port: Annotated[int | None, typer.Option(help="The port of the panel's page.")] = None,
    lan: Annotated[bool | None, typer.Option("--lan", help="Serve panel and OSC to the network too.")] = None,
    trust: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Read OSC from this address too; can be given more than once."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    random_seed: Annotated[
        int | None, typer.Option(help="With the same number, the same playing gets the same answers.")
    ] = None,
    seed: Annotated[Path | None, typer.Option(help="Play this file of music in first, at its tempo.")] = None,
    remember: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|TAKE",
            help="Start with the memory in this file, and save it there at the end; or start with the memory of a take: any part of its id, or last.",
        ),
    ] = None,
    dummy: Annotated[
        bool,
        typer.Option(
            "--dummy",
            help="Answer by simple rules instead of trained models, without MIDI ports unless another option names them.",
        ),
    ] = False,
    config: ConfigOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log every message that comes in and goes out.")
    ] = False,
    controls: Controls,
) -> None:
    """Start the jam partner: it listens on a MIDI port and answers on another."""
    clock = MonotonicClock()
    started_s = clock.now_s()
    # First, and from here, where the stack is low. Python keeps its stack in blocks, and maps and unmaps memory at each call
    # that begins a block: where the imports of a session come to numpy, that happens 3,700 times, which takes 60 ms.
    import numpy as np  # noqa: F401

    from server.config.config import load
    from server.console import LineWriter, fill_closed_descriptors, start_logging
    from server.music.thread_priority import request_high_priority
    from server.session.session import Session, run
    from server.takes.memories.memory_store import find_memory_origin
    from server.takes.take_library import TakeLibrary

    fill_closed_descriptors()
    start_logging(logging.DEBUG if verbose else logging.WARNING)
    say = LineWriter(sys.stdout).write
    seed_phrase = None
    if seed is not None:
        from model.files.seed import read_seed
        from server.music.seed_player import seed_values

        seed_phrase = read_seed(seed)
        controls = {**seed_values(seed_phrase), **controls}
    if dummy:
        controls = {"pack": "dummy", **controls}
        if midi_in is None and midi_out is None and midi_api is None:
            midi_in, midi_out, midi_api = "", "", "none"
    loaded = load(config)
    changes: dict[str, Value | list[str] | None] = {
        "midi.input": midi_in,
        "midi.output": midi_out,
        "midi.api": midi_api,
        "osc.port": osc_port,
        "osc.trust": [*loaded.osc.trust, *trust] if trust else None,
        "panel.on": panel,
        "panel.port": panel_port,
        "panel.lan": lan,
        "engine.device": device,
        **{f"controls.{name}": value for name, value in controls.items()},
    }
    checked = loaded.with_values(changes)
    random_seed = random.SystemRandom().randrange(2**31) if random_seed is None else random_seed
    library = TakeLibrary(checked.takes.data_folder)
    memory_origin = None if remember is None else find_memory_origin(remember, library, say)
    request_high_priority()
    session = Session(
        checked,
        random_seed,
        say,
        clock,
        started_s,
        seed_phrase,
        memory_origin,
        config,
        is_offset_given="offset_ms" in controls,
    )
    run(session)
