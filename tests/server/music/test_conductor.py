from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.link_clock import LinkMoment
from bridge.timing.meter import Meter
from server.controls.choices import ClockChoice
from server.controls.control_table import Settings
from server.music.conductor import Conductor, Source
from tests.bridge.timing.clock_streams import CONTINUE, START, STOP, TICK, Daw, song_position

BEAT, BAR = 24, 96
"""In ticks."""


def conducting(clock: ClockChoice = "auto", tempo_bpm: float = 120.0) -> Conductor:
    return Conductor(Settings(tempo=tempo_bpm, clock=clock), 0.0)


def hear(conductor: Conductor, daw: Daw) -> None:
    """Hears what the DAW has sent, and leaves it with nothing more to be heard."""
    for data, at_s in daw.sent:
        assert conductor.receive(data, at_s)
    daw.sent.clear()


def leader(conductor: Conductor) -> Source:
    """Asked by a call, so that the type checker does not take it to be the same for ever."""
    return conductor.source


def link_moment(at_s: float, tempo_bpm: float = 97.0, first_s: float = 0.3) -> LinkMoment:
    """A session whose beat 0 was at `first_s`."""
    return LinkMoment(at_s, (at_s - first_s) * tempo_bpm / 60.0, tempo_bpm)


class TestOurOwnTempo:
    def test_it_leads_where_nobody_else_is_there(self) -> None:
        conductor = conducting()
        assert (conductor.source, conductor.transport, conductor.is_running) == ("internal", "free", True)
        assert conductor.set_tempo(90.0, 2.0)
        assert conductor.timeline.beat_at(4.0) == 7.0
        assert conductor.wake_at_s() is None

    def test_taps_set_the_tempo_and_where_bars_begin(self) -> None:
        conductor = conducting()
        assert [conductor.tap(at_s) for at_s in (10.1, 10.7, 11.3)] == [
            None,
            pytest.approx(100.0),
            pytest.approx(100.0),
        ]
        timeline = conductor.timeline
        assert timeline.tempo_bpm == pytest.approx(100.0)
        assert timeline.bar_at(timeline.beat_at(11.3)) == pytest.approx((0, 2.0), abs=1e-6)
        assert timeline.bar_at(timeline.beat_at(12.5)) == pytest.approx((1, 0.0), abs=1e-6)

    def test_a_new_meter_counts_from_the_bar_that_is_under_way(self) -> None:
        conductor = conducting()
        conductor.set_meter(Meter(3, 4), 3.0)
        assert [conductor.timeline.bar_at(beat) for beat in (4.0, 6.0, 7.0)] == [(0, 0.0), (0, 2.0), (1, 0.0)]

    def test_a_change_never_takes_effect_before_one_that_already_has(self) -> None:
        conductor = conducting()
        conductor.set_tempo(60.0, 4.0)
        conductor.set_tempo(240.0, 3.0)
        assert conductor.timeline.beat_at(4.0) == 8.0


