"""Parses chord symbols as musicians write them: `Bb7`, `F#m7b5`, `C-7`, `EbΔ`, `G7(b9,b13)`, `Aø`, `D/F#`, `N.C.`; knows no chart.

A symbol is a root, then parts in any order: a third (`m`, `-`, `sus`), a fifth (`dim`, `+`), a seventh with all below it
(`7`, `9`, `maj13`), alterations (`b9`, `#11`), added and left-out notes, then a bass. No library reads half of the
spellings in use; docs/changes.md has the comparison.
"""

import re

from model.errors import ChordError, cut_short
from model.harmony.chord import FIFTH, Chord

NO_CHORD = frozenset({"N.C.", "N.C", "NC", "n.c.", "nc", "n", "N"})
LONGEST_SYMBOL = 32

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NOTE = re.compile(r"[A-G](?:bb|##|b|#|x)?")
_BASS = re.compile(rf"/(?P<bass>{_NOTE.pattern})$")
_ACCIDENTALS = {"": 0, "b": -1, "#": 1, "bb": -2, "##": 2, "x": 2}
_PLAIN = str.maketrans(
    {
        "♭": "b",
        "♯": "#",
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{HYPHEN}": "-",
        "\N{NON-BREAKING HYPHEN}": "-",
        "º": "°",
        "△": "Δ",
        "∆": "Δ",
        "Ø": "ø",
    }
)

# The parts of a symbol after its root, by what they mean; the first that fits is taken.
_PARTS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        # A slash before a number only separates it, but in 6/9: C7/9, G7/13.
        ("skip", r"[\s(),]+|dom|(?<=[\dM])/(?=[b#+-]?(?:13|11|9|5)(?!\d))"),
        ("six_nine", r"6/9|6add9|69"),
        ("added", r"add(?P<sign>[b#])?(?P<degree>13|11|9|6|4|2)"),
        ("left_out", r"(?:no|omit)(?P<degree>3|5)"),
        ("suspended", r"sus(?P<degree>24|2|4)?"),
        ("altered", r"alt"),
        ("half_diminished", r"(?:half-?dim|ø|h)7?"),
        ("diminished", r"dim|°|o"),
        ("augmented", r"aug"),
        ("minor_in_capitals", r"MIN|MI"),
        # A capital M alone is major, and so is the word; a triangle alone has the seventh.
        ("major", r"(?:/?(?:major|Major|maj|Maj|MAJ|MA|Ma|ma(?!dd)|M|j)|Δ|\^)(?P<degree>13|11|9|7|6)?"),
        ("flat", r"(?:b|-(?=5))(?P<degree>13|11|9|6|5)"),
        ("minor", r"minor|min|mi|m|-"),
        ("sharp", r"[#+](?P<degree>13|11|9|5)(?!\d)"),
        ("plus", r"\+"),
        ("stacked", r"13|11|9|7"),
        ("sixth", r"6"),
        ("fifth_alone", r"5"),
        ("added_second", r"2"),
        ("added_fourth", r"4"),
    )
)
_DEGREES = {2: 14, 3: 4, 4: 17, 5: 7, 6: 9, 7: 10, 9: 14, 11: 17, 13: 21}


def parse_chord(text: str) -> Chord | None:
    """The chord that a symbol means; None for no chord (`N.C.`). Raises ChordError, which names the symbol."""
    symbol = text.strip()
    if symbol in NO_CHORD:
        return None
    plain = symbol.translate(_PLAIN)
    root = _NOTE.match(plain)
    if len(symbol) > LONGEST_SYMBOL or root is None:
        raise ChordError(
            f"{_shown(symbol)} is no chord: one begins with a note from A to G, as in F7, Bbmaj7 or C#m7b5"
        )
    bass = _BASS.search(plain, root.end())
    suffix = plain[root.end() : bass.start() if bass else len(plain)]
    parts = _Parts()
    position = 0
    while position < len(suffix):
        position = parts.take(suffix, position) or _refuse(symbol, suffix[position:])
    pitch_class = _pitch_class(root[0])
    return Chord(
        pitch_class,
        parts.intervals,
        _pitch_class(bass["bass"]) if bass else pitch_class,
        suffix,
        has_sharps="#" in root[0] or (bass is not None and "#" in bass["bass"]),
    )


