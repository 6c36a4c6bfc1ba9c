"""The command line, `fours`: parses arguments and prints results; the work is done elsewhere.

Its commands are `jam`, `export`, `takes`, `ports`, `controls`, `config`, `layout`, `learn`, `packs`, `setup`, `calibrate`,
`doctor`, `train`, `evaluate`, `compare` and `judge`. Each command imports what it needs when it runs, so that `fours --help` is quick.
"""

import json
import logging
import math
import os
import random
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, get_args

import typer

from bridge.midi.midi_systems import MidiApi
from bridge.timing.clock import MonotonicClock
from server.calibrate_cli import calibrate
from server.controls.cli_options import with_control_options
from server.controls.control_table import CONTROLS, Control, Value
from server.doctor_cli import doctor
from server.garbage import no_search, search_seldom
from server.judge_cli import SET_BY_JUDGE, judge, training_module
from server.setup_cli import setup
from server.takes_cli import ConfigOption, JsonOption
from server.takes_cli import app as takes_app

# Otherwise pydantic searches all installed packages for plugins of its own, which takes 20 ms of each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# Otherwise numpy starts a thread for each core as it is imported, which waits in a loop: the other cores belong to the DAW.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

Controls = dict[str, Value]
"""The values of the control options that were given, by the control's name."""


