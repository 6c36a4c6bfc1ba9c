"""The words and numbers in a text chart that say what is played next: endings, how often, D.C., D.S., codas and fine. Knows no chords."""

import re
from dataclasses import dataclass

from model.harmony.notations.unfolding import Jump

# An ending: 1. or 1,2. or [1. or [1] or (1) or 1st. or, before a chord, 1 alone.
_ENDING = re.compile(
    r"^\s*[\[(]?(?P<numbers>\d(?:st|nd|rd|th)?(?:\s*[,.-]?\s*\d(?:st|nd|rd|th)?)*)\s*(?:[.)\]:]+\s*|(?=\s+[A-G(%.N]))(?=\s|$|[A-G(%N])"
)
_TIMES = re.compile(
    r"^\s*\(?(?:(?:play(?:ed)?\s+)?(?P<before>\d{1,2})\s*(?:[x\u00d7]|times)|[x\u00d7]\s*(?P<after>\d{1,2}))\)?(?=\s|$)",
    re.IGNORECASE,
)
_SIGNS = re.compile(
    r"(?P<jump>\b(?:(?:D\.\s?(?P<dotted>[CS])\.?|D(?P<short>[CS])(?=\s+al)|da\s+(?P<capo>capo)|dal\s+segno)(?:\s+al\s+(?:fine|coda))?)(?!\w))"
    r"|(?P<to_coda>\bto\s+(?:coda\b|[\U0001d10c\u2295]))|(?P<coda>\bcoda\b|[\U0001d10c\u2295])|(?P<segno>\bsegno\b|\U0001d10b)|(?P<fine>\bfine\b)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class BarSigns:
    """What stands in a bar beside its chords. `leaves` is true where a coda is jumped to from the end of the bar."""

    jump: Jump = ""
    is_segno: bool = False
    is_coda: bool = False
    leaves: bool = False
    is_fine: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.jump or self.is_segno or self.is_coda or self.leaves or self.is_fine)


def take_signs(text: str) -> tuple[BarSigns, str]:
    """The signs in the text of a bar, and the text without them."""
    signs = BarSigns()
    for found in _SIGNS.finditer(text):
        match found.lastgroup:
            case "to_coda":
                signs.leaves = True
            case "coda":
                signs.is_coda = True
            case "segno":
                signs.is_segno = True
            case "fine":
                signs.is_fine = True
            case _:
                letter = (found["dotted"] or found["short"] or ("C" if found["capo"] else "S")).upper()
                signs.jump = "D.C." if letter == "C" else "D.S."
    return signs, text if signs.is_empty else _SIGNS.sub(" ", text)


def take_ending(text: str) -> tuple[frozenset[int], str]:
    """The numbers of the ending that a bar begins with, none where it has none, and the text after it."""
    ending = _ENDING.match(text)
    if ending is None:
        return frozenset(), text
    return frozenset(int(digit) for digit in re.findall(r"\d", ending["numbers"])), text[ending.end() :]


def take_times(text: str) -> tuple[int, str]:
    """How often something is played, from a text that begins with it, such as `x3`; 0 where it does not; and the text after it."""
    times = _TIMES.match(text)
    return (int(times["before"] or times["after"]), text[times.end() :]) if times else (0, text)
