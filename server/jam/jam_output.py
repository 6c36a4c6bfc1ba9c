"""The values that a jam returns: messages with their beats, and its status.

Beats are quarter notes on the jam's timeline.
"""

from dataclasses import dataclass
from typing import Literal

from bridge.midi.messages import Message
from model.harmony.changes import ChartChanges
from model.notes import Note
from server.band.band_note import BandNote
from server.jam.turns.modes import Turn

JamState = Literal["listening", "waiting", "answering"]
"""Listening to a phrase or to silence, waiting until a planned answer may begin, or playing an answer."""


@dataclass(frozen=True, slots=True)
class JamStatus:
    """What the jam is doing: readouts and the page show it.

    `turn` is the present turn, and None where no turns are taken. `plan` is the composed notes that have not sounded;
    `from_memory` says for each of them how much of it came from memory, from 0 to 1. `changes` are the chords that are known, None
    where none are; `band_plan` is what the band has arranged last, up to a bar ahead.
    """

    state: JamState = "listening"
    turn: Turn | None = None
    plan: tuple[Note, ...] = ()
    from_memory: tuple[float, ...] = ()
    changes: ChartChanges | None = None
    band_plan: tuple[BandNote, ...] = ()


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message to send, and the beat at which it was due: never later than the beat at which `advance` returned it.

    `is_band` is true for the band's messages, false for the answer's.
    """

    message: Message
    beat: float
    is_band: bool = False
