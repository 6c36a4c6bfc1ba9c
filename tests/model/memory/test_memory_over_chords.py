"""What a memory knows of the place among the chords, and that nothing changes where no chord is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.approach import Approach
from model.harmony.changes import ChartChanges, place_among
from model.harmony.notations.text_chart import read_text_chart
from model.memory.backoff import DEFAULT_BACKOFFS, Backoff, Trust
from model.memory.context_kinds import NOTE_KINDS_OVER_CHORDS, PITCH_KINDS, PITCH_KINDS_OVER_CHORDS
from model.memory.memory import Memory
from model.memory.memory_file import load_memories, save_memories
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS, random_walk

EVEN = np.full(PITCH_WORDS.size, 1 / PITCH_WORDS.size)
TWO_CHORDS = ChartChanges(read_text_chart("| C | F7 |"))
PLACES = [place_among(TWO_CHORDS, beat / 2) for beat in range(16)]
HEARD = st.lists(
    st.tuples(st.integers(1, EVENT_WORDS.size - 1), st.sampled_from([None, 0, 12]), st.sampled_from([b"", *PLACES])),
    max_size=60,
)


def backoff(approach: Approach) -> Backoff:
    kinds = PITCH_KINDS_OVER_CHORDS if approach == "pitch" else NOTE_KINDS_OVER_CHORDS
    plain = DEFAULT_BACKOFFS[approach]
    return replace(plain, chords=Trust(kinds, (3.0,) * len(kinds), plain.notes.variety, plain.notes.evidence))


def pitch_memory() -> Memory:
    return Memory(PITCH_WORDS, backoff("pitch"))


def test_a_place_is_the_chord_the_next_one_and_the_time_until_it() -> None:
    assert [place.hex(" ") for place in PLACES[:2]] == ["00 00 05 01 60", "00 00 05 01 54"]
    assert PLACES[8].hex(" ") == "05 01 00 00 60"
    assert place_among(TWO_CHORDS, 0.5, transpose=5).hex(" ") == "07 00 00 01 54"


def test_a_note_just_before_a_change_belongs_to_the_next_chord() -> None:
    assert place_among(TWO_CHORDS, 3.97) == place_among(TWO_CHORDS, 4.0) == place_among(TWO_CHORDS, 4.02)


def test_without_a_chord_there_is_no_place() -> None:
    assert place_among(None, 0.0) == b""
    assert place_among(ChartChanges(read_text_chart("| N.C. |")), 0.0) == b""


def test_what_was_played_at_a_place_among_the_chords_is_likely_there_again() -> None:
    memory, place = pitch_memory(), PLACES[8]
    for chorus in range(3):
        memory.hear(20, None, place)
        for token in random_walk(PITCH_WORDS.size, 30, chorus):
            memory.hear(token)
    there = memory.mix(EVEN, chord_place=place).probabilities[20]
    assert there > 3 * memory.mix(EVEN).probabilities[20]
    assert there > 3 * memory.mix(EVEN, chord_place=PLACES[0]).probabilities[20]


@given(HEARD)
def test_where_no_chord_is_known_a_memory_forecasts_as_one_that_knows_none(
    heard: list[tuple[int, int | None, bytes]],
) -> None:
    even = np.full(EVENT_WORDS.size, 1 / EVENT_WORDS.size)
    knows, plain = Memory(EVENT_WORDS, backoff("event")), Memory(EVENT_WORDS, DEFAULT_BACKOFFS["event"])
    for token, place, chord_place in heard:
        knows.hear(token, place, chord_place)
        plain.hear(token, place)
        assert (
            knows.mix(even, place=place).probabilities.tolist() == plain.mix(even, place=place).probabilities.tolist()
        )


@given(HEARD, HEARD)
def test_going_back_takes_back_what_was_learnt_over_chords(
    heard: list[tuple[int, int | None, bytes]], planned: list[tuple[int, int | None, bytes]]
) -> None:
    memory = Memory(EVENT_WORDS, backoff("event"))
    for token, place, chord_place in heard:
        memory.hear(token, place, chord_place)
    mark, before = memory.snapshot(), sorted(memory.contexts())
    for token, place, chord_place in planned:
        memory.hear(token, place, chord_place)
    after, ahead = memory.snapshot(), sorted(memory.contexts())
    memory.restore(mark)
    assert sorted(memory.contexts()) == before
    memory.restore(after)
    assert sorted(memory.contexts()) == ahead


def test_more_chords_than_one_strength_are_mixed_at_that_strength() -> None:
    memory = pitch_memory()
    for _ in range(4):
        memory.hear(20, None, PLACES[0])
        memory.hear(12, None, PLACES[1])
    shares = [memory.mix(EVEN, strength, chord_place=PLACES[0]).probabilities[20] for strength in (0.0, 0.5, 0.9)]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(EVEN[20])


class TestFiles:
    def test_what_was_learnt_over_chords_is_saved_and_loaded(self, tmp_path: Path) -> None:
        memory, read = pitch_memory(), pitch_memory()
        for index, token in enumerate(random_walk(PITCH_WORDS.size, 100)):
            memory.hear(token, None, PLACES[index % 16])
        save_memories(tmp_path / "take.memory", {"pitch": memory})
        load_memories(tmp_path / "take.memory", {"pitch": read})
        assert list(read.contexts()) == list(memory.contexts())

    def test_a_file_without_chords_is_loaded_and_chords_are_left_out_where_the_pack_knows_none(
        self, tmp_path: Path
    ) -> None:
        plain, knows = Memory(PITCH_WORDS, DEFAULT_BACKOFFS["pitch"]), pitch_memory()
        for index, token in enumerate(random_walk(PITCH_WORDS.size, 100)):
            plain.hear(token)
            knows.hear(token, None, PLACES[index % 16])
        save_memories(tmp_path / "older", {"pitch": plain})
        save_memories(tmp_path / "newer", {"pitch": knows})
        for name, into in (("older", pitch_memory()), ("newer", Memory(PITCH_WORDS, DEFAULT_BACKOFFS["pitch"]))):
            load_memories(tmp_path / name, {"pitch": into})
            assert sorted(into.contexts()) == sorted(plain.contexts())

    def test_a_pack_without_chords_takes_over_what_was_learnt_without_them(self) -> None:
        plain, knows = Memory(PITCH_WORDS, DEFAULT_BACKOFFS["pitch"]), pitch_memory()
        for index, token in enumerate(random_walk(PITCH_WORDS.size, 100)):
            knows.hear(token, None, PLACES[index % 16])
        assert plain.is_like(knows)
        plain.load_from(knows)
        assert {context[0] for context, _ in plain.contexts()} == set(range(len(PITCH_KINDS)))


def test_contexts_with_a_chord_are_apart_from_all_others() -> None:
    plain = DEFAULT_BACKOFFS["pitch"]
    with pytest.raises(ValueError, match="apart"):
        Backoff(Trust(PITCH_KINDS_OVER_CHORDS, (1.0,) * 3, 0.0, 1.0))
    with pytest.raises(ValueError, match="apart"):
        Backoff(plain.notes, chords=plain.notes)
