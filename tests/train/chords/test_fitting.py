"""Tables are fitted to melodies that keep to their chords, and measured on others."""

from pathlib import Path

import numpy as np

from model.harmony.chord import Chord
from model.harmony.chord_preference import TONE_ROLES
from model.harmony.chord_symbol import parse_chord
from model.memory.backoff import DEFAULT_BACKOFFS
from model.memory.memory import Memory
from model.notes import Note
from model.tokens.vocabulary import PitchVocabulary
from train.chords.chord_lines import ChordLine, FileChanges
from train.chords.end_fitting import fit_chord_ends
from train.chords.fitting import ChordEvidence, fit_preference
from train.corpus.corpora import Line
from train.corpus.dataset import tokens_of_line
from train.memory.forecasts import LineForecast

VOCABULARY = PitchVocabulary(tuple(range(55, 80)))
SYMBOLS = ("C", "F7", "G7", "Am")


def chord(symbol: str) -> Chord:
    parsed = parse_chord(symbol)
    assert parsed is not None
    return parsed


def evidence(seed: int) -> ChordEvidence:
    """A melody of chord notes on the beat and any notes off it, below a network that knows nothing."""
    random = np.random.default_rng(seed)
    chords = [(4.0 * bar, 4.0 * bar + 4.0, chord(SYMBOLS[int(random.integers(4))])) for bar in range(60)]
    notes: list[Note] = []
    for _, _, sounding in chords:
        start = chords[len(notes) // 8][0]
        for index in range(8):
            tones = [pitch for pitch in VOCABULARY.pitches if sounding.has(pitch)]
            pitch = int(random.choice(tones if index % 2 == 0 else VOCABULARY.pitches))
            notes.append(Note(pitch, start + index / 2, 0.5, 80))
    line = Line.of(Path("song.mid"), notes)
    tokens = tokens_of_line(VOCABULARY, line.records)
    p = np.full((len(tokens) - 1, VOCABULARY.size), 1 / VOCABULARY.size, np.float32)
    memory = Memory(VOCABULARY, DEFAULT_BACKOFFS["pitch"])
    found = ChordEvidence.of(
        VOCABULARY, memory, [(ChordLine(line, FileChanges(chords, 4.0, 0.0)), LineForecast(tokens, len(line), p))]
    )
    assert found is not None
    return found


def test_the_tables_predict_other_melodies_over_chords_better_than_none() -> None:
    preference = fit_preference(evidence(1), evidence(2))
    other = evidence(3)
    assert preference.strength > 0.0
    assert other.bits(preference, with_memory=False) < other.bits(None, with_memory=False) - 0.3


def test_on_the_beat_chord_notes_are_liked_more_than_off_the_beat() -> None:
    preference = fit_preference(evidence(1), evidence(2))
    changes = FileChanges([(0.0, 8.0, chord("C"))], 4.0, 0.0)
    tones = np.array([chord("C").has(pitch) for pitch in VOCABULARY.pitches])

    def liking(beat: float) -> float:
        """How much the factor of chord notes is above that of the others, as logarithms."""
        span = changes.at(beat)
        assert span is not None
        logs = preference.log_factor(VOCABULARY.pitches, span, beat, None)
        assert logs is not None
        return float(logs[tones].mean() - logs[~tones].mean())

    assert liking(0.0) > 3 * abs(liking(0.5))


def test_between_chords_there_is_none_and_repeats_are_one() -> None:
    changes = FileChanges([(0.0, 2.0, chord("C")), (2.0, 4.0, chord("C")), (8.0, 9.0, chord("F"))], 4.0, 1.0)
    first = changes.at(1.0)
    assert first is not None
    assert (first.start_beats, first.end_beats, first.position_beats) == (0.0, 8.0, 0.0)
    assert changes.at(5.0) is None
    assert changes.at(9.5) is None
    assert changes.bar_line_before(6.0) == 5.0


def test_phrases_that_end_on_roots_make_roots_likely_last_notes() -> None:
    notes: list[Note] = []
    chords = [(4.0 * bar, 4.0 * bar + 4.0, chord(SYMBOLS[bar % 4])) for bar in range(80)]
    for start, _, sounding in chords:  # four short notes and a long one, on the root
        notes += [Note(60 + (5 * len(notes) + step) % 12, start + step / 2, 0.5, 80) for step in range(4)]
        notes.append(Note(60 + sounding.root, start + 2.0, 1.0, 80))
    line = ChordLine(Line.of(Path("song.mid"), notes), FileChanges(chords, 4.0, 0.0))
    by_role = dict(zip(TONE_ROLES, fit_chord_ends([line]), strict=True))
    assert by_role["root"] > 2.0
    assert max(by_role[role] for role in TONE_ROLES if role != "root") < 0.5


def test_too_few_phrases_say_nothing_of_last_notes() -> None:
    line = Line.of(Path("song.mid"), [Note(60, float(beat), 1.0, 80) for beat in range(8)])
    assert fit_chord_ends([ChordLine(line, FileChanges([(0.0, 8.0, chord("C"))], 4.0, 0.0))]) == ()
