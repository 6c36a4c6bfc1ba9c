import pytest

from model.harmony.changes import ChartChanges
from model.harmony.chart import Chart, ChartBar
from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart


def changes(text: str, downbeat: float = 0.0, beats_per_bar: float = 4.0, unit_beats: float = 1.0) -> ChartChanges:
    return ChartChanges(read_text_chart(text), downbeat, beats_per_bar, unit_beats)


def names(played: ChartChanges, *beats: float) -> list[str]:
    return [str(played.at(beat).chord) for beat in beats]


def test_a_bar_of_two_chords_is_shared_in_the_meters_own_beats() -> None:
    assert names(changes("| C G |"), 0.0, 1.99, 2.0) == ["C", "C", "G"]
    assert names(changes("| C G |", beats_per_bar=3.0), 0.0, 1.99, 2.0) == ["C", "C", "G"]
    assert names(changes("| C G |", beats_per_bar=3.0, unit_beats=0.5), 0.0, 1.49, 1.5) == ["C", "C", "G"]


def test_a_chart_in_seven_eight_has_four_and_three() -> None:
    played = changes("Meter: 7/8\n| C G | F |", beats_per_bar=3.5, unit_beats=0.5)
    assert names(played, 0.0, 1.99, 2.0, 3.49, 3.5, 6.99, 7.0) == ["C", "C", "G", "G", "F", "F", "C"]


def test_more_chords_than_beats_share_the_bar_evenly() -> None:
    assert names(changes("| C D E F G A |"), 0.0, 0.67, 3.4) == ["C", "D", "A"]


def test_the_form_goes_round_after_its_end_and_before_its_beginning() -> None:
    played = changes("| C | F |", downbeat=2.0)
    assert names(played, 2.0, 6.0, 10.0, -2.0, 2.0 + 8000.0) == ["C", "F", "C", "F", "C"]


def test_a_span_says_what_comes_next_and_when() -> None:
    span = changes(FORMS["blues"]).at(5.0)
    assert (str(span.chord), span.start_beats, span.end_beats, str(span.next_chord)) == ("Bb7", 4.0, 8.0, "F7")
    assert span.position_beats == pytest.approx(1.0)
    last = changes(FORMS["blues"]).at(47.0)
    assert (str(last.chord), last.end_beats, str(last.next_chord)) == ("C7", 48.0, "F7")


def test_chords_that_a_file_places_beyond_a_shorter_bar_are_left_out() -> None:
    chart = read_text_chart("| C | F |")
    placed = Chart((ChartBar((chart.bars[0].chords[0], chart.bars[1].chords[0]), (0.0, 3.5)),))
    assert str(ChartChanges(placed, beats_per_bar=3.0).at(2.9).chord) == "C"
    assert str(ChartChanges(placed, beats_per_bar=4.0).at(3.6).chord) == "F"


def test_changes_need_a_bar() -> None:
    with pytest.raises(ValueError, match="at least one bar"):
        ChartChanges(Chart(()))
