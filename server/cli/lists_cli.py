"""The commands that print what there is: `fours ports`, `controls`, `packs`, and `config` with every key."""

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import ConfigOption, JsonOption
from server.controls.control_table import BY_NAME, CONTROLS, Control


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

    from model.harmony.forms import FORMS

    table = Table("OSC address", "takes", "default", "what it does", box=None, pad_edge=False)
    for control in CONTROLS:
        default = (
            "" if control.default is None else f"{control.default:g}" if control.kind == "number" else control.default
        )
        table.add_row(control.address, control.allowed, str(default), control.help)
    console = Console()
    console.print(table)
    print()
    console.print(f"Forms for {BY_NAME['chart'].address}: {', '.join(FORMS)}.", highlight=False)


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


def write_config(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The file to write; fours jam reads config.toml of the folder where it starts."
        ),
    ] = None,
) -> None:
    """Print the configuration with every key, its default and a comment, or write it into a file."""
    from server.config.config_template import config_template, write_template

    if out is None:
        print(config_template(), end="")
    else:
        write_template(out)
        print(out)


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
