"""Journal records of what a jam's memories hear, and the recovery of a killed jam's memories from these records.

A memory also hears planned notes and may take them back. So each record holds how many tokens of the memory's history still
count, and the tokens after those. The records build on the memory file that the jam started with, which lies beside its journal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from model.approach import Approach
from model.errors import MemoryFileError
from model.memory.backoff import DEFAULT_BACKOFFS, Backoff, Trust
from model.memory.context_kinds import kind_named
from model.memory.memory import MAX_UNDO, Memory
from model.memory.memory_file import load_memories, save_memories, words_of
from model.memory.memory_mark import MemoryMark
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary, Vocabulary
from model.whole_file import write_whole
from server.takes.journal.records import JournalBegun, MemoryBegun, MemoryHeard, Record

Memories = Mapping[Approach, Memory]


class MemoryJournal:
    """Makes records of what memories have heard. Use it from one thread, any one; the music thread may use the memories meanwhile."""

    def __init__(self, memories: Callable[[], Memories]) -> None:
        self._memories = memories
        self._written: dict[Approach, dict[int, MemoryMark]] = {}
        """For each approach, the marks that are in the journal, by position."""

    def start_again(self) -> None:
        """Makes the next records start from the beginning, for another journal."""
        self._written.clear()

    def new_records(self) -> list[Record]:
        """Returns the records of what was heard since the last call."""
        records: list[Record] = []
        for approach, memory in self._memories().items():
            records += self._new_records(approach, memory)
        return records

    def _new_records(self, approach: Approach, memory: Memory) -> list[Record]:
        current = memory.snapshot()
        written = self._written.get(approach, {})
        records: list[Record] = []
        if not written or next(iter(written.values())).history is not current.history:
            written.clear()
            records.append(_begin_record(approach, memory, keeps_content=not current.history.began_empty))
        new: list[MemoryMark] = []
        mark: MemoryMark | None = current
        while mark is not None and written.get(mark.position) is not mark and len(new) <= MAX_UNDO:
            new.append(mark)
            mark = mark.previous
        new.reverse()
        position = new[0].position - 1 if new else current.position
        if new and new[0].position == 0:
            position = 0
            written[0] = new.pop(0)
        if new or position + 1 in written:
            tokens = tuple(mark.token if mark.is_learnt else -1 - mark.token for mark in new)
            places, chord_places = tuple(mark.place for mark in new), tuple(mark.chord_place for mark in new)
            records.append(MemoryHeard(approach, position, tokens, places, chord_places if any(chord_places) else ()))
        for later in [each for each in written if each > position]:
            del written[later]
        written.update((mark.position, mark) for mark in new)
        for old in [each for each in written if each < current.position - MAX_UNDO]:
            del written[old]
        self._written[approach] = written
        return records


def recover_memories(records: Iterable[Record], memory_file: Path, last_written_s: float = 0.0) -> bool:
    """Writes the memories that the records of a journal hold to the memory file beside it; returns False if there are none.

    They also go into the file that the jam was to save them in at its end, unless a later jam has saved its own there.
    `last_written_s` is when the journal was written to last, by the system's clock. Raises MemoryFileError if the file beside the
    journal cannot be written.
    """
    memories: dict[Approach, Memory] = {}
    marks: dict[Approach, dict[int, MemoryMark]] = {}
    shared_file = ""
    for record in records:
        if isinstance(record, JournalBegun):
            shared_file = record.memory_file
        elif isinstance(record, MemoryBegun):
            memories[record.approach] = memory = _create_memory(record, memories.get(record.approach), memory_file)
            marks[record.approach] = {0: memory.snapshot()}
        elif isinstance(record, MemoryHeard) and record.approach in memories:
            _replay(memories[record.approach], marks[record.approach], record)
    if not any(len(memory) for memory in memories.values()):
        return False
    save_memories(memory_file, memories)
    if shared_file:
        _hand_on(memory_file, Path(shared_file), last_written_s)
    return True


def _hand_on(recovered: Path, shared_file: Path, last_written_s: float) -> None:
    """Replaces a file that was written before `last_written_s` by the recovered memories, if it is of the same words.

    A journal may come from anywhere, and must not have another file overwritten.
    """
    try:
        is_there = shared_file.exists()
        if is_there and (
            shared_file.stat().st_mtime > last_written_s
            or not words_of(shared_file)
            or words_of(shared_file) != words_of(recovered)
        ):
            return
        write_whole(shared_file, recovered.read_bytes(), is_synced=True)
    except OSError:  # then they are in the recovered file alone
        return


def _create_memory(record: MemoryBegun, before: Memory | None, memory_file: Path) -> Memory:
    vocabulary: Vocabulary = PitchVocabulary(record.pitches)
    if record.shifts:
        edges = tuple((shift + after) / 2 for shift, after in pairwise(record.shifts))
        vocabulary = EventVocabulary(record.pitches, TimeBins(record.shifts, edges))
    memory = Memory(vocabulary, _backoff(record))
    if record.keeps_content and before is not None:
        memory.load_contexts(list(before.contexts()))
    elif record.keeps_content:
        with suppress(MemoryFileError):  # then only what was heard in this jam can be recovered
            load_memories(memory_file, {record.approach: memory})
    return memory


def _replay(memory: Memory, marks: dict[int, MemoryMark], record: MemoryHeard) -> None:
    mark = marks.get(record.position)
    if mark is not None:
        with suppress(ValueError):
            memory.restore(mark)
    elif record.position < next(reversed(marks)):  # the record of this position was damaged
        return
    for old in [each for each in marks if not record.position - MAX_UNDO <= each <= record.position]:
        del marks[old]
    chord_places = record.chord_places or (b"",) * len(record.tokens)
    for position, (token, place, chord_place) in enumerate(
        zip(record.tokens, record.places, chord_places, strict=True), start=record.position + 1
    ):
        learn = token >= 0
        plain = token if learn else -1 - token
        if plain < memory.vocabulary.size:
            memory.hear(plain, place, chord_place, learn=learn)
        marks[position] = memory.snapshot()
    if not marks:
        marks[record.position] = memory.snapshot()


def _backoff(record: MemoryBegun) -> Backoff:
    """A back-off with the contexts of the record; any trust in them will do, as nothing is forecast here."""
    if not record.note_contexts:
        return DEFAULT_BACKOFFS[record.approach]
    times, chords = (_trust(names) if names else None for names in (record.time_contexts, record.chord_contexts))
    return Backoff(_trust(record.note_contexts), times, chords)


def _trust(names: Sequence[str]) -> Trust:
    return Trust(tuple(map(kind_named, names)), (1.0,) * len(names), variety=0.0, evidence=1.0)


def _begin_record(approach: Approach, memory: Memory, *, keeps_content: bool) -> MemoryBegun:
    vocabulary, backoff = memory.vocabulary, memory.backoff
    shifts = vocabulary.bins.shifts if isinstance(vocabulary, EventVocabulary) else ()
    contexts = (
        tuple(map(str, trust.kinds)) if trust else () for trust in (backoff.notes, backoff.times, backoff.chords)
    )
    return MemoryBegun(approach, tuple(vocabulary.pitches), tuple(shifts), keeps_content, *contexts)
