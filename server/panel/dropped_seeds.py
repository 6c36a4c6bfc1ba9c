"""Seeds from the page: a `.mid` file that was dropped there is played into the jam, as if the player played it.

One plays at a time; another one takes its place.
"""

import asyncio
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from model.errors import SeedError
from model.files.midi_file import Seed, read_seed
from server.music.seed_player import pause, play_seed
from server.panel.jam_handle import JamHandle
from server.panel.page_view import Json

LARGEST_BYTES = 256 * 1024
"""A long piano piece, played by hand, takes half of that; and at this size even a file that is built to be slow to read is not slow."""

LONGEST_FILE_NAME = 100
"""In bytes; file systems take 255."""
FORBIDDEN_IN_NAMES = '<>:"|?*'
"""By Windows."""


class DroppedSeeds:
    """Plays seeds into the jam at its current tempo; use it in the asyncio loop."""

    def __init__(self, jam: JamHandle) -> None:
        self._jam = jam
        self._playing: asyncio.Task[None] | None = None

    async def play(self, name: str, content: bytes) -> dict[str, Json]:
        """Starts to play a file, and returns a description of it for the page. Raises SeedError."""
        seed = await asyncio.to_thread(_read, name, content)
        await self.stop()
        music_thread, clock = self._jam.music_thread, self._jam.clock
        playing = play_seed(seed, music_thread.receive_midi, lambda: music_thread.timeline, clock, pause)
        self._playing = asyncio.create_task(playing, name="seed")
        beats = seed.end_beats - seed.notes[0].onset_beats
        seconds = round(beats * 60.0 / music_thread.timeline.tempo_bpm, 1)
        return {"name": name, "notes": len(seed.notes), "seconds": seconds}

    async def stop(self) -> None:
        """Stops the seed that plays, if any, and releases the keys that it holds."""
        playing, self._playing = self._playing, None
        if playing is not None:
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing


def _read(name: str, content: bytes) -> Seed:
    try:
        with tempfile.TemporaryDirectory(prefix="fours-") as folder:
            # The file keeps its own name, as errors mention it.
            path = Path(folder) / _file_name(name)
            path.write_bytes(content)
            return read_seed(path)
    except OSError as error:
        raise SeedError(f"the seed cannot be read here: {error.strerror or error}") from error


def _file_name(name: str) -> str:
    """A name that every file system takes, as near to the given one as can be: without folders, and not too long."""
    last = re.split(r"[/\\]", name)[-1]
    allowed = "".join(sign for sign in last if sign.isprintable() and sign not in FORBIDDEN_IN_NAMES)
    short = allowed.encode()[-LONGEST_FILE_NAME:].decode(errors="ignore")
    return short if short.strip(" .") else "seed.mid"
