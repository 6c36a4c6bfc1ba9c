"""A `.mid` file in the player's hands: its notes go in as a keyboard's would, each at its beat; knows no port and no model.

It begins with a bar, at the tempo in force, and follows it. Then there is nothing more of it, and the jam goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress

from bridge.midi.messages import NoteOff, NoteOn, encode
from bridge.midi.ports import Receiver
from bridge.timing.clock import Clock
from bridge.timing.midi_clock import FASTEST_BPM, SLOWEST_BPM
from bridge.timing.timeline import Timeline
from model.files.midi_file import Seed
from model.notes import Note
from server.controls.choices import METERS
from server.controls.control_table import Value

# So long from the start of the jam to the first bar at least: for ears, and for a synth that is being connected.
LEAD_IN_S = 0.5
LONGEST_WAIT_S = 0.05
"""A tempo may change while a note is waited for."""

Wait = Callable[[float], Awaitable[None]]
Timed = tuple[float, NoteOn | NoteOff]


def seed_values(seed: Seed) -> dict[str, Value]:
    """The controls that a seed would have otherwise: its tempo, and its meter where a jam knows it."""
    meter = f"{seed.meter.numerator}/{seed.meter.denominator}"
    tempo = {"tempo": min(max(seed.tempo_bpm, SLOWEST_BPM), FASTEST_BPM)}
    return {**tempo, "meter": meter} if meter in METERS else {**tempo}


async def play_seed(seed: Seed, hear: Receiver, timeline: Callable[[], Timeline], clock: Clock, wait: Wait) -> None:
    """Plays it all, and returns; where it is cancelled, keys that are down come up.

    `timeline` gives the one in force; `wait` returns after so many seconds, or sooner.
    """
    soonest = timeline().beat_at(clock.now_s() + LEAD_IN_S)
    start_beats = timeline().bar_line_at_or_after(soonest)
    down: set[int] = set()
    try:
        for beat, message in as_messages(seed.notes, start_beats - _empty_bars(seed)):
            while (left_s := timeline().seconds_at(beat) - clock.now_s()) > 0.0:
                await wait(min(left_s, LONGEST_WAIT_S))
            # As of the second it was due at: whoever waited for it was a little late.
            hear(encode(message), timeline().seconds_at(beat))
            (down.add if isinstance(message, NoteOn) else down.discard)(message.pitch)
    finally:
        for pitch in down:
            hear(encode(NoteOff(pitch)), clock.now_s())


@asynccontextmanager
async def seed_playing(
    seed: Seed, hear: Receiver, timeline: Callable[[], Timeline], clock: Clock
) -> AsyncIterator[None]:
    """Plays it meanwhile, as far as it comes."""
    task = asyncio.create_task(play_seed(seed, hear, timeline, clock, _pause), name="seed")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _pause(seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


def as_messages(notes: Iterable[Note], start_beats: float = 0.0) -> list[Timed]:
    """The notes as messages in the order of time; at equal beats what ends comes before what begins."""
    events: list[Timed] = []
    for note in notes:
        events.append((start_beats + note.onset_beats, NoteOn(note.pitch, note.velocity)))
        events.append((start_beats + note.end_beats, NoteOff(note.pitch)))
    return sorted(events, key=lambda event: (event[0], isinstance(event[1], NoteOn)))


def _empty_bars(seed: Seed) -> float:
    """The beats of whole bars before its first note: nobody waits for those."""
    bar_beats = seed.meter.beats_per_bar
    return seed.notes[0].onset_beats // bar_beats * bar_beats
