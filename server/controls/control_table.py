"""`CONTROLS`, the one table of everything that can be adjusted; the config, command line, OSC and docs derive from it.

To add a control, add a field to `Settings`: its name, type and default, and in its row the group, the range or the
choices, and the sentence that is shown to users. The jam reads its value as a typed attribute of `Settings`. `ACTIONS`
are the controls that do something at once and hold no value.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar, cast, get_args

from bridge.errors import cut_short, shown
from bridge.timing.clock_messages import FASTEST_BPM, SLOWEST_BPM
from model.analysis.scale import KEY_CHOICES
from model.approach import Approach
from model.defaults import (
    DEFAULT_NOVELTY,
    DEFAULT_TEMPERATURE,
    DEFAULT_TEMPO_BPM,
    DEFAULT_TOP_P,
    FITTED_STRENGTH,
    PLAYED_HARMONY,
)
from model.harmony.forms import FORMS
from model.notes import HIGHEST_PITCH, LOWEST_PITCH, MAX_CHORD_NOTES
from server.controls.choices import (
    MAX_GATE,
    MAX_SWING,
    METERS,
    MIN_GATE,
    STRAIGHT_SWING,
    BandParts,
    ChordsFrom,
    ClockChoice,
    Feel,
    FeelFrom,
    LearnFrom,
    ModeName,
    OverlapRule,
    PositionUnit,
    Quantize,
    RhythmFrom,
    StartOn,
    Switch,
    TempoFrom,
    TurnOwner,
)
from server.controls.control import OSC_PREFIX, Control, Curve, Kind, Raw, Value
from server.errors import BadValue

__all__ = [
    "ACTIONS", "BY_NAME", "CONTROLS", "OSC_PREFIX", "TAKES_GROUP", "Control", "Raw", "Settings", "Value", "control_named", "is_pressed",
]  # fmt: skip

TAKES_GROUP = "takes"
"""The group of the controls that only mark what is played, and change nothing in the music."""

T = TypeVar("T")

PERCENT = 100.0
# A note with velocity 0 is a note-off in MIDI, so 0 is free to mean: as loud as the player.
VELOCITY_OF_PLAYER = 0


def _number(
    group: str, default: float, low: float, high: float, help_text: str, unit: str = "", curve: Curve = ""
) -> float:
    return _row("number", default, group, help_text, low=low, high=high, unit=unit, curve=curve)


def _whole(group: str, default: int, low: int, high: int, help_text: str, unit: str = "") -> int:
    return _row("number", default, group, help_text, low=low, high=high, unit=unit, whole=True)


def _choice(group: str, default: T, choices: tuple[str, ...], help_text: str) -> T:
    return _row("choice", default, group, help_text, choices=choices)


def _row(kind: Kind, default: T, group: str, help_text: str, **rest: object) -> T:
    """A field of `Settings` whose metadata are a row of the table; the return type is that of the field's value."""
    return field(default=default, metadata={"kind": kind, "group": group, "help": help_text, **rest})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The value of every control that holds one; each field is also a row of the table."""

    approach: Approach = _choice(
        "partner",
        "event",
        get_args(Approach),
        "How it answers: pitch predicts pitches only, event predicts the rhythm too.",
    )
    temperature: float = _number(
        "partner", DEFAULT_TEMPERATURE, 0.1, 2.0, "How daring the choice of notes is; 1 is as the model learnt it."
    )
    top_p: float = _number(
        "partner", DEFAULT_TOP_P, 0.05, 1.0, "Leaves out the least likely notes: this share of the probability is kept."
    )
    pack: str = _row(
        "name",
        "songbook",
        "partner",
        "The trained pack that answers, by its name or folder.",
        names="the name or the folder of a pack",
    )
    key: str = _row(
        "key",
        "off",
        "partner",
        "The key that it plays in; auto: the one that it hears; live: that of the set in Ableton Live.",
        choices=KEY_CHOICES,
    )
    memory: float = _number(
        "partner",
        FITTED_STRENGTH,
        0.0,
        1.0,
        "How much it plays from its memory of you: 0 the network alone, 1 almost only memory.",
    )
    learn_from: LearnFrom = _choice(
        "partner", "player", get_args(LearnFrom), "Whose playing is remembered: yours, or its own answers too."
    )
    novelty: float = _number(
        "partner",
        DEFAULT_NOVELTY,
        0.0,
        1.0,
        "How much of an answer is no quote of yours, less after a riff: 0 is no limit, 1 allows no quote.",
    )

    chart: str = _row(
        "name",
        "off",
        "band",
        "The chords to play over: a form (blues in Bb), bars (| F7 | Bb7 |), or a file.",
        choices=("off", *FORMS),
        names="off, the name of a form, bars such as | F7 | Bb7 |, or a file",
    )
    chords_from: ChordsFrom = _choice(
        "band",
        "chart",
        get_args(ChordsFrom),
        "Where the chords come from: the chart, a MIDI channel, keys below a note, the phrase, or nowhere.",
    )
    chord_channel: int = _whole("band", 16, 1, 16, "With chords from a channel: the MIDI channel that sends them.")
    chords_below: int = _whole(
        "band", 54, LOWEST_PITCH, HIGHEST_PITCH, "With chords from keys below a note: that note; 60 is middle C."
    )
    harmony: float = _number(
        "band", PLAYED_HARMONY, 0.0, 1.0, "How much its notes keep to the chords: 0 not at all, 1 nearly always."
    )
    band: BandParts = _choice(
        "band", "off", get_args(BandParts), "Who plays the chords along: bass on channel 2, chords on 3, drums on 10."
    )
    feel: Feel = _choice("band", "swing", get_args(Feel), "How the band plays.")

    mode: ModeName = _choice(
        "turns",
        "answer",
        get_args(ModeName),
        "When it plays: after a rest, in turns of bars, always, or when it is asked to.",
    )
    answer_after: float = _number(
        "turns", 1.0, 0.125, 16.0, "How long all keys must be up before it answers.", "beats", "log"
    )
    answer_length: float = _number(
        "turns", 0.0, 0.0, 256.0, "How long an answer is; 0: as long as the phrase.", "beats", "cubic"
    )
    start: StartOn = _choice(
        "turns", "now", get_args(StartOn), "Where an answer begins: when it is due, or on the next beat or bar."
    )
    over: OverlapRule = _choice(
        "turns", "yield", get_args(OverlapRule), "When you play over an answer: yield stops it, overlap lets it go on."
    )
    hold_limit_s: float = _number(
        "turns",
        30.0,
        1.0,
        600.0,
        "A key or pedal that is held for longer no longer makes it wait: it may have been unplugged.",
        "s",
        "log",
    )
    turn_bars: int = _whole("turns", 4, 1, 16, "How long a turn is in fours.", "bars")
    begins: TurnOwner = _choice("turns", "player", get_args(TurnOwner), "Who has the first turn in fours.")

    clock: ClockChoice = _choice(
        "time", "auto", get_args(ClockChoice), "Whose beat it keeps: its own, a DAW's MIDI clock, or Link; auto: MIDI clock when it comes."
    )  # fmt: skip
    tempo: float = _number("time", DEFAULT_TEMPO_BPM, SLOWEST_BPM, FASTEST_BPM, "How fast a beat goes.", "bpm", "log")
    tempo_from: TempoFrom = _choice(
        "time",
        "control",
        get_args(TempoFrom),
        "Without another clock: the tempo of the control, of each phrase, or of the set in Ableton Live.",
    )
    meter: str = _row("choice", "4/4", "time", "The length of a bar, as a time signature.", choices=METERS)
    position_unit: PositionUnit = _choice(
        "time",
        "auto",
        get_args(PositionUnit),
        "The unit of song positions that come in: sixteenths, or ticks of the clock; auto finds out.",
    )
    send_clock: Switch = _choice("time", "off", get_args(Switch), "Send MIDI clock to the output port.")

    step: float = _number(
        "rhythm", 0.5, 0.0625, 4.0, "The time from note to note in the pitch approach.", "beats", "log"
    )
    rhythm: RhythmFrom = _choice(
        "rhythm",
        "varied",
        get_args(RhythmFrom),
        "Rhythm of the pitch approach: a note each step, that of your phrase, or its bars in a new order.",
    )
    time_scale: float = _number(
        "rhythm",
        1.0,
        0.25,
        4.0,
        "In the event approach: stretches the time between notes; 2 is half time, 0.5 double time.",
        curve="log",
    )
    quantize: Quantize = _choice(
        "rhythm", "off", get_args(Quantize), "The grid that its notes are moved to; t: triplets."
    )
    swing: float = _number(
        "rhythm", STRAIGHT_SWING * PERCENT, STRAIGHT_SWING * PERCENT, MAX_SWING * PERCENT,
        "The share of a pair of eighths that the first one takes; 50 is straight, 67 a triplet's.", "%",
    )  # fmt: skip
    gate: float = _number(
        "rhythm",
        1.0,
        MIN_GATE,
        MAX_GATE,
        "How much of its length a note sounds; at 1 its touch decides, above 1 notes overlap.",
    )
    offset_ms: float = _number(
        "rhythm", 0.0, -250.0, 250.0, "How much later than the beat it plays; negative: earlier.", "ms"
    )

    low: int = _whole(
        "sound", LOWEST_PITCH, LOWEST_PITCH, HIGHEST_PITCH, "The lowest note that it plays; 60 is middle C."
    )
    high: int = _whole("sound", HIGHEST_PITCH, LOWEST_PITCH, HIGHEST_PITCH, "The highest note that it plays.")
    transpose: int = _whole("sound", 0, -48, 48, "Transposes all that it plays.", "semitones")
    max_polyphony: int = _whole(
        "sound", MAX_CHORD_NOTES, 1, MAX_CHORD_NOTES, "The most notes that it plays at once.", "notes"
    )
    touch: float = _number(
        "sound",
        1.0,
        0.0,
        1.0,
        "How much loudness, length and timing change from note to note as you play them; 0: plain.",
    )
    feel_from: FeelFrom = _choice(
        "sound",
        "player",
        get_args(FeelFrom),
        "Whose touch it plays with: that of your phrases, or that of the pack's music.",
    )
    velocity: int = _whole(
        "sound", VELOCITY_OF_PLAYER, VELOCITY_OF_PLAYER, 127, "How loud it plays; 0: as loud as you."
    )
    channel: int = _whole("sound", 1, 1, 16, "The MIDI channel that it plays on.")

    record: Switch = _choice(TAKES_GROUP, "off", get_args(Switch), "Mark what is played as a take, from on to off.")

    def with_value(self, name: str, value: Value) -> "Settings":
        """A copy with one control changed; `value` must have been parsed by the control's row (`Control.read`)."""
        return replace(self, **{name: value})  # type: ignore[arg-type]  # the row has checked the type


