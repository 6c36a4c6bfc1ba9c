"""How many beats a bar has. Knows no time; a beat is a quarter note, whatever the meter counts in."""

from dataclasses import dataclass
from typing import Self

DENOMINATORS = (1, 2, 4, 8, 16, 32)
MAX_NUMERATOR = 64


@dataclass(frozen=True, slots=True)
class Meter:
    """So many notes of such a value to the bar: 6/8 is `Meter(6, 8)`."""

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
        """The meter that "6/8" means. Raises ValueError where it means none."""
        numerator, _, denominator = text.partition("/")
        try:
            return cls(int(numerator), int(denominator))
        except ValueError as error:
            raise ValueError(f'"{text}" is no meter; one is written like 4/4 or 6/8') from error

    @property
    def beats_per_bar(self) -> float:
        """Quarter notes in a bar: 3.0 in 6/8, 3.5 in 7/8. Every such number is exact in binary."""
        return self.numerator * 4 / self.denominator

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


COMMON_TIME = Meter()
