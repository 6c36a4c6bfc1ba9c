from dataclasses import replace

import pytest

from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.harmony.changes import ChartChanges
from model.harmony.notations.text_chart import read_text_chart
from server.controls.control_table import BY_NAME
from server.jam.jam_output import JamStatus
from server.jam.readouts import MOST_BEATS, READOUTS, JamMoment, Readout
from server.jam.turns.modes import TurnSchedule

BEFORE_ANYTHING = JamMoment(JamStatus(), TurnSchedule(4, "player"))


def test_every_meter_has_a_lamp_for_each_of_its_beats() -> None:
    assert max(Meter.parse(meter).numerator for meter in BY_NAME["meter"].choices) == MOST_BEATS


@pytest.mark.parametrize("readout", READOUTS, ids=lambda readout: readout.name)
class TestEachReadout:
    def test_has_an_address_and_a_help_text(self, readout: Readout) -> None:
        assert readout.name not in BY_NAME
        assert readout.address == f"/fours/{readout.name}"
        assert readout.help.endswith(".")

    def test_has_a_value_of_its_kind_or_none_before_anything_is_known(self, readout: Readout) -> None:
        value = readout.value(BEFORE_ANYTHING)
        assert value is None or not readout.choices or str(value) in readout.choices


@pytest.mark.parametrize(
    ("text", "beat", "chords"),
    [("| Dm7 | G7 |", 5.0, ("G7", "Dm7")), ("| Dm7 |", 5.0, ("Dm7", "")), ("| N.C. | G7 |", 1.0, ("N.C.", "G7"))],
)
def test_the_next_chord_is_empty_where_none_other_is_known(text: str, beat: float, chords: tuple[str, str]) -> None:
    status = replace(JamStatus(), changes=ChartChanges(read_text_chart(text)))
    moment = JamMoment(status, TurnSchedule(4, "player"), Timeline.start(120.0), beat)
    found = {readout.name: readout.value(moment) for readout in READOUTS}
    assert (found["chord"], found["next_chord"]) == chords
