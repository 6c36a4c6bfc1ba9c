from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.engines.network import MusicLSTM
from model.memory.backoff import DEFAULT_BACKOFFS
from model.memory.context_kinds import NOTE_KINDS, PITCH_KINDS, TIME_KINDS, kind_named
from model.memory.memory import Memory
from model.notes import Note
from model.tokens.vocabulary import EventVocabulary, Vocabulary
from tests.music import exercise, tune
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS, SHAPE
from train.corpus.corpora import Line
from train.corpus.dataset import pieces_in_memory, tokens_of_line
from train.learning.loss import sum_bits
from train.memory import forecasts
from train.memory.forecasts import (
    LineForecast,
    bits_with_memory,
    bits_with_memory_by_token,
    collect_evidence,
    forecast_lines,
    places_of_line,
)

LINES = [Line.of(Path("tune.mid"), tune(3, 90)), *(Line.of(Path(f"{n}.mid"), exercise(n)) for n in (70, 64, 65))]
BOTH_VOCABULARIES = pytest.mark.parametrize("vocabulary", [PITCH_WORDS, EVENT_WORDS])


def network(vocabulary: Vocabulary) -> MusicLSTM:
    torch.manual_seed(1)
    return MusicLSTM(vocabulary.size, SHAPE).eval()


def memory_of(vocabulary: Vocabulary) -> Memory:
    return Memory(vocabulary, DEFAULT_BACKOFFS["event" if isinstance(vocabulary, EventVocabulary) else "pitch"])


