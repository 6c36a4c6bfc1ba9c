from urllib.parse import quote

import pytest

from model.errors import ChartError
from model.harmony.changes import ChartChanges
from model.harmony.notations.ireal import is_ireal, read_ireal, unscramble


def link(music: str, songs: int = 1, *, key: str = "Bb", composer: str = "Doe Jane") -> str:
    """A link as the app writes it, with music that is not yet scrambled."""
    song = f"Some Song={composer}==Medium Swing={key}==1r34LbKcu7{unscramble(music)}=Jazz-Medium Swing=120=3"
    return "irealb://" + quote("===".join([song] * songs))


def bars(text: str) -> str:
    return " | ".join(" ".join(map(str, bar.chords)) for bar in read_ireal(text).bars)


def test_the_music_of_a_link_is_put_in_order_again() -> None:
    music = "[T44C^7XyQ|A-7XyQ|D-7XyQ|G7XyQ|E-7XyQ|A7XyQ|D-7XyQ|G7XyQ|C^7XyQ|Kcl Z"
    assert unscramble(unscramble(music)) == music
    chart = read_ireal(link(music))
    assert (chart.title, str(chart.key), chart.meter) == ("Some Song", "Bb major", "4/4")
    assert bars(link(music)) == "C^7 | A-7 | D-7 | G7 | E-7 | A7 | D-7 | G7 | C^7 | C^7"


def test_repeats_endings_and_chords_without_spaces_are_played() -> None:
    assert bars(link("{*AT34C^7A-7 |D-7 G7sus|N1C6 }|N2F-7Bb7/D |Z")) == (
        "C^7 A-7 | D-7 G7sus | C6 | C^7 A-7 | D-7 G7sus | F-7 Bb7/D"
    )


@pytest.mark.parametrize(
    ("bar", "starts"),
    [
        ("D-/F sEh,A7,", (0.0, 2.0, 3.0)),
        ("Eh,A7,D- ", (0.0, 1.0, 2.0)),
        ("C7,F7XyQ", (0.0, 2.0)),
        ("C7XyQF7,", (0.0, 2.0)),
        ("C7,F7  ", (0.0, 1.0)),
        ("A-7 D7 ", (0.0, 2.0)),
    ],
)
def test_each_cell_of_a_bar_of_four_is_a_beat(bar: str, starts: tuple[float, ...]) -> None:
    changes = ChartChanges(read_ireal(link(f"[T44{bar}|C-7XyQ Z")))
    assert tuple(start for start, _ in changes.spans if start < 4.0) == starts


def test_a_meter_that_changes_is_said_once() -> None:
    chart = read_ireal(link("[T44C |F |T24G |T34A |T24D Z"))
    assert chart.meter == "4/4"
    assert chart.remarks == ("bar 3 is in 2/4; all bars of a chart are as long as the first, in 4/4",)


def test_a_jump_goes_to_the_coda() -> None:
    assert bars(link("[C |F Q|G |A <D.C. al Coda>] [QD |E Z")) == "C | F | G | A | C | F | D | E"


def test_signs_for_the_chord_the_bar_and_two_bars_before() -> None:
    assert bars(link("[C p F p|D-7 |G7 |r|x |n Z")) == "C C F F | D-7 | G7 | D-7 | G7 | G7 | None"


def test_a_slash_without_a_root_keeps_the_chord_over_another_bass() -> None:
    assert bars(link("[C-7 |W/Bb |F7(C7) Z")) == "C-7 | C/Bb | F7"


def test_fields_may_be_empty_and_only_the_first_song_is_taken() -> None:
    assert bars(link("[C |F Z", composer="")) == "C | F"
    several = read_ireal(link("[C |F Z", songs=3))
    assert several.remarks == ("the link has 3 songs; the first one is taken",)


def test_a_link_is_found_within_a_page_and_in_the_older_format() -> None:
    page = f'<html><a href="{link("[C |F Z")}">Some Song</a></html>'
    assert is_ireal(page)
    assert bars(page) == "C | F"
    assert bars("irealbook://Song=Name=Style=Ab=n=T44*A{C^7 |A-7 |D-9 |G7#5 }").startswith(
        "C^7 | A-7 | D-9 | G7#5 | C^7"
    )


@pytest.mark.parametrize("text", ["irealb://", "irealb://nothing", "irealb://A=B==C=D==1r34LbKcu7==", "no link"])
def test_what_holds_no_song_is_refused(text: str) -> None:
    with pytest.raises(ChartError):
        read_ireal(text)
