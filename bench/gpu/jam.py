"""A real `fours jam` on a device: a phrase is played in, as a keyboard would play it, and the answer is read from the take."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.live.jackd_server import free_udp_port
from bench.live.jam_process import running_jam
from server.takes.take_library import TakeLibrary

ENOUGH_NOTES = 8
PATIENCE_S = 45.0
POLLS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class PlayedJam:
    """What a jam says of its engines, and how many notes it heard and played within `seconds` of its start."""

    engines: dict[str, str]
    heard_notes: int
    played_notes: int
    seconds: float


def play_phrase(device: str, build: Path) -> PlayedJam:
    """Plays `docs/phrase.mid` into the jam of the checkout at `build`, until some of the answer has sounded.

    It needs no MIDI system: the file goes the way of the bytes of a port, and what is played goes into the take.
    Raises RuntimeError if the jam does not start, for instance without such a device.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = (
            f'[midi]\napi = "none"\n[engine]\ndevice = "{device}"\n[takes]\nfolder = {str(Path(folder, "takes"))!r}\n'
        )
        arguments = ("--no-panel", "--osc-port", str(free_udp_port()), "--random-seed", "7")
        began_s = time.perf_counter()
        with running_jam(build, (*arguments, "--seed", str(build / "docs" / "phrase.mid")), config) as jam:
            library = TakeLibrary(Path(folder, "takes"))
            while time.perf_counter() < began_s + PATIENCE_S:
                time.sleep(POLLS_EVERY_S)
                if any(entry.summary.played_notes >= ENOUGH_NOTES for entry in library.entries()):
                    break
            seconds = time.perf_counter() - began_s
        summaries = [entry.summary for entry in library.entries()]
        engines = {approach: jam.lines[approach] for approach in ("Pitch", "Event")}
        heard, played = (
            sum(getattr(summary, name) for summary in summaries) for name in ("heard_notes", "played_notes")
        )
        return PlayedJam(engines, heard, played, seconds)
