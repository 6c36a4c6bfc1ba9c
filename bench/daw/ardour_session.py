"""A session for Ardour with MIDI tracks, regions of our files, a tempo and a loop: made by Ardour, and completed in its session file.

Ardour's Lua makes sessions and tracks, but only its windows can import files and set a loop range; so these two are written
into the file that Ardour saved, as Ardour would write them.
"""

import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.daw.ardour_program import JACK, NO_SOUND, SAMPLE_RATE, Ardour, ArdourError, ArdourLost, lua_text, running

TICKS_PER_BEAT = 1920
# Ardour counts samples in units that all usual rates divide.
SUPERCLOCKS_PER_S = 282_240_000
FIRST_OWN_ID = 1_000_000
NAME = "jam"
OPENINGS = 10
"""How often Ardour is started until it stays a client of its server: every second time it does not."""
SETTLED_AFTER_S = 1.0
"""By then an Ardour that loses its server while it opens a session has lost it."""


@dataclass(frozen=True, slots=True)
class Region:
    """A one-track MIDI file on a track of the session, from `at_beats` on."""

    track: str
    midi_file: Path
    at_beats: float
    length_beats: float


@contextmanager
def running_session(
    folder: Path,
    tracks: Sequence[str],
    regions: Sequence[Region] = (),
    *,
    tempo_bpm: float = 120.0,
    loop_beats: tuple[float, float] | None = None,
    backend: str = JACK,
) -> Iterator[Ardour]:
    """Runs Ardour with a new session of these tracks; its files and the program's settings lie in `folder`.

    With the backend `NO_SOUND` no JACK server is needed, and nothing can be connected.

    One Ardour makes the session and another opens it: Ardour 7.3 may crash where one process closes a session and opens another.
    """
    session_folder = folder / "session"
    with running(folder, NO_SOUND) as ardour:
        ardour.run(f"make_session({lua_text(session_folder)}, {lua_text(NAME)}, {SAMPLE_RATE})")
        ardour.run(f"set_tempo({tempo_bpm}, 0)")
        for track in tracks:
            ardour.run(f"add_midi_track({lua_text(track)})")
        ardour.run('session:save_state("")')
    _complete(session_folder, regions, tempo_bpm, loop_beats)
    with ExitStack() as stack:
        yield _open(stack, folder, session_folder, backend)


def _open(stack: ExitStack, folder: Path, session_folder: Path, backend: str) -> Ardour:
    """Opens the session in an Ardour that ends with `stack`, started again where it loses its server. Raises ArdourError."""
    for _ in range(OPENINGS):
        with ExitStack() as opening:
            ardour = opening.enter_context(running(folder, backend))
            try:
                ardour.run(f"open_session({lua_text(session_folder)}, {lua_text(NAME)})")
                time.sleep(SETTLED_AFTER_S)
                ardour.run("return 1")
            except ArdourLost:
                continue
            stack.push(opening.pop_all())
            return ardour
    raise ArdourError(f"Ardour was started {OPENINGS} times, and lost its server each time")


def split_tracks(midi_file: Path, folder: Path) -> list[Path]:
    """Writes each track of a MIDI file, its bytes unchanged, as a file of its own: Ardour reads one track of a file that lies in a session."""
    data = midi_file.read_bytes()
    division = data[12:14]
    paths: list[Path] = []
    start = 8 + struct.unpack(">I", data[4:8])[0]
    while start < len(data):
        end = start + 8 + struct.unpack(">I", data[start + 4 : start + 8])[0]
        path = folder / f"{midi_file.stem}-{len(paths)}.mid"
        path.write_bytes(b"MThd" + struct.pack(">IHH", 6, 0, 1) + division + data[start:end])
        paths.append(path)
        start = end
    return paths


def _complete(
    folder: Path, regions: Sequence[Region], tempo_bpm: float, loop_beats: tuple[float, float] | None
) -> None:
    session_file = folder / f"{NAME}.ardour"
    tree = ET.parse(session_file)  # noqa: S314  Ardour wrote it a moment ago
    root = tree.getroot()
    for number, region in enumerate(regions):
        _add_region(root, folder, region, FIRST_OWN_ID + 10 * number)
    if loop_beats is not None:
        start, end = (f"a{round(beats * 60 / tempo_bpm * SUPERCLOCKS_PER_S)}" for beats in loop_beats)
        flags = {"flags": "IsAutoLoop,IsHidden", "locked": "0", "timestamp": "0", "cue": "0"}
        attributes = {"id": str(FIRST_OWN_ID - 1), "name": "Loop", "start": start, "end": end, **flags}
        ET.SubElement(_child(root, "Locations"), "Location", attributes)
    root.set("id-counter", str(FIRST_OWN_ID + 10 * (len(regions) + 1)))
    tree.write(session_file, encoding="UTF-8", xml_declaration=True)


def _add_region(root: ET.Element, folder: Path, region: Region, first_id: int) -> None:
    name = f"{region.track}-{first_id}"
    (midi_folder,) = folder.glob("interchange/*/midifiles")
    source_file = midi_folder / f"{name}.mid"
    source_file.write_bytes(region.midi_file.read_bytes())
    source = {"name": source_file.name, "take-id": "", "type": "midi", "flags": "Writable,CanRename", "origin": ""}
    ET.SubElement(
        _child(root, "Sources"), "Source", {**source, "id": str(first_id), "natural-position": "a0", "captured-for": ""}
    )
    length, position = (round(beats * TICKS_PER_BEAT) for beats in (region.length_beats, region.at_beats))
    attributes = {
        "name": name,
        "type": "midi",
        "start": "b0",
        "length": f"b{length}@b{position}",
        "sync-position": "b0",
        "opaque": "1",
        "source-0": str(first_id),
        "master-source-0": str(first_id),
    }
    whole = {**attributes, "id": str(first_id + 1), "whole-file": "1", "automatic": "1", "length": f"b{length}@b0"}
    ET.SubElement(_child(root, "Regions"), "Region", whole)
    (playlist,) = [each for each in _child(root, "Playlists") if each.get("name") == region.track]
    ET.SubElement(playlist, "Region", {**attributes, "id": str(first_id + 2), "whole-file": "0", "automatic": "0"})


def _child(root: ET.Element, name: str) -> ET.Element:
    child = root.find(name)
    assert child is not None
    return child
