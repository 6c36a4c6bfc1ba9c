from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.link_clock import LinkMoment
from bridge.timing.meter import Meter
from bridge.timing.ticks.tick import BufferSide
from server.controls.choices import ClockChoice, PositionUnit
from server.controls.control_table import Settings
from server.music.clock_sources import Source
from server.music.conductor import Conductor
from tests.bridge.timing.clock_streams import CONTINUE, START, STOP, TICK, Daw, song_position

BEAT, BAR = 24, 96
"""In ticks."""


def create_conductor(clock: ClockChoice = "auto", tempo_bpm: float = 120.0) -> Conductor:
    return Conductor(Settings(tempo=tempo_bpm, clock=clock), 0.0)


def receive_all(conductor: Conductor, daw: Daw) -> None:
    """Hands on all that the DAW has sent, and clears it."""
    for data, at_s in daw.sent:
        conductor.receive(data, at_s)
    daw.sent.clear()


def leader(conductor: Conductor) -> Source:
    """In a function, as the type checker would otherwise narrow the property once and for all."""
    return conductor.source


def link_moment(at_s: float, tempo_bpm: float = 97.0, first_s: float = 0.3) -> LinkMoment:
    """A session whose beat 0 was at `first_s`."""
    return LinkMoment(at_s, (at_s - first_s) * tempo_bpm / 60.0, tempo_bpm)


class TestOurOwnTempo:
    def test_it_leads_where_no_other_clock_does(self) -> None:
        conductor = create_conductor()
        assert (conductor.source, conductor.transport) == ("internal", "free")
        assert conductor.set_tempo(90.0, 2.0)
        assert conductor.timeline.beat_at(4.0) == 7.0
        assert conductor.wake_at_s() is None

    def test_taps_set_the_tempo_and_where_bars_begin(self) -> None:
        conductor = create_conductor()
        assert [conductor.tap(at_s) for at_s in (10.1, 10.7, 11.3)] == [
            None,
            pytest.approx(100.0),
            pytest.approx(100.0),
        ]
        timeline = conductor.timeline
        assert timeline.tempo_bpm == pytest.approx(100.0)
        assert timeline.bar_at(timeline.beat_at(11.3)) == pytest.approx((0, 2.0), abs=1e-6)
        assert timeline.bar_at(timeline.beat_at(12.5)) == pytest.approx((1, 0.0), abs=1e-6)

    def test_a_new_meter_counts_from_the_present_bar(self) -> None:
        conductor = create_conductor()
        conductor.set_meter(Meter(3, 4), 3.0)
        assert [conductor.timeline.bar_at(beat) for beat in (4.0, 6.0, 7.0)] == [(0, 0.0), (0, 2.0), (1, 0.0)]

    def test_a_change_never_takes_effect_before_an_earlier_change(self) -> None:
        conductor = create_conductor()
        conductor.set_tempo(60.0, 4.0)
        conductor.set_tempo(240.0, 3.0)
        assert conductor.timeline.beat_at(4.0) == 8.0


