"""Properties of a jam under any sequence of inputs, with real networks of random weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage
from bridge.timing.clock_messages import Transport
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.approach import APPROACHES, Approach
from model.engines.engine import Engine
from model.engines.numpy_engine import NumpyEngine
from model.improvising.improviser import Improviser
from model.improvising.improvisers import create_improviser
from model.memory.backoff import DEFAULT_BACKOFFS
from model.memory.memory import Memory
from server.controls.choices import Quantize, TurnOwner
from server.controls.control_table import BY_NAME, CONTROLS, Settings, Value
from server.jam.answering.groove import GRID_BEATS
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage
from server.jam.turns.modes import OCCASIONS, TurnSchedule
from tests.server.jams import plain_settings
from tests.tiny_pack import VOCABULARIES, random_weights

# Each test plays three hundred jams in CI.
pytestmark = pytest.mark.timeout(300)

# Sharpened weights: a uniform forecast would hardly ever repeat a pitch or build a chord.
SHARPNESS = 4.0
ENGINES: Mapping[Approach, Engine] = {
    approach: NumpyEngine(
        {name: SHARPNESS * value for name, value in random_weights(VOCABULARIES[approach].size).items()}
    )
    for approach in APPROACHES
}


@dataclass(frozen=True, slots=True)
class ReceiveMessage:
    """The player sends a message, which is read `late_beats` after it was sent."""

    message: Message
    late_beats: float = 0.0


@dataclass(frozen=True, slots=True)
class ChangeControl:
    """A control has a new value."""

    control: str
    value: Value


@dataclass(frozen=True, slots=True)
class DoAction:
    """An action is done."""

    action: str


@dataclass(frozen=True, slots=True)
class ReplaceImprovisers:
    """New improvisers take over."""


@dataclass(frozen=True, slots=True)
class SetTimeline:
    """The timeline changes: its tempo, its bars (from so many beats after now), its transport."""

    tempo_bpm: float
    downbeat_from_now: float
    meter: Meter
    transport: Transport


JamInput = ReceiveMessage | ChangeControl | DoAction | ReplaceImprovisers | SetTimeline | None


@dataclass(frozen=True, slots=True)
class Step:
    """Time goes on, then an input comes, then there is time for so many pieces of work."""

    beats: float
    jam_input: JamInput
    max_work: int


def values(name: str) -> st.SearchStrategy[Value]:
    control = BY_NAME[name]
    if control.kind in {"choice", "key"}:
        return st.sampled_from(control.choices)
    if control.whole:
        return st.integers(int(control.low), int(control.high))
    if control.kind == "name":
        return st.just("another")
    if name == "step":
        return st.sampled_from((0.25, 1.0, 4.0))
    return st.floats(control.low, min(control.high, control.low + 3.0))


UNLIMITED = 10_000
SETTABLE = [control.name for control in CONTROLS if control.kind != "action"]
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(NoteOn, st.sampled_from((0, 48, 60, 61, 127)), st.integers(1, 127)),
    st.builds(NoteOff, st.sampled_from((0, 48, 60, 61, 127))),
    st.builds(ControlChange, st.sampled_from((1, 64, 120, 123)), st.sampled_from((0, 127))),
    st.just(OtherMessage(b"\xf8")),
)
INPUTS: st.SearchStrategy[JamInput] = st.one_of(
    st.builds(ReceiveMessage, MESSAGES),
    st.builds(ReceiveMessage, MESSAGES, st.floats(0.0, 0.25)),
    st.sampled_from(SETTABLE).flatmap(lambda name: values(name).map(lambda value: ChangeControl(name, value))),
    st.builds(DoAction, st.sampled_from(("respond", "respond", "stop", "panic", "forget"))),
    st.just(ReplaceImprovisers()),
    st.builds(
        SetTimeline,
        st.sampled_from((20.0, 97.0, 140.0, 400.0)),
        st.sampled_from((0.0, -2.5, 1.0, 17.25)),
        st.sampled_from((Meter(), Meter(3, 4), Meter(7, 8))),
        st.sampled_from(get_args(Transport)),
    ),
    st.none(),
)
BEATS = st.one_of(st.sampled_from((0.0, 0.0, 0.25, 1.0, 3.0)), st.floats(0.0, 6.0))
WORK_LIMITS = st.sampled_from((0, 1, 2, UNLIMITED, UNLIMITED, UNLIMITED))
TAP = [
    Step(0.0, ReceiveMessage(NoteOn(60, 80)), UNLIMITED),
    Step(0.25, ReceiveMessage(NoteOff(60)), UNLIMITED),
    Step(2.0, None, UNLIMITED),
]
# Most inputs should meet an answer: each jam begins with a phrase of one note, and more phrases follow.
STEPS = st.lists(
    st.one_of(st.builds(Step, BEATS, INPUTS, WORK_LIMITS).map(lambda step: [step]), st.just(TAP)),
    min_size=4,
    max_size=12,
).map(lambda parts: [*TAP, *chain.from_iterable(parts)])
SETTINGS = st.builds(
    Settings,
    approach=st.sampled_from(APPROACHES),
    answer_after=st.sampled_from((0.125, 1.0)),
    mode=st.sampled_from(("answer", "answer", *OCCASIONS)),
    over=st.sampled_from(("yield", "overlap")),
    turn_bars=st.sampled_from((1, 2)),
    quantize=st.sampled_from(("off", "1/8t")),
)


def create_improvisers() -> dict[Approach, Improviser]:
    return {
        approach: create_improviser(
            ENGINES[approach], VOCABULARIES[approach], Memory(VOCABULARIES[approach], DEFAULT_BACKOFFS[approach])
        )
        for approach in APPROACHES
    }


def apply(jam: Jam, jam_input: JamInput, beat: float) -> None:
    match jam_input:
        case ReceiveMessage(message, late_beats):
            jam.receive(message, beat - late_beats)
        case ChangeControl(control, value):
            jam.change(control, value, beat)
        case DoAction(action):
            jam.act(action, beat)
        case ReplaceImprovisers():
            jam.replace_improvisers(create_improvisers())
        case SetTimeline(tempo_bpm, downbeat_from_now, meter, transport):
            timeline = Timeline.start(tempo_bpm, meter=meter).with_downbeat(beat + downbeat_from_now)
            jam.set_timeline(timeline, beat, transport)
        case None:
            pass


def play_jam(settings: Settings, steps: list[Step], *, wakes: bool) -> list[TimedMessage]:
    """All messages of a jam; with `wakes` it is advanced at each beat that it asks for, else only between the steps."""
    jam = Jam(create_improvisers(), settings, random_seed=3)
    beat, out = 0.0, list[TimedMessage]()

    def advance(to_beat: float) -> None:
        due = jam.advance(to_beat)
        beats = [timed.beat for timed in due]
        assert beats == sorted(beats)
        assert all(due_beat <= to_beat for due_beat in beats)
        out.extend(due)

    for step in steps:
        until_beat = beat + step.beats
        while wakes and (wake_beat := jam.wake_at()) is not None and wake_beat <= until_beat:
            beat = max(beat, wake_beat)
            advance(beat)
        beat = until_beat
        advance(beat)
        apply(jam, step.jam_input, beat)
        for _ in range(step.max_work):
            if not jam.has_work:
                break
            jam.do_work()
        advance(beat)
    jam.change("mode", "listen", beat)
    jam.act("stop", beat)
    advance(beat)
    assert jam.wake_at() is None
    assert jam.status.plan == ()
    return out


@given(settings=SETTINGS, steps=STEPS, wakes=st.booleans())
def test_every_note_is_ended_and_none_begins_twice(settings: Settings, steps: list[Step], wakes: bool) -> None:  # noqa: FBT001  hypothesis passes it by name
    sounding: set[tuple[int, int]] = set()
    for timed in play_jam(settings, steps, wakes=wakes):
        match timed.message:
            case NoteOn(pitch, _, channel):
                assert (pitch, channel) not in sounding
                sounding.add((pitch, channel))
            case NoteOff(pitch, channel):
                sounding.remove((pitch, channel))
            case _:
                pass
    assert not sounding


@given(settings=SETTINGS, steps=STEPS)
def test_the_same_input_gives_the_same_output(settings: Settings, steps: list[Step]) -> None:
    assert play_jam(settings, steps, wakes=True) == play_jam(settings, steps, wakes=True)


@given(settings=SETTINGS, steps=STEPS)
def test_with_enough_time_for_work_each_message_is_returned_exactly_at_its_beat(
    settings: Settings, steps: list[Step]
) -> None:
    jam = Jam(create_improvisers(), settings, random_seed=3)
    beat = 0.0
    for step in steps:
        until_beat = beat + step.beats
        while (wake_beat := jam.wake_at()) is not None and wake_beat <= until_beat:
            assert wake_beat >= beat
            beat = wake_beat
            assert all(timed.beat == beat for timed in jam.advance(beat))
            while jam.has_work:
                jam.do_work()
        beat = until_beat
        assert jam.advance(beat) == []
        apply(jam, step.jam_input, beat)
        while jam.has_work:
            jam.do_work()


# Inputs that leave the turns, the bars and the groove of a jam as they are.
INPUTS_IN_TIME: st.SearchStrategy[JamInput] = st.one_of(
    st.builds(ReceiveMessage, MESSAGES),
    st.sampled_from(
        ("approach", "temperature", "step", "key", "answer_length", "over", "rhythm", "time_scale", "memory")
    ).flatmap(lambda name: values(name).map(lambda value: ChangeControl(name, value))),
    st.builds(DoAction, st.sampled_from(("stop", "forget"))),
    st.just(ReplaceImprovisers()),
    st.none(),
)
STEPS_IN_TIME = st.lists(st.builds(Step, BEATS, INPUTS_IN_TIME, WORK_LIMITS), min_size=4, max_size=16)
METERS = st.sampled_from((Meter(), Meter(3, 4), Meter(7, 8), Meter(5, 4)))


def play_jam_in_time(settings: Settings, timeline: Timeline, steps: list[Step]) -> list[TimedMessage]:
    """All messages of a jam beside a song that plays, with enough time for work."""
    jam = Jam(create_improvisers(), settings, random_seed=3)
    jam.set_timeline(timeline, 0.0, "playing")
    beat, out = 0.0, list[TimedMessage]()
    for step in [*steps, Step(20.0, None, UNLIMITED)]:
        until_beat = beat + step.beats
        while (wake_beat := jam.wake_at()) is not None and wake_beat <= until_beat:
            out += jam.advance(wake_beat)
            while jam.has_work:
                jam.do_work()
        beat = until_beat
        apply(jam, step.jam_input, beat)
        while jam.has_work:
            jam.do_work()
        out += jam.advance(beat)
    jam.act("stop", beat)
    return out + jam.advance(beat)


@given(
    approach=st.sampled_from(APPROACHES),
    bars=st.sampled_from((1, 2, 4)),
    begins=st.sampled_from(("player", "partner")),
    meter=METERS,
    steps=STEPS_IN_TIME,
)
def test_in_fours_no_note_sounds_in_the_players_turn(
    approach: Approach, bars: int, begins: TurnOwner, meter: Meter, steps: list[Step]
) -> None:
    timeline = Timeline.start(120.0, meter=meter).with_downbeat(1.5)
    settings = plain_settings(approach=approach, mode="fours", turn_bars=bars, begins=begins)
    turns = TurnSchedule(bars, begins)
    ends: dict[int, float] = {}
    for timed in play_jam_in_time(settings, timeline, steps):
        match timed.message:
            case NoteOn(pitch):
                turn = turns.at(timed.beat, timeline)
                assert turn.side == "partner"
                ends[pitch] = turn.end_beats
            case NoteOff(pitch):
                assert timed.beat <= ends.pop(pitch) + 1e-6
            case _:
                pass
    assert not ends


@given(
    approach=st.sampled_from(APPROACHES),
    mode=st.sampled_from(("answer", "fours", "continuous")),
    quantize=st.sampled_from(tuple(GRID_BEATS)),
    meter=METERS,
    steps=STEPS_IN_TIME,
)
def test_quantised_notes_begin_on_the_grid_of_their_bar(
    approach: Approach, mode: str, quantize: Quantize, meter: Meter, steps: list[Step]
) -> None:
    timeline = Timeline.start(120.0, meter=meter).with_downbeat(1.5)
    settings = plain_settings(approach=approach, quantize=quantize, turn_bars=1).with_value("mode", mode)
    for timed in play_jam_in_time(settings, timeline, steps):
        if isinstance(timed.message, NoteOn):
            _, into_bar = timeline.bar_at(timed.beat)
            steps_in = into_bar / GRID_BEATS[quantize]
            assert abs(steps_in - round(steps_in)) < 1e-5
