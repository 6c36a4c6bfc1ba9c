"""`Phrasing`: all that a pack knows of touch and phrase ends; a pack that was made before has none, and plays plainly."""

from dataclasses import dataclass

from model.phrasing.phrase_ends import PhraseEnds
from model.phrasing.touch_profile import TouchProfile


@dataclass(frozen=True, slots=True)
class Phrasing:
    """The touch of a corpus and how its phrases end; None for what is not known."""

    touch: TouchProfile | None = None
    ends: PhraseEnds | None = None


PLAIN = Phrasing()
"""Of a pack that knows nothing of either."""