class TestMidiClock:
    def test_it_takes_over_as_soon_as_it_has_a_tempo(self) -> None:
        conductor, daw = create_conductor(), Daw(97.0)
        receive_all(conductor, daw.tick(3))
        assert leader(conductor) == "internal"
        receive_all(conductor, daw.tick(1))
        assert leader(conductor) == "midi"
        assert conductor.timeline.tempo_bpm == pytest.approx(97.0)

    def test_while_it_leads_our_own_tempo_cannot_be_set(self) -> None:
        conductor, daw = create_conductor(), Daw(97.0).tick(BAR)
        receive_all(conductor, daw)
        before = conductor.timeline
        assert not conductor.set_tempo(150.0, daw.next_s)
        assert conductor.tap(daw.next_s) is None
        assert conductor.tap(daw.next_s + 0.5) is None
        assert conductor.timeline is before

    def test_each_transport_change_is_reported_once(self) -> None:
        conductor, daw = create_conductor(), Daw().send(START).tick(BAR)
        receive_all(conductor, daw)
        assert conductor.take_transport_changes() == ("started",)
        assert (conductor.source, conductor.transport) == ("midi", "playing")
        receive_all(conductor, daw.send(song_position(400)).tick(BAR).send(STOP))
        conductor.pass_time(daw.next_s)
        assert conductor.take_transport_changes() == ("relocated", "stopped")
        assert (conductor.source, conductor.transport) == ("midi", "stopped")
        assert conductor.take_transport_changes() == ()

    def test_lost_for_two_seconds_it_is_logged_once_and_the_tempo_stays_and_is_ours_again(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        conductor, daw = create_conductor(), Daw(97.0).send(START).tick(2 * BAR)
        receive_all(conductor, daw)
        last_s = daw.due_s[-1]
        assert conductor.wake_at_s() == pytest.approx(last_s + 2.0)
        conductor.pass_time(last_s + 1.9)
        assert leader(conductor) == "midi"
        before = conductor.timeline
        conductor.pass_time(last_s + 2.1)
        conductor.pass_time(last_s + 5.0)
        assert leader(conductor) == "internal"
        assert conductor.transport == "free"
        assert conductor.timeline is before
        assert conductor.wake_at_s() is None
        assert [record.getMessage() for record in caplog.records] == [
            "MIDI clock is lost, or cannot be followed; the tempo stays 97.0 bpm"
        ]
        assert conductor.set_tempo(120.0, last_s + 6.0)

    def test_when_it_comes_back_it_leads_again_and_the_song_goes_on(self) -> None:
        conductor, daw = create_conductor(), Daw(97.0).send(START).tick(2 * BAR).tick(2 * BAR, lost=True)
        receive_all(conductor, daw)
        conductor.pass_time(daw.next_s - 0.01)
        receive_all(conductor, daw.tick(BAR))
        assert (conductor.source, conductor.transport) == ("midi", "playing")
        timeline = conductor.timeline
        assert timeline.position(timeline.beat_at(daw.next_s)) == pytest.approx(20.0, abs=0.001)

    def test_stopped_and_silent_it_still_leads_but_our_own_tempo_works(self) -> None:
        conductor, daw = create_conductor(), Daw(97.0).send(START).tick(BAR).send(STOP)
        receive_all(conductor, daw)
        conductor.pass_time(daw.next_s + 60.0)
        assert (conductor.source, conductor.transport) == ("midi", "stopped")
        assert conductor.set_tempo(120.0, daw.next_s + 60.0)
        receive_all(conductor, daw.rest(70.0).send(CONTINUE).tick(BAR))
        assert conductor.timeline.tempo_bpm == pytest.approx(97.0, abs=0.01)

    def test_stopped_and_silent_for_two_minutes_it_is_gone_and_time_is_ours(self) -> None:
        conductor, daw = create_conductor(), Daw(97.0).send(START).tick(BAR).send(STOP)
        receive_all(conductor, daw)
        conductor.pass_time(daw.next_s)
        last_s = daw.due_s[-1]
        wake_s = conductor.wake_at_s()
        assert wake_s == pytest.approx(last_s + 120.0)
        conductor.advance(last_s + 119.9)
        assert (conductor.source, conductor.transport) == ("midi", "stopped")
        conductor.advance(last_s + 120.1)
        assert (conductor.source, conductor.transport) == ("internal", "free")
        receive_all(conductor, daw.rest(200.0).send(CONTINUE).tick(BAR))
        assert (conductor.source, conductor.transport) == ("midi", "playing")

    def test_it_wakes_to_stop_after_what_may_be_a_loop(self) -> None:
        conductor, daw = create_conductor(), Daw(97.0).send(START).tick(BAR).send(STOP)
        stopped_s = daw.sent[-1][1]
        receive_all(conductor, daw)
        assert (conductor.source, conductor.transport) == ("midi", "playing")
        assert conductor.wake_at_s() == pytest.approx(max(stopped_s, daw.due_s[-1]) + 0.005)
        conductor.advance(daw.next_s)
        assert (conductor.source, conductor.transport) == ("midi", "stopped")

    def test_a_clock_that_arrives_twice_is_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        conductor, daw = create_conductor(), Daw(97.0).send(START).tick(4 * BAR)
        for data, at_s in daw.sent:
            conductor.receive(data, at_s)
            if data == TICK:
                conductor.receive(data, at_s + 0.0003)
        assert conductor.timeline.tempo_bpm == pytest.approx(97.0, abs=0.1)
        assert [record.getMessage() for record in caplog.records] == [
            "MIDI clock arrives twice, as through two cables: every second tick is ignored"
        ]

    def test_a_new_meter_counts_the_song_from_its_beginning(self) -> None:
        conductor, daw = create_conductor(), Daw().send(START).tick(BAR)
        receive_all(conductor, daw)
        downbeat = conductor.timeline.downbeat
        conductor.set_meter(Meter(3, 4), daw.next_s)
        assert conductor.timeline.downbeat == downbeat
        assert conductor.timeline.bar_at(downbeat + 4.0) == (1, 1.0)

    @pytest.mark.parametrize("clock", ["internal", "link"])
    def test_where_the_control_excludes_it_it_is_ignored_and_logged_once(
        self, clock: ClockChoice, caplog: pytest.LogCaptureFixture
    ) -> None:
        conductor, daw = create_conductor(clock), Daw(97.0).send(START).tick(BAR)
        before = conductor.timeline
        receive_all(conductor, daw)
        assert conductor.timeline is before
        assert conductor.take_transport_changes() == ()
        assert [record.getMessage() for record in caplog.records] == [
            f"MIDI clock comes in, but is not followed, because clock = {clock}"
        ]

    def test_a_tempo_out_of_range_is_not_followed_and_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        conductor, daw = create_conductor(), Daw(600.0).send(START).tick(BAR)
        receive_all(conductor, daw)
        assert conductor.source == "internal"
        assert conductor.set_tempo(90.0, daw.next_s)
        assert [record.getMessage() for record in caplog.records] == [
            "MIDI clock ticks at 600 bpm and is not followed: a tempo is 20 to 400 bpm"
        ]

    def test_when_it_is_no_longer_followed_the_timeline_goes_on_as_it_was(self) -> None:
        conductor, daw = create_conductor(), Daw(97.0).tick(BAR)
        receive_all(conductor, daw)
        before = conductor.timeline
        conductor.set_clock("internal", daw.next_s)
        assert leader(conductor) == "internal"
        receive_all(conductor, daw.tempo(200.0).tick(BAR))
        assert conductor.timeline is before
        conductor.set_clock("auto", daw.next_s)
        receive_all(conductor, daw.tick(BEAT))
        assert leader(conductor) == "midi"
        assert conductor.timeline.tempo_bpm == pytest.approx(200.0, rel=0.001)


class TestWhatIsKnownOfTheSender:
    @pytest.mark.parametrize(("unit", "bar"), [("auto", 6), ("16ths", 6), ("ticks", 1)])
    @pytest.mark.parametrize("is_changed", [False, True])
    def test_the_first_position_is_in_the_unit_that_is_set(
        self, unit: PositionUnit, bar: int, *, is_changed: bool
    ) -> None:
        conductor = Conductor(Settings(position_unit="auto" if is_changed else unit), 0.0)
        if is_changed:
            conductor.change("position_unit", unit, 0.0)
        daw = Daw(120.0).tick(BAR).send(song_position(96), CONTINUE).tick(BAR)
        receive_all(conductor, daw)
        song_beat = conductor.timeline.position(conductor.timeline.beat_at(daw.next_s))
        assert song_beat == pytest.approx(4.0 * bar + 4.0, abs=0.001)

    def test_a_unit_that_was_set_still_holds_when_midi_clock_is_followed_again(self) -> None:
        conductor = Conductor(Settings(position_unit="ticks", clock="internal"), 0.0)
        conductor.set_clock("auto", 0.5)
        daw = Daw(120.0).tick(BAR).send(song_position(96), CONTINUE).tick(BAR)
        receive_all(conductor, daw)
        assert conductor.timeline.position(conductor.timeline.beat_at(daw.next_s)) == pytest.approx(8.0, abs=0.001)

    @pytest.mark.parametrize(("side", "later_ms"), [("unknown", 0.0), ("start", 10.67), ("end", -10.67)])
    def test_where_the_port_knows_the_side_the_beat_is_not_half_a_buffer_off(
        self, side: BufferSide, later_ms: float
    ) -> None:
        buffer_s = 1024 / 48_000
        conductors = Conductor(Settings(), 0.0), Conductor(Settings(), 0.0)
        conductors[1].set_tick_side(side)
        daw = Daw(97.0).tick(8 * BEAT)
        for conductor in conductors:
            for data, at_s in daw.sent:
                conductor.receive(data, buffer_s * (at_s // buffer_s))
        without, with_side = (conductor.timeline.seconds_at(16.0) for conductor in conductors)
        assert 1000 * (with_side - without) == pytest.approx(later_ms, abs=0.01)


class TestSentClock:
    def test_starts_with_the_song_that_is_followed_again_after_another_clock_led(self) -> None:
        conductor = Conductor(Settings(send_clock="on", clock="link"), 0.0)
        conductor.follow_link(replace(link_moment(1.0), is_playing=True), 1.0)
        conductor.advance(4.0)
        conductor.set_clock("internal", 4.0)
        conductor.stop(4.0)
        assert conductor.advance(4.0)[-1].data == STOP
        conductor.set_clock("link", 4.0)
        conductor.follow_link(replace(link_moment(4.1), is_playing=True), 4.1)
        assert START in [due.data for due in conductor.advance(8.0)]


class TestLink:
    def test_it_gives_tempo_beats_and_bars(self) -> None:
        conductor = create_conductor("link")
        before = conductor.timeline
        conductor.follow_link(link_moment(5.0), 5.0)
        timeline = conductor.timeline
        assert leader(conductor) == "link"
        assert timeline.beat_at(5.0) == pytest.approx(before.beat_at(5.0))
        assert timeline.tempo_bpm == 97.0
        # Bars begin where the session's beat is a multiple of four.
        bar_s = 0.3 + 8 * 60 / 97
        assert timeline.bar_at(timeline.beat_at(bar_s)) == pytest.approx((2, 0.0), abs=1e-6)

    def test_a_session_that_has_not_changed_changes_nothing(self) -> None:
        conductor = create_conductor("link")
        conductor.follow_link(link_moment(5.0), 5.0)
        before = conductor.timeline
        for tenth in range(20):
            conductor.follow_link(link_moment(5.0 + tenth / 10), 5.0 + tenth / 10)
        assert conductor.timeline is before

    def test_its_start_and_stop_are_followed_where_they_are_shared(self) -> None:
        conductor = create_conductor("link")
        for at_s, is_playing in ((5.0, False), (5.1, False), (5.2, True), (5.3, True), (5.4, False)):
            conductor.follow_link(replace(link_moment(at_s), is_playing=is_playing), at_s)
        assert conductor.take_transport_changes() == ("started", "stopped")
        assert conductor.transport == "stopped"

    def test_where_they_are_not_shared_no_song_is_followed(self) -> None:
        conductor = create_conductor("link")
        conductor.follow_link(link_moment(5.0), 5.0)
        assert (conductor.source, conductor.transport) == ("link", "free")

    @pytest.mark.parametrize("clock", ["auto", "internal", "midi"])
    def test_a_moment_that_comes_once_the_session_is_left_changes_nothing(self, clock: ClockChoice) -> None:
        conductor = create_conductor("link")
        conductor.follow_link(link_moment(1.0), 1.0)
        conductor.set_clock(clock, 2.0)
        before = conductor.timeline
        conductor.follow_link(link_moment(2.1, tempo_bpm=140.0), 2.1)
        assert leader(conductor) == "internal"
        assert conductor.timeline is before

    def test_while_it_leads_our_own_tempo_is_not_set_here(self) -> None:
        conductor = create_conductor("link")
        conductor.follow_link(link_moment(1.0), 1.0)
        assert not conductor.set_tempo(150.0, 2.0)
        assert conductor.timeline.tempo_bpm == 97.0


Action = Callable[[Conductor, float], object]
"""Something that happens to a conductor at a second."""


def receiving(data: bytes) -> Action:
    return lambda conductor, now_s: conductor.receive(data, now_s - 0.001, now_s)


choices: list[ClockChoice] = ["auto", "internal", "midi", "link"]
actions: st.SearchStrategy[list[Action]] = st.one_of(
    st.sampled_from([START, STOP, CONTINUE, song_position(9)]).map(lambda data: [receiving(data)]),
    st.integers(1, 60).map(lambda count: [receiving(TICK)] * count),
    st.floats(20, 400).map(lambda tempo_bpm: [lambda conductor, now_s: conductor.set_tempo(tempo_bpm, now_s)]),
    st.just([lambda conductor, now_s: conductor.tap(now_s)]),
    st.sampled_from(choices).map(lambda clock: [lambda conductor, now_s: conductor.set_clock(clock, now_s)]),
    st.integers(1, 9).map(lambda beats: [lambda conductor, now_s: conductor.set_meter(Meter(beats, 8), now_s)]),
    st.floats(20, 400).map(
        lambda bpm: [lambda conductor, now_s: conductor.follow_link(link_moment(now_s, bpm), now_s)]
    ),
    st.floats(0, 5).map(lambda seconds: [lambda conductor, now_s: conductor.pass_time(now_s + seconds)]),
)


@given(st.lists(actions, max_size=40), st.floats(20, 400))
def test_whichever_clock_leads_beats_never_jump_and_never_run_backwards(
    sequences: list[list[Action]], daw_bpm: float
) -> None:
    conductor, now_s, beat = create_conductor(), 1.0, 0.0
    for action in chain.from_iterable(sequences):
        now_s += 60 / daw_bpm / 24
        before = conductor.timeline
        action(conductor, now_s)
        assert conductor.timeline.beat_at(now_s) == pytest.approx(before.beat_at(now_s), abs=1e-9)
        assert conductor.timeline.beat_at(now_s) > beat
        beat = conductor.timeline.beat_at(now_s)


def test_a_link_session_that_was_left_no_longer_leads() -> None:
    conductor = create_conductor("link")
    conductor.follow_link(LinkMoment(1.0, 0.0, 100.0, is_playing=False), 1.0)
    conductor.set_clock("auto", 2.0)
    assert (conductor.source, conductor.transport) == ("internal", "free")
    assert conductor.set_tempo(90.0, 3.0)


def test_a_clock_that_only_ticks_lets_us_set_the_bars() -> None:
    conductor = create_conductor()
    for data, at_s in Daw(120.0).tick(2 * BEAT).sent:
        conductor.receive(data, at_s)
    assert conductor.source == "midi"
    assert conductor.set_downbeat(4.367, 2.1)
    assert conductor.timeline.downbeat == 4.367


class TestHowFarAClockIsFromOurBeat:
    def test_there_is_nothing_to_say_of_our_own_clock(self) -> None:
        assert not create_conductor().clock_errors_s

    def test_ticks_of_midi_clock_are_compared_with_our_beat(self) -> None:
        conductor = create_conductor()
        receive_all(conductor, Daw().tick(2 * BAR))
        assert list(conductor.clock_errors_s) == pytest.approx([0.0] * BAR, abs=1e-5)

    def test_so_is_links_beat(self) -> None:
        conductor = create_conductor("link")
        for number in range(40):
            conductor.follow_link(link_moment(1.0 + number * 0.05), 1.0 + number * 0.05)
        assert list(conductor.clock_errors_s)[-20:] == pytest.approx([0.0] * 20, abs=1e-5)
        conductor.follow_link(link_moment(3.0, first_s=0.302), 3.0)
        assert conductor.clock_errors_s[-1] == pytest.approx(0.002, abs=1e-5)
        conductor.set_clock("internal", 4.0)
        assert not conductor.clock_errors_s
