from pathlib import Path

import numpy as np
import pytest
import torch

from model.engines.network import MusicLSTM
from model.memory.backoff import DEFAULT_BACKOFFS, ORDERS
from model.memory.memory import Memory
from model.tokens.vocabulary import Vocabulary
from tests.music import exercise, tune
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS, SHAPE
from train.corpus.corpora import Line
from train.corpus.dataset import pieces_in_memory, spelt
from train.learning.loss import sum_bits
from train.memory import foretelling
from train.memory.foretelling import Foretold, evidence_of, foretold, remembered_bits, remembered_bits_by_token

LINES = [Line.of(Path("tune.mid"), tune(3, 90)), *(Line.of(Path(f"{n}.mid"), exercise(n)) for n in (70, 64, 65))]
BOTH = pytest.mark.parametrize("words", [PITCH_WORDS, EVENT_WORDS])


def network(words: Vocabulary) -> MusicLSTM:
    torch.manual_seed(1)
    return MusicLSTM(words.size, SHAPE).eval()


def memory_of(words: Vocabulary) -> Memory:
    return Memory(words, DEFAULT_BACKOFFS["event"])


class TestForetold:
    @BOTH
    def test_the_networks_bits_are_those_of_its_held_out_figure(self, words: Vocabulary) -> None:
        trained = network(words)
        bits = sum(line.network_bits.sum() for line in foretold(trained, words, LINES))
        assert bits == pytest.approx(sum_bits(trained, pieces_in_memory(words, LINES)).sum(), rel=1e-5)

    @pytest.mark.parametrize("at_once", [1, 150, 1 << 20])
    def test_however_many_go_together_all_come_once(self, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(foretelling, "TOKENS_AT_ONCE", at_once)
        lines = list(foretold(network(PITCH_WORDS), PITCH_WORDS, LINES))
        assert [line.notes for line in lines] == [64, 65, 70, 90]
        spelt_here = [spelt(PITCH_WORDS, line.records).tolist() for line in sorted(LINES, key=len)]
        assert [line.tokens.tolist() for line in lines] == spelt_here
        assert all(line.p.shape == (line.notes, PITCH_WORDS.size) for line in lines)

    def test_of_no_lines_there_are_none(self) -> None:
        assert list(foretold(network(PITCH_WORDS), PITCH_WORDS, [])) == []


def blind(tokens: list[int], words: Vocabulary = PITCH_WORDS) -> Foretold:
    """A line of which a network foretold nothing: all tokens alike."""
    return Foretold(np.array([0, *tokens]), len(tokens), np.full((len(tokens), words.size), 1 / words.size, np.float32))


class TestEvidence:
    def test_it_counts_what_followed_and_what_of_it_came_again(self) -> None:
        found = evidence_of(memory_of(PITCH_WORDS), blind([5, 6, 5, 6, 5, 7]))
        tokens = 1  # the shortest context of tokens
        assert found.followers[:, tokens].tolist() == [0, 0, 0, 1, 1, 2]
        assert found.hits[:, tokens].tolist() == [0, 0, 0, 1, 1, 0]
        assert found.different[:, tokens].tolist() == [0, 0, 0, 1, 1, 1]
        assert found.p.tolist() == pytest.approx([1 / PITCH_WORDS.size] * 6)
        assert found.followers.shape == (6, 2 * len(ORDERS))

    def test_an_interval_is_found_where_the_note_was_never_heard(self) -> None:
        found = evidence_of(memory_of(PITCH_WORDS), blind([5, 6, 7, 8]))
        assert (found.followers[3, 0], found.hits[3, 0]) == (1, 1)
        assert found.followers[3, 1] == 0

    def test_each_line_begins_with_nothing(self) -> None:
        memory = memory_of(PITCH_WORDS)
        first, second = (evidence_of(memory, blind([5, 6, 5, 6])) for _ in range(2))
        assert first.followers.tolist() == second.followers.tolist()


class TestRemembered:
    def test_what_was_heard_before_costs_less(self) -> None:
        bits = remembered_bits(memory_of(PITCH_WORDS), blind([5, 9, 12, 10] * 6))
        assert bits[:4] == pytest.approx([np.log2(PITCH_WORDS.size)] * 4, rel=0.1)
        assert bits[-8:].max() < 0.5

    def test_without_strength_it_costs_what_the_network_costs(self) -> None:
        line = blind([5, 9, 12, 10] * 6)
        assert remembered_bits(memory_of(PITCH_WORDS), line, 0.0).tolist() == pytest.approx(line.network_bits.tolist())

    @BOTH
    def test_it_is_told_by_the_token_it_was_spent_on(self, words: Vocabulary) -> None:
        lines = list(foretold(network(words), words, LINES))
        by_token = remembered_bits_by_token(words, DEFAULT_BACKOFFS["event"], lines)
        assert by_token.shape == (words.size,)
        assert by_token.sum() == pytest.approx(sum(remembered_bits(memory_of(words), line).sum() for line in lines))
        assert by_token[0] == 0.0
