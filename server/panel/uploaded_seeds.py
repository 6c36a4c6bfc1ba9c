"""Seeds from the page: a file of music that was dropped there is played into the jam, as if the player played it.

One plays at a time; another one takes its place.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from server.music.seed_player import pause, play_messages
from server.panel.jam_handle import JamHandle
from server.panel.pages.page_view import Json
from server.panel.work.worker import Worker, read_seed

LARGEST_BYTES = 256 * 1024
"""A long piano piece, played by hand, takes half of that; and at this size even a file that is built to be slow to read is not slow."""

LONGEST_NAME = 100
"""In characters; of a longer one the end is shown."""


class UploadedSeeds:
    """Plays seeds into the jam at its current tempo; use it in the asyncio loop."""

    def __init__(self, jam: JamHandle, worker: Worker) -> None:
        self._jam = jam
        self._worker = worker
        self._playing: asyncio.Task[None] | None = None

    async def play(self, name: str, content: bytes) -> dict[str, Json]:
        """Starts to play a file, and returns a description of it for the page. Raises SeedError."""
        # Errors mention the file by its own name, without folders.
        own_name = Path(name[-LONGEST_NAME:]).name or "seed.mid"
        seed = await read_seed(self._worker, own_name, content)
        await self.stop()
        music_thread, clock = self._jam.music_thread, self._jam.clock
        playing = play_messages(seed.messages(), music_thread.receive_midi, lambda: music_thread.timeline, clock, pause)
        self._playing = asyncio.create_task(playing, name="seed")
        return {
            "name": name,
            "notes": seed.notes,
            "seconds": round(seed.beats * 60.0 / music_thread.timeline.tempo_bpm, 1),
            "remark": seed.notice,
        }

    async def stop(self) -> None:
        """Stops the seed that plays, if any, and releases the keys that it holds."""
        playing, self._playing = self._playing, None
        if playing is not None:
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing
