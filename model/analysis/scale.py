"""`Key`: a tonic and a scale, its pitches, and the names that people write for it. `key_finder` finds the key of music."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from model.errors import cut_short

Mode = Literal["major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian"]
MODES: tuple[Mode, ...] = get_args(Mode)

# Semitones above the tonic. `minor` has both sevenths, as songs do: the natural one where the melody falls and over the
# chord on it, the raised one where the melody rises to the tonic or the dominant chord needs it.
SCALE_STEPS: Mapping[Mode, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}
# How far each tonic lies above that of the major key with the same signature.
_ABOVE_MAJOR: Mapping[Mode, int] = {
    "major": 0,
    "dorian": 2,
    "phrygian": 4,
    "lydian": 5,
    "mixolydian": 7,
    "minor": 9,
    "locrian": 11,
}
# The major keys that are written with sharps, and those with flats; F# and Gb have six each.
_SHARP_MAJORS, _FLAT_MAJORS = {0, 2, 4, 7, 9, 11}, {1, 3, 5, 8, 10}

TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_SHARP_TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLAT_TONICS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

_LETTERS: Mapping[str, int] = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS: Mapping[str, int] = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1, "B": -1}
# Other ways to write a mode. A capital M is major, as in chord symbols (see `_parse_mode`).
_MODE_ABBREVIATIONS: Mapping[str, Mode] = {
    "": "major",
    "maj": "major",
    "ionian": "major",
    "m": "minor",
    "min": "minor",
    "-": "minor",
    "dor": "dorian",
    "phryg": "phrygian",
    "lyd": "lydian",
    "mixo": "mixolydian",
    "loc": "locrian",
}
_KEY_PATTERN = re.compile(r"(?P<tonic>[A-Ga-g][#♯b♭B]?)(?P<mode>.*)")


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic, 0 for C to 11 for B, and a mode."""

    tonic: int
    mode: Mode

    @property
    def pitch_classes(self) -> frozenset[int]:
        """Its pitch classes, 0 for C to 11 for B."""
        return frozenset((self.tonic + step) % 12 for step in SCALE_STEPS[self.mode])

    @property
    def signature(self) -> int:
        """The tonic of the major key that is written with the same sharps or flats."""
        return (self.tonic - _ABOVE_MAJOR[self.mode]) % 12

    def __str__(self) -> str:
        """The name that musicians write, with sharps where the signature has sharps: `C# minor`, but `Db major`."""
        signature = self.signature
        names = _SHARP_TONICS if signature in _SHARP_MAJORS else _FLAT_TONICS if signature in _FLAT_MAJORS else TONICS
        return f"{names[self.tonic]} {self.mode}"


KEYS: tuple[Key, ...] = tuple(Key(tonic, mode) for mode in MODES for tonic in range(12))

NO_KEY, AUTO_KEY, LIVE_KEY = "off", "auto", "live"
WORDS_FOR_KEYS = (NO_KEY, AUTO_KEY, LIVE_KEY)
KEY_CHOICES: tuple[str, ...] = (*WORDS_FOR_KEYS, *(str(key) for key in KEYS))
"""The values of a control for the key: no key, the key that is heard, that of a set in Ableton Live, or one of the 84 keys by name."""
LONGEST_SHOWN = 40
"""An error message shows at most this many characters of a text that names no key."""
_BY_LOWER_NAME: Mapping[str, str] = {name.lower(): name for name in KEY_CHOICES}


def parse_key(text: str) -> Key:
    """The key that a text names, such as `A minor`, `Am`, `a-dorian`, `D_dorian`, `Bb`, `A#`, `C maj`. A tonic alone is major.

    Raises ValueError where it names no key; the message has the nearest name.
    """
    written = _KEY_PATTERN.fullmatch(text.strip())
    mode = _parse_mode(written["mode"]) if written else None
    if not written or not mode:
        raise ValueError(f"there is no key {cut_short(text, LONGEST_SHOWN)!r}; {_hint(text)}")
    letter, accidental = written["tonic"][0].upper(), written["tonic"][1:]
    return Key((_LETTERS[letter] + _ACCIDENTALS[accidental]) % 12, mode)


def parse_key_choice(text: str) -> str:
    """The value of `KEY_CHOICES` that a text means. Raises ValueError where it means none; the message has the nearest name."""
    plain = text.strip().lower()
    return plain if plain in WORDS_FOR_KEYS else str(parse_key(text))


def _parse_mode(written: str) -> Mode | None:
    """The mode that the text after a tonic means; None where it means none."""
    if written == "M":
        return "major"
    word = written.strip(" _-").lower() or ("-" if written == "-" else "")
    return next((mode for mode in MODES if mode == word), None) or _MODE_ABBREVIATIONS.get(word)


def _hint(text: str) -> str:
    """For an error message: the nearest name, or a list of what there is."""
    plain = re.sub(r"[\s_-]+", " ", text.strip()).lower()
    # Aeolian has no raised seventh, so it is not the same as our minor; but minor is the nearest key that there is.
    plain = plain.replace("aeolian", "minor")
    near = difflib.get_close_matches(plain, _BY_LOWER_NAME, n=1)
    if near:
        return f"did you mean {_BY_LOWER_NAME[near[0]]}?"
    return f"a key is {', '.join(WORDS_FOR_KEYS)}, or a tonic and {', '.join(MODES[:-1])} or {MODES[-1]}"
