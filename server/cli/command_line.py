"""`fours`: the table of its commands, and how one is run.

Each command imports what it needs when it runs, so that `fours --help` is quick.
"""

import os
import sys
from collections.abc import Callable, Collection, Mapping

import typer

from server.cli.calibrate_cli import calibrate
from server.cli.doctor_cli import doctor
from server.cli.export_cli import SET_BY_EXPORT, export
from server.cli.interruption import INTERRUPTED, ended_at_once
from server.cli.jam_cli import jam
from server.cli.judge_cli import SET_BY_JUDGE, judge
from server.cli.lists_cli import controls, packs, ports, write_config
from server.cli.setup_cli import setup
from server.cli.surfaces_cli import layout, learn
from server.cli.takes_cli import app as takes_app
from server.cli.training_cli import compare, evaluate, train
from server.controls.cli_options import with_control_options
from server.garbage import search_seldom

# Otherwise pydantic searches all installed packages for plugins of its own, which takes 20 ms of each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# Otherwise numpy starts a thread for each core as it is imported, which waits in a loop: the other cores belong to the DAW.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

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
_LEFT_OUT_CONTROLS: Mapping[str, Collection[str]] = {"jam": (), "export": SET_BY_EXPORT, "judge": SET_BY_JUDGE}
"""The commands that have an option for each control, and the controls that each sets itself, or that have no effect on what it does."""
_SHORTER_NAMES: Mapping[str, Mapping[str, str]] = {"export": {"answer_length": "length"}}
"""The options that a command has by a shorter name, too."""
_DEFAULTS: Mapping[str, Mapping[str, str]] = {"export": {"tempo": "that of the seed"}}
"""What a control is in a command without its option, where that is not the configuration's value."""
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
        if each in _LEFT_OUT_CONTROLS:
            command = with_control_options(
                command, _SHORTER_NAMES.get(each), _LEFT_OUT_CONTROLS[each], _DEFAULTS.get(each)
            )
        settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
        app.command(each, context_settings=settings if each in _PARSE_THEIR_OWN_ARGUMENTS else None)(command)
    app.add_typer(takes_app, name="takes")
    return app


def main() -> None:
    """The console command: an error of the project's own ends it with one sentence and exit status 1, Ctrl-C with `INTERRUPTED`."""
    with ended_at_once():
        from server.console import escape_unknown_characters
        from server.errors import FORESEEN

    search_seldom()
    escape_unknown_characters()
    try:
        command_line(*sys.argv[1:2])()
    except FORESEEN as error:
        raise SystemExit(f"fours: {error}") from None
    except (KeyboardInterrupt, ImportError) as error:
        # A library whose import was interrupted, such as ONNX Runtime, says that it cannot be imported.
        if not isinstance(error.__cause__ or error, KeyboardInterrupt):
            raise
        raise SystemExit(INTERRUPTED) from None
