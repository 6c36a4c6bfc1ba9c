"""Tokens for tests: a whole piece as tokens, and a name for each token."""

from collections.abc import Iterable

from model.notes import Note, in_onset_order
from model.tokens.vocabulary import START, Cursor, EventVocabulary, PitchVocabulary, Vocabulary


def encode_notes(vocabulary: Vocabulary, notes: Iterable[Note]) -> list[int]:
    """A whole piece as tokens, with the start token first. The notes may come in any order."""
    tokens = [START]
    cursor = Cursor()
    for note in in_onset_order(notes):
        of_note, cursor = vocabulary.encode_note(note, cursor)
        tokens.extend(of_note)
    return tokens


def token_names(vocabulary: PitchVocabulary | EventVocabulary) -> tuple[str, ...]:
    """The name of each token, in the order of the tokens."""
    if isinstance(vocabulary, PitchVocabulary):
        return ("START", *(str(pitch) for pitch in vocabulary.pitches))
    notes = (f"NOTE_{pitch}" for pitch in vocabulary.pitches)
    times = (f"TIME_{index}" for index in range(len(vocabulary.bins)))
    return ("START", *notes, *times)
