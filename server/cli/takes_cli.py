"""The commands `fours takes`, `takes export` and `takes remove`: they parse and print; the take library does the work."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from server.takes.take_library import TakeEntry, TakeLibrary

app = typer.Typer(help="List the recorded jams, and the takes marked in them.", invoke_without_command=True)


@app.callback()
def takes(
    context: typer.Context,
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the recorded jams, and the takes marked in them."""
    if context.invoked_subcommand is not None:
        return
    library = _take_library(config)
    entries = library.entries()
    if as_json:
        print(json.dumps([_entry_json(entry) for entry in entries], indent=2))
    elif not entries:
        print(f"There are no takes yet: `fours jam` records what is played in {library.folder}.")
    else:
        for line in _listing_lines(entries):
            print(line)


@app.command()
def export(
    *,
    name: Annotated[
        str, typer.Argument(metavar="[ID[:MARK]]", help="Any part of an id; with a mark's number, that take.")
    ] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="The .mid file to write.")],
    last: Annotated[bool, typer.Option("--last", help="The last jam, or its last mark where it has some.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write a jam, or a take of it, as a .mid file: player and answer on two tracks, with bars and tempo."""
    from server.errors import TakeError
    from server.takes.take_export import export_last, export_take

    if last == bool(name):
        raise TakeError("name the jam to export by its id, or use --last")
    library = _take_library(config)
    print(export_last(library, out) if last else export_take(library, name, out))


@app.command()
def remove(
    *,
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="Any part of an id.")],
    config: ConfigOption = None,
) -> None:
    """Remove jams for good, with all that is marked in them and what they remembered."""
    library = _take_library(config)
    entries = [library.find(name) for name in names]  # find all before removing any: a wrong name removes nothing
    for entry in entries:
        library.remove(entry)
        print(f"{entry.id} is removed")


def _take_library(config: Path | None) -> "TakeLibrary":
    from server.config.config import load
    from server.takes.take_library import TakeLibrary

    return TakeLibrary(load(config).takes.data_folder)


def _listing_lines(entries: "Iterable[TakeEntry]") -> Iterable[str]:
    for entry in entries:
        started = datetime.fromisoformat(entry.began_at).strftime("%a %d %b %Y, %H:%M") if entry.began_at else "no date"
        summary = entry.summary
        notes = f"{summary.heard_notes} notes played, {summary.played_notes} answered"
        memory = ", with a memory" if entry.memory_file else ""
        yield f"{entry.id}  {started}  {_minutes_text(summary.at_s)}  {notes}{memory}{'' if entry.is_ended else '; not ended'}"
        for number, mark in enumerate(summary.marks, start=1):
            yield f"  :{number}  {mark.kind:7}  {_minutes_text(mark.from_s)} to {_minutes_text(mark.until_s)}"


def _entry_json(entry: "TakeEntry") -> dict[str, object]:
    summary = entry.summary
    return {
        "id": entry.id,
        "path": str(entry.path),
        "began": entry.began_at,
        "length_s": summary.at_s,
        "heard_notes": summary.heard_notes,
        "played_notes": summary.played_notes,
        "bytes": entry.size_bytes,
        "memory": str(entry.memory_file) if entry.memory_file else None,
        "ended": entry.is_ended,
        "marks": [
            {"number": number, "kind": mark.kind, "from_s": mark.from_s, "until_s": mark.until_s}
            for number, mark in enumerate(summary.marks, start=1)
        ],
    }


def _minutes_text(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"
