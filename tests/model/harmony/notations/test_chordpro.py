import pytest

from model.errors import ChartError
from model.harmony.notations.chordpro import is_chordpro, read_chordpro

SONG = "{title: Tune}\n{key: G}\n{time: 3/4}\n[G]Words and [D/F#]more [Em7]words\n"


def test_chords_between_words_get_a_bar_each_and_a_remark() -> None:
    chart = read_chordpro(SONG)
    assert (chart.title, str(chart.key), chart.meter) == ("Tune", "G major", "3/4")
    assert [str(bar.chords[0]) for bar in chart.bars] == ["G", "D/F#", "Em7"]
    assert "do not say how long" in chart.remarks[0]


def test_a_grid_says_where_the_bars_are() -> None:
    chart = read_chordpro("{t: Tune}\n{start_of_grid}\nA || G . . . | C . D7 . ||\n{end_of_grid}\n[G]Words\n")
    assert [" ".join(map(str, bar.chords)) for bar in chart.bars] == ["G G G G", "C C D7 D7"]
    assert chart.remarks == ()


def test_chordpro_is_distinguished_from_a_plain_chart() -> None:
    assert is_chordpro(SONG)
    assert not is_chordpro("[A]\n| G | C |")


def test_a_song_without_chords_is_refused() -> None:
    with pytest.raises(ChartError, match="no chord"):
        read_chordpro("{title: Words}\nonly words\n")
