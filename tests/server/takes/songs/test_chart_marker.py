from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart
from server.music.feed import SettingChanged
from server.takes.songs.take_song import _marker_text


def test_a_marker_has_the_chords_of_a_chart_in_one_line() -> None:
    chart = read_text_chart(FORMS["doo-wop"])
    assert _marker_text(SettingChanged("chart", chart.as_text(), 1.0, 2.0)) == "chart | C | Am | F | G |"
    assert _marker_text(SettingChanged("chart", "off", 1.0, 2.0)) == "chart off"
