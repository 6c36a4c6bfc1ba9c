"""A jam whose process was suspended for a while: it drops the notes that it missed, and then plays in time."""

import pytest

from bridge.midi.messages import NoteOff, NoteOn
from server.jam.answering.answer import NOTES_AHEAD
from tests.music import line
from tests.server.jams import JamHarness, off, on, onsets, plain_settings

PHRASE = line(48, 50, 52, 53)
BEAT_MS = 500.0


@pytest.mark.parametrize(("late_ms", "is_played"), [(0.0, True), (99.0, True), (101.0, False), (12_000.0, False)])
def test_a_note_that_would_be_more_than_100_ms_late_is_left_out(late_ms: float, *, is_played: bool) -> None:
    harness = JamHarness()
    harness.play(PHRASE)
    harness.do_all_work()
    sent = harness.jam.advance(3.0 + late_ms / BEAT_MS)
    assert (on(72, 3.0) in sent) is is_played


def test_a_sounding_note_is_ended_even_if_its_end_is_late() -> None:
    harness = JamHarness()
    harness.play(PHRASE)
    assert harness.run_until(3.5) == [on(72, 3.0)]
    assert harness.jam.advance(27.0) == [off(72, 4.0)]
    assert harness.jam.status.state == "listening"


@pytest.mark.parametrize("suspended_beats", [6.0, 24.0, 10_000.0])
@pytest.mark.parametrize("approach", ["pitch", "event"])
def test_an_endless_answer_goes_on_in_time_and_on_its_beats(approach: str, suspended_beats: float) -> None:
    harness = JamHarness(settings=plain_settings(mode="continuous", approach=approach))
    harness.receive(NoteOn(48, 80), 0.0)
    harness.receive(NoteOff(48), 0.5)
    before = onsets(harness.run_until(10.1))
    resumed_beats = 10.1 + suspended_beats
    assert onsets(harness.jam.advance(resumed_beats)) == []
    harness.do_all_work()
    after = onsets(harness.run_until(resumed_beats + 4.0))
    grid = {beat % 1.0 for _, beat in before}
    assert {beat % 1.0 for _, beat in after} <= grid
    assert resumed_beats < after[0][1] <= resumed_beats + 1.0
    assert len(after) >= 4


def test_a_note_that_is_less_late_is_played_and_the_plan_goes_on() -> None:
    harness = JamHarness(settings=plain_settings(approach="pitch"))
    harness.play(PHRASE)
    harness.do_all_work()
    # 150 ms late for the first note at beat 3, in time for the second at beat 3.5.
    assert harness.jam.advance(3.3) == []
    assert onsets(harness.run_to_end()) == [(62, 3.5), (64, 4.0), (65, 4.5)]


def test_no_note_is_composed_for_the_time_that_was_missed() -> None:
    harness = JamHarness(settings=plain_settings(mode="continuous", approach="pitch"))
    harness.receive(NoteOn(48, 80), 0.0)
    harness.receive(NoteOff(48), 0.5)
    harness.run_until(10.1)
    harness.jam.advance(5_000.0)
    work_count = 0
    while harness.jam.has_work:
        harness.jam.do_work()
        work_count += 1
    assert work_count <= NOTES_AHEAD


def test_the_models_hear_only_notes_that_sounded() -> None:
    harness = JamHarness(settings=plain_settings(mode="continuous", approach="pitch"))
    harness.receive(NoteOn(48, 80), 0.0)
    harness.receive(NoteOff(48), 0.5)
    harness.run_until(10.1)
    played = onsets(harness.sent)
    harness.jam.advance(22.1)
    harness.do_all_work()
    for improviser in (harness.pitch, harness.event):
        assert len(improviser.heard_notes) == len(played) + 1
        assert max(beat for _, beat in improviser.heard_notes) == 10.0
