import pytest

from bridge.timing.clock_messages import Transport
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.notes import Note
from server.controls.choices import TurnOwner
from server.jam.jam_output import JamState, JamStatus
from server.jam.turns.modes import Turn, TurnSchedule
from server.music.feed import ActionRequested, StatusChanged, TimelineChanged
from server.music.latest_status import LatestStatus

# A beat is half a second.
TEMPO_BPM = 120.0
TURNS = TurnSchedule(4, "player")


def timeline_changed(meter: str = "4/4", downbeat: float = 0.0, transport: Transport = "playing") -> TimelineChanged:
    timeline = Timeline.start(TEMPO_BPM, meter=Meter.parse(meter)).with_downbeat(downbeat)
    return TimelineChanged(timeline, transport, "internal", 0.0)


def status_changed(
    state: JamState = "listening", side: TurnOwner | None = None, *, in_turns: bool = True, planned: int = 0
) -> StatusChanged:
    turn = Turn(side, 0.0, 16.0) if in_turns else None
    plan = tuple(Note(60, float(beat), 1.0, 80) for beat in range(planned))
    return StatusChanged(JamStatus(state, turn, plan), 0.0)


@pytest.fixture
def status() -> LatestStatus:
    return LatestStatus()


def test_before_anything_has_happened_it_listens(status: LatestStatus) -> None:
    values = status.readout_values(0.0, TURNS)
    assert {"state": "listening", "turn": "nobody", "planned": 0, "midi_in": "ok"}.items() <= values.items()
    assert not {"bar", "beat", "bpm"} & set(values)
    assert status.next_beat_s(0.0) is None


def test_a_port_is_ok_or_lost(status: LatestStatus) -> None:
    status.update([StatusChanged(JamStatus(), 0.0, is_output_lost=True)])
    values = status.readout_values(0.0, TURNS)
    assert (values["ports"], values["midi_in"], values["midi_out"]) == ("output lost", "ok", "lost")


@pytest.mark.parametrize(
    ("is_input_lost", "is_output_lost", "told"),
    [(False, False, "ok"), (True, False, "input lost"), (False, True, "output lost"), (True, True, "both lost")],
)
def test_one_readout_covers_both_ports(
    status: LatestStatus, told: str, *, is_input_lost: bool, is_output_lost: bool
) -> None:
    status.update([StatusChanged(JamStatus(), 0.0, is_input_lost=is_input_lost, is_output_lost=is_output_lost)])
    assert status.readout_values(0.0, TURNS)["ports"] == told


def test_only_the_latest_status_counts(status: LatestStatus) -> None:
    status.update(
        [
            status_changed("waiting", planned=3, in_turns=False),
            ActionRequested("stop", 0.0, 0.0),
            status_changed("answering", in_turns=False),
        ]
    )
    values = status.readout_values(0.0, TURNS)
    assert (values["state"], values["planned"]) == ("answering", 0)


def test_planned_notes_are_counted(status: LatestStatus) -> None:
    status.update([status_changed("waiting", planned=3)])
    assert status.readout_values(0.0, TURNS)["planned"] == 3


@pytest.mark.parametrize(
    ("meter", "at_beat", "bar", "beat"),
    [
        ("4/4", 0.0, 1, 1),
        ("4/4", 3.99, 1, 4),
        ("4/4", 4.0, 2, 1),
        ("4/4", -1.0, 0, 4),
        ("3/4", 5.0, 2, 3),
        ("6/8", 2.5, 1, 6),
        ("7/8", 3.5, 2, 1),
        ("2/2", 2.0, 1, 2),
        ("12/8", 5.5, 1, 12),
    ],
)
def test_bars_and_beats_are_counted_as_musicians_do(
    status: LatestStatus, meter: str, at_beat: float, bar: int, beat: int
) -> None:
    status.update([timeline_changed(meter, downbeat=100.0)])
    values = status.readout_values((100.0 + at_beat) / 2, TURNS)
    assert (values["bar"], values["beat"]) == (bar, beat)
    assert values["bpm"] == TEMPO_BPM


def test_while_the_song_stands_still_there_are_no_bars_and_beats(status: LatestStatus) -> None:
    status.update([timeline_changed(transport="stopped")])
    assert not {"bar", "beat"} & set(status.readout_values(1.0, TURNS))
    assert status.next_beat_s(1.0) is None


@pytest.mark.parametrize(
    ("meter", "now_s", "next_s"), [("4/4", 0.0, 0.5), ("4/4", 0.51, 1.0), ("6/8", 0.1, 0.25), ("7/8", 1.6, 1.75)]
)
def test_the_second_of_the_next_beat_is_known(status: LatestStatus, meter: str, now_s: float, next_s: float) -> None:
    status.update([timeline_changed(meter)])
    assert status.next_beat_s(now_s) == pytest.approx(next_s)


def test_turns_change_on_time_without_an_event(status: LatestStatus) -> None:
    status.update([timeline_changed(downbeat=4.0), status_changed(side=None)])
    at_beats = (0.0, 3.9, 4.0, 19.9, 20.0, 35.9, 36.0)
    assert [status.readout_values(beat / 2, TURNS)["turn"] for beat in at_beats] == [
        *("nobody", "nobody", "player", "player", "partner", "partner", "player")
    ]


def test_before_the_first_turn_the_state_is_counting(status: LatestStatus) -> None:
    status.update([timeline_changed(downbeat=4.0), status_changed("waiting", None)])
    assert status.readout_values(1.0, TURNS)["state"] == "counting"
    assert status.readout_values(2.0, TURNS)["state"] == "waiting"


def test_without_turns_the_turn_is_nobodys_and_nothing_is_counted_in(status: LatestStatus) -> None:
    status.update([timeline_changed(downbeat=4.0), status_changed("waiting", in_turns=False)])
    values = status.readout_values(1.0, TURNS)
    assert (values["state"], values["turn"]) == ("waiting", "nobody")