def _refuse(symbol: str, rest: str) -> int:
    raise ChordError(f"{_shown(symbol)} is no chord that is known: its part {_shown(rest)} means nothing")


def _shown(text: str) -> str:
    return f'"{cut_short(text, LONGEST_SYMBOL)}"'


def _pitch_class(note: str) -> int:
    return (_LETTERS[note[0]] + _ACCIDENTALS[note[1:]]) % 12


class _Parts:
    """What the parts of a symbol so far say, each degree as semitones above the root; None where there is none."""

    def __init__(self) -> None:
        self._third: int | None = 4
        self._fifth: int | None = FIFTH
        self._seventh: int | None = None
        self._has_major_seventh = False
        self._has_extension = False
        self._is_diminished = False
        self._more: set[int] = set()

    @property
    def intervals(self) -> tuple[int, ...]:
        chord = {0, *self._more}
        chord.update(degree for degree in (self._third, self._fifth, self._seventh) if degree is not None)
        return tuple(sorted(chord))

    def take(self, suffix: str, position: int) -> int:
        """Takes the part at a position; returns where it ends, 0 if nothing known begins there."""
        # After a seventh or more, a minus is a flat: C7-9; before, it is a minor third: C-9.
        if self._has_extension and (flat := re.compile(r"-(5|9|13)").match(suffix, position)):
            self._alter(int(flat[1]), -1)
            return flat.end()
        for name, pattern in _PARTS:
            if name == "sharp" and suffix[position] == "+" and not self._has_extension:
                continue  # C+9 is an augmented ninth chord, C7+9 one with a raised ninth
            found = pattern.match(suffix, position)
            if found is not None:
                groups = found.groupdict()
                self._apply(name, int(groups.get("degree") or 0), found[0], groups.get("sign") or "")
                return found.end()
        return 0

    def _apply(self, name: str, degree: int, text: str, sign: str) -> None:  # noqa: C901, PLR0912  one case for each part
        match name:
            case "six_nine":
                self._more |= {9, 14}
            case "added":
                self._more.add(_DEGREES[degree] + {"b": -1, "#": 1, "": 0}[sign])
            case "left_out" if degree == 3:
                self._third = None
            case "left_out":
                self._fifth = None
            case "suspended":
                self._suspend(degree)
            case "altered":
                self._seventh, self._fifth, self._has_extension = 10, None, True
                self._more |= {13, 15, 20}
            case "half_diminished":
                self._third, self._fifth, self._seventh, self._has_extension = 3, 6, 10, True
            case "diminished":
                self._third, self._fifth, self._is_diminished = 3, 6, True
            case "augmented" | "plus":
                self._fifth = 8
            case "major":
                self._has_major_seventh = True
                # The word alone is a triad; a triangle or a hat alone has the seventh.
                self._stack(degree or (7 if text in {"Δ", "^"} else 0))
            case "minor" | "minor_in_capitals":
                self._third = 3
            case "flat" | "sharp":
                self._alter(degree, -1 if name == "flat" else 1)
            case "stacked":
                self._stack(int(text))
            case "sixth":
                self._more.add(9)
            case "fifth_alone":
                self._third = None
            case "added_second":
                self._more.add(14)
            case "added_fourth":
                self._more.add(17)

    def _suspend(self, degree: int) -> None:
        self._third = None
        self._more |= {0: {5}, 4: {5}, 2: {2}, 24: {2, 5}}[degree]

    def _stack(self, degree: int) -> None:
        """A seventh, ninth, eleventh or thirteenth chord has all the thirds below, but no eleventh that clashes."""
        if degree == 6:
            self._more.add(9)
        if degree < 7:
            return
        self._has_extension = True
        if self._has_major_seventh:
            self._seventh = 11
        else:
            self._seventh = 9 if self._is_diminished else 10
        if degree >= 9:
            self._more.add(14)
        if degree == 11 or (degree == 13 and self._third == 3):
            self._more.add(17)
        if degree == 13:
            self._more.add(21)

    def _alter(self, degree: int, by: int) -> None:
        """A lowered or raised note takes the place of the plain one."""
        if degree == 5:
            self._fifth = FIFTH + by
            return
        if degree == 6:
            self._more.add(8)
            return
        self._more.discard(_DEGREES[degree])
        self._more.add(_DEGREES[degree] + by)
        if degree == 13 and by > 0:
            self._more.discard(22)
            self._seventh = 10