class TestMidiClock:
    def test_it_takes_over_as_soon_as_it_has_a_tempo(self) -> None:
        conductor, daw = conducting(), Daw(97.0)
        hear(conductor, daw.tick(3))
        assert leader(conductor) == "internal"
        hear(conductor, daw.tick(1))
        assert leader(conductor) == "midi"
        assert conductor.timeline.tempo_bpm == pytest.approx(97.0)

    def test_while_it_leads_our_own_tempo_waits(self) -> None:
        conductor, daw = conducting(), Daw(97.0).tick(BAR)
        hear(conductor, daw)
        before = conductor.timeline
        assert not conductor.set_tempo(150.0, daw.next_s)
        assert conductor.tap(daw.next_s) is None
        assert conductor.tap(daw.next_s + 0.5) is None
        assert conductor.timeline is before

    def test_what_happens_to_the_song_is_told_once(self) -> None:
        conductor, daw = conducting(), Daw().say(START).tick(BAR)
        hear(conductor, daw)
        assert conductor.take_transport_changes() == ("started",)
        assert (conductor.transport, conductor.is_running) == ("playing", True)
        hear(conductor, daw.say(song_position(400)).tick(BAR).say(STOP))
        assert conductor.take_transport_changes() == ("relocated", "stopped")
        assert (conductor.transport, conductor.is_running) == ("stopped", False)
        assert conductor.take_transport_changes() == ()

    def test_gone_for_two_seconds_it_is_said_once_and_the_tempo_stays_and_is_ours_again(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        conductor, daw = conducting(), Daw(97.0).say(START).tick(2 * BAR)
        hear(conductor, daw)
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
            "MIDI clock is gone, or is none that can be followed; the tempo stays 97.0 bpm"
        ]
        assert conductor.set_tempo(120.0, last_s + 6.0)

    def test_when_it_comes_back_it_leads_again_and_the_song_goes_on(self) -> None:
        conductor, daw = conducting(), Daw(97.0).say(START).tick(2 * BAR).tick(2 * BAR, lost=True)
        hear(conductor, daw)
        conductor.pass_time(daw.next_s - 0.01)
        hear(conductor, daw.tick(BAR))
        assert (conductor.source, conductor.transport) == ("midi", "playing")
        timeline = conductor.timeline
        assert timeline.position(timeline.beat_at(daw.next_s)) == pytest.approx(20.0, abs=0.001)

    def test_stopped_and_silent_it_still_leads_but_our_own_tempo_works(self) -> None:
        conductor, daw = conducting(), Daw(97.0).say(START).tick(BAR).say(STOP)
        hear(conductor, daw)
        conductor.pass_time(daw.next_s + 60.0)
        assert (conductor.source, conductor.transport) == ("midi", "stopped")
        assert conductor.set_tempo(120.0, daw.next_s + 60.0)
        hear(conductor, daw.rest(70.0).say(CONTINUE).tick(BAR))
        assert conductor.timeline.tempo_bpm == pytest.approx(97.0, abs=0.01)

    def test_a_new_meter_counts_the_song_from_its_beginning(self) -> None:
        conductor, daw = conducting(), Daw().say(START).tick(BAR)
        hear(conductor, daw)
        downbeat = conductor.timeline.downbeat
        conductor.set_meter(Meter(3, 4), daw.next_s)
        assert conductor.timeline.downbeat == downbeat
        assert conductor.timeline.bar_at(downbeat + 4.0) == (1, 1.0)

    @pytest.mark.parametrize("clock", ["internal", "link"])
    def test_where_it_is_not_asked_for_it_is_ignored_which_is_said_once(
        self, clock: ClockChoice, caplog: pytest.LogCaptureFixture
    ) -> None:
        conductor, daw = conducting(clock), Daw(97.0).say(START).tick(BAR)
        before = conductor.timeline
        hear(conductor, daw)
        assert conductor.timeline is before
        assert conductor.take_transport_changes() == ()
        assert [record.getMessage() for record in caplog.records] == [
            f"MIDI clock comes in and is not followed, as clock = {clock}"
        ]

    def test_a_tempo_that_is_none_is_not_followed_which_is_said_once(self, caplog: pytest.LogCaptureFixture) -> None:
        conductor, daw = conducting(), Daw(600.0).say(START).tick(BAR)
        hear(conductor, daw)
        assert conductor.source == "internal"
        assert conductor.set_tempo(90.0, daw.next_s)
        assert [record.getMessage() for record in caplog.records] == [
            "MIDI clock ticks at 600 bpm and is not followed: a tempo is 20 to 400 bpm"
        ]

    def test_notes_are_none_of_its_business(self) -> None:
        assert not conducting().receive(bytes([0x90, 60, 100]), 1.0)
        assert not conducting().receive(b"", 1.0)

    def test_told_not_to_follow_it_any_more_the_timeline_goes_on_as_it_was(self) -> None:
        conductor, daw = conducting(), Daw(97.0).tick(BAR)
        hear(conductor, daw)
        before = conductor.timeline
        conductor.set_clock("internal", daw.next_s)
        assert leader(conductor) == "internal"
        hear(conductor, daw.tempo(200.0).tick(BAR))
        assert conductor.timeline is before
        conductor.set_clock("auto", daw.next_s)
        hear(conductor, daw.tick(BEAT))
        assert leader(conductor) == "midi"
        assert conductor.timeline.tempo_bpm == pytest.approx(200.0, rel=0.001)


