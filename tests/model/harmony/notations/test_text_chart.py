import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.analysis.scale import parse_key
from model.errors import ChartError
from model.harmony.chart import MAX_BARS, Chart, ChartBar
from model.harmony.chord_symbol import parse_chord
from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart


def bars(text: str) -> str:
    """The chords of each bar of a chart, in one line."""
    return " | ".join(" ".join(map(str, bar.chords)) for bar in read_text_chart(text).bars)


def test_bars_stand_between_bar_lines() -> None:
    assert bars("| F7 | Bb7 | F7 | % |") == "F7 | Bb7 | F7 | F7"
    assert bars("F7 | Bb7\n| C7") == "F7 | Bb7 | C7"


def test_a_line_without_bar_lines_has_one_chord_a_bar() -> None:
    assert bars("C Am F G") == "C | Am | F | G"


def test_chords_share_a_bar_and_a_dot_is_one_more_beat() -> None:
    assert bars("| Dm7 G7 | C . . G7 | C / F / |") == "Dm7 G7 | C C C G7 | C C F F"


def test_no_chord_is_kept_and_an_empty_bar_goes_on() -> None:
    assert bars("| C | N.C. | G |   | % |") == "C | None | G | G | G"


def test_a_repeat_is_played_twice_or_as_often_as_it_says() -> None:
    assert bars("|: C | F :| G |") == "C | F | C | F | G"
    assert bars("|: C :| x3\n| G |") == "C | C | C | G"


def test_each_time_has_its_ending() -> None:
    assert bars("|: F7 | Bb7 |1. C7 :|2. F7 | N.C. ||") == "F7 | Bb7 | C7 | F7 | Bb7 | F7 | None"
    assert bars("|: F |1,2. G :|3. A |") == "F | G | F | G | F | A"


def test_headings_and_sections_are_no_bars() -> None:
    chart = read_text_chart("Title: Tune\nKey: Bb\nMeter: 3/4\n# a comment\n[A]\n| Bb | % | [B] Eb |\nB: | F7 |")
    assert (chart.title, chart.key, chart.meter) == ("Tune", parse_key("Bb"), "3/4")
    assert " ".join(str(bar.chords[0]) for bar in chart.bars) == "Bb Bb Eb F7"


def test_an_unknown_symbol_is_named_with_its_bar_and_the_rest_is_kept() -> None:
    chart = read_text_chart("| C | F | H7 G |")
    assert [str(bar.chords) for bar in chart.bars[2:]] == [str((*chart.bars[1].chords, chart.bars[2].chords[1]))]
    assert len(chart.remarks) == 1
    assert chart.remarks[0].startswith('bar 3: "H7" is no chord')


@pytest.mark.parametrize("text", ["", "   \n", "| |", "Title: nothing", "# only a comment", "| H | X |"])
def test_a_chart_without_a_chord_is_refused(text: str) -> None:
    with pytest.raises(ChartError, match="no chord"):
        read_text_chart(text)


def test_five_hundred_bars_are_read_and_too_many_are_cut_with_a_remark() -> None:
    assert len(read_text_chart("| C | F " * 250 + "|").bars) == 500
    cut = read_text_chart("C " * (MAX_BARS + 10))
    assert len(cut.bars) == MAX_BARS
    assert len(cut.remarks) == 1
    repeated = read_text_chart("|: C | F | G :| x99\n" * 9)
    assert len(repeated.bars) == MAX_BARS
    assert "with its repeats" in repeated.remarks[0]


@pytest.mark.parametrize(
    ("text", "bar", "count"),
    [("| C | C F G C Am | C F G C Am |", 2, 5), ("Meter: 3/4\n| C F G Am |", 1, 4), ("| C . . . G |", 1, 5)],
)
def test_bars_with_more_chords_than_beats_are_kept_and_said_once(text: str, bar: int, count: int) -> None:
    chart = read_text_chart(text)
    assert chart.remarks == (f"bar {bar} has {count} chords, more than it has beats, so they share it evenly",)
    assert len(chart.bars[bar - 1].chords) == count


@pytest.mark.parametrize("text", ["| C F G C |", "Meter: 7/8\n| C F G C Am Dm G |", "Meter: 6/8\n| C . . G . . |"])
def test_bars_that_fit_say_nothing(text: str) -> None:
    assert read_text_chart(text).remarks == ()


def test_many_mistakes_are_summed_up() -> None:
    chart = read_text_chart("C " + "X " * 100)
    assert len(chart.remarks) == 21


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read_whole_and_survives_as_text(name: str) -> None:
    chart = read_text_chart(FORMS[name])
    assert chart.remarks == ()
    assert read_text_chart(chart.as_text()) == chart


