import pytest

from bridge.timing.meter import Meter
from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import Timeline
from model.notes import Note
from server.controls.choices import TurnOwner
from server.controls.control_table import BY_NAME
from server.jam.jam_output import JamState
from server.jam.modes import Turn, TurnSchedule
from server.music.feed import ActionRequested, StatusChanged, TimelineChanged
from server.music.jam_status import MOST_BEATS, READOUTS, JamStatus

# A beat is half a second.
TEMPO_BPM = 120.0
TURNS = TurnSchedule(4, "player")


def kept(meter: str = "4/4", downbeat: float = 0.0, transport: Transport = "playing") -> TimelineChanged:
    timeline = Timeline.start(TEMPO_BPM, meter=Meter.read(meter)).with_downbeat(downbeat)
    return TimelineChanged(timeline, transport, "internal", 0.0)


def stands(
    state: JamState = "listening", side: TurnOwner | None = None, *, in_turns: bool = True, planned: int = 0
) -> StatusChanged:
    turn = Turn(side, 0.0, 16.0) if in_turns else None
    return StatusChanged(state, turn, tuple(Note(60, float(beat), 1.0, 80) for beat in range(planned)), 0.0)


@pytest.fixture
def standing() -> JamStatus:
    return JamStatus()


def test_before_anything_has_happened_it_listens(standing: JamStatus) -> None:
    assert standing.values(0.0, TURNS) == {"state": "listening", "turn": "nobody", "planned": 0}
    assert standing.next_beat_s(0.0) is None


def test_only_how_it_stands_now_counts(standing: JamStatus) -> None:
    standing.update(
        [
            stands("waiting", planned=3, in_turns=False),
            ActionRequested("stop", 0.0, 0.0),
            stands("answering", in_turns=False),
        ]
    )
    values = standing.values(0.0, TURNS)
    assert (values["state"], values["planned"]) == ("answering", 0)


def test_what_is_planned_is_counted(standing: JamStatus) -> None:
    standing.update([stands("waiting", planned=3)])
    assert standing.values(0.0, TURNS)["planned"] == 3


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
    standing: JamStatus, meter: str, at_beat: float, bar: int, beat: int
) -> None:
    standing.update([kept(meter, downbeat=100.0)])
    values = standing.values((100.0 + at_beat) / 2, TURNS)
    assert (values["bar"], values["beat"]) == (bar, beat)
    assert values["bpm"] == TEMPO_BPM


def test_where_the_song_stands_still_no_bars_go_by(standing: JamStatus) -> None:
    standing.update([kept(transport="stopped")])
    assert not {"bar", "beat"} & set(standing.values(1.0, TURNS))
    assert standing.next_beat_s(1.0) is None


@pytest.mark.parametrize(
    ("meter", "now_s", "next_s"), [("4/4", 0.0, 0.5), ("4/4", 0.51, 1.0), ("6/8", 0.1, 0.25), ("7/8", 1.6, 1.75)]
)
def test_the_next_beat_is_known_beforehand(standing: JamStatus, meter: str, now_s: float, next_s: float) -> None:
    standing.update([kept(meter)])
    assert standing.next_beat_s(now_s) == pytest.approx(next_s)


def test_turns_change_in_time_though_nothing_happens_at_their_ends(standing: JamStatus) -> None:
    standing.update([kept(downbeat=4.0), stands(side=None)])
    at_beats = (0.0, 3.9, 4.0, 19.9, 20.0, 35.9, 36.0)
    assert [standing.values(beat / 2, TURNS)["turn"] for beat in at_beats] == [
        *("nobody", "nobody", "player", "player", "partner", "partner", "player")
    ]


def test_while_it_is_nobodys_turn_the_bars_are_counted_in(standing: JamStatus) -> None:
    standing.update([kept(downbeat=4.0), stands("waiting", None)])
    assert standing.values(1.0, TURNS)["state"] == "counting"
    assert standing.values(2.0, TURNS)["state"] == "waiting"


def test_without_turns_it_is_nobodys_and_nothing_is_counted_in(standing: JamStatus) -> None:
    standing.update([kept(downbeat=4.0), stands("waiting", in_turns=False)])
    values = standing.values(1.0, TURNS)
    assert (values["state"], values["turn"]) == ("waiting", "nobody")


def test_every_meter_has_a_light_for_each_of_its_beats() -> None:
    assert max(Meter.read(meter).numerator for meter in BY_NAME["meter"].choices) == MOST_BEATS


@pytest.mark.parametrize("tell", READOUTS, ids=lambda tell: tell.name)
def test_what_is_told_has_an_address_and_says_what_it_is(tell: object) -> None:
    name, about, address = (getattr(tell, part) for part in ("name", "help", "address"))
    assert name not in BY_NAME
    assert address == f"/fours/{name}"
    assert about.endswith(".")