ACTIONS = (
    Control("respond", "action", "Answer now, without waiting for the phrase to end.", "turns"),
    Control("play", "action", "Count in, and start the band from the top.", "band"),
    Control("stop", "action", "End the answer and the band, and listen.", "turns"),
    Control("panic", "action", "End every note there could be, and listen.", "turns"),
    Control("forget", "action", "Forget what was played in this jam.", "partner"),
    Control("tap", "action", "Tap the tempo, from the first beat of a bar on.", "time"),
    Control("capture", "action", "Mark what was just played as a take, back to the last long silence.", TAKES_GROUP),
)

CONTROLS: tuple[Control, ...] = (
    *(Control(row.name, default=cast("Value", row.default), **row.metadata) for row in fields(Settings)),
    *ACTIONS,
)
BY_NAME: Mapping[str, Control] = {control.name: control for control in CONTROLS}


def control_named(name: str) -> Control:
    """The row of that name. Raises BadValue if there is none; the text suggests the nearest name."""
    try:
        return BY_NAME[name]
    except KeyError:
        near = difflib.get_close_matches(name, BY_NAME, n=1)
        hint = f"did you mean {near[0]}?" if near else "`fours controls` lists them all"
        raise BadValue(f"there is no control {cut_short(name)}; {hint}") from None


def is_pressed(raw: Raw) -> bool:
    """Whether a momentary button, which sends 1 when pressed and 0 when released, was pressed.

    Raises BadValue if `raw` is not a number.
    """
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise BadValue(f"an action takes 1, to do it, not {shown(raw)}")
    return number != 0.0