def test_a_transposed_chart_is_spelt_as_its_key_asks() -> None:
    blues = read_text_chart(FORMS["jazz blues"])
    in_a = blues.transposed_to(parse_key("A"))
    assert str(in_a.bars[5].chords[0]) == "D#dim7"
    assert blues.transposed_to(parse_key("Bb")).transposed_to(parse_key("F")) == blues
    minor = read_text_chart(FORMS["minor blues"]).transposed_to(parse_key("A"))
    assert (str(minor.key), str(minor.bars[0].chords[0])) == ("A minor", "Am7")


def test_the_two_five_ones_go_through_all_keys() -> None:
    chart = read_text_chart(FORMS["ii-V-I in all keys"])
    tonics = [bar.chords[0].root for bar in chart.bars[2::4] if bar.chords[0] is not None]
    assert sorted(tonics) == list(range(12))


@given(st.text(alphabet="|:[]%.1234xCFGm7b# \n/ab", max_size=120))
def test_any_text_is_a_chart_or_is_refused(text: str) -> None:
    try:
        chart = read_text_chart(text)
    except ChartError:
        return
    assert isinstance(chart, Chart)
    assert 0 < len(chart.bars) <= MAX_BARS


def test_endings_that_never_come_are_played_where_there_is_nothing_else() -> None:
    chart = read_text_chart("|9. C | Am |")
    assert [str(bar.chords[0]) for bar in chart.bars] == ["C", "Am"]


def test_a_title_is_one_line_of_letters_that_can_be_shown() -> None:
    chart = Chart((ChartBar((parse_chord("C"),)),), title="My\x0bSong\n\x1b[31m")
    assert chart.title == "My Song [31m"
    assert len(read_text_chart(chart.as_text()).bars) == 1


def test_a_heading_that_is_far_too_long_is_named_in_short() -> None:
    chart = read_text_chart(f"Key: {'H' * 5000}\n| C |")
    assert len(chart.remarks[0]) < 200


@pytest.mark.parametrize("ending", ["1. F", "1.F", "1 F", "[1. F", "[1] F", "1) F", "1: F", "(1) F"])
def test_the_number_of_an_ending_is_written_in_any_usual_way(ending: str) -> None:
    assert bars(f"|: C |{ending} :|{ending.replace('1', '2').replace('F', 'G')} |") == "C | F | C | G"


@pytest.mark.parametrize("times", ["x3", "3x", "(3x)", "(x3)", "3 times", "play 3 times", "\N{MULTIPLICATION SIGN}3"])
def test_how_often_a_repeat_or_a_line_is_played_may_follow_it(times: str) -> None:
    assert bars(f"|: C | F :| {times}\n| G |") == "C | F | C | F | C | F | G"
    assert bars(f"| C | F | {times}\n| G |") == "C | F | C | F | C | F | G"


def test_a_section_is_played_as_often_as_its_name_says() -> None:
    assert bars("[Verse] x2\n| C | G |\nChorus:\nF C x2\nBridge (2x)\nAm") == "C | G | C | G | F | C | F | C | Am | Am"


def test_a_section_with_repeats_of_its_own_is_played_once_which_is_said() -> None:
    chart = read_text_chart("[Verse] x2\n|: C | G :|\n[Chorus]\n| F |")
    assert len(chart.bars) == 5
    assert chart.remarks == ("bars 1 to 2 have repeats of their own, so they are played once",)


@pytest.mark.parametrize(
    ("text", "played"),
    [
        ("| C | F | G | D.C.", "C | F | G | C | F | G"),
        ("| C | F Fine | G | D.C. al Fine |", "C | F | G | C | F"),
        ("| C | Segno F | G | D.S.", "C | F | G | F | G"),
        ("| C | F To Coda | G | D.C. al Coda |\nCoda\n| Am |", "C | F | G | C | F | Am"),
        ("|: C | F | To Coda | G :| Coda | Am | DC al Coda", "C | F | G | C | F | G | Am | C | F | Am"),
    ],
)
def test_jumps_are_followed(text: str, played: str) -> None:
    assert bars(text) == played


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("My Song\nby Me\n\nG D", "My Song"),
        ("My Song\n| G | D |", "My Song"),
        ("Title: Mine\nTempo: 120\nArtist: Me\nA slow one\n| G | D |", "Mine"),
        ("Verse 1 | G | D | (slowly)", ""),
        ("G       D\nHello my friend", ""),
        ("1. G\n2. D", ""),
    ],
)
def test_words_are_no_bars(text: str, title: str) -> None:
    chart = read_text_chart(text)
    assert (bars(text), chart.title) == ("G | D", title)


def test_words_that_are_left_out_are_said_once() -> None:
    chart = read_text_chart("G D\nHello my friend\nEm C\nHow are you")
    assert chart.remarks == ('words are left out, such as "Hello my friend"',)


def test_a_mistyped_symbol_is_no_word() -> None:
    assert bars("C Xq F") == "C | C | F"
    assert read_text_chart("C Xq F").remarks[0].startswith('bar 2: "Xq" is no chord')


def test_before_the_first_chord_an_unknown_symbol_is_silent_and_the_sentence_says_so() -> None:
    chart = read_text_chart("| Xq7 | C |")
    assert [bar.chords for bar in chart.bars] == [(None,), (parse_chord("C"),)]
    assert chart.remarks[0].endswith("no chord sounds until the next one")


