import json
from collections.abc import Mapping
from typing import Any

from bridge.midi.messages import ControlChange, NoteOff, NoteOn, OtherMessage
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.notes import Note
from server.controls.control_table import CONTROLS
from server.jam.jam_output import JamStatus
from server.jam.readouts import READOUTS
from server.jam.turns.modes import Turn, TurnSchedule
from server.music.feed import (
    ActionRequested,
    Event,
    MessagePlayed,
    MessageReceived,
    SettingChanged,
    StatusChanged,
    TimelineChanged,
)
from server.panel.pages.page_view import RECENT_NOTES, SEGMENTS_SENT, Json, PageView, control_rows, to_json

TIMELINE = Timeline.start(90.0, at_s=10.0, beat=2.0, meter=Meter(3, 4)).with_downbeat(1.0)
TIMELINE_CHANGED = TimelineChanged(TIMELINE, "playing", "midi", 10.0)
PLAN = (Note(60, 17.123456, 0.5, 0), Note(62, 17.625, 0.5, 0))
STATUS_CHANGED = StatusChanged(JamStatus("answering", Turn("partner", 16.0, 32.0), PLAN, (0.61234567, 0.0)), 11.0)


def sent(message: Mapping[str, Json]) -> Any:
    """A message as a page reads it."""
    return json.loads(to_json(message))


def test_note_messages_of_both_sides_come_in_their_order() -> None:
    events: list[Event] = [
        MessageReceived(NoteOn(60, 80, 3), 1.00004, 2.0),
        MessagePlayed(NoteOn(72, 90), 1.5, 3.0),
        MessageReceived(NoteOff(60, 3), 1.75, 3.5),
        MessageReceived(ControlChange(64, 127), 2.0, 4.0),
        MessageReceived(OtherMessage(b"\xe0\x00\x40"), 2.5, 5.0),
    ]
    assert PageView().updates(events) == {
        "notes": [
            ["player", 1.0, "on", 60, 80],
            ["partner", 1.5, "on", 72, 90],
            ["player", 1.75, "off", 60, 0],
            ["player", 2.0, "control", 64, 127],
        ]
    }


def test_of_several_changes_of_status_and_timeline_only_the_latest_is_an_update() -> None:
    earlier = StatusChanged(JamStatus("waiting"), 10.5)
    assert PageView().updates([earlier, TIMELINE_CHANGED, STATUS_CHANGED]) == {
        "status": {
            "state": "answering",
            "turn": {"side": "partner", "start_beats": 16.0, "end_beats": 32.0},
            "band": [],
            "plan": [[60, 17.1235, 0.5, 0.6123], [62, 17.625, 0.5, 0.0]],
        },
        "time": {
            "segments": [[10.0, 2.0, 90.0]],
            "meter": [3, 4],
            "downbeat": 1.0,
            "transport": "playing",
            "source": "midi",
        },
    }


def test_events_that_no_page_shows_are_no_update() -> None:
    assert PageView().updates([SettingChanged("tempo", 90.0, 1.0, 2.0)]) == {}


def test_requested_actions_are_an_update_so_that_their_buttons_flash() -> None:
    assert PageView().updates([ActionRequested("respond", 1.0, 2.0)]) == {"actions": ["respond"]}


def test_the_full_state_has_status_timeline_and_the_recent_notes() -> None:
    view = PageView()
    view.updates([TIMELINE_CHANGED, STATUS_CHANGED])
    view.updates([MessageReceived(NoteOn(60, 80), float(number), 0.0) for number in range(RECENT_NOTES + 5)])
    state = sent(view.full_state())
    assert len(state["notes"]) == RECENT_NOTES
    assert {"status", "time"} < set(state)


def test_of_a_wandering_clock_only_the_latest_tempo_changes_are_sent() -> None:
    timeline = TIMELINE
    for number in range(50):
        timeline = timeline.with_tempo(90.0 + number, 11.0 + number)
    segments = sent(PageView().updates([TimelineChanged(timeline, "playing", "midi", 61.0)]))["time"]["segments"]
    assert len(segments) == SEGMENTS_SENT
    assert segments[-1][2] == 139.0


def test_the_table_of_controls_is_complete_and_is_json() -> None:
    rows = sent({"controls": control_rows({"pack": ["songbook", "rock"]})})["controls"]
    assert [row["name"] for row in rows] == [control.name for control in CONTROLS]
    by_name = {row["name"]: row for row in rows}
    assert by_name["pack"]["choices"] == ["songbook", "rock"]
    assert {"low": 20.0, "high": 400.0, "unit": "bpm", "group": "time"}.items() <= by_name["tempo"].items()
    assert "low" not in by_name["mode"]
    assert all(row["help"] for row in rows)


TURNS = TurnSchedule(4, "player")


def test_every_readout_of_the_jam_is_sent_when_it_has_changed() -> None:
    view = PageView()
    view.updates([TIMELINE_CHANGED, STATUS_CHANGED])
    first = view.readout_updates(10.0, TURNS)
    assert set(first) == {readout.name for readout in READOUTS}
    assert first["planned"] == 2
    assert view.readout_updates(10.0, TURNS) == {}
    view.updates([StatusChanged(JamStatus("answering"), 11.0)])
    assert view.readout_updates(10.0, TURNS) == {"planned": 0, "turn": "nobody"}


def test_a_page_that_connects_gets_the_readouts() -> None:
    view = PageView()
    view.updates([STATUS_CHANGED])
    sent_so_far = view.readout_updates(10.0, TURNS)
    assert {"state": "answering", "turn": "partner", "planned": 2}.items() <= sent_so_far.items()
    assert view.full_state()["readouts"] == sent_so_far