class TestLink:
    @pytest.mark.parametrize("clock", ["auto", "link"])
    def test_it_gives_tempo_beats_and_bars(self, clock: ClockChoice) -> None:
        conductor = conducting(clock)
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
        conductor = conducting("link")
        conductor.follow_link(link_moment(5.0), 5.0)
        before = conductor.timeline
        for tenth in range(20):
            conductor.follow_link(link_moment(5.0 + tenth / 10), 5.0 + tenth / 10)
        assert conductor.timeline is before

    def test_its_start_and_stop_are_followed_where_they_are_shared(self) -> None:
        conductor = conducting("link")
        for at_s, is_playing in ((5.0, False), (5.1, False), (5.2, True), (5.3, True), (5.4, False)):
            conductor.follow_link(replace(link_moment(at_s), is_playing=is_playing), at_s)
        assert conductor.take_transport_changes() == ("started", "stopped")
        assert conductor.transport == "stopped"

    def test_where_they_are_not_shared_no_song_is_followed(self) -> None:
        conductor = conducting("link")
        conductor.follow_link(link_moment(5.0), 5.0)
        assert (conductor.transport, conductor.is_running) == ("free", True)

    def test_midi_clock_goes_before_it_which_is_said_once(self, caplog: pytest.LogCaptureFixture) -> None:
        conductor, daw = conducting(), Daw(140.0).tick(BAR)
        conductor.follow_link(link_moment(0.5), 0.5)
        hear(conductor, daw)
        assert leader(conductor) == "midi"
        conductor.follow_link(link_moment(daw.next_s), daw.next_s)
        conductor.follow_link(link_moment(daw.next_s + 0.1), daw.next_s + 0.1)
        assert conductor.timeline.tempo_bpm == pytest.approx(140.0)
        assert [record.getMessage() for record in caplog.records] == [
            "Link and MIDI clock both lead: MIDI clock is followed, as clock = auto"
        ]

    def test_where_it_is_not_asked_for_it_is_ignored_which_is_said_once(self, caplog: pytest.LogCaptureFixture) -> None:
        conductor = conducting("midi")
        for at_s in (1.0, 2.0):
            conductor.follow_link(link_moment(at_s), at_s)
        assert conductor.timeline.tempo_bpm == 120.0
        assert [record.getMessage() for record in caplog.records] == ["Link is on and is not followed, as clock = midi"]

    def test_while_it_leads_our_own_tempo_is_for_the_session_to_take(self) -> None:
        conductor = conducting("link")
        conductor.follow_link(link_moment(1.0), 1.0)
        assert not conductor.set_tempo(150.0, 2.0)
        assert conductor.timeline.tempo_bpm == 97.0


Deed = Callable[[Conductor, float], object]
"""Something that happens to a conductor at a second."""


def receives(data: bytes) -> Deed:
    return lambda conductor, now_s: conductor.receive(data, now_s - 0.001, now_s)


choices: list[ClockChoice] = ["auto", "internal", "midi", "link"]
deeds: st.SearchStrategy[list[Deed]] = st.one_of(
    st.sampled_from([START, STOP, CONTINUE, song_position(9)]).map(lambda data: [receives(data)]),
    st.integers(1, 60).map(lambda count: [receives(TICK)] * count),
    st.floats(20, 400).map(lambda tempo_bpm: [lambda conductor, now_s: conductor.set_tempo(tempo_bpm, now_s)]),
    st.just([lambda conductor, now_s: conductor.tap(now_s)]),
    st.sampled_from(choices).map(lambda clock: [lambda conductor, now_s: conductor.set_clock(clock, now_s)]),
    st.integers(1, 9).map(lambda beats: [lambda conductor, now_s: conductor.set_meter(Meter(beats, 8), now_s)]),
    st.floats(20, 400).map(
        lambda bpm: [lambda conductor, now_s: conductor.follow_link(link_moment(now_s, bpm), now_s)]
    ),
    st.floats(0, 5).map(lambda seconds: [lambda conductor, now_s: conductor.pass_time(now_s + seconds)]),
)


@given(st.lists(deeds, max_size=40), st.floats(20, 400))
def test_whoever_leads_beats_never_jump_and_never_run_backwards(happens: list[list[Deed]], daw_bpm: float) -> None:
    conductor, now_s, beat = conducting(), 1.0, 0.0
    for deed in chain.from_iterable(happens):
        now_s += 60 / daw_bpm / 24
        before = conductor.timeline
        deed(conductor, now_s)
        assert conductor.timeline.beat_at(now_s) == pytest.approx(before.beat_at(now_s), abs=1e-9)
        assert conductor.timeline.beat_at(now_s) > beat
        beat = conductor.timeline.beat_at(now_s)


def test_a_link_session_that_was_left_leads_no_more() -> None:
    conductor = conducting("link")
    conductor.follow_link(LinkMoment(1.0, 0.0, 100.0, is_playing=False), 1.0)
    conductor.set_clock("auto", 2.0)
    assert (conductor.source, conductor.transport) == ("internal", "free")
    assert conductor.set_tempo(90.0, 3.0)


def test_a_clock_that_only_ticks_lets_us_say_where_the_bars_are() -> None:
    conductor = conducting()
    for data, at_s in Daw(120.0).tick(2 * BEAT).sent:
        conductor.receive(data, at_s)
    assert conductor.source == "midi"
    assert conductor.set_downbeat(4.367, 2.1)
    assert conductor.timeline.downbeat == 4.367