@pytest.mark.parametrize("text", ["| C maj7 | A m7 (D7) | G7 alt |", "| Cmaj7 | Am7 D7 | G7alt |"])
def test_a_symbol_that_a_space_has_cut_is_whole_and_one_in_brackets_is_played(text: str) -> None:
    assert bars(text) == "Cmaj7 | Am7 D7 | G7alt"


@pytest.mark.parametrize(
    "text", ["C G Am F", "C, G, Am, F", "C - G - Am - F", "C-G-Am-F", "C \N{RIGHTWARDS ARROW} G \N{EN DASH} Am > F"]
)
def test_a_list_of_chords_may_have_separators(text: str) -> None:
    assert bars(text) == "C | G | Am | F"


@pytest.mark.parametrize("text", ["| C/// | Dm7/ G7/ |", "C /// | Dm7/ G7 /", "C/// Dm7/ G7/", "C / / / Dm7 / G7 /"])
def test_slashes_are_beats_of_the_chord_that_they_touch(text: str) -> None:
    assert bars(text) == "C C C C | Dm7 Dm7 G7 G7"
    assert read_text_chart(text).remarks == ()


def test_slashes_that_count_no_bar_stay_a_bar_each() -> None:
    assert bars("C / G7") == "C | C | G7"
    assert bars("Dm7 G7 / Cmaj7 / %") == "Dm7 | G7 | G7 | Cmaj7 | Cmaj7 | Cmaj7"


def test_an_x_repeats_the_whole_bar_before() -> None:
    assert bars("| Dm7 G7 | x | C |") == "Dm7 G7 | Dm7 G7 | C"
    assert bars("| C | F | x2") == "C | F | C | F"


@pytest.mark.parametrize("text", ["3/4 | C | F |", "| 3/4 C | F |", "3/4\n| C | F |", "Waltz\n3/4\nC F"])
def test_a_meter_may_stand_before_the_first_bar(text: str) -> None:
    chart = read_text_chart(text)
    assert (bars(text), chart.meter, chart.remarks) == ("C | F", "3/4", ())


def test_another_meter_within_a_chart_is_said_and_is_no_chord() -> None:
    chart = read_text_chart("| C | 3/4 F | G |")
    assert chart.remarks == ("bar 2 is in 3/4; all bars of a chart are as long as the first, in 4/4",)
    assert bars("| C | 3/4 F | G |") == "C | F | G"


@pytest.mark.parametrize(
    "text", ["Meter: 0/4\nC / / / F / / /", "0/4\nC/// F///", "| 0/4 C | F |\nC/// F///", "00/4\nC F G"]
)
def test_a_meter_without_beats_is_none_and_the_chords_are_read(text: str) -> None:
    assert read_text_chart(text).meter == ""
    assert bars(text).endswith(("C C C C | F F F F", "C | F | G"))


def test_small_letters_between_bar_lines_are_read_as_capitals_which_is_said_once() -> None:
    chart = read_text_chart("| dm7 | bb7 a7 | f#m7b5 |")
    assert bars("| dm7 | bb7 a7 | f#m7b5 |") == "Dm7 | Bb7 A7 | F#m7b5"
    assert chart.remarks == ("small letters are read as capitals: dm7 is Dm7",)


def test_an_alteration_after_a_space_belongs_to_its_chord_and_is_no_chord() -> None:
    assert bars("| C7 b9 | Dm7 b5 G7 #11 |") == "C7b9 | Dm7b5 G7#11"
    assert bars("| C b5 |") == "C C"


def test_endings_may_be_ordinal_numbers() -> None:
    assert bars("|: C |1st: F :|2nd: G |") == bars("|: C |1st F :|2nd G |") == "C | F | C | G"


@pytest.mark.parametrize("name", ["A", "A1", "B'", "(A)", "A.", "Part A", "A section", "Section A:"])
def test_a_letter_alone_above_bars_is_a_section_and_no_chord(name: str) -> None:
    chart = read_text_chart(f"Tune\n\n{name}\n\n| C | F |\n{name}\n| G |")
    assert (bars(f"{name}\n| C | F |\n{name}\n| G |"), chart.title, chart.remarks) == ("C | F | G", "Tune", ())
    assert bars(f"{name} x2\n| C | F |") == "C | F | C | F"


@pytest.mark.parametrize("symbol", ["G7", "A7", "D9", "C6", "E5"])
def test_a_chord_alone_above_bars_is_a_bar_and_no_section(symbol: str) -> None:
    assert bars(f"{symbol}\n| C | F |") == f"{symbol} | C | F"


def test_a_letter_alone_in_a_list_is_a_chord() -> None:
    assert bars("A\nD\nE") == "A | D | E"
    assert bars("G\nC D G") == "G | C | D | G"
    assert bars("| C | F |\nG") == "C | F | G"
