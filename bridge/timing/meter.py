"""`Meter`: how a jam counts its bars, such as 6/8, and how many beats a bar has. Knows no time. A beat is a quarter note in every meter."""

from dataclasses import dataclass
from typing import Self

DENOMINATORS = (1, 2, 4, 8, 16, 32)
MAX_NUMERATOR = 64


@dataclass(frozen=True, slots=True)
class Meter:
    """The meter that a jam counts in: 6/8 is `Meter(6, 8)`. Raises ValueError where no jam can have it.

    `TimeSignature` in `model.files` is what a file says, which may be any two numbers.
    """

    numerator: int = 4
    denominator: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= MAX_NUMERATOR or self.denominator not in DENOMINATORS:
            raise ValueError(
                f"{self.numerator}/{self.denominator} is no meter: 1 to {MAX_NUMERATOR}, "
                f"over one of {', '.join(map(str, DENOMINATORS))}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The meter that a text such as "6/8" means. Raises ValueError where it means none."""
        numerator, _, denominator = text.partition("/")
        try:
            return cls(int(numerator), int(denominator))
        except ValueError as error:
            raise ValueError(f'"{text}" is no meter; one is written like 4/4 or 6/8') from error

    @property
    def beats_per_bar(self) -> float:
        """Quarter notes in a bar: 3.0 in 6/8, 3.5 in 7/8. All these numbers are exact as floats."""
        return self.numerator * 4 / self.denominator

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


COMMON_TIME = Meter()
