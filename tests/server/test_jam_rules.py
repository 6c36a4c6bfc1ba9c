"""What holds for a jam whatever is done to it, with real networks of random weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from bridge.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage
from model.approach import APPROACHES, Approach
from model.engine import Engine
from model.improviser import Improviser, improviser
from model.numpy_engine import NumpyEngine
from server.controls import BY_NAME, CONTROLS, Settings, Value
from server.jam import Jam, Timed
from tests.tiny_pack import VOCABULARIES, random_weights

# Sharp: what foretells all alike never repeats a pitch nor builds a chord.
SHARPNESS = 4.0
ENGINES: Mapping[Approach, Engine] = {
    approach: NumpyEngine(
        {name: SHARPNESS * value for name, value in random_weights(VOCABULARIES[approach].size).items()}
    )
    for approach in APPROACHES
}


@dataclass(frozen=True, slots=True)
class Received:
    """The player does something, and it is read `late_beats` after it was done."""

    message: Message
    late_beats: float = 0.0


@dataclass(frozen=True, slots=True)
class Changed:
    """A control has a new value."""

    control: str
    value: Value


@dataclass(frozen=True, slots=True)
class Done:
    """An action is done."""

    action: str


@dataclass(frozen=True, slots=True)
class Seated:
    """New improvisers take over."""


Deed = Received | Changed | Done | Seated | None


@dataclass(frozen=True, slots=True)
class Step:
    """Time goes on, then something is done, then there is time for so many thoughts."""

    beats: float
    deed: Deed
    thoughts: int


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


ALL = 10_000
SETTABLE = [control.name for control in CONTROLS if control.kind != "action"]
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(NoteOn, st.sampled_from((0, 48, 60, 61, 127)), st.integers(1, 127)),
    st.builds(NoteOff, st.sampled_from((0, 48, 60, 61, 127))),
    st.builds(ControlChange, st.sampled_from((1, 64, 120, 123)), st.sampled_from((0, 127))),
    st.just(OtherMessage(b"\xf8")),
)
DEEDS: st.SearchStrategy[Deed] = st.one_of(
    st.builds(Received, MESSAGES),
    st.builds(Received, MESSAGES, st.floats(0.0, 0.25)),
    st.sampled_from(SETTABLE).flatmap(lambda name: values(name).map(lambda value: Changed(name, value))),
    st.builds(Done, st.sampled_from(("respond", "respond", "stop", "panic"))),
    st.just(Seated()),
    st.none(),
)
BEATS = st.one_of(st.sampled_from((0.0, 0.0, 0.25, 1.0, 3.0)), st.floats(0.0, 6.0))
THOUGHTS = st.sampled_from((0, 1, 2, ALL, ALL, ALL))
TAP = [Step(0.0, Received(NoteOn(60, 80)), ALL), Step(0.25, Received(NoteOff(60)), ALL), Step(2.0, None, ALL)]
# What is done is mostly done to an answer: each jam begins with a phrase of one note, and more come.
STEPS = st.lists(
    st.one_of(st.builds(Step, BEATS, DEEDS, THOUGHTS).map(lambda step: [step]), st.just(TAP)), min_size=4, max_size=12
).map(lambda parts: [*TAP, *chain.from_iterable(parts)])
AT_ONCE = st.builds(Settings, approach=st.sampled_from(APPROACHES), answer_after=st.sampled_from((0.125, 1.0)))


def band() -> dict[Approach, Improviser]:
    return {approach: improviser(ENGINES[approach], VOCABULARIES[approach]) for approach in APPROACHES}


def do(jam: Jam, deed: Deed, beat: float) -> None:
    match deed:
        case Received(message, late_beats):
            jam.receive(message, beat - late_beats)
        case Changed(control, value):
            jam.change(control, value, beat)
        case Done(action):
            jam.act(action, beat)
        case Seated():
            jam.seat(band())
        case None:
            pass


def jammed(settings: Settings, steps: list[Step], *, wakes: bool) -> list[Timed]:
    """All that a jam hands out; one that `wakes` is advanced at each beat that it asks for, else between the steps only."""
    jam = Jam(band(), settings, random_seed=3)
    beat, out = 0.0, list[Timed]()

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
        do(jam, step.deed, beat)
        for _ in range(step.thoughts):
            if not jam.thinking:
                break
            jam.think()
        advance(beat)
    jam.act("stop", beat)
    advance(beat)
    assert jam.wake_at() is None
    assert jam.plan == ()
    return out


@given(settings=AT_ONCE, steps=STEPS, wakes=st.booleans())
def test_every_note_is_ended_and_none_begins_twice(settings: Settings, steps: list[Step], wakes: bool) -> None:  # noqa: FBT001  hypothesis says it by name
    sounding: set[int] = set()
    for timed in jammed(settings, steps, wakes=wakes):
        match timed.message:
            case NoteOn(pitch):
                assert pitch not in sounding
                sounding.add(pitch)
            case NoteOff(pitch):
                sounding.remove(pitch)
            case _:
                pass
    assert not sounding


@given(settings=AT_ONCE, steps=STEPS)
def test_the_same_input_gives_the_same_output(settings: Settings, steps: list[Step]) -> None:
    assert jammed(settings, steps, wakes=True) == jammed(settings, steps, wakes=True)


@given(settings=AT_ONCE, steps=STEPS)
def test_with_time_to_think_each_message_is_handed_out_at_its_very_beat(settings: Settings, steps: list[Step]) -> None:
    jam = Jam(band(), settings, random_seed=3)
    beat = 0.0
    for step in steps:
        until_beat = beat + step.beats
        while (wake_beat := jam.wake_at()) is not None and wake_beat <= until_beat:
            assert wake_beat >= beat
            beat = wake_beat
            assert all(timed.beat == beat for timed in jam.advance(beat))
            while jam.thinking:
                jam.think()
        beat = until_beat
        assert jam.advance(beat) == []
        do(jam, step.deed, beat)
        while jam.thinking:
            jam.think()
