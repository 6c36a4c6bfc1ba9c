"""How far a memory trusts one context against the contexts before it, and at last against the network; knows no music.

A context that was followed n times, by `distinct` different symbols, passes the forecast on to the contexts that are trusted
less (it "escapes", as in PPM) with odds of a · distinct^variety / n^evidence. Each kind of context has a concentration a of its
own. A plain Dirichlet back-off, (c + a p) / (n + a), is the case of variety 0 and evidence 1. Music is predicted best near
variety 3/4 and evidence 2/5: whether one symbol follows or several says more than how often. See docs/memory.md.
"""

from dataclasses import dataclass
from math import sqrt

from model.approach import Approach
from model.memory.context_kinds import NOTE_KINDS, PITCH_KINDS, TIME_KINDS, ContextKind

# Only the latest followers of a context count: more of them measured no better, and this bounds the time of mixing.
MAX_FOLLOWERS = 32

# Below this the memory has no weight; the odds would overflow.
MIN_STRENGTH = 1e-3
# Above this the network would have no weight where the memory knows the context, and a mask could leave no token.
MAX_STRENGTH = 0.99
LARGEST_PRODUCT = 1e150
# Fits come to concentrations from about 0.3 to 110, and to exponents between 0 and 1. Far outside of these limits the odds would be no numbers.
LEAST_CONCENTRATION, MOST_CONCENTRATION = 1e-6, 1e6
MOST_EXPONENT = 4.0


def with_odds(strength: float, odds: float) -> float:
    """The strength, from 0 to 1, at which each context leaves `odds` times the odds of `strength` to the contexts before it."""
    return strength / (strength + (1.0 - strength) * sqrt(odds))


@dataclass(frozen=True, slots=True)
class Trust:
    """The fitted numbers for one kind of next token: a concentration for each of its `kinds` of context.

    Raises ValueError where the number of concentrations is wrong, or a number is out of range.
    """

    kinds: tuple[ContextKind, ...]
    concentrations: tuple[float, ...]
    variety: float
    evidence: float

    def __post_init__(self) -> None:
        if len(self.concentrations) != len(self.kinds):
            raise ValueError(
                f"a memory has {len(self.kinds)} kinds of context here, and as many concentrations, not {len(self.concentrations)}"
            )
        if not all(LEAST_CONCENTRATION <= each <= MOST_CONCENTRATION for each in self.concentrations):
            raise ValueError(
                f"the concentrations of a memory are from {LEAST_CONCENTRATION:g} to {MOST_CONCENTRATION:,.0f}"
            )
        if not all(-MOST_EXPONENT <= exponent <= MOST_EXPONENT for exponent in (self.variety, self.evidence)):
            raise ValueError(f"variety and evidence of a memory are from -{MOST_EXPONENT:g} to {MOST_EXPONENT:g}")

    def odds(self, strength: float) -> tuple[float, ...]:
        """The odds for what followed a context of each kind, against those before it, where one symbol followed it once.

        The strength is from 0 (the memory has no weight) over 0.5 (as fitted) to 1. The odds are multiplied by the squared odds for
        it: 1 at 0.5, a hundredfold at 10 to 1. At `n` followers and so on they grow by `growth`.
        """
        strength = min(strength, MAX_STRENGTH)
        if strength < MIN_STRENGTH:
            return (0.0,) * len(self.kinds)
        scale = (strength / (1.0 - strength)) ** 2
        # The product of all, which a forecast may need, stays a number.
        largest = LARGEST_PRODUCT ** (1.0 / len(self.kinds)) / self.growth(MAX_FOLLOWERS, 1)
        return tuple(min(scale / concentration, largest) for concentration in self.concentrations)

    def growth(self, n: int, distinct: int) -> float:
        """How many times greater the odds are after n followers, `distinct` of them different, than after one."""
        growth: float = n**self.evidence / distinct**self.variety
        return growth


@dataclass(frozen=True, slots=True)
class Backoff:
    """The trust before a note, and that after a note of the event approach, where a time may come; None for the pitch approach.

    `chords` has the contexts that count only where the chord of a note is known; None where a pack has none. Raises ValueError where one of them
    has no chord, or one of the others has one.
    """

    notes: Trust
    times: Trust | None = None
    chords: Trust | None = None

    def __post_init__(self) -> None:
        plain = self.notes.kinds + (self.times.kinds if self.times else ())
        of_chords = self.chords.kinds if self.chords else ()
        if any(kind.has_chord for kind in plain) or not all(kind.has_chord for kind in of_chords):
            raise ValueError("contexts with a chord are apart from all others")

    @property
    def kinds(self) -> tuple[ContextKind, ...]:
        """The kinds of context before a note, those before a time, and at last those over chords."""
        return self.notes.kinds + (self.times.kinds if self.times else ()) + (self.chords.kinds if self.chords else ())

    @property
    def notes_over_chords(self) -> Trust:
        """The trust before a note whose chord is known.

        The place among the chords alone is trusted less than what was played before, and together with notes more than all.
        """
        if self.chords is None:
            return self.notes
        over = list(zip(self.chords.kinds, self.chords.concentrations, strict=True))
        below = [pair for pair in over if pair[0].length == 0]
        above = [pair for pair in over if pair[0].length > 0]
        joined = [*below, *zip(self.notes.kinds, self.notes.concentrations, strict=True), *above]
        kinds, concentrations = zip(*joined, strict=True)
        return Trust(kinds, concentrations, self.notes.variety, self.notes.evidence)


DEFAULT_BACKOFFS: dict[Approach, Backoff] = {
    "pitch": Backoff(
        Trust(
            PITCH_KINDS,
            (39.0, 11.0, 13.0, 8.2, 8.1, 3.0, 2.9, 6.2, 7.9, 2.5, 1.3, 8.1, 15.0, 9.4, 0.51, 3.9),
            variety=0.79,
            evidence=0.39,
        )
    ),
    "event": Backoff(
        Trust(
            NOTE_KINDS,
            (
                110.0,
                70.0,
                38.0,
                31.0,
                50.0,
                13.0,
                26.0,
                9.6,
                16.0,
                19.0,
                3.9,
                65.0,
                4.9,
                1.7,
                16.0,
                24.0,
                57.0,
                5.4,
                27.0,
                1.6,
                1.5,
                0.58,
                12.0,
                12.0,
            ),
            variety=0.96,
            evidence=0.49,
        ),
        Trust(
            TIME_KINDS, (5.1, 12.0, 4.4, 11.0, 4.4, 15.0, 19.0, 1.0, 2.0, 13.0, 1.8, 0.37), variety=0.98, evidence=0.37
        ),
    ),
}
"""For packs whose card has no such numbers, and the start of fitting: close to those of `songbook`."""
