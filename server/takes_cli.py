"""The commands `fours takes`, `takes export` and `takes remove`: parse and show; the shelf and the takes do the rest."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from server.takes.take_library import TakeEntry, TakeLibrary

app = typer.Typer(
    help="List the jams that were written down, and the takes marked in them.", invoke_without_command=True
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The configuration; without it config.toml of this folder, if there.")
]


@app.callback()
def takes(
    context: typer.Context,
    *,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: JSON.")] = False,
) -> None:
    """List the jams that were written down, and the takes marked in them."""
    if context.invoked_subcommand is not None:
        return
    shelf = _take_library(config)
    rows = shelf.entries()
    if as_json:
        print(json.dumps([_entry_json(row) for row in rows], indent=2))
    elif not rows:
        print(f"There are none yet: what is played in `fours jam` is written down in {shelf.folder}.")
    else:
        for line in _listing_lines(rows):
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
        raise TakeError("name the jam to export by its id, or say --last")
    shelf = _take_library(config)
    print(export_last(shelf, out) if last else export_take(shelf, name, out))


@app.command()
def remove(
    *,
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="Any part of an id.")],
    config: ConfigOption = None,
) -> None:
    """Remove jams for good, with all that is marked in them and what they remembered."""
    shelf = _take_library(config)
    rows = [shelf.find(name) for name in names]  # all of them, before any is gone
    for row in rows:
        shelf.remove(row)
        print(f"{row.id} is gone")


def _take_library(config: Path | None) -> "TakeLibrary":
    from server.config.config import load
    from server.takes.take_library import TakeLibrary

    return TakeLibrary(load(config).takes.data_folder)


def _listing_lines(rows: "Iterable[TakeEntry]") -> Iterable[str]:
    for row in rows:
        began = datetime.fromisoformat(row.began_at).strftime("%a %d %b %Y, %H:%M") if row.began_at else "no date"
        ended = row.summary
        notes = f"{ended.heard_notes} notes played, {ended.played_notes} answered"
        memory = ", with a memory" if row.memory_file else ""
        yield f"{row.id}  {began}  {_minutes_text(ended.at_s)}  {notes}{memory}{'' if row.is_ended else '; not ended'}"
        for number, mark in enumerate(ended.marks, start=1):
            yield f"  :{number}  {mark.kind:7}  {_minutes_text(mark.from_s)} to {_minutes_text(mark.until_s)}"


def _entry_json(row: "TakeEntry") -> dict[str, object]:
    ended = row.summary
    return {
        "id": row.id,
        "path": str(row.path),
        "began": row.began_at,
        "length_s": ended.at_s,
        "heard_notes": ended.heard_notes,
        "played_notes": ended.played_notes,
        "bytes": row.size_bytes,
        "memory": str(row.memory_file) if row.memory_file else None,
        "ended": row.is_ended,
        "marks": [
            {"number": number, "kind": mark.kind, "from_s": mark.from_s, "until_s": mark.until_s}
            for number, mark in enumerate(ended.marks, start=1)
        ],
    }


def _minutes_text(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"
