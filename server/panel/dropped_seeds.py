"""A `.mid` file that was dropped on the page: read in a thread, then in the player's hands; knows no page.

One at a time: while it plays, another takes its place.
"""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from model.files.midi_file import Seed, read_seed
from server.music.seed_player import play_seed
from server.panel.jam_handle import JamHandle
from server.panel.page_view import Json

LARGEST_BYTES = 256 * 1024
"""A long piano piece, played by hand, has half of that; a file that is made to be slow to read is not slow at this size."""


class DroppedSeeds:
    """Plays seeds into the jam, in the tempo that it has."""

    def __init__(self, stage: JamHandle) -> None:
        self._stage = stage
        self._playing: asyncio.Task[None] | None = None

    async def play(self, name: str, content: bytes) -> dict[str, Json]:
        """Begins to play a file in; what it is. Raises SeedError."""
        seed = await asyncio.to_thread(_read, name, content)
        await self.stop()
        player, clock = self._stage.music, self._stage.clock
        playing = play_seed(seed, player.receive_midi, lambda: player.timeline, clock, _pause)
        self._playing = asyncio.create_task(playing, name="seed")
        beats = seed.end_beats - seed.notes[0].onset_beats
        return {"name": name, "notes": len(seed.notes), "seconds": round(beats * 60.0 / player.timeline.tempo_bpm, 1)}

    async def stop(self) -> None:
        """Ends it: keys that are down come up."""
        playing, self._playing = self._playing, None
        if playing is not None:
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing


def _read(name: str, content: bytes) -> Seed:
    with tempfile.TemporaryDirectory(prefix="fours-") as folder:
        # By its own name, which is what a sentence about it will call it; of that no more than a file system takes.
        path = Path(folder) / (Path(name).name[-100:] or "seed.mid")
        path.write_bytes(content)
        return read_seed(path)


async def _pause(seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)
