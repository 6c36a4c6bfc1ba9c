"""`CardPhrasing`: the touch and the phrase ends of a pack's corpora, as its card has them."""

from dataclasses import asdict
from typing import Self

from pydantic import BaseModel, ConfigDict

from model.phrasing.phrase_ends import PhraseEnds
from model.phrasing.phrasing import Phrasing
from model.phrasing.touch_profile import TouchProfile


class PhrasingPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CardTouch(PhrasingPart):
    """The numbers of `model.phrasing.touch_profile.TouchProfile`.

    `loudness_notes` is how many notes the loudness was fitted to: those of lines that have dynamics of their own; 0 where no corpus has.
    `length_notes` is how many the lengths were fitted to; those of scores are as written. No timing is fitted: scores have none.
    """

    loudness: tuple[float, ...] | None
    trust_notes: float
    lengths: tuple[tuple[float, ...], ...]
    loudness_notes: int
    length_notes: int


class CardEnds(PhrasingPart):
    """The numbers of `model.phrasing.phrase_ends.PhraseEnds`, and how many phrases they were fitted to."""

    first_half: tuple[float, ...]
    second_half: tuple[float, ...]
    full_major: tuple[float, ...]
    full_minor: tuple[float, ...]
    half_major: tuple[float, ...]
    half_minor: tuple[float, ...]
    passing_weight: float
    lengths_beats: tuple[float, ...]
    breaths_beats: tuple[float, ...]
    phrases: int

    @classmethod
    def from_ends(cls, ends: PhraseEnds, phrases: int) -> Self:
        return cls(**asdict(ends), phrases=phrases)


class CardPhrasing(PhrasingPart):
    """Both; None for what could not be fitted."""

    touch: CardTouch | None = None
    ends: CardEnds | None = None

    def to_phrasing(self) -> Phrasing:
        """The values that a jam plays by. Raises ValueError where the numbers contradict each other."""
        touch, ends = self.touch, self.ends
        return Phrasing(
            None if touch is None else TouchProfile(touch.loudness, touch.trust_notes, touch.lengths),
            None if ends is None else PhraseEnds(**ends.model_dump(exclude={"phrases"})),
        )
