from random import Random

import pytest

from bridge.timing.meter import COMMON_TIME
from bridge.timing.timeline import Segment, Timeline
from model.files.tempo import TempoChange
from server.takes.songs.score_bars import BarGrid, ScoreLayout, lay_out
from server.takes.songs.tempo_map import TOLERANCE_S, tempo_map

PLAIN = lay_out([BarGrid(0.0, COMMON_TIME)], 0.0, 64.0)


def seconds(changes: tuple[TempoChange, ...], beat: float) -> float:
    """The second of a beat, as a program that reads the file computes it."""
    at_s = 0.0
    for change, after in zip(changes, (*changes[1:], TempoChange(float("inf"), 0.0)), strict=True):
        at_s += (min(beat, after.beat) - change.beat) * 60.0 / change.tempo_bpm
        if beat <= after.beat:
            break
    return at_s


def rounded(changes: tuple[TempoChange, ...]) -> list[tuple[float, float]]:
    """The beat and tempo of each change, the tempo to a thousandth."""
    return [(change.beat, round(change.tempo_bpm, 3)) for change in changes]


def test_one_tempo_is_one_change_at_the_start() -> None:
    assert rounded(tempo_map(Timeline.start(96.0).segments, PLAIN, 64.0)) == [(0.0, 96.0)]


def test_a_tempo_change_stays_at_its_beat() -> None:
    timeline = Timeline.start(120.0).with_tempo(60.0, 4.0)
    assert rounded(tempo_map(timeline.segments, PLAIN, 64.0)) == [(0.0, 120.0), (8.0, 60.0)]


def test_changes_before_and_after_the_take_are_left_out() -> None:
    timeline = Timeline.start(30.0, at_s=-100.0, beat=-25.0).with_tempo(120.0, -50.0).with_tempo(60.0, 400.0)
    layout = lay_out([BarGrid(0.0, COMMON_TIME)], 8.0, 16.0)
    assert rounded(tempo_map(timeline.segments, layout, 16.0)) == [(0.0, 120.0)]


def test_a_change_just_after_the_end_changes_nothing_before_it() -> None:
    timeline = Timeline.start(120.0).with_tempo(40.0, 1.5)
    for until_beats in (2.5, 3.0):
        assert rounded(tempo_map(timeline.segments, PLAIN, until_beats)) == [(0.0, 120.0)]


def test_a_stretched_bar_keeps_its_seconds_by_its_tempo() -> None:
    layout = lay_out([BarGrid(0.0, COMMON_TIME), BarGrid(9.4, COMMON_TIME)], 0.0, 20.0)
    changes = tempo_map(Timeline.start(120.0).segments, layout, 20.0)
    assert rounded(changes) == [(0.0, 120.0), (8.0, 128.571), (9.5, 120.0)]
    for beat in (8.0, 8.7, 9.4, 12.0):
        assert seconds(changes, layout.score_beat(beat)) == pytest.approx(beat / 2)


def test_a_jittering_clock_makes_few_changes_and_every_beat_keeps_its_second() -> None:
    random = Random(1)
    timeline = Timeline.start(120.0)
    segments: list[Segment] = []
    for tick in range(1, 1200):
        at_s = tick / 48 + random.gauss(0, 0.0003)
        timeline = timeline.steered(Segment(tick / 48, tick / 24, 120.0 + random.gauss(0, 0.05)), at_s)
        segments += [segment for segment in timeline.segments[:-2] if not segments or segment.at_s > segments[-1].at_s]
    whole = Timeline(tuple(segments))
    changes = tempo_map(whole.segments, PLAIN, 40.0)
    assert len(changes) < len(segments) / 20
    for step in range(160):
        beat = step / 4
        assert seconds(changes, beat) == pytest.approx(whole.seconds_at(beat) - whole.seconds_at(0.0), abs=TOLERANCE_S)


def test_a_layout_that_begins_before_the_timeline_has_the_first_tempo() -> None:
    early = ScoreLayout(PLAIN.stretches, PLAIN.meters)
    assert rounded(tempo_map((Segment(10.0, 20.0, 90.0),), early, 64.0)) == [(0.0, 90.0)]


def test_a_take_that_ends_before_its_timeline_begins_has_the_first_tempo() -> None:
    segments = (Segment(10.0, 20.0, 90.0),)
    assert rounded(tempo_map(segments, PLAIN, 4.0, settling_beats=1.0)) == [(0.0, 90.0)]
