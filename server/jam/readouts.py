"""The table of readouts: what the jam publishes about itself, such as its state, the bar and the tempo.

A readout is one row here: its name, its help and how its value is computed. OSC, the docs and the panel derive from the
table. The values are computed at the moment in which they are shown, so a readout that depends on the beat alone, such as
the bar, needs no event. It knows no protocol and reads no clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.timing.timeline import LINE_TOLERANCE_BEATS, Timeline
from server.controls.control import OSC_PREFIX, Value
from server.jam.jam_output import JamStatus
from server.jam.turns.modes import TurnSchedule

MOST_BEATS = 12
PORT_STATES = ("ok", "lost")
BOTH_PORTS_STATES = ("ok", "input lost", "output lost", "both lost")
"""Indexed by a number with bit 0 for a lost input and bit 1 for a lost output."""


@dataclass(frozen=True, slots=True)
class JamMoment:
    """What is known of the jam at one moment: its status, and where its timeline is.

    `timeline` and `beat` are None until a timeline is known. `has_bars` is false where no bars go by: the song that is
    followed has stopped. `turns` are those of the present controls. A port is lost while its device or the MIDI
    system is gone.
    """

    status: JamStatus
    turns: TurnSchedule
    timeline: Timeline | None = None
    beat: float | None = None
    has_bars: bool = False
    is_input_lost: bool = False
    is_output_lost: bool = False

    @property
    def turn_side(self) -> str | None:
        """Whose turn it is at this beat; None where no turns are taken, and while bars are counted in."""
        if self.status.turn is None:
            return None
        if self.timeline is None or self.beat is None:
            return self.status.turn.side
        # Computed here: the feed has no event at the end of a turn in which nobody plays.
        return self.turns.at(self.beat, self.timeline).side

    @property
    def bar_and_beat(self) -> tuple[int, int] | None:
        """The bar and the beat as musicians count them, from 1, in the meter's own notes; None where no bars go by."""
        if self.timeline is None or self.beat is None or not self.has_bars:
            return None
        bar, into_bar = self.timeline.bar_at(self.beat)
        return bar + 1, int((into_bar + LINE_TOLERANCE_BEATS) * self.timeline.meter.denominator / 4) + 1


@dataclass(frozen=True, slots=True)
class Readout:
    """A value that is published and cannot be set: a number, or with `is_text` a text.

    `value` computes it; None means that it is not known, and then it is not published. `choices` are its possible
    values, where they are few and lamps can show them.
    """

    name: str
    help: str
    value: Callable[[JamMoment], Value | None] = field(repr=False)
    choices: tuple[str, ...] = ()
    is_text: bool = False

    @property
    def address(self) -> str:
        """Its OSC address."""
        return f"{OSC_PREFIX}/{self.name}"


def _chord(moment: JamMoment, *, is_next: bool = False) -> Value:
    """The chord that sounds, or the one after it; an empty text where none is known, and where a chord that is heard or a vamp goes on."""
    changes = moment.status.changes
    if changes is None or moment.beat is None:
        return ""
    span = changes.at(moment.beat)
    if is_next and span.next_chord == span.chord:
        return ""
    chord = span.next_chord if is_next else span.chord
    return "N.C." if chord is None else str(chord)


def _state(moment: JamMoment) -> Value:
    status = moment.status
    counts_in = status.turn is not None and moment.turn_side is None and status.state != "answering"
    return "counting" if counts_in else status.state


READOUTS = (
    Readout(
        "state",
        "What it does: it listens, waits to answer, answers, or counts the bars in.",
        _state,
        ("listening", "waiting", "answering", "counting"),
    ),
    Readout(
        "turn",
        "Whose turn it is, in fours.",
        lambda moment: moment.turn_side or "nobody",
        ("player", "partner", "nobody"),
    ),
    Readout(
        "bar",
        "The bar of the song, from 1; below that it is counted in.",
        lambda moment: moment.bar_and_beat[0] if moment.bar_and_beat else None,
    ),
    Readout(
        "beat",
        "The beat of the bar, from 1, in the meter's own notes: 6/8 has six.",
        lambda moment: moment.bar_and_beat[1] if moment.bar_and_beat else None,
        tuple(str(beat) for beat in range(1, MOST_BEATS + 1)),
    ),
    Readout(
        "planned",
        "How many notes are planned and have not sounded; at most some eight.",
        lambda moment: len(moment.status.plan),
    ),
    Readout(
        "bpm",
        "How fast the beat goes, whichever clock leads.",
        lambda moment: round(moment.timeline.tempo_bpm, 1) if moment.timeline else None,
    ),
    Readout("chord", "The chord that is played over now; empty where none is known.", _chord, is_text=True),
    Readout(
        "next_chord",
        "The chord that comes next; empty where none other is known.",
        lambda moment: _chord(moment, is_next=True),
        is_text=True,
    ),
    Readout(
        "ports",
        "Whether both MIDI ports are there, as one lamp.",
        lambda moment: BOTH_PORTS_STATES[moment.is_input_lost + 2 * moment.is_output_lost],
        BOTH_PORTS_STATES,
    ),
    Readout(
        "midi_in",
        "Whether the MIDI input is there; one that is lost comes back by itself.",
        lambda moment: PORT_STATES[moment.is_input_lost],
        PORT_STATES,
    ),
    Readout(
        "midi_out",
        "Whether the MIDI output is there; one that is lost comes back by itself.",
        lambda moment: PORT_STATES[moment.is_output_lost],
        PORT_STATES,
    ),
)
