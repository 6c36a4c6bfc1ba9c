"""The command `fours doctor`: it parses and prints; `server.doctor` does the work."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import ConfigOption, JsonOption


def doctor(
    *,
    as_json: JsonOption = False,
    lan: Annotated[bool, typer.Option("--lan", help="Look at what a jam with --lan needs, too.")] = False,
    config: ConfigOption = None,
) -> None:
    """Look at everything that a jam needs here, and say what to do; exit status 0 means that you can play."""
    from bridge.timing.clock import MonotonicClock
    from server.config.config import Config, load
    from server.doctor.check_table import CHECKS, Check, Examination
    from server.doctor.doctor_command import as_json as report_json
    from server.doctor.doctor_command import examine, lines, verdict
    from server.doctor.finding import Finding, can_play
    from server.errors import ConfigError
    from server.setup.daw_folders import Machine

    try:
        loaded, configuration = load(config), Finding("ok", f"{config or 'config.toml'}, or the defaults, is in order")
    except ConfigError as error:
        # The rest is examined with the defaults.
        mistakes = str(error).replace("\n", "; ")
        loaded, configuration = (
            Config(),
            Finding("broken", "the configuration has mistakes", f"Correct them: {mistakes}."),
        )
    if lan:
        loaded = loaded.with_values({"panel.lan": True})
    here = Examination(loaded, MonotonicClock(), Machine(sys.platform, Path.home(), os.environ))
    examined = []
    for each in examine(here, (Check("Config", lambda _here: [configuration]), *CHECKS)):
        examined.append(each)
        for line in () if as_json else lines(each):
            print(line)
    print(json.dumps(report_json(examined), indent=2) if as_json else verdict(examined))
    if not can_play([finding for each in examined for finding in each.findings]):
        raise typer.Exit(1)