class TestForecast:
    @BOTH_VOCABULARIES
    def test_the_networks_bits_are_those_of_its_held_out_figure(self, vocabulary: Vocabulary) -> None:
        trained = network(vocabulary)
        bits = sum(line.network_bits.sum() for line in forecast_lines(trained, vocabulary, LINES))
        assert bits == pytest.approx(sum_bits(trained, pieces_in_memory(vocabulary, LINES)).sum(), rel=1e-5)

    @pytest.mark.parametrize("at_once", [1, 150, 1 << 20])
    def test_each_line_comes_once_with_any_size_of_batch(self, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(forecasts, "TOKENS_AT_ONCE", at_once)
        lines = list(forecast_lines(network(PITCH_WORDS), PITCH_WORDS, LINES))
        assert [line.notes for line in lines] == [64, 65, 70, 90]
        expected = [tokens_of_line(PITCH_WORDS, line.records).tolist() for line in sorted(LINES, key=len)]
        assert [line.tokens.tolist() for line in lines] == expected
        assert all(line.p.shape == (line.notes, PITCH_WORDS.size) for line in lines)

    def test_no_lines_give_no_forecasts(self) -> None:
        assert list(forecast_lines(network(PITCH_WORDS), PITCH_WORDS, [])) == []


def uniform_forecast(tokens: list[int], vocabulary: Vocabulary = PITCH_WORDS) -> LineForecast:
    """A line for which a network predicts all tokens with the same probability."""
    return LineForecast(
        np.array([0, *tokens]), len(tokens), np.full((len(tokens), vocabulary.size), 1 / vocabulary.size, np.float32)
    )


class TestEvidence:
    def test_it_counts_followers_and_hits(self) -> None:
        found = collect_evidence(memory_of(PITCH_WORDS), uniform_forecast([5, 6, 5, 6, 5, 7])).notes
        tokens = 1  # the shortest context of pitches
        assert found.followers[:, tokens].tolist() == [0, 0, 0, 1, 1, 2]
        assert found.hits[:, tokens].tolist() == [0, 0, 0, 1, 1, 0]
        assert found.different[:, tokens].tolist() == [0, 0, 0, 1, 1, 1]
        assert found.p.tolist() == pytest.approx([1 / PITCH_WORDS.size] * 6)
        assert found.followers.shape == (6, len(PITCH_KINDS))

    def test_an_interval_is_found_where_the_note_is_new(self) -> None:
        found = collect_evidence(memory_of(PITCH_WORDS), uniform_forecast([5, 6, 7, 8])).notes
        assert (found.followers[3, 0], found.hits[3, 0]) == (1, 1)
        assert found.followers[3, 1] == 0

    def test_the_memory_is_empty_at_the_start_of_each_line(self) -> None:
        memory = memory_of(PITCH_WORDS)
        first, second = (collect_evidence(memory, uniform_forecast([5, 6, 5, 6])) for _ in range(2))
        assert first.notes.followers.tolist() == second.notes.followers.tolist()

    def test_notes_and_times_have_contexts_of_their_own(self) -> None:
        first_time = EVENT_WORDS.first_time_token
        line = replace(uniform_forecast([5, first_time, 6, first_time, 5], EVENT_WORDS), places=(0, 0, 24, 24, 48))
        found = collect_evidence(memory_of(EVENT_WORDS), line)
        assert found.notes.followers.shape == (3, len(NOTE_KINDS))
        assert found.times.followers.shape == (2, len(TIME_KINDS))

    def test_a_rhythm_is_found_at_its_place_in_the_bar(self) -> None:
        first_time = EVENT_WORDS.first_time_token
        line = uniform_forecast([5, first_time, 6, first_time + 1, 5], EVENT_WORDS)
        place = TIME_KINDS.index(kind_named("place, 0 times"))
        for places, followers in (((0, 0, 24, 24, 48), [0, 0]), ((0, 0, 0, 0, 0), [0, 1])):
            found = collect_evidence(memory_of(EVENT_WORDS), replace(line, places=places))
            assert found.times.followers[:, place].tolist() == followers


class TestPlaces:
    def test_a_note_stands_at_its_onset_and_a_time_at_the_onset_before(self) -> None:
        notes = [Note(60, 0.0, 1.0, 80), Note(64, 1.0, 1.0, 80), Note(67, 1.0, 1.0, 80), Note(60, 2.5, 1.0, 80)]
        line = Line.of(Path("tune.mid"), notes)
        assert places_of_line(EVENT_WORDS, line) == [0, 0, 24, 24, 24, 60]
        assert places_of_line(PITCH_WORDS, line) == [0, 24, 24, 60]

    def test_bars_follow_the_meter_of_the_file(self) -> None:
        line = replace(
            Line.of(Path("tune.mid"), [Note(60, beat, 1.0, 80) for beat in (0.0, 1.0, 4.0)]),
            bars=((0.0, 1.0), (1.0, 3.0)),
        )
        assert places_of_line(PITCH_WORDS, line) == [0, 0, 0]


class TestBitsWithMemory:
    def test_repeated_music_costs_less(self) -> None:
        bits = bits_with_memory(memory_of(PITCH_WORDS), uniform_forecast([5, 9, 12, 10] * 6))
        assert bits[:4] == pytest.approx([np.log2(PITCH_WORDS.size)] * 4, rel=0.1)
        assert bits[-8:].max() < 0.5

    def test_without_strength_it_costs_what_the_network_costs(self) -> None:
        line = uniform_forecast([5, 9, 12, 10] * 6)
        assert bits_with_memory(memory_of(PITCH_WORDS), line, 0.0).tolist() == pytest.approx(line.network_bits.tolist())

    @BOTH_VOCABULARIES
    def test_bits_are_given_for_the_token_they_were_spent_on(self, vocabulary: Vocabulary) -> None:
        lines = list(forecast_lines(network(vocabulary), vocabulary, LINES))
        by_token = bits_with_memory_by_token(vocabulary, memory_of(vocabulary).backoff, lines)
        assert by_token.shape == (vocabulary.size,)
        assert by_token.sum() == pytest.approx(
            sum(bits_with_memory(memory_of(vocabulary), line).sum() for line in lines)
        )
        assert by_token[0] == 0.0
