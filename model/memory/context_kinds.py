"""Which contexts a memory counts: what of the music so far each one holds, and whether it begins with the place in the bar.

A rhythm returns at its place in the bar, and a melody on its notes, whatever the times between them. So the contexts of a
note and those of a time differ. Each list goes from the context that is trusted least to the one that is trusted most.
"""

from dataclasses import dataclass
from typing import Literal

Line = Literal["pitches", "intervals", "times", "tokens", "steps"]
"""Notes alone, as pitches or as intervals; times alone; or notes and times in turn, the notes as pitches or as intervals."""
LINES: tuple[Line, ...] = ("pitches", "intervals", "times", "tokens", "steps")
TRANSPOSED_LINES: frozenset[Line] = frozenset(("intervals", "steps"))
LONGEST = 32
"""The most symbols that a context holds."""
PLACE = "place, "
CHORD = "chord, "


@dataclass(frozen=True, slots=True)
class ContextKind:
    """The last `length` symbols of a line; with `has_place` they come after the place in the bar of the next token.

    With `has_chord` they come after its place among the chords instead, and the context is left out where no chord is known. After a transposed line the next note is counted as an interval, and so known again in any key.
    """

    line: Line
    length: int
    has_place: bool = False
    has_chord: bool = False

    @property
    def is_transposed(self) -> bool:
        return self.line in TRANSPOSED_LINES

    def __str__(self) -> str:
        """Its name on a pack's card: `4 intervals`, `place, 3 times`, or `chord, 1 pitches`."""
        return f"{CHORD if self.has_chord else PLACE if self.has_place else ''}{self.length} {self.line}"


def kind_named(name: str) -> ContextKind:
    """The kind that `str` gives this name to. Raises ValueError where there is none."""
    has_place, has_chord = name.startswith(PLACE), name.startswith(CHORD)
    length, _, line = name.removeprefix(CHORD if has_chord else PLACE).partition(" ")
    known = next((known for known in LINES if known == line), None)
    if known is None or not length.isdecimal() or not int(length) <= LONGEST:
        raise ValueError(
            f"there is no context {name!r}: it is {PLACE.strip()} {CHORD.strip()} or nothing, 0 to {LONGEST}, and one of {', '.join(LINES)}"
        )
    return ContextKind(known, int(length), has_place, has_chord)


def _kinds(*names: str) -> tuple[ContextKind, ...]:
    return tuple(map(kind_named, names))


# Which of them help was measured on validation files: see docs/memory.md.
PITCH_KINDS = _kinds(
    "1 intervals", "1 pitches", "2 intervals", "2 pitches", "3 intervals", "3 pitches", "4 intervals", "4 pitches",
    "6 intervals", "6 pitches", "8 intervals", "8 pitches", "12 intervals", "12 pitches", "16 intervals", "16 pitches",
)  # fmt: skip
"""Before a note of the pitch approach, which hears no times."""
NOTE_KINDS = _kinds(
    "0 pitches", "1 intervals", "1 pitches", "2 intervals", "2 pitches", "4 intervals", "4 pitches", "8 intervals", "8 pitches",
    "place, 1 pitches", "place, 2 pitches", "place, 1 tokens", "place, 2 tokens", "place, 4 tokens", "place, 8 tokens",
    "2 steps", "2 tokens", "4 steps", "4 tokens", "8 steps", "8 tokens", "16 steps", "16 tokens", "32 steps",
)  # fmt: skip
"""Before a note of the event approach."""
TIME_KINDS = _kinds(
    "place, 0 times", "2 steps", "place, 1 times", "place, 2 times", "place, 4 times",
    "place, 1 tokens", "place, 2 tokens", "place, 4 tokens", "place, 8 tokens",
    "4 steps", "8 steps", "16 steps",
)  # fmt: skip
"""After a note of the event approach, where a time comes, or another note of the chord."""

PITCH_KINDS_OVER_CHORDS = _kinds("chord, 0 pitches", "chord, 1 pitches", "chord, 2 pitches")
"""Also before a note of the pitch approach, where the chord is known: what was played at the same place among the chords."""
NOTE_KINDS_OVER_CHORDS = _kinds(
    "chord, 0 pitches", "chord, 1 pitches", "chord, 2 tokens", "chord, 2 pitches", "chord, 4 tokens"
)
"""The same before a note of the event approach."""
