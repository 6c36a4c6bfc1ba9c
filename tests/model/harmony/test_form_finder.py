from model.harmony.chord import Chord
from model.harmony.form_finder import BarChords, form_length, similarity
from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart


def heard(text: str, count: int) -> dict[int, BarChords]:
    chart = read_text_chart(text)
    bars = {}
    for number in range(count):
        bar = chart.bars[number % len(chart.bars)]
        bars[number] = tuple(bar.chords[index * len(bar.chords) // 4] for index in range(4))
    return bars


def found_after(text: str) -> tuple[int | None, int]:
    """The form that is found, and after how many bars."""
    for count in range(1, 80):
        length = form_length(heard(text, count), count - 1)
        if length is not None:
            return length, count
    return None, 80


def test_the_form_of_a_blues_is_found_while_it_is_played_a_second_time() -> None:
    length, bars = found_after(FORMS["blues"])
    assert length == 12
    assert 12 < bars <= 24


def test_a_form_of_four_bars_is_found_after_eight() -> None:
    assert found_after(FORMS["doo-wop"]) == (4, 8)


def test_one_chord_that_goes_on_is_no_form() -> None:
    assert found_after("| Dm7 | % |")[0] is None


def test_a_song_played_a_little_differently_is_still_known() -> None:
    bars = heard(FORMS["blues"], 30)
    other = read_text_chart("| Cm7 |").bars[0].chords[0]
    bars[20] = (other, *bars[20][1:])
    assert form_length(bars, 29) == 12


def test_the_same_root_in_another_colour_is_half_the_same() -> None:
    chart = read_text_chart("| C | C7 | F |")
    first, second, third = (bar.chords for bar in chart.bars)
    assert similarity(first, first) == 1.0
    assert similarity(first, second) == 0.5
    assert similarity(first, third) == 0.0
    nothing: tuple[Chord | None, ...] = ()
    assert similarity(nothing, nothing) == 0.0
