"""What a jam remembers of its player, and how answers use it."""

import pytest

from bridge.midi.messages import NoteOn
from model.approach import APPROACHES, Approach
from model.improvising.novelty import QUOTE_INTERVALS, outline_of
from model.notes import Note
from tests.music import exercise, longest_repeat
from tests.server.takes.memories.memory_jam import RIFF, MemoryJam


def test_a_phrase_played_again_and_again_comes_back_in_answers() -> None:
    memory_jam = MemoryJam(memory=1.0, novelty=0.0, temperature=0.3)
    for _ in range(6):
        memory_jam.play(RIFF[:8])
        memory_jam.jam.act("stop", memory_jam.beat)
    memory_jam.play(RIFF[:8])
    riff = [note.pitch for note in RIFF[:8]]
    intervals = longest_repeat(memory_jam.next_answer_pitches(), [riff * 3])
    assert intervals >= 7


def test_without_memory_the_network_plays_alone() -> None:
    answers = []
    for times in (1, 6):
        memory_jam = MemoryJam(memory=0.0)
        for _ in range(times):
            memory_jam.play(RIFF[:8])
            memory_jam.jam.act("stop", memory_jam.beat)
        memory_jam.play(RIFF)
        memory_jam.do_all_work()
        answers.append(memory_jam.jam.status.from_memory)
    assert {share for answer in answers for share in answer} == {0.0}


def test_each_planned_note_has_its_share_of_memory() -> None:
    memory_jam = MemoryJam(memory=0.9, temperature=0.3)
    for _ in range(6):
        memory_jam.play(RIFF[:8])
        memory_jam.jam.act("stop", memory_jam.beat)
    memory_jam.play(RIFF[:8])
    memory_jam.do_all_work()
    assert len(memory_jam.jam.status.from_memory) == len(memory_jam.jam.status.plan) > 0
    assert max(memory_jam.jam.status.from_memory) > 0.5


@pytest.mark.parametrize("approach", APPROACHES)
def test_at_full_novelty_no_answer_quotes_the_player(approach: Approach) -> None:
    memory_jam = MemoryJam(approach, memory=1.0, novelty=1.0, temperature=0.2)
    phrase = [note.pitch for note in RIFF]
    for _ in range(3):
        memory_jam.play(RIFF)
        onset_pitches = [
            Note(item.message.pitch, item.beat, 0.0, 80)
            for item in memory_jam.run_until(memory_jam.beat + 20.0)
            if isinstance(item.message, NoteOn)
        ]
        assert longest_repeat(outline_of(onset_pitches), [phrase]) < QUOTE_INTERVALS


def test_novelty_also_holds_while_faders_move() -> None:
    memory_jam = MemoryJam(memory=1.0, novelty=1.0, temperature=0.2)
    memory_jam.play(RIFF)
    onset_pitches: list[int] = []
    for tick in range(80):
        came = memory_jam.run_until(memory_jam.beat + 0.25)
        onset_pitches += [item.message.pitch for item in came if isinstance(item.message, NoteOn)]
        memory_jam.jam.change("temperature", 0.2 + tick / 1000, memory_jam.beat)
    assert len(onset_pitches) > 20
    assert longest_repeat(onset_pitches, [[note.pitch for note in RIFF]]) < QUOTE_INTERVALS


@pytest.mark.parametrize(("learn_from", "grows"), [("player", False), ("both", True)])
def test_its_own_answers_are_remembered_where_learn_from_is_both(learn_from: str, *, grows: bool) -> None:
    memory_jam = MemoryJam(learn_from=learn_from)
    memory_jam.play(RIFF)
    memory_jam.do_all_work()
    before = {name: len(memory) for name, memory in memory_jam.memories.items()}
    memory_jam.next_answer_pitches()
    memory_jam.do_all_work()
    assert all((len(memory) > before[name]) == grows for name, memory in memory_jam.memories.items())


def test_forget_clears_the_memories_and_the_answer_goes_on() -> None:
    memory_jam = MemoryJam(memory=0.9)
    memory_jam.play(exercise(32))
    memory_jam.run_until(memory_jam.beat + 3.0)
    memory_jam.jam.act("forget", memory_jam.beat)
    assert [len(memory) for memory in memory_jam.memories.values()] == [0, 0]
    assert len(memory_jam.next_answer_pitches()) > 10
    assert [len(memory) for memory in memory_jam.memories.values()] == [0, 0]


def test_another_pack_of_the_same_vocabulary_takes_the_memory_over() -> None:
    memory_jam, other = MemoryJam(), MemoryJam()
    memory_jam.play(RIFF)
    memory_jam.do_all_work()
    known = [dict(memory.contexts()) for memory in memory_jam.memories.values()]
    memory_jam.jam.replace_improvisers({name: other.jam._models[name] for name in APPROACHES})
    memory_jam.do_all_work()
    assert [dict(memory.contexts()) for memory in other.memories.values()] == known
    assert memory_jam.jam.memories == other.memories
