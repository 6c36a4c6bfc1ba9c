from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.meter import Meter
from bridge.timing.midi_clock_sender import ClockSender, TimedBytes
from bridge.timing.timeline import Timeline
from tests.bridge.timing.clock_streams import CONTINUE, START, STOP, TICK, Listener, song_position

TIMELINE = Timeline.start(120.0).with_downbeat(1.0)


def sent_messages(sender: ClockSender, from_beat: float, to_beat: float, steps: int = 50) -> list[TimedBytes]:
    span = to_beat - from_beat
    return [due for step in range(steps + 1) for due in sender.advance(from_beat + span * step / steps)]


def commands(due: list[TimedBytes]) -> list[tuple[bytes, float]]:
    return [(each.data, round(each.beat * 48) / 48) for each in due if each.data != TICK]


def test_there_are_twenty_four_ticks_per_beat_and_one_on_each_bar_line() -> None:
    due = sent_messages(ClockSender(TIMELINE, 3.0), 3.0, 7.0)
    assert len(due) == 97
    assert {each.data for each in due} == {TICK}
    assert [later.beat - due.beat for due, later in pairwise(due)] == pytest.approx([1 / 24] * 96)
    assert any(each.beat == pytest.approx(5.0) for each in due)


def test_start_is_sent_half_a_tick_before_the_next_bar_line() -> None:
    sender = ClockSender(TIMELINE, 3.0)
    sender.start(TIMELINE, 3.0)
    due = sent_messages(sender, 3.0, 6.0)
    assert commands(due) == [(START, 5.0 - 1 / 48)]
    (index,) = [index for index, each in enumerate(due) if each.data == START]
    assert due[index + 1].data == TICK
    assert due[index + 1].beat == pytest.approx(5.0)


def test_on_a_bar_line_the_song_starts_at_the_next_one() -> None:
    sender = ClockSender(TIMELINE, 5.0)
    sender.start(TIMELINE, 5.0)
    assert commands(sent_messages(sender, 5.0, 10.0)) == [(START, 9.0 - 1 / 48)]


def test_a_follower_has_the_song_position_after_start_stop_and_continue() -> None:
    sender = ClockSender(TIMELINE, 3.0)
    sender.start(TIMELINE, 3.0)
    due = sent_messages(sender, 3.0, 7.55)
    sender.stop(7.56)
    due += sent_messages(sender, 7.56, 12.0)
    sender.resume(12.0)
    due += sent_messages(sender, 12.0, 16.0)
    # Started at 5.0, the song was stopped after 2.55 beats, and continues at 2.75, the next sixteenth.
    assert [data for data, _ in commands(due)] == [START, STOP, song_position(11), CONTINUE]
    listener = Listener().hear((each.data, TIMELINE.seconds_at(each.beat)) for each in due)
    assert listener.changes == ["started", "stopped", "started"]
    assert listener.position_ticks(TIMELINE.seconds_at(15.0)) / 24 == pytest.approx(15.0 - 12.0 + 2.75, abs=0.1)


def test_a_start_moves_the_ticks_onto_moved_bar_lines() -> None:
    sender = ClockSender(TIMELINE, 3.0)
    moved = TIMELINE.with_downbeat(1.02).with_meter(Meter(7, 8))
    sender.start(moved, 3.0)
    due = sent_messages(sender, 3.0, 9.0)
    assert [each.beat for each in due if each.data == START] == pytest.approx([4.52 - 1 / 48])
    ticks = [each.beat for each in due if each.data == TICK]
    assert min(abs(beat - 4.52) for beat in ticks) < 1e-9
    assert all(0.4 / 24 < later - beat < 1.6 / 24 for beat, later in pairwise(ticks))


def test_a_stop_before_the_bar_line_cancels_the_start() -> None:
    sender = ClockSender(TIMELINE, 3.0)
    sender.start(TIMELINE, 3.0)
    sender.stop(3.5)
    assert commands(sent_messages(sender, 3.5, 9.0)) == [(STOP, 3.5)]
    assert not sender.is_playing


def test_a_song_position_beyond_the_limit_is_the_highest() -> None:
    sender = ClockSender(TIMELINE, 0.0)
    sender.start(TIMELINE, 0.0)
    for beat in range(5000):
        sender.advance(float(beat))
    sender.stop(5000.0)
    sender.resume(5000.0)
    assert commands(sender.advance(5001.0))[1][0] == song_position(16383)


def test_after_a_long_sleep_late_ticks_are_skipped() -> None:
    sender = ClockSender(TIMELINE, 0.0)
    assert len(sender.advance(10_000.0)) < 5


@given(
    st.floats(0, 100),
    st.lists(st.tuples(st.sampled_from(["start", "stop", "resume", "wait"]), st.floats(0, 9))),
    st.floats(0, 4),
)
def test_messages_are_always_in_order_and_never_early(
    beat: float, deeds: list[tuple[str, float]], downbeat: float
) -> None:
    timeline = TIMELINE.with_downbeat(downbeat)
    sender, due = ClockSender(timeline, beat), []
    for deed, wait_beats in deeds:
        if deed == "start":
            sender.start(timeline, beat)
        elif deed == "stop":
            sender.stop(beat)
        elif deed == "resume":
            sender.resume(beat)
        beat += wait_beats
        came = sender.advance(beat)
        due += came
        assert all(each.beat <= beat for each in came)
        assert sender.wake_at() > beat
    ticks = [each.beat for each in due if each.data == TICK]
    assert all(earlier < later for earlier, later in pairwise(ticks))
    assert all(earlier.beat <= later.beat + 1e-9 for earlier, later in pairwise(due))
