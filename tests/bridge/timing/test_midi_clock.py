from itertools import pairwise
from random import Random
from statistics import fmean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.timing.clock_messages import is_clock_message
from bridge.timing.midi_clock import ERRORS_KEPT, MidiClock
from bridge.timing.timeline import Timeline
from tests.bridge.timing.clock_streams import (
    CONTINUE,
    START,
    STOP,
    TICK,
    Daw,
    Delay,
    Listener,
    jitter,
    on_time,
    song_position,
)
from tests.bridge.timing.ticks.buffered_streams import delivered, late_by_up_to

BEAT, BAR = 24, 96
"""In ticks."""


def errors_ms(daw: Daw, listener: Listener, first_position: int, from_tick: int = 0) -> list[float]:
    """How far the timeline is from the true time of each tick from `from_tick` on, as things stand."""
    return [
        (listener.timeline.seconds_at(listener.timeline.downbeat + (first_position + tick) / 24) - due_s) * 1000
        for tick, due_s in enumerate(daw.due_s)
        if tick >= from_tick
    ]


def test_start_makes_the_next_tick_position_0() -> None:
    daw = Daw().tick(10).send(START)
    listener = Listener().catch_up(daw)
    assert listener.changes == []
    started_s = daw.next_s
    listener.catch_up(daw.tick(BAR))
    assert listener.clock.transport == "playing"
    assert listener.changes == ["started"]
    assert listener.position_ticks(started_s) == pytest.approx(0.0, abs=1e-6)
    assert listener.position_ticks(daw.next_s) == pytest.approx(BAR, abs=1e-6)


def test_a_song_may_start_with_the_very_first_tick() -> None:
    daw = Daw(tempo_bpm=97.0).send(START).tick(2 * BAR)
    listener = Listener(Timeline.start(97.0)).catch_up(daw)
    assert listener.position_ticks(daw.next_s) == pytest.approx(2 * BAR, abs=1e-3)


def test_start_moves_the_downbeat_and_not_the_beats() -> None:
    daw = Daw().tick(BAR)
    listener = Listener().catch_up(daw)
    before = listener.timeline
    listener.catch_up(daw.send(START).tick(1))
    assert listener.timeline.downbeat == pytest.approx(before.beat_at(daw.due_s[-1]))
    assert listener.timeline.beat_at(100.0) == pytest.approx(before.beat_at(100.0))


def test_a_clock_that_only_ticks_gives_its_tempo_and_leaves_the_downbeat() -> None:
    daw = Daw(tempo_bpm=97.0).tick(2 * BAR)
    listener = Listener(Timeline.start(120.0).with_downbeat(3.0)).catch_up(daw)
    assert listener.timeline.tempo_bpm == pytest.approx(97.0)
    assert listener.timeline.downbeat == 3.0
    assert listener.clock.transport == "free"
    assert listener.changes == []


def test_a_steady_clock_is_followed_exactly_and_the_timeline_settles() -> None:
    daw = Daw(tempo_bpm=97.0).send(START).tick(BAR)
    listener = Listener().catch_up(daw)
    settled = listener.timeline
    assert listener.catch_up(daw.tick(BAR)).timeline is settled
    assert max(map(abs, errors_ms(daw, listener, 0, BAR))) < 0.1


@pytest.mark.parametrize("tempo_bpm", [20.0, 60.0, 97.0, 120.0, 174.0, 300.0, 400.0])
def test_jitter_and_late_ticks_hardly_move_the_timeline(tempo_bpm: float) -> None:
    daw = Daw(tempo_bpm, delay=jitter()).send(START).tick(2 * BAR)
    listener = Listener().catch_up(daw)
    errors, tempos = [], []
    for _ in range(10 * BAR):
        listener.catch_up(daw.tick(1))
        errors.append(errors_ms(daw, listener, 0, len(daw.due_s) - 1)[0])
        tempos.append(listener.timeline.tempo_bpm)
    assert max(map(abs, errors)) < 2.0
    assert fmean(map(abs, errors)) < 0.35
    assert fmean(abs(tempo - tempo_bpm) for tempo in tempos) < 0.002 * tempo_bpm