@no_search()  # until the session is ready, which begins to search
def jam(
    *,
    midi_in: Annotated[str | None, typer.Option(help="Listen to the port with this in its name.")] = None,
    midi_out: Annotated[str | None, typer.Option(help="Play to the port with this in its name.")] = None,
    midi_api: Annotated[str | None, typer.Option(help=", ".join(get_args(MidiApi)) + ".")] = None,
    osc_port: Annotated[int | None, typer.Option(help="Where OSC comes in.")] = None,
    panel: Annotated[
        bool | None, typer.Option("--panel/--no-panel", help="Serve the panel, a page to play on.")
    ] = None,
    panel_port: Annotated[int | None, typer.Option(help="Where the panel is served.")] = None,
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
            help="Use no trained models, as simple rules answer, and no MIDI ports unless another option names them.",
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


def export(
    *,
    seed: Annotated[Path, typer.Argument(help="A file of music (.mid, MusicXML, ABC): the phrase to answer.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .mid file to write.")],
    count: Annotated[
        int, typer.Option(min=1, max=999, help="How many answers to write, each in a file of its own.")
    ] = 1,
    answer_only: Annotated[bool, typer.Option(help="Leave the seed out of the file.")] = False,
    piano_roll: Annotated[Path | None, typer.Option(help="Draw seed and answer as a .png.")] = None,
    random_seed: Annotated[int, typer.Option(help="The same seed, settings and number give the same file.")] = 0,
    config: ConfigOption = None,
    controls: Controls,
) -> None:
    """Answer a file of music, and write the answer as a .mid file."""
    from server.config.config import load
    from server.export import ExportRequest, export_answers

    checked = load(config).with_values({f"controls.{name}": value for name, value in controls.items()})
    request = ExportRequest(seed, out, count, answer_only, piano_roll, random_seed)
    for path in export_answers(request, checked, own_tempo="tempo" in controls, say=_print_error):
        print(path)


def ports(*, as_json: JsonOption = False) -> None:
    """List the MIDI ports of this machine."""
    from dataclasses import asdict

    from bridge.midi.midi_systems import list_ports
    from bridge.timing.clock import MonotonicClock

    rows = list_ports("auto", MonotonicClock())
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        print(f"{row.direction:7} {row.name} ({row.api})")
    if not rows:
        print("There are no ports yet; `fours jam` makes its own where the system can.")


def controls(
    *,
    as_json: JsonOption = False,
    markdown: Annotated[bool, typer.Option(help="Print the page docs/osc.md.")] = False,
) -> None:
    """List every control: its OSC address, the values that it accepts, its default."""
    if markdown:
        from server.remote.osc_docs import osc_page

        print(osc_page(), end="")
        return
    if as_json:
        print(json.dumps([_control_json(control) for control in CONTROLS], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("OSC address", "takes", "default", "what it does", box=None, pad_edge=False)
    for control in CONTROLS:
        default = (
            "" if control.default is None else f"{control.default:g}" if control.kind == "number" else control.default
        )
        table.add_row(control.address, control.allowed, str(default), control.help)
    Console().print(table)


def write_config(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; fours jam reads config.toml of its folder.")
    ] = None,
) -> None:
    """Print the configuration with every key, its default and a comment, or write it into a file."""
    from server.config.config_template import config_template, write_template

    if out is None:
        print(config_template(), end="")
    else:
        write_template(out)
        print(out)


def learn(
    *,
    control: Annotated[str, typer.Argument(help="The control that the knob will move, such as temperature.")],
    midi_in: Annotated[str | None, typer.Option(help="Listen to the port with this in its name.")] = None,
    midi_api: Annotated[str | None, typer.Option(help="As for jam: auto, jack, alsa, ...")] = None,
    any_channel: Annotated[bool, typer.Option(help="Bind the knob on every channel, not only on its own.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Print the binding, and write nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Bind the next MIDI knob, fader or pedal that moves to a control, and write that into the configuration."""
    from bridge.midi.midi_systems import open_midi_system
    from server.config.config import CONFIG_FILE, load
    from server.remote.learn_command import learn as learn_knob

    checked = load(config).with_values({"midi.input": midi_in, "midi.api": midi_api})
    path = None if dry_run else config or Path(CONFIG_FILE)
    api = checked.midi.api
    with suppress(KeyboardInterrupt):
        learn_knob(
            control,
            checked,
            # Learning needs a port even if the jam has none.
            open_midi_system("auto" if api == "none" else api, MonotonicClock()),
            _print_line,
            path=path,
            any_channel=any_channel,
        )


def layout(
    *,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write.")] = None,
    app_name: Annotated[str, typer.Option("--for", help="touchosc or open-stage-control.")] = "touchosc",
    picture: Annotated[Path | None, typer.Option(help="Draw it as a .png too.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write a layout of these controls, and of your packs, for an app on a tablet or a phone."""
    from server.config.config import load
    from server.remote.layout_command import find_surface_app, write_layout

    for path in write_layout(find_surface_app(app_name), load(config), out, picture):
        print(path)


def packs(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the packs that can be played, with what they were trained on."""
    from model.errors import PackError
    from model.pack.pack import available_packs, open_pack
    from server.config.config import load

    folders = load(config).pack_folders
    opened = []
    for folder in available_packs(folders).values():
        try:
            opened.append(open_pack(str(folder)))
        except PackError as error:  # a broken pack must not hide the others
            print(f"fours: {error}", file=sys.stderr)
    if as_json:
        print(
            json.dumps([{"folder": str(pack.folder), **pack.card.model_dump(mode="json")} for pack in opened], indent=2)
        )
        return
    for pack in opened:
        print(f"{pack.name}  ({pack.folder})")
        for source in {source.name: source for source in pack.card.corpora}.values():  # each as it was read last
            licences = ", ".join(source.licences) or "licence not known"
            print(
                f"  trained on {source.name}: {source.files} {'file' if source.files == 1 else 'files'}, {source.notes:,} notes; {licences}"
            )
        for approach, part in pack.card.approaches.items():
            for corpus, held_out in part.held_out.items():
                time_bits = "" if held_out.time_bits is None else f" + {held_out.time_bits:.2f} for time"
                best = f"; best PPM {min(held_out.ppm.values()):.2f}" if held_out.ppm else ""
                print(
                    f"  {approach} on {corpus}'s test files: {held_out.pitch_bits:.2f}{time_bits} bits per note{best}"
                )


def train(context: typer.Context) -> None:
    """Train a pack on folders of MIDI files (needs the extra `train`)."""
    _run_training_command("train.cli", context)


def evaluate(context: typer.Context) -> None:
    """Measure a pack on music that it has not seen (needs the extra `train`)."""
    _run_training_command("train.evaluate_cli", context)


def compare(context: typer.Context) -> None:
    """Compare a pack's two approaches on one page (needs the extra `train`)."""
    _run_training_command("train.compare_cli", context)


def _run_training_command(module: str, context: typer.Context) -> None:
    """Runs a command of the package `train`, which parses its own arguments; its dependencies may not be installed."""
    training_module(module).main(context.args)


def _print_error(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _print_line(line: str) -> None:
    print(line, flush=True)


_OMITTED_VALUES = {math.inf, -math.inf, (), "", None}


def _control_json(control: Control) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "address": control.address,
        **{
            name: value
            for name, value in asdict(control).items()
            if value is not False and value not in _OMITTED_VALUES
        },
    }


COMMANDS: Mapping[str, Callable[..., None]] = {
    "jam": jam,
    "export": export,
    "judge": judge,
    "ports": ports,
    "controls": controls,
    "config": write_config,
    "layout": layout,
    "learn": learn,
    "packs": packs,
    "setup": setup,
    "calibrate": calibrate,
    "doctor": doctor,
    "train": train,
    "evaluate": evaluate,
    "compare": compare,
}
_RENAMED_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "jam": {},
    "export": {"answer_length": "length"},
    "judge": {},
}
"""The commands that have an option for each control, and the options that have another name than their control."""
_LEFT_OUT_CONTROLS: Mapping[str, Collection[str]] = {"judge": SET_BY_JUDGE}
"""The controls that a command sets itself."""
_PARSE_THEIR_OWN_ARGUMENTS = {"train", "evaluate", "compare"}


def command_line(name: str = "") -> typer.Typer:
    """The commands; only the one of this name where there is one, as typer builds all that it has, which takes 5 ms of each start."""
    app = typer.Typer(
        name="fours",
        help="Trading Fours: play a phrase, and it answers, in time and in key, on a virtual MIDI port.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for each in [name] if name in COMMANDS else COMMANDS:
        command = COMMANDS[each]
        if each in _RENAMED_OPTIONS:
            command = with_control_options(command, _RENAMED_OPTIONS[each], _LEFT_OUT_CONTROLS.get(each, ()))
        settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
        app.command(each, context_settings=settings if each in _PARSE_THEIR_OWN_ARGUMENTS else None)(command)
    app.add_typer(takes_app, name="takes")
    return app


def main() -> None:
    """The console command: an error of the project's own ends it with one sentence and exit status 1."""
    from server.console import escape_unknown_characters
    from server.errors import FORESEEN

    search_seldom()
    escape_unknown_characters()
    try:
        command_line(*sys.argv[1:2])()
    except FORESEEN as error:
        raise SystemExit(f"fours: {error}") from None
