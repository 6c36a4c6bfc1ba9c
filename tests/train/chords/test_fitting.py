"""Tables are fitted to melodies that keep to their chords, and measured on others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.harmony.chord import Chord
from model.harmony.chord_symbol import parse_chord
from model.harmony.preference.chord_preference import TONE_ROLES, ChordPreference
from model.memory.backoff import DEFAULT_BACKOFFS, Trust
from model.memory.memory import Memory
from model.notes import Note
from model.tokens.vocabulary import PitchVocabulary
from train.chords.chord_lines import ChordLine, FileChanges
from train.chords.end_fitting import fit_chord_ends
from train.chords.fitting import ChordEvidence
from train.chords.memory_fitting import ContextEvidence, fit_over_chords, kinds_over_chords, with_chords
from train.chords.song_following import SONG_SPREAD
from train.corpus.corpora import Line
from train.corpus.dataset import tokens_of_line
from train.memory.forecasts import LineForecast

VOCABULARY = PitchVocabulary(tuple(range(55, 80)))
SYMBOLS = ("C", "F7", "G7", "Am")


def chord(symbol: str) -> Chord:
    parsed = parse_chord(symbol)
    assert parsed is not None
    return parsed


def song(seed: int, form_bars: int = 60) -> tuple[ChordLine, LineForecast]:
    """A melody of chord notes on the beat and any notes off it, below a network that knows nothing.

    The notes on the beat return with the form, the others do not.
    """
    random = np.random.default_rng(seed)
    form = [SYMBOLS[int(random.integers(4))] for _ in range(form_bars)]
    pitches: list[int] = []
    for symbol in form:
        tones = [pitch for pitch in VOCABULARY.pitches if chord(symbol).has(pitch)]
        pitches += [int(random.choice(tones if index % 2 == 0 else VOCABULARY.pitches)) for index in range(8)]
    chords = [(4.0 * bar, 4.0 * bar + 4.0, chord(form[bar % form_bars])) for bar in range(60)]
    played = [
        pitches[index % len(pitches)] if index % 2 == 0 else int(random.choice(VOCABULARY.pitches))
        for index in range(480)
    ]
    notes = [Note(pitch, index / 2, 0.5, 80) for index, pitch in enumerate(played)]
    line = Line.of(Path("song.mid"), notes)
    tokens = tokens_of_line(VOCABULARY, line.records)
    p = np.full((len(tokens) - 1, VOCABULARY.size), 1 / VOCABULARY.size, np.float32)
    return ChordLine(line, FileChanges(chords, 4.0, 0.0)), LineForecast(tokens, len(line), p)


def memory_over_chords() -> Memory:
    return Memory(VOCABULARY, with_chords(DEFAULT_BACKOFFS["pitch"], kinds_over_chords(VOCABULARY)))


def evidence(seed: int, form_bars: int = 60) -> ChordEvidence:
    found = ChordEvidence.of(VOCABULARY, memory_over_chords(), [song(seed, form_bars)])
    assert found is not None
    return found


def fitted(seed: int, form_bars: int = 60) -> tuple[Trust, ChordPreference]:
    """Tables fitted to one melody, and all else to another."""
    memory = memory_over_chords()
    assert memory.backoff.chords is not None
    contexts = ContextEvidence.of(VOCABULARY, memory, [song(seed + 1, form_bars)])
    return fit_over_chords(contexts, evidence(seed).fit_tables(), memory.backoff.chords)


def test_the_tables_predict_other_melodies_over_chords_better_than_none() -> None:
    _, preference = fitted(1)
    other = evidence(3)
    assert preference.strength > 0.0
    assert other.bits(preference, with_memory=False) < other.bits(None, with_memory=False) - 0.3


def test_songs_that_keep_to_their_chords_less_are_predicted_better_where_they_are_followed() -> None:
    _, preference = fitted(1)
    assert preference.song_spread == SONG_SPREAD
    loose = ChordEvidence.of(VOCABULARY, memory_over_chords(), [without_chords(song(4)), without_chords(song(5))])
    assert loose is not None
    unfollowed = replace(preference, song_spread=0.0)
    costs = [loose.bits(each, with_memory=False) for each in (preference, unfollowed)]
    assert costs[0] < costs[1] - 0.05
    # The next song does not begin with what the one before it had.
    one, two = (evidence(seed) for seed in (6, 7))
    both = ChordEvidence.of(VOCABULARY, memory_over_chords(), [song(6), song(7)])
    assert both is not None
    mean = (one.bits(preference, with_memory=False) + two.bits(preference, with_memory=False)) / 2
    assert both.bits(preference, with_memory=False) == pytest.approx(mean)


def without_chords(played: tuple[ChordLine, LineForecast]) -> tuple[ChordLine, LineForecast]:
    """The same melody a bar later than its chords, so that it keeps to them by chance only."""
    (line, changes), forecast = (played[0].line, played[0].changes), played[1]
    later = [(start + 4.0, end + 4.0, sounding) for start, end, sounding in changes.spans]
    return ChordLine(line, FileChanges(later, 4.0, 0.0)), forecast


def test_a_memory_that_knows_the_chords_predicts_a_form_that_returns_better() -> None:
    other = evidence(3, form_bars=6)
    by_place, by_next, by_interval = ((0.0,) * len(table) for table in evidence(1).fit_tables())
    without_tables = ChordPreference(by_place, by_next, by_interval)
    assert other.bits(without_tables, with_memory=True) < other.bits(None, with_memory=True) - 0.02


def test_the_fit_lowers_the_cost_of_what_it_is_fitted_to() -> None:
    memory = memory_over_chords()
    default = memory.backoff.chords
    assert default is not None
    contexts = ContextEvidence.of(VOCABULARY, memory, [song(2, 6)])
    tables = evidence(1).fit_tables()
    factor = contexts.factor([torch.tensor(table, dtype=torch.float64) for table in tables])
    trust, preference = fit_over_chords(contexts, tables, default)

    def cost(trust: Trust, strengths: tuple[float, float]) -> float:
        parameters = torch.tensor([*np.log(trust.concentrations), *strengths], dtype=torch.float64)
        return float(contexts.nats(trust, parameters, factor))

    assert preference.strength_with_memory is not None
    assert cost(trust, (preference.strength, preference.strength_with_memory)) < cost(default, (1.0, 1.0))
    assert trust.kinds == default.kinds


def test_the_cost_of_the_fit_is_that_of_the_memory() -> None:
    memory = memory_over_chords()
    over = memory.backoff.chords
    assert over is not None
    contexts = ContextEvidence.of(VOCABULARY, memory, [song(2, 6)])
    tables = evidence(1).fit_tables()
    parameters = torch.tensor([*np.log(over.concentrations), 1.1, 0.4], dtype=torch.float64)
    factor = contexts.factor([torch.tensor(table, dtype=torch.float64) for table in tables])
    nats = float(contexts.nats(over, parameters, factor))
    preference = ChordPreference(*tables, 1.1, strength_with_memory=0.4, song_spread=SONG_SPREAD)
    assert nats / np.log(2) == pytest.approx(evidence(2, 6).bits(preference, with_memory=True), abs=0.005)


def test_on_the_beat_chord_notes_are_liked_more_than_off_the_beat() -> None:
    songs = ChordEvidence.of(VOCABULARY, memory_over_chords(), [song(seed) for seed in range(6)])
    assert songs is not None
    preference = ChordPreference(*songs.fit_tables())
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
