"""Plays a seed, which is a file of music, into the jam as a keyboard would, each note at its beat; knows no port and no model.

It begins at a bar line and goes by the timeline in force. The jam goes on after its last note.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from bridge.midi.messages import Message, NoteOff, NoteOn, encode
from bridge.midi.ports import Receiver
from bridge.timing.clock import Clock
from bridge.timing.clock_messages import FASTEST_BPM, SLOWEST_BPM
from bridge.timing.timeline import Timeline
from model.notes import Note
from server.controls.choices import METERS
from server.controls.control_table import Value

if TYPE_CHECKING:
    from model.files.seed import Seed

# The shortest time from the start of the jam to the first bar: the listener needs it, and a synth that is being
# connected.
LEAD_IN_S = 0.5
LONGEST_WAIT_S = 0.05
"""The longest single wait for a note, as the tempo may change meanwhile."""

Wait = Callable[[float], Awaitable[None]]
"""Waits for this many seconds, or a shorter time."""


def seed_values(seed: "Seed") -> dict[str, Value]:
    """The control values of a seed: its tempo, limited to the control's range, and its meter if `METERS` has it."""
    meter = f"{seed.meter.numerator}/{seed.meter.denominator}"
    tempo = {"tempo": min(max(seed.tempo_bpm, SLOWEST_BPM), FASTEST_BPM)}
    return {**tempo, "meter": meter} if meter in METERS else {**tempo}


async def play_seed(
    seed: "Seed", receive: Receiver, timeline: Callable[[], Timeline], clock: Clock, wait: Wait
) -> None:
    """As `play_messages`, for all of a seed."""
    await play_messages(_one_by_one(seed_messages(seed)), receive, timeline, clock, wait)


async def play_messages(
    messages: AsyncIterable[tuple[float, Message]],
    receive: Receiver,
    timeline: Callable[[], Timeline],
    clock: Clock,
    wait: Wait,
) -> None:
    """Hands messages to `receive`, each at its beat from the next bar line on, and returns; if cancelled, releases held keys.

    `timeline` returns the timeline in force.
    """
    earliest_beat = timeline().beat_at(clock.now_s() + LEAD_IN_S)
    start_beats = timeline().bar_line_at_or_after(earliest_beat)
    held: set[int] = set()
    try:
        async for offset_beats, message in messages:
            beat = start_beats + offset_beats
            while (left_s := timeline().seconds_at(beat) - clock.now_s()) > 0.0:
                await wait(min(left_s, LONGEST_WAIT_S))
            # With the second at which it was due, as the wait ends a little late.
            receive(encode(message), timeline().seconds_at(beat))
            match message:
                case NoteOn(pitch):
                    held.add(pitch)
                case NoteOff(pitch):
                    held.discard(pitch)
    finally:
        for pitch in held:
            receive(encode(NoteOff(pitch)), clock.now_s())


async def _one_by_one(messages: Iterable[tuple[float, Message]]) -> AsyncIterator[tuple[float, Message]]:
    for message in messages:
        yield message


@asynccontextmanager
async def seed_playing(
    seed: "Seed", receive: Receiver, timeline: Callable[[], Timeline], clock: Clock
) -> AsyncIterator[None]:
    """Plays the seed in a task of its own, which is cancelled at the end of the context."""
    task = asyncio.create_task(play_seed(seed, receive, timeline, clock, pause), name="seed")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def pause(seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


def seed_messages(seed: "Seed") -> list[tuple[float, NoteOn | NoteOff]]:
    """The messages of a seed as `as_messages` returns them, without the whole bars of rest that it begins with."""
    return as_messages(seed.notes, -_empty_bars_beats(seed))


def as_messages(notes: Iterable[Note], start_beats: float = 0.0) -> list[tuple[float, NoteOn | NoteOff]]:
    """The notes as messages with their beats, in order of time; at equal beats note-offs come before note-ons."""
    timed: list[tuple[float, NoteOn | NoteOff]] = []
    for note in notes:
        timed.append((start_beats + note.onset_beats, NoteOn(note.pitch, note.velocity)))
        timed.append((start_beats + note.end_beats, NoteOff(note.pitch)))
    return sorted(timed, key=lambda item: (item[0], isinstance(item[1], NoteOn)))


def _empty_bars_beats(seed: "Seed") -> float:
    """The length of the whole bars of rest before its first note, which are left out."""
    bar_beats = seed.meter.beats_per_bar
    return seed.notes[0].onset_beats // bar_beats * bar_beats
