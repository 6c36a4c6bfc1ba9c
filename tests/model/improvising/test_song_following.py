"""How closely an improviser keeps to the chords follows how closely the player does."""

from random import Random

import numpy as np
import pytest

from model.approach import Approach
from model.harmony.changes import ChartChanges
from model.harmony.notations.text_chart import read_text_chart
from model.harmony.preference.chord_preference import BY_INTERVAL_SIZE, BY_NEXT_SIZE, BY_PLACE_SIZE, ChordPreference
from model.improvising.improviser import Improviser
from model.improvising.improvisers import create_improviser
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from tests.engines import RandomEngine
from tests.music import line

PITCHES = tuple(range(48, 84))
VOCABULARIES: dict[Approach, PitchVocabulary | EventVocabulary] = {
    "pitch": PitchVocabulary(PITCHES),
    "event": EventVocabulary(PITCHES, TimeBins((0.5, 1.0), (0.75,))),
}
BOTH = pytest.mark.parametrize("approach", VOCABULARIES)
CHANGES = ChartChanges(read_text_chart("| C | F |"))
ROOTS, OTHERS = line(60, 60, 72, 48, 65, 53, 65, 77), line(61, 63, 66, 68, 61, 63, 66, 68)
HEARD_BEATS = 8.0


def improviser(approach: Approach, song_spread: float = 1.0) -> Improviser:
    """An improviser of a pack in which roots are three times as likely as other notes."""
    preference = ChordPreference(
        tuple(float(np.log(3.0)) if index % 12 == 0 else 0.0 for index in range(BY_PLACE_SIZE)),
        (0.0,) * BY_NEXT_SIZE,
        (0.0,) * BY_INTERVAL_SIZE,
        song_spread=song_spread,
    )
    vocabulary = VOCABULARIES[approach]
    return create_improviser(RandomEngine(vocabulary.size, 1), vocabulary, chord_preference=preference)


def hear(improviser: Improviser, notes: list[Note], *, learn: bool = True, transpose: int = 0) -> Improviser:
    for note in notes:
        improviser.hear(note, changes=CHANGES, learn=learn, transpose=transpose)
    return improviser


def strength(improviser: Improviser) -> float | None:
    """How much the table of places counts in the song; None before there is a song."""
    song = improviser.snapshot().song
    found = None if song is None else song.strengths(0.45)
    return None if found is None else found[0]


def share_of_roots(improviser: Improviser) -> float:
    settings = SamplingSettings(changes=CHANGES)
    roots = []
    for seed in range(20):
        for planned in improviser.compose(HEARD_BEATS, HEARD_BEATS + 8.0, settings, Random(seed)):
            chord = CHANGES.at(planned.note.onset_beats).chord
            assert chord is not None
            roots.append(planned.note.pitch % 12 == chord.root)
    return float(np.mean(roots))


@BOTH
def test_who_keeps_to_the_chords_is_answered_with_more_notes_of_theirs(approach: Approach) -> None:
    close, loose = hear(improviser(approach), ROOTS), hear(improviser(approach), OTHERS)
    close_strength, loose_strength = strength(close), strength(loose)
    assert close_strength is not None
    assert loose_strength is not None
    assert close_strength > 1.1
    assert loose_strength < 1.0
    assert share_of_roots(close) > share_of_roots(loose) + 0.05


@BOTH
def test_it_goes_back_and_forward_with_snapshots(approach: Approach) -> None:
    jam = hear(improviser(approach), ROOTS)
    before, after_roots = jam.snapshot(), strength(jam)
    planned = next(jam.compose(HEARD_BEATS, HEARD_BEATS + 4.0, SamplingSettings(changes=CHANGES), Random(1)))
    hear(jam, line(61, 63, 66, 68, start_beats=HEARD_BEATS))
    assert strength(jam) != after_roots
    for snapshot in (before, planned.after):
        jam.restore(snapshot)
        assert strength(jam) == after_roots


@BOTH
def test_what_is_not_to_be_learnt_and_other_notes_of_a_chord_do_not_count(approach: Approach) -> None:
    assert strength(hear(improviser(approach), ROOTS, learn=False)) is None
    jam = improviser(approach)
    for note in ROOTS:
        jam.hear(note)
    assert strength(jam) is None


def test_a_chord_counts_once() -> None:
    one = hear(improviser("event"), [Note(60, 0.0, 1.0, 80)])
    three = hear(improviser("event"), [Note(pitch, 0.0, 1.0, 80) for pitch in (60, 64, 67)])
    assert strength(three) == strength(one) != 1.0


@BOTH
def test_chords_are_those_of_the_notes_as_they_sound(approach: Approach) -> None:
    lower = [Note(note.pitch - 2, note.onset_beats, note.duration_beats, note.velocity) for note in ROOTS]
    found = strength(hear(improviser(approach), lower, transpose=2))
    assert found is not None
    assert found > 1.1


@BOTH
def test_a_jam_that_forgets_begins_anew(approach: Approach) -> None:
    jam = hear(improviser(approach), ROOTS)
    jam.forget()
    assert strength(jam) is None


@BOTH
def test_a_pack_whose_songs_do_not_differ_is_played_as_before(approach: Approach) -> None:
    assert strength(hear(improviser(approach, song_spread=0.0), ROOTS)) is None
