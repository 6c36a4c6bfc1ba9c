"""A `.mid` file that was dropped on the page: read in a thread, then played in as a keyboard would; knows no page.

One at a time: while it plays, another takes its place.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.messages import NoteOff, NoteOn, encode
from model.midi_file import Seed, read_seed
from model.notes import Note
from server.panel.stage import Stage
from server.panel.view import Json, View

LARGEST_BYTES = 256 * 1024
"""A long piano piece, played by hand, has half of that; a file that is made to be slow to read is not slow at this size."""

LEAD_IN_S = 0.3
FASTEST_BPM = 400.0


@dataclass(slots=True)
class Playing:
    """A seed that is being played in."""

    name: str
    timers: list[asyncio.TimerHandle]
    down: set[int]
    ends_s: float


class Seeds:
    """Plays seeds into the jam, in the tempo that it has when they begin."""

    def __init__(self, stage: Stage, view: View) -> None:
        self._stage = stage
        self._view = view
        self._playing: Playing | None = None

    async def play(self, name: str, content: bytes) -> dict[str, Json]:
        """Begins to play a file in; what it is. Raises SeedError."""
        seed = await asyncio.to_thread(_read, name, content)
        self.stop()
        start_s = self._stage.clock.now_s() + LEAD_IN_S
        beat_s = 60.0 / self._tempo_bpm(seed)
        first_beats = seed.notes[0].onset_beats
        ends_s = start_s + (seed.end_beats - first_beats) * beat_s
        self._playing = Playing(name, [], set(), ends_s)
        loop = asyncio.get_running_loop()
        for beats, message in _as_played(seed.notes):
            at_s = start_s + (beats - first_beats) * beat_s
            in_s = at_s - self._stage.clock.now_s()
            self._playing.timers.append(loop.call_later(in_s, self._send, self._playing, message, at_s))
        return {"name": name, "notes": len(seed.notes), "seconds": round(ends_s - start_s, 1)}

    def stop(self) -> None:
        """Ends it: keys that are down come up."""
        playing, self._playing = self._playing, None
        if playing is None:
            return
        for timer in playing.timers:
            timer.cancel()
        for pitch in playing.down:
            self._stage.player.hear(encode(NoteOff(pitch)), self._stage.clock.now_s())

    def _send(self, playing: Playing, message: NoteOn | NoteOff, at_s: float) -> None:
        # As of when it was due: the loop is a little late, and the jam knows better than to count on it.
        self._stage.player.hear(encode(message), at_s)
        (playing.down.add if isinstance(message, NoteOn) else playing.down.discard)(message.pitch)

    def _tempo_bpm(self, seed: Seed) -> float:
        kept = self._view.kept
        return kept.timeline.tempo_bpm if kept is not None else min(seed.tempo_bpm, FASTEST_BPM)


def _read(name: str, content: bytes) -> Seed:
    with _file(name, content) as path:
        return read_seed(path)


@contextmanager
def _file(name: str, content: bytes) -> Iterator[Path]:
    """The content as a file of that name, which is what a sentence about it will call it."""
    with tempfile.TemporaryDirectory(prefix="fours-") as folder:
        path = Path(folder) / (Path(name).name or "seed.mid")
        path.write_bytes(content)
        yield path


def _as_played(notes: tuple[Note, ...]) -> list[tuple[float, NoteOn | NoteOff]]:
    """The notes as messages in the order of time; at equal beats what ends comes before what begins."""
    events: list[tuple[float, NoteOn | NoteOff]] = []
    for note in notes:
        events.append((note.onset_beats, NoteOn(note.pitch, note.velocity)))
        events.append((note.end_beats, NoteOff(note.pitch)))
    return sorted(events, key=lambda event: (event[0], isinstance(event[1], NoteOn)))
