"""Lines to fit touch and phrase ends to."""

from model.analysis.bars import Strength
from model.files.seed import Seed
from model.notes import Note
from train.phrasing.phrases import Melody, melody_of

# Four bars in C that end on the first beat of the last one, on C or, at a half close, on G.
RHYTHM = (1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 4.0)
PITCHES = (64, 65, 67, 69, 67, 65, 64, 62, 60, 62, 64, 65, 62)
ACCENT, PLAIN_VELOCITY = 100, 70


def period_line(phrases: int = 16, share: float = 1.0, *, accents: bool = False) -> Melody:
    """A line of phrases, half close and full close in turn; every note sounds for this share of its gap."""
    notes = []
    onset = 0.0
    for phrase in range(phrases):
        for index, (beats, pitch) in enumerate(zip(RHYTHM, (*PITCHES, 60 if phrase % 2 else 67), strict=True)):
            is_downbeat = onset % 4 == 0.0
            velocity = (ACCENT if is_downbeat else PLAIN_VELOCITY + index % 4) if accents else 80
            notes.append(Note(pitch, onset, beats * share, velocity))
            onset += beats
    return melody_of(Seed(tuple(notes)))


DOWNBEAT = int(Strength.DOWNBEAT)
