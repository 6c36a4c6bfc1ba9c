from pathlib import Path

import pytest

from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from server.controls.choices import TurnOwner
from server.jam.turns.modes import OCCASIONS, TurnSchedule

CHECKOUT = Path(__file__).resolve().parents[4]
FROM_ZERO = Timeline.start(120.0)


def sides(turns: TurnSchedule, *beats: float, timeline: Timeline = FROM_ZERO) -> list[TurnOwner | None]:
    return [turns.at(beat, timeline).side for beat in beats]


@pytest.mark.parametrize("manual", ["docs/time.md", "config.toml"])
def test_each_mode_is_explained(manual: str) -> None:
    text = (CHECKOUT / manual).read_text(encoding="utf-8")
    missing = [mode for mode in OCCASIONS if f"| `{mode}` |" not in text and f"{mode}: " not in text]
    assert not missing, f"{manual} does not explain {', '.join(missing)}"


def test_turns_of_four_bars_change_on_the_bar_line() -> None:
    assert sides(TurnSchedule(4, "player"), 0.0, 15.999, 16.0, 31.999, 32.0) == [
        *("player", "player", "partner", "partner", "player"),
    ]


def test_the_partner_may_begin() -> None:
    assert sides(TurnSchedule(2, "partner"), 0.0, 8.0, 16.0) == ["partner", "player", "partner"]


def test_before_the_downbeat_it_is_nobodys_turn() -> None:
    assert sides(TurnSchedule(1, "player"), 3.0, 4.0, timeline=FROM_ZERO.with_downbeat(4.0)) == [None, "player"]


def test_a_beat_that_rounding_puts_just_before_the_line_is_on_it() -> None:
    assert sides(TurnSchedule(4, "player"), 16.0 - 1e-9) == ["partner"]


@pytest.mark.parametrize(
    ("meter", "bars", "turn_beats"),
    [
        (Meter(3, 4), 4, 12.0),
        (Meter(6, 8), 4, 12.0),
        (Meter(7, 8), 1, 3.5),
        (Meter(7, 8), 3, 10.5),
        (Meter(5, 4), 2, 10.0),
    ],
)
def test_turns_are_whole_bars_of_any_meter(meter: Meter, bars: int, turn_beats: float) -> None:
    timeline = FROM_ZERO.with_meter(meter).with_downbeat(2.0)
    turn = TurnSchedule(bars, "player").at(2.0 + turn_beats, timeline)
    assert (turn.side, turn.start_beats, turn.end_beats) == ("partner", 2.0 + turn_beats, 2.0 + 2 * turn_beats)


@pytest.mark.parametrize(
    ("first", "beat", "start_beats"),
    [
        ("player", -8.0, 4.0),
        ("player", 0.0, 4.0),
        ("player", 4.0, 4.0),  # it may begin at once
        ("player", 4.001, 12.0),
        ("partner", -8.0, 0.0),
        ("partner", 0.0, 0.0),
        ("partner", 0.5, 8.0),
    ],
)
def test_the_partners_next_turn_begins_at_a_beat_or_after_it(first: TurnOwner, beat: float, start_beats: float) -> None:
    turn = TurnSchedule(1, first).next_of_partner(beat, FROM_ZERO)
    assert (turn.side, turn.start_beats, turn.end_beats) == ("partner", start_beats, start_beats + 4.0)
