"""Real streams of `jack_midi_clock`, recorded on a busy machine. JACK missed its cycle a hundred times in each, so some
ticks were never sent, and the actual tempo varies a few tenths of a percent below the nominal one."""

from itertools import accumulate, pairwise
from statistics import median

import pytest

from bridge.timing.timeline import Timeline
from tests.bridge.timing.clock_streams import CONTINUE, START, TICK, Listener, Recorded, recorded

RATE = 48000
FRAMES_PER_TICK = RATE * 60 / 97 / 24


def song_ticks(messages: list[Recorded], from_frame: int = 0, first_tick: int = 0) -> dict[float, int]:
    """Maps the time of each tick, from a frame on, to the song's tick; ticks that were never sent show as gaps in the frames."""
    ticks = [message for message in messages if message.data == TICK and message.frame >= from_frame]
    steps = (round((later.frame - tick.frame) / FRAMES_PER_TICK) for tick, later in pairwise(ticks))
    return dict(zip((tick.at_s for tick in ticks), accumulate(steps, initial=first_tick), strict=True))


def offs_ticks(messages: list[Recorded], numbers: dict[float, int], last: int = 48) -> list[float]:
    """How far each of the last ticks was from the followed position when it arrived, in ticks."""
    listener, offs = Listener(Timeline.start(97.0)), []
    for message in messages:
        listener.hear([(message.data, message.at_s)])
        if message.at_s in numbers:
            offs.append(abs(listener.position_ticks(message.at_s) - numbers[message.at_s]))
    return offs[-last:]


def sent_again(messages: list[Recorded]) -> int:
    """The frame of the last continue."""
    return max(message.frame for message in messages if message.data == CONTINUE)


def test_a_real_clock_is_followed_and_ticks_it_did_not_send_are_counted() -> None:
    messages = recorded("steady_97")
    numbers = song_ticks(messages)
    assert list(numbers.values())[-1] == len(numbers), "one tick was never sent"
    listener, late_ms = Listener(Timeline.start(120.0)), []
    for message in messages:
        number = numbers.get(message.at_s, 0)
        if number > 48:
            due_s = listener.timeline.seconds_at(listener.timeline.downbeat + number / 24)
            late_ms.append(abs(message.at_s - due_s) * 1000)
        listener.hear([(message.data, message.at_s)])
    assert listener.timeline.tempo_bpm == pytest.approx(97.0, abs=0.75)
    assert median(late_ms) < 0.75
    assert sorted(late_ms)[int(len(late_ms) * 0.98)] < 4.0
    assert listener.changes == ["started", "stopped"]
    assert max(offs_ticks(messages, numbers)) < 0.15


def test_a_real_clock_that_wanders_by_a_fifth_of_a_tick_is_followed() -> None:
    # Later, ticks were lost. With this wander, an interval of one and a half ticks may be one tick or two.
    messages = [message for message in recorded("jitter_97") if message.at_s < 7.35]
    offs = offs_ticks(messages, song_ticks(messages), last=170)
    # A fifth of a tick either way is not predictable.
    assert median(offs) < 0.15
    assert max(offs) < 0.35


@pytest.mark.parametrize(
    ("name", "sixteenths", "stops"),
    # The data bytes of the last F2 before the last FB: 30 00, and 04 01.
    [("continue_97", 48, 2), ("relocate_97", 132, 1)],
)
def test_a_real_continue_resumes_at_the_position_that_was_sent(name: str, sixteenths: int, stops: int) -> None:
    messages = recorded(name)
    offs = offs_ticks(messages, song_ticks(messages, sent_again(messages), first_tick=sixteenths * 6))
    assert median(offs) < 0.05
    assert max(offs) < 0.35
    listener = Listener().hear((message.data, message.at_s) for message in messages)
    assert listener.changes == ["started", "stopped"] * (stops + 1)


def test_a_real_step_from_97_to_140_is_followed_within_a_beat() -> None:
    messages = recorded("step_97_140")
    assert messages[0].data == START
    ticks = [message for message in messages if message.data == TICK]
    first_fast = next(
        index
        for index in range(48, len(ticks))
        if all(later.frame - tick.frame < 1000 for tick, later in pairwise(ticks[index : index + 10]))
    )
    listener = Listener(Timeline.start(97.0))
    for message in messages:
        listener.hear([(message.data, message.at_s)])
        if message is ticks[first_fast + 24]:
            break
    assert listener.timeline.tempo_bpm == pytest.approx(140.0, rel=0.03)
