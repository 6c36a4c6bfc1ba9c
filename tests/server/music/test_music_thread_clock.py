"""How the music thread follows the time of others: a DAW's clock, taps, the tempo of a phrase."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from bridge.midi.messages import NoteOff, NoteOn
from server.controls.control_table import Settings, Value
from tests.bridge.timing.clock_streams import CONTINUE, START, STOP, TICK, Daw, jitter, song_position
from tests.music import exercise, line
from tests.server.music_thread_harness import START_S, MusicThreadHarness

FOURS = Settings(approach="pitch", step=1.0, mode="fours", turn_bars=1)
BAR = 96
"""In ticks."""


def receive_all(harness: MusicThreadHarness, daw: Daw, *, first: int = 0) -> None:
    """Each message of the DAW comes in at its second."""
    for data, at_s in daw.sent[first:]:
        harness.receive(data, at_s)
    harness.run_until(daw.next_s)


def beat_s(daw: Daw, tick: int) -> float:
    return daw.due_s[tick]


class TestADawsClock:
    def test_in_fours_the_partner_plays_on_its_beats(self) -> None:
        harness, daw = MusicThreadHarness(FOURS), Daw(97.0)
        receive_all(harness, daw.send(START).tick(4 * BAR))
        expected = [daw.due_s[tick] for bar in (1, 3) for tick in range(bar * BAR, (bar + 1) * BAR, 24)]
        assert harness.onsets_s == pytest.approx(expected, abs=0.0005)

    def test_a_jittering_clock_is_smoothed(self) -> None:
        harness, daw = MusicThreadHarness(FOURS), Daw(97.0, delay=jitter())
        receive_all(harness, daw.send(START).tick(20 * BAR))
        expected = [daw.due_s[tick] for bar in range(1, 20, 2) for tick in range(bar * BAR, (bar + 1) * BAR, 24)]
        # From the partner's second bar on the tempo is known well.
        off_ms = 1000 * (np.array(harness.onsets_s) - expected)[4:]
        assert np.abs(off_ms).max() < 3.0
        assert np.median(np.abs(off_ms)) < 1.0

    def test_another_tempo_in_an_answer_is_followed_within_a_beat(self) -> None:
        harness, daw = MusicThreadHarness(FOURS), Daw(97.0)
        receive_all(harness, daw.send(START).tick(BAR + 30).tempo(140.0).tick(3 * BAR))
        expected = [daw.due_s[tick] for tick in range(BAR, 2 * BAR, 24)]
        expected += [daw.due_s[tick] for tick in range(3 * BAR, 4 * BAR, 24)]
        assert harness.onsets_s[:2] == pytest.approx(expected[:2], abs=0.001)
        assert harness.onsets_s[2:] == pytest.approx(expected[2:], abs=0.005)

    def test_stop_silences_the_jam_at_once_and_start_begins_with_your_turn(self) -> None:
        harness, daw = MusicThreadHarness(FOURS), Daw(120.0)
        daw.send(START).tick(BAR + 30).send(STOP)
        receive_all(harness, daw)
        assert harness.sent[-1][0] == NoteOff(62)
        onset_count = len(harness.onsets_s)
        received_count = len(daw.sent)
        daw.rest(1.0).send(START).tick(BAR + 1)
        receive_all(harness, daw, first=received_count)
        assert harness.onsets_s[onset_count:] == pytest.approx([daw.due_s[-1]], abs=0.001)

    def test_continue_goes_on_in_the_middle_of_the_bar(self) -> None:
        harness, daw = MusicThreadHarness(FOURS), Daw(120.0)
        daw.send(START).tick(BAR + 30).send(STOP).rest(0.7)
        receive_all(harness, daw)
        onset_count, received_count = len(harness.onsets_s), len(daw.sent)
        receive_all(harness, daw.send(CONTINUE).tick(BAR), first=received_count)
        # Beats two and three of the partner's bar are left; then it is the player's turn.
        ticks = [BAR + 48, BAR + 72]
        assert harness.onsets_s[onset_count:] == pytest.approx([daw.due_s[tick] for tick in ticks], abs=0.001)

    def test_a_song_position_moves_the_turns(self) -> None:
        harness, daw = MusicThreadHarness(FOURS), Daw(120.0)
        daw.send(STOP, song_position(16), CONTINUE).tick(BAR)  # the second bar: the partner's
        receive_all(harness, daw)
        assert len(harness.onsets_s) >= 3

    def test_a_clock_lost_during_a_turn_is_logged_once_and_the_music_goes_on(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        harness, daw = MusicThreadHarness(FOURS), Daw(120.0)
        receive_all(harness, daw.send(START).tick(BAR + 10))
        with caplog.at_level(logging.WARNING, "fours.clock"):
            harness.run_until(daw.next_s + 8.0)
        assert [record.message for record in caplog.records] == [
            "MIDI clock is lost, or cannot be followed; the tempo stays 120.0 bpm"
        ]
        assert len(harness.onsets_s) > 6
        first = harness.onsets_s[0]
        assert harness.onsets_s[:4] == pytest.approx([first + beat * 0.5 for beat in range(4)], abs=0.001)

    def test_it_is_ignored_where_our_own_clock_is_chosen(self) -> None:
        harness, daw = MusicThreadHarness(Settings(clock="internal")), Daw(60.0)
        receive_all(harness, daw.send(START).tick(BAR))
        assert harness.music_thread.timeline.tempo_bpm == 120.0


class TestASongInADaw:
    @pytest.mark.parametrize("unit_ticks", [6, 1])
    def test_a_loop_keeps_the_turn(self, unit_ticks: int) -> None:
        """Two bars of four in a loop, sent as stop, position and continue in the middle of the partner's bar."""
        harness, daw = MusicThreadHarness(FOURS), Daw(120.0)
        daw.send(START).tick(2 * BAR - 24)
        for _ in range(3):
            # From beat 4 of bar 2 back to beat 4 of bar 2, so that the turn goes on where the loop closes.
            daw.send(STOP, song_position((2 * BAR - 48) // unit_ticks), CONTINUE).tick(24)
        receive_all(harness, daw)
        expected = [daw.due_s[tick] for tick in range(BAR, 2 * BAR + 48, 24)]
        assert harness.onsets_s == pytest.approx(expected, abs=0.001)
        ends = [at_s for message, at_s in harness.sent if isinstance(message, NoteOff)]
        # No stop has cut a note off: each sounds until the next one.
        assert ends == pytest.approx(expected[1:], abs=0.03)

    @pytest.mark.parametrize("early_s", [0.006, 0.043])
    def test_a_note_before_the_start_is_the_first_of_the_phrase(self, early_s: float) -> None:
        harness, daw = MusicThreadHarness(FOURS), Daw(120.0, next_s=5.0)
        daw.send(START)
        first_s = daw.next_s
        start, start_s = daw.sent[-1][0], first_s - 0.001
        harness.receive(NoteOn(67, 90), first_s - early_s)
        harness.receive(start, start_s)
        for data, at_s in daw.tick(6).sent[1:]:
            harness.receive(data, at_s)
        harness.receive(NoteOff(67), daw.due_s[-1] + 0.001)
        received_count = len(daw.sent)
        receive_all(harness, daw.tick(2 * BAR - 6), first=received_count)
        assert harness.pitch.heard_notes[0][0] == 67
        assert harness.onsets_s == pytest.approx([daw.due_s[tick] for tick in range(BAR, 2 * BAR, 24)], abs=0.001)

    @pytest.mark.parametrize("mode", ["fours", "continuous"])
    def test_a_daw_that_was_stopped_and_has_quit_gives_time_back(self, mode: Literal["fours", "continuous"]) -> None:
        harness, daw = MusicThreadHarness(replace(FOURS, mode=mode)), Daw(97.0)
        receive_all(harness, daw.send(START).tick(2 * BAR).send(STOP))
        harness.run_until(daw.next_s + 119.0)
        onset_count = len(harness.onsets_s)
        assert harness.onsets_s[-1] < daw.next_s
        gone_s = daw.due_s[-1] + 120.0
        harness.run_until(gone_s + 1.0)
        if mode == "fours":
            harness.receive(NoteOn(60, 80), gone_s + 1.0)  # the first beat of bar 1, as without any clock
            harness.receive(NoteOff(60), gone_s + 1.2)
        harness.run_until(gone_s + 10.0)
        onsets_s = harness.onsets_s[onset_count:]
        assert len(onsets_s) >= 4
        assert np.diff(onsets_s[:4]) == pytest.approx(60 / 97, abs=0.002)
        if mode == "fours":
            assert onsets_s[0] == pytest.approx(gone_s + 1.0 + 4 * 60 / 97, abs=0.003)


def quarter_notes_s(harness: MusicThreadHarness, from_s: float) -> list[float]:
    return [onset_s for onset_s in harness.onsets_s if onset_s >= from_s]


class TestABadClock:
    """No note in a heap, nothing begun late, and the music goes on at the clock's tempo."""

    @staticmethod
    def play_with(
        bad: Callable[[list[float]], list[float]], *, tempo_bpm: float = 120.0
    ) -> tuple[MusicThreadHarness, Daw]:
        """`continuous` follows two bars at 120 bpm, one whose dates are made bad, and eight at `tempo_bpm`."""
        harness, daw = MusicThreadHarness(replace(FOURS, mode="continuous")), Daw(120.0)
        receive_all(harness, daw.send(START).tick(2 * BAR))
        for at_s in bad([daw.next_s + tick * daw.interval_s for tick in range(BAR)]):
            harness.run_until(max(at_s, harness.now_s))
            harness.music_thread.receive_midi(TICK, START_S + at_s)
            harness.run_pending_work()
        daw.tick(BAR, lost=True).tempo(tempo_bpm)
        received_count = len(daw.sent)
        receive_all(harness, daw.tick(8 * BAR), first=received_count)
        return harness, daw

    @pytest.mark.parametrize(
        "bad",
        [
            lambda dates_s: [dates_s[tick // 12 * 12] for tick in range(len(dates_s))],
            lambda dates_s: [at_s - (0.05 if tick % 7 == 3 else 0.0) for tick, at_s in enumerate(dates_s)],
            lambda dates_s: [dates_s[-1]] * len(dates_s),
            lambda dates_s: list(reversed(dates_s)),
        ],
        ids=["equal dates", "some run backwards", "all in one heap", "all run backwards"],
    )
    def test_dates_that_cannot_be_are_survived(self, bad: Callable[[list[float]], list[float]]) -> None:
        harness, daw = self.play_with(bad)
        gaps_s = np.diff(harness.onsets_s)
        assert gaps_s.min() > 0.2  # a beat at the double tempo, which a glide has at most, takes 0.25 s
        assert max(harness.music_thread.lateness_s, default=0.0) < 0.1
        assert harness.music_thread.timeline.tempo_bpm == pytest.approx(120.0, abs=0.1)
        assert np.diff(quarter_notes_s(harness, daw.due_s[-4 * BAR])) == pytest.approx(0.5, abs=0.002)

    @pytest.mark.parametrize("tempo_bpm", [10.0, 600.0])
    def test_a_clock_slower_or_faster_than_is_followed_leaves_the_music_going_on(
        self, tempo_bpm: float, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "fours.clock"):
            harness, daw = self.play_with(lambda dates_s: dates_s, tempo_bpm=tempo_bpm)
        warnings = [record.message for record in caplog.records]
        assert len([each for each in warnings if "is not followed: a tempo is 20 to 400 bpm" in each]) == 1
        gaps_s = np.diff(harness.onsets_s)
        assert gaps_s.min() > 60 / 400 / 2
        assert harness.onsets_s[-1] > daw.next_s - 3.0


class TestTaps:
    def test_four_taps_make_a_tempo_and_it_is_reported(self) -> None:
        harness = MusicThreadHarness()
        changed: list[tuple[str, Value]] = []
        harness.music_thread.on_control_changed = lambda control, value: changed.append((control, value))
        for tap in range(4):
            harness.run_until(1.0 + 0.4 * tap)
            harness.music_thread.act("tap")
            harness.run_pending_work()
        assert changed[-1][0] == "tempo"
        assert changed[-1][1] == pytest.approx(150.0, abs=0.1)
        assert harness.jam.settings.tempo == changed[-1][1]

    def test_the_first_tap_begins_a_bar(self) -> None:
        harness = MusicThreadHarness()
        for tap in range(4):
            harness.run_until(1.25 + 0.4 * tap)
            harness.music_thread.act("tap")
            harness.run_pending_work()
        timeline = harness.music_thread.timeline
        assert timeline.seconds_at(timeline.bar_line(1)) - START_S == pytest.approx(1.25 + 4 * 0.4, abs=0.002)


class TestTheTempoOfAPhrase:
    def play_at(self, tempo_bpm: float, **controls: object) -> MusicThreadHarness:
        harness = MusicThreadHarness(Settings(approach="pitch", tempo_from="phrase", start="beat", **controls))  # type: ignore[arg-type]
        for note in exercise(16):  # a beat and two halves, again and again
            harness.receive(NoteOn(note.pitch, 80), 2.0 + note.onset_beats * 60 / tempo_bpm)
            harness.receive(NoteOff(note.pitch), 2.0 + (note.end_beats - 0.1) * 60 / tempo_bpm)
        harness.run_until(12.0)
        return harness

    @pytest.mark.parametrize("tempo_bpm", [88.0, 104.0, 132.0])
    def test_is_the_tempo_of_the_answer_which_falls_on_its_beats(self, tempo_bpm: float) -> None:
        harness = self.play_at(tempo_bpm)
        onsets_s = np.array(harness.onsets_s)
        eighth_s = 30 / tempo_bpm
        assert np.diff(onsets_s) == pytest.approx(eighth_s, rel=0.02)
        beats = (onsets_s[0] - 2.0) / (2 * eighth_s)
        assert beats == pytest.approx(round(beats), abs=0.05)

    def test_the_models_hear_the_phrase_in_its_own_beats(self) -> None:
        harness = self.play_at(88.0)
        onsets = [onset for _, onset in harness.event.heard_notes[:16]]
        assert np.diff(onsets) == pytest.approx(np.diff([note.onset_beats for note in exercise(16)]), abs=0.02)

    def test_is_not_detected_where_the_tempo_comes_from_the_control(self) -> None:
        harness = MusicThreadHarness(Settings(approach="pitch"))
        harness.play(line(60, 62, 64, 65, 67, 65, step_beats=0.61))
        harness.run_until(12.0)
        assert np.diff(harness.onsets_s) == pytest.approx(0.25, abs=0.001)
