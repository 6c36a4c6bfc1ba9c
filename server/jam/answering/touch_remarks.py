"""Reports why the player's touch cannot be used, each reason once; the answer is then played plainly."""

import logging
from collections.abc import Sequence

from model.notes import Note
from model.phrasing.touch import HeardPhrase

logger = logging.getLogger("fours.jam.touch")

# A phrase of fewer notes than this gets no remark, as it shows too little.
MIN_NOTES = 8


class TouchRemarks:
    """Logs each remark once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say_about(self, phrase: HeardPhrase) -> None:
        """Logs what is missing in a phrase that a touch is learnt from, if that was not logged before."""
        for sentence in sentences_about(phrase.notes, has_bars=phrase.bars is not None):
            if sentence not in self._said:
                self._said.add(sentence)
                logger.warning("%s", sentence)


def sentences_about(notes: Sequence[Note], *, has_bars: bool) -> list[str]:
    """What is missing in a phrase, one sentence each."""
    if len(notes) < MIN_NOTES:
        return []
    sentences = []
    velocities = {note.velocity for note in notes}
    if len(velocities) == 1:
        sentences.append(f"every note comes with velocity {velocities.pop()}, so answers have one loudness")
    if not has_bars:
        sentences.append("the phrase fits no steady beat, so answers take up neither its accents nor its timing")
    return sentences