def test_notes_on_the_ticks_of_a_wandering_clock_are_closer_than_its_wander() -> None:
    chance = Random(1)
    daw = Daw(97.0, wander=lambda: chance.uniform(-0.005, 0.005)).send(START).tick(4 * BAR)
    listener, errors = Listener(Timeline.start(97.0)).catch_up(daw), []
    for _ in range(10 * BAR):
        daw.tick(1)
        tick_s = daw.due_s[-1]
        played_s = listener.timeline.seconds_at(listener.timeline.downbeat + (len(daw.due_s) - 1) / 24)
        listener.catch_up(daw)
        if played_s > tick_s:
            # The note had not sounded when the tick came, so the timeline catches up and only the rest is heard.
            played_s = listener.timeline.seconds_at(listener.timeline.downbeat + (len(daw.due_s) - 1) / 24)
        errors.append(abs(played_s - tick_s) * 1000)
    assert fmean(errors) < 2.0
    assert sorted(errors)[len(errors) * 99 // 100] < 4.0


@pytest.mark.parametrize("delay", [jitter(1), on_time])
@pytest.mark.parametrize(("slow", "fast"), [(97.0, 140.0), (120.0, 123.0), (60.0, 180.0)])
def test_a_step_of_tempo_is_followed_within_a_beat(slow: float, fast: float, delay: Delay) -> None:
    for old, new in ((slow, fast), (fast, slow)):
        daw = Daw(old, delay=delay).send(START).tick(2 * BAR).tempo(new).tick(BEAT)
        listener = Listener(Timeline.start(old)).catch_up(daw)
        listener.catch_up(daw.tick(BEAT))
        assert listener.timeline.tempo_bpm == pytest.approx(new, rel=0.02)
        assert max(map(abs, errors_ms(daw, listener, 0, 2 * BAR + BEAT + 12))) < 5.0


@pytest.mark.parametrize(("old", "new"), [(20.0, 400.0), (400.0, 20.0)])
def test_after_a_step_across_the_whole_tempo_range_the_bars_are_found_again(old: float, new: float) -> None:
    daw = Daw(old).send(START).tick(BAR).tempo(new).tick(BAR)
    listener = Listener(Timeline.start(old)).catch_up(daw)
    listener.catch_up(daw.tick(BAR))
    assert listener.timeline.tempo_bpm == pytest.approx(new, rel=0.001)
    assert listener.position_ticks(daw.next_s) == pytest.approx(3 * BAR, abs=0.01)


def test_a_ramp_is_followed() -> None:
    daw = Daw(97.0).send(START).tick(BAR)
    listener = Listener(Timeline.start(97.0)).catch_up(daw)
    worst_ms = 0.0
    while daw.tempo_bpm < 140.0:
        daw.tempo(daw.tempo_bpm + 4.3 * daw.interval_s)
        listener.catch_up(daw.tick(1))
        worst_ms = max(worst_ms, abs(errors_ms(daw, listener, 0, len(daw.due_s) - 1)[0]))
    assert worst_ms < 3.0
    assert listener.timeline.tempo_bpm == pytest.approx(140.0, abs=2.5)


def test_ticks_that_arrive_all_at_once_are_counted_and_leave_the_tempo() -> None:
    daw = Daw().send(START).tick(BAR)
    listener = Listener().catch_up(daw)
    before = listener.timeline
    daw.tick(7, held_until_s=daw.next_s + 7.5 * daw.interval_s)
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(daw.next_s) == pytest.approx(2 * BAR + 7, abs=0.02)
    assert listener.timeline.tempo_bpm == pytest.approx(before.tempo_bpm, abs=0.05)


@pytest.mark.parametrize("lost", [1, 2, 5, 24, 60])
def test_lost_ticks_are_counted_by_the_time_they_should_have_taken(lost: int) -> None:
    daw = Daw(97.0, delay=jitter(2)).send(START).tick(2 * BAR).tick(lost, lost=True)
    listener = Listener(Timeline.start(97.0)).catch_up(daw)
    assert listener.position_ticks(daw.next_s) == pytest.approx(2 * BAR + lost, abs=0.3)
    listener.catch_up(daw.tick(BEAT))
    assert listener.position_ticks(daw.next_s) == pytest.approx(2 * BAR + lost + BEAT, abs=0.1)
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(daw.next_s) == pytest.approx(3 * BAR + lost + BEAT, abs=0.05)
    assert listener.changes == ["started"]


def test_after_seconds_without_the_cable_the_song_position_is_right() -> None:
    daw = Daw(97.0).send(START).tick(2 * BAR).tick(2 * BAR, lost=True)
    listener = Listener(Timeline.start(97.0)).catch_up(daw)
    assert not listener.clock.is_ticking(daw.next_s)
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(daw.next_s) == pytest.approx(5 * BAR, abs=0.01)


def test_a_clock_that_ticks_while_stopped_sets_the_tempo_and_the_song_stands_still() -> None:
    daw = Daw().send(START).tick(BAR + 30).send(STOP)
    listener = Listener().catch_up(daw)
    assert listener.clock.transport == "stopped"
    listener.catch_up(daw.tempo(90.0).tick(3 * BAR))
    assert listener.timeline.tempo_bpm == pytest.approx(90.0, abs=0.1)
    continued_s = daw.next_s
    listener.catch_up(daw.send(CONTINUE).tick(BAR))
    assert listener.position_ticks(continued_s) == pytest.approx(BAR + 30, abs=0.01)
    assert listener.changes == ["started", "stopped", "started"]


def test_after_a_silent_stop_the_song_continues_in_the_middle_of_its_bar() -> None:
    daw = Daw(97.0).send(START).tick(BAR + 30).send(STOP).rest(60.0123).send(CONTINUE)
    listener = Listener(Timeline.start(97.0)).catch_up(daw)
    continued_s = daw.next_s
    listener.catch_up(daw.tick(1))
    assert listener.position_ticks(continued_s) == pytest.approx(BAR + 30, abs=1e-6)
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(daw.next_s) == pytest.approx(2 * BAR + 31, abs=0.02)


def test_a_clock_that_restarts_its_ticks_at_start_is_on_time_from_the_first_tick() -> None:
    daw = Daw(97.0).tick(BAR).rest(0.4 * 60 / 97 / 24).send(START)
    listener = Listener(Timeline.start(97.0)).catch_up(daw)
    listener.catch_up(daw.tick(1))
    before = listener.timeline
    assert listener.position_ticks(daw.due_s[-1]) == pytest.approx(0.0, abs=1e-6)
    assert max(map(abs, errors_ms(daw.tick(BAR), listener, -BAR, BAR))) < 0.1
    assert listener.catch_up(daw).timeline is before


def test_after_a_position_sent_while_stopped_the_song_continues_there() -> None:
    daw = Daw().send(START).tick(BAR).send(STOP, song_position(21)).rest(2.5).send(CONTINUE)
    listener = Listener().catch_up(daw)
    continued_s = daw.next_s
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(continued_s) == pytest.approx(21 * 6, abs=1e-6)
    assert listener.timeline.bar_at(listener.timeline.beat_at(continued_s)) == pytest.approx((1, 1.25))


def test_a_position_sent_while_playing_is_the_next_ticks() -> None:
    daw = Daw().send(START).tick(BAR + 5).send(song_position(64))
    listener = Listener().catch_up(daw)
    relocated_s = daw.next_s
    beats = listener.timeline
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(relocated_s) == pytest.approx(64 * 6, abs=1e-6)
    assert listener.timeline.beat_at(relocated_s) == pytest.approx(beats.beat_at(relocated_s))
    assert listener.changes == ["started", "relocated"]


@pytest.mark.parametrize("sixteenths", [16, 17])
def test_the_present_position_sent_again_moves_nothing(sixteenths: int) -> None:
    daw = Daw().send(START).tick(16 * 6 + 3).send(song_position(sixteenths))
    listener = Listener().catch_up(daw)
    downbeat = listener.timeline.downbeat
    listener.catch_up(daw.tick(BAR))
    assert listener.timeline.downbeat == downbeat
    assert listener.changes == ["started"]


def test_start_while_playing_begins_the_song_again() -> None:
    daw = Daw().send(START).tick(BAR + 7).send(START).tick(BEAT)
    listener = Listener().catch_up(daw)
    assert listener.position_ticks(daw.next_s) == pytest.approx(BEAT, abs=1e-6)
    assert listener.changes == ["started", "relocated"]


def test_continue_while_playing_changes_nothing() -> None:
    daw = Daw().send(START).tick(BAR).send(CONTINUE).tick(BEAT)
    listener = Listener().catch_up(daw)
    assert listener.position_ticks(daw.next_s) == pytest.approx(BAR + BEAT, abs=1e-6)
    assert listener.changes == ["started"]


def test_continue_before_any_start_plays_from_the_beginning() -> None:
    daw = Daw().tick(30).send(CONTINUE).tick(BEAT)
    listener = Listener().catch_up(daw)
    assert listener.position_ticks(daw.next_s) == pytest.approx(BEAT, abs=1e-6)


def test_start_and_stop_without_a_tick_between_play_nothing() -> None:
    daw = Daw().tick(30).send(START, STOP).tick(BEAT)
    listener = Listener().catch_up(daw)
    assert listener.changes == ["stopped"]
    assert listener.clock.transport == "stopped"


def test_the_highest_song_position_is_reached_like_any_other() -> None:
    daw = Daw().tick(30).send(STOP, song_position(16383), CONTINUE)
    listener = Listener().catch_up(daw)
    continued_s = daw.next_s
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(continued_s) == pytest.approx(16383 * 6)
    assert listener.timeline.bar_at(listener.timeline.beat_at(continued_s)) == pytest.approx((1023, 3.75))


@pytest.mark.parametrize("tempo_bpm", [10.0, 500.0, 5000.0])
def test_a_clock_that_starts_outside_the_tempo_limits_is_not_followed(tempo_bpm: float) -> None:
    daw = Daw(tempo_bpm).send(START).tick(BAR)
    listener = Listener().catch_up(daw)
    assert listener.timeline.tempo_bpm == 120.0
    assert listener.clock.tempo_bpm is None
    assert not listener.clock.is_ticking(daw.due_s[-1])


@pytest.mark.parametrize("tempo_bpm", [12.0, 600.0])
def test_a_clock_that_leaves_the_tempo_limits_is_followed_again_when_it_returns(tempo_bpm: float) -> None:
    daw = Daw(97.0).send(START).tick(BAR).tempo(tempo_bpm).tick(BEAT)
    listener = Listener(Timeline.start(97.0)).catch_up(daw)
    listener.catch_up(daw.tick(BEAT))
    before = listener.timeline
    assert listener.catch_up(daw.tick(BEAT)).timeline is before
    listener.catch_up(daw.tempo(110.0).tick(BAR))
    assert listener.timeline.tempo_bpm == pytest.approx(110.0, abs=0.2)


def test_the_tempo_limits_themselves_are_followed() -> None:
    for tempo_bpm in (20.0, 400.0):
        listener = Listener().catch_up(Daw(tempo_bpm, delay=jitter(3)).tick(2 * BAR))
        assert listener.timeline.tempo_bpm == pytest.approx(tempo_bpm, rel=0.01)


def test_a_tick_that_is_read_late_does_not_change_beats_already_played() -> None:
    clock, timeline = MidiClock(), Timeline.start(120.0)
    for data, at_s in Daw(97.0).send(START).tick(BAR).sent:
        before, now_s = timeline, at_s + 0.003
        timeline = clock.receive(data, timeline, at_s, now_s)
        assert timeline.beat_at(now_s) == pytest.approx(before.beat_at(now_s), abs=1e-9)
        assert timeline.beat_at(at_s) == pytest.approx(before.beat_at(at_s), abs=1e-9)


@pytest.mark.parametrize(
    "data", [b"", bytes([0xF2]), bytes([0xF2, 1]), bytes([0xFE]), bytes([0x90, 60, 1]), bytes([0xF8, 0xF8])]
)
def test_bytes_other_than_one_whole_clock_message_are_rejected(data: bytes) -> None:
    assert not is_clock_message(data)


@pytest.mark.parametrize("data", [TICK, START, CONTINUE, STOP, song_position(300)])
def test_clock_messages_are_recognized(data: bytes) -> None:
    assert is_clock_message(data)


def test_a_loop_goes_on_without_a_stop() -> None:
    daw = Daw().send(START).tick(4 * BAR).send(STOP, song_position(16), CONTINUE)
    listener = Listener().catch_up(daw)
    assert listener.clock.transport == "playing"
    looped_s = daw.next_s
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(looped_s) == pytest.approx(BAR, abs=1e-6)
    assert listener.changes == ["started", "relocated"]


def test_a_stop_takes_effect_when_nothing_else_has_come_for_5_ms() -> None:
    daw = Daw().send(START).tick(BAR)
    clock, timeline = MidiClock(), Timeline.start(120.0)
    for data, at_s in daw.sent:
        timeline = clock.receive(data, timeline, at_s, at_s)
    clock.receive(STOP, timeline, daw.next_s, daw.next_s)
    clock.pass_time(daw.next_s + 0.0049)
    assert clock.take_transport_changes() == ("started",)
    assert clock.stops_at_s == pytest.approx(daw.next_s + 0.005)
    clock.pass_time(daw.next_s + 0.0051)
    assert clock.take_transport_changes() == ("stopped",)


def test_song_positions_in_ticks_are_recognized_at_the_first_stop() -> None:
    daw = Daw().send(song_position(0), START).tick(4 * BAR).send(STOP).rest(1.0).send(song_position(4 * BAR))
    listener = Listener().catch_up(daw)
    continued_s = daw.next_s
    listener.catch_up(daw.send(CONTINUE).tick(BAR))
    assert listener.position_ticks(continued_s) == pytest.approx(4 * BAR, abs=0.01)
    looped_s = daw.send(STOP, song_position(2 * BAR), CONTINUE).next_s
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(looped_s) == pytest.approx(2 * BAR, abs=0.01)


def test_the_unit_of_song_position_may_be_given() -> None:
    daw = Daw().tick(30).send(song_position(576), CONTINUE)
    listener = Listener(clock=MidiClock(position_ticks=1)).catch_up(daw)
    continued_s = daw.next_s
    listener.catch_up(daw.tick(BAR))
    assert listener.position_ticks(continued_s) == pytest.approx(576, abs=1e-6)


@pytest.mark.parametrize("copy_s", [0.0, 0.0003, 0.003])
def test_a_doubled_clock_is_followed_at_its_true_tempo_and_bars(copy_s: float) -> None:
    daw = Daw(97.0).send(START).tick(6 * BAR)
    listener = Listener(Timeline.start(97.0))
    for data, at_s in daw.sent:
        listener.hear([(data, at_s)])
        if data == TICK:
            listener.hear([(data, at_s + copy_s)])
    assert listener.clock.is_doubled
    assert listener.timeline.tempo_bpm == pytest.approx(97.0, abs=0.1)
    assert listener.position_ticks(daw.next_s) == pytest.approx(6 * BAR, abs=0.3)


def test_dates_that_run_backwards_do_not_disturb_the_timeline() -> None:
    daw = Daw(97.0).send(START).tick(2 * BAR)
    listener = Listener(Timeline.start(97.0)).catch_up(daw)
    before = listener.timeline
    daw.tick(BAR)
    for number, (data, at_s) in enumerate(daw.sent[listener.received_count :]):
        date_s = at_s - (0.05 if number % 20 == 7 else 0.0)
        listener.timeline = listener.clock.receive(data, listener.timeline, date_s, at_s)
    assert listener.position_ticks(daw.next_s) == pytest.approx(3 * BAR, abs=0.02)
    assert listener.timeline.tempo_bpm == pytest.approx(before.tempo_bpm, abs=0.05)


@pytest.mark.parametrize("frames", [256, 1_024])
def test_the_song_position_is_right_when_the_clock_comes_in_buffers(frames: int) -> None:
    buffer_s = frames / 48_000
    daw = Daw(97.0).send(START).tick(20 * BAR)
    ticks = delivered(daw.due_s, buffer_s, delay=late_by_up_to(0.0005))
    listener = Listener(Timeline.start(97.0), MidiClock(side="start")).hear([daw.sent[0]])
    listener.hear((TICK, at_s) for at_s in ticks)
    assert listener.position_ticks(daw.next_s) == pytest.approx(20 * BAR, abs=0.03)
    assert listener.timeline.tempo_bpm == pytest.approx(97.0, abs=0.02)


commands = st.sampled_from([START, CONTINUE, STOP, song_position(0), song_position(5), song_position(16383)])
gaps_s = st.one_of(
    st.floats(0.0, 0.001), st.floats(0.005, 0.2), st.sampled_from([1 / 48, 1 / 38.8, 0.25, 1.9, 2.1, 7.0, 1000.0])
)
runs = st.tuples(st.integers(1, 120), gaps_s, st.floats(0.0, 0.02))


streams = st.lists(st.one_of(commands, gaps_s, runs), max_size=30)
Stream = list[bytes | float | tuple[int, float, float]]


def listener_after(stream: Stream, chance: Random) -> tuple[Listener, float]:
    """Returns a listener that has received the stream, and the time of the stream's end."""
    listener, at_s = Listener(), 1.0
    for item in stream:
        match item:
            case bytes():
                listener.hear([(item, at_s)])
            case float():
                at_s += item
                listener.hear([(TICK, at_s)])
            case (count, gap_s, spread_s):
                for _ in range(count):
                    at_s += gap_s
                    listener.hear([(TICK, at_s + chance.uniform(0.0, spread_s))])
    return listener, at_s


@given(streams, st.randoms(use_true_random=False))
def test_for_any_stream_beats_rise_and_nothing_is_raised(stream: Stream, chance: Random) -> None:
    listener, at_s = listener_after(stream, chance)
    moments = [at_s - 0.5 + 0.037 * step for step in range(100)]
    beats = [listener.timeline.beat_at(moment_s) for moment_s in moments]
    assert all(earlier < later for earlier, later in pairwise(beats))
    assert [listener.timeline.seconds_at(beat) for beat in beats] == pytest.approx(moments, abs=1e-6)
    assert 20.0 <= listener.timeline.tempo_bpm <= 400.0


@given(streams, st.randoms(use_true_random=False), st.floats(20.0, 400.0))
# One gap early in a short stream once passed for noise of more than an interval, and ticks that were never lost were counted.
@example(stream=[(5, 1 / 32, 0.0), 0.109375, (20, 1 / 32, 0.0)], chance=Random(1), tempo_bpm=20.0)
# Three ticks before the start, too few for a line, once made the first line together with the song's first ones.
@example(stream=[0.0, 2.1, 0.005], chance=Random(1), tempo_bpm=143.0)
# Ticks that were held up and came nearly at once made a line too fast for any tempo, and each later tick counted as dozens of lost ones.
@example(stream=[(21, 0.0, 0.02)], chance=Random(0), tempo_bpm=20.0)
@example(stream=[(41, 0.00015, 0.0156)], chance=Random(1), tempo_bpm=20.0)
# They were even taken for ticks of a clock in buffers.
@example(stream=[(21, 0.001, 0.015625)], chance=Random(29), tempo_bpm=400.0)
# A few ticks in steps of 64 frames made a line of their tempo, and when a slower clock started, many of its ticks counted as lost.
@example(
    stream=[CONTINUE, *[0.028 / 3] * 6, 0.032 / 3, *[0.028 / 3] * 5, 0.032 / 3, 0.028 / 3, 2.9],
    chance=Random(1),
    tempo_bpm=20.0,
)
def test_a_steady_clock_is_found_after_any_stream(stream: Stream, chance: Random, tempo_bpm: float) -> None:
    listener, at_s = listener_after(stream, chance)
    daw = Daw(tempo_bpm, next_s=at_s + 0.1).send(START).tick(3 * BAR)
    listener.catch_up(daw)
    assert listener.timeline.tempo_bpm == pytest.approx(tempo_bpm, rel=0.001)
    assert listener.position_ticks(daw.next_s) == pytest.approx(3 * BAR, abs=0.05)


def found_after(earlier_s: list[float], tempo_bpm: float, frames: int, bars: int = 3) -> Listener:
    """Returns a listener that has received earlier ticks, and then some bars of a clock in buffers that starts 0.1 s later."""
    listener = Listener(clock=MidiClock(side="start")).hear((TICK, at_s) for at_s in earlier_s)
    daw = Daw(tempo_bpm, next_s=earlier_s[-1] + 0.1).tick(bars * BAR)
    dates_s = list(delivered(daw.due_s, frames / 48_000))
    listener.hear([(START, dates_s[0]), *((TICK, at_s) for at_s in dates_s)])
    assert listener.timeline.tempo_bpm == pytest.approx(tempo_bpm, rel=0.001)
    off_s = listener.position_ticks(daw.next_s) * daw.interval_s - (daw.next_s - daw.due_s[0])
    assert abs(off_s) <= frames / 48_000 / 2 + 0.001
    return listener


@pytest.mark.parametrize(("tempo_bpm", "frames"), [(103.0, 2_048), (349.4, 512), (139.0, 1_024)])
def test_after_a_doubled_clock_a_single_one_with_several_ticks_in_a_buffer_is_single(
    tempo_bpm: float, frames: int
) -> None:
    doubled_s = [at_s + copy * 0.0004 for at_s in Daw(97.0).tick(BAR).due_s for copy in (0, 1)]
    assert not found_after(doubled_s, tempo_bpm, frames).clock.is_doubled


@pytest.mark.parametrize(
    ("old_bpm", "tempo_bpm", "frames"), [(60.0, 167.3, 512), (131.0, 355.7, 256), (310.0, 104.8, 1_024)]
)
def test_a_start_at_another_tempo_loses_no_tick_of_a_clock_in_buffers(
    old_bpm: float, tempo_bpm: float, frames: int
) -> None:
    found_after(list(delivered(Daw(old_bpm).tick(2 * BAR).due_s, frames / 48_000)), tempo_bpm, frames)


@pytest.mark.parametrize(("old_bpm", "wander"), [(97.0, 0.05), (97.0, 0.2), (150.0, 0.05), (150.0, 0.1)])
def test_a_steady_clock_in_buffers_is_found_after_an_unsteady_one_in_them(old_bpm: float, wander: float) -> None:
    chance, wandering_s = Random(0), [1.0]
    for _ in range(60):
        wandering_s.append(wandering_s[-1] + 2.5 / old_bpm * (1.0 + chance.uniform(-wander, wander)))
    found_after(list(delivered(wandering_s, 512 / 48_000)), 20.0, 512, bars=2)


def test_a_doubled_clock_that_starts_again_stays_doubled() -> None:
    listener = Listener()
    for first_s in (1.0, 20.0):
        daw = Daw(97.0, next_s=first_s).send(START).tick(3 * BAR)
        for data, at_s in daw.sent:
            listener.hear([(data, at_s)] if data == START else [(data, at_s), (data, at_s + 0.0004)])
            assert first_s == 1.0 or listener.clock.is_doubled
        assert listener.position_ticks(daw.next_s) == pytest.approx(3 * BAR, abs=0.3)


def test_what_is_learnt_of_a_gap_before_a_start_does_not_move_the_song() -> None:
    # The pause is nearly one tick long and counts as a lost tick for two beats.
    meant_s = [1.0 + tick * 2.5 / 62.4 + (0.985 * 2.5 / 62.4 if tick >= 300 else 0.0) for tick in range(600)]
    listener = Listener(clock=MidiClock(side="start"))
    for number, at_s in enumerate(delivered(meant_s, 1_024 / 48_000)):
        listener.hear([(START, at_s), (TICK, at_s)] if number == 316 else [(TICK, at_s)])
    assert listener.position_ticks(meant_s[-1]) == pytest.approx(599 - 316, abs=0.1)


@pytest.mark.parametrize("moved_s", [-0.0008, -0.00017, 0.00017, 0.0008])
def test_a_beat_moves_with_the_dates_of_ticks_even_if_it_is_due_within_a_glide(moved_s: float) -> None:
    tick_s, period_s = 60 / 97 / BEAT, 1024 / 48_000
    clock, timeline = MidiClock(), Timeline.start(97.0)
    timeline = clock.receive(START, timeline, 0.0, period_s)
    for tick in range(10 * BEAT - 1):
        timeline = clock.receive(TICK, timeline, tick * tick_s, tick * tick_s + period_s)
    clock.move_dates(moved_s)
    at_s = (10 * BEAT - 1) * tick_s + moved_s
    timeline = clock.receive(TICK, timeline, at_s, at_s + period_s)
    assert timeline.seconds_at(timeline.downbeat + 10) == pytest.approx(at_s + tick_s, abs=0.00006)


class TestATickThatWasCountedWrongly:
    """A pause of exactly one tick cannot be told from a lost tick, so the song is then a tick ahead, until something shows it."""

    def paused(self, *, with_reports: bool = False) -> tuple[Daw, Listener]:
        daw = Daw().send(START)
        for _ in range(4):
            daw.tick(BAR)
            if with_reports:
                daw.send(song_position(len(daw.due_s) // 6))
        daw.rest(daw.interval_s).tick(BAR)
        listener = Listener().catch_up(daw)
        assert listener.position_ticks(daw.next_s) == pytest.approx(5 * BAR + 1, abs=0.01)
        return daw, listener

    def test_a_start_mends_it(self) -> None:
        daw, listener = self.paused()
        started_s = daw.send(START).next_s
        listener.catch_up(daw.tick(BAR))
        assert listener.position_ticks(started_s) == pytest.approx(0.0, abs=0.01)

    def test_the_position_of_a_loop_mends_it(self) -> None:
        daw, listener = self.paused()
        looped_s = daw.send(STOP, song_position(16), CONTINUE).next_s
        listener.catch_up(daw.tick(BAR))
        assert listener.position_ticks(looped_s) == pytest.approx(BAR, abs=0.01)

    def test_a_position_elsewhere_mends_it(self) -> None:
        daw, listener = self.paused()
        moved_s = daw.send(song_position(160)).next_s
        listener.catch_up(daw.tick(BAR))
        assert listener.position_ticks(moved_s) == pytest.approx(160 * 6, abs=0.01)

    def test_the_second_position_sent_while_playing_mends_it(self) -> None:
        daw, listener = self.paused(with_reports=True)
        listener.catch_up(daw.send(song_position(5 * 16)).tick(BAR))
        assert listener.position_ticks(daw.next_s) == pytest.approx(6 * BAR + 1, abs=0.01)
        listener.catch_up(daw.send(song_position(6 * 16)).tick(BAR))
        assert listener.position_ticks(daw.next_s) == pytest.approx(7 * BAR, abs=0.01)
        for _ in range(4):
            listener.catch_up(daw.send(song_position(len(daw.due_s) // 6)).tick(BAR))
        assert listener.position_ticks(daw.next_s) == pytest.approx(11 * BAR, abs=0.01)
        assert listener.changes == ["started", "relocated"]

    def test_positions_that_are_rounded_to_sixteenths_at_any_moment_move_nothing(self) -> None:
        chance, daw = Random(1), Daw().send(START)
        for _ in range(300):
            daw.tick(chance.randrange(1, 60)).send(song_position(len(daw.due_s) // 6))
        listener = Listener().catch_up(daw)
        assert listener.position_ticks(daw.next_s) == pytest.approx(len(daw.due_s), abs=0.01)
        assert listener.changes == ["started"]


class TestHowEvenAClockIs:
    def test_the_ticks_of_an_even_clock_come_on_our_beat(self) -> None:
        listener = Listener(Timeline.start(97.0)).catch_up(Daw(tempo_bpm=97.0).tick(3 * BAR))
        assert len(listener.clock.tick_errors_s) == ERRORS_KEPT
        assert list(listener.clock.tick_errors_s) == pytest.approx([0.0] * ERRORS_KEPT, abs=1e-5)

    def test_a_tick_that_is_late_is_late_against_our_beat(self) -> None:
        daw = Daw().tick(2 * BAR)
        listener = Listener().catch_up(daw)
        listener.hear([(TICK, daw.next_s + 0.004)])
        assert listener.clock.tick_errors_s[-1] == pytest.approx(0.004, abs=0.0002)

    def test_another_clock_begins_anew(self) -> None:
        daw = Daw().tick(BAR)
        listener = Listener().catch_up(daw)
        daw.rest(5.0).tick(6)
        assert len(listener.catch_up(daw).clock.tick_errors_s) == 6
