"""Jams in processes of their own, without a device and without weights: what they leave on disk, in whatever way they
end."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pretty_midi
import pytest

from bridge.midi.messages import NoteOn
from model.approach import APPROACHES, Approach
from model.memory.memory_file import load_memories
from model.notes import Note
from model.pack.dummy_pack import DummyPack
from server.music.feed import MessagePlayed
from server.takes.journal.record_reader import read_records
from server.takes.journal.records import JournalContents
from server.takes.take_export import export_last
from server.takes.take_library import TakeEntry, TakeLibrary
from tests.music import Part, line, midi_bytes
from tests.server.jam_process import PATIENCE_S, TEMPO_BPM, RunningJam, running_jam, wait_until
from tests.server.takes.journals import write_journal


def accented(*pitches: int) -> list[Note]:
    """A phrase with dynamics: of one without any, the terminal says that its answers have one loudness."""
    return [replace(note, velocity=80 + index % 4) for index, note in enumerate(line(*pitches))]


PHRASE = accented(60, 62, 64, 65, 67, 65, 64, 62)
OTHER_PHRASE = accented(72, 67, 72, 79, 76, 72, 64, 55)
LONG_ANSWER = ("--answer-length", "256")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TakeLibrary:
    """The take library of the jams in this test; journals go to the user's data folder, here a temporary one."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return TakeLibrary(tmp_path / "data" / "fours" / "takes")


@contextmanager
def seeded_jam(folder: Path, *options: str, phrase: Sequence[Note] = PHRASE) -> Iterator[RunningJam]:
    """A jam without a human: a seed file plays as the player, and the dummy pack answers."""
    tune = folder / "tune.mid"
    tune.write_bytes(midi_bytes(Part(phrase), tempo_bpm=TEMPO_BPM))
    with running_jam(folder, "--dummy", "--random-seed", "1", "--seed", str(tune), *options) as jam:
        yield jam


def journal_contents(library: TakeLibrary) -> JournalContents:
    return read_records(b"".join(path.read_bytes() for path in library.folder.glob("*.jam")))


def answer_note_count(library: TakeLibrary) -> int:
    return sum(
        isinstance(event, MessagePlayed) and isinstance(event.message, NoteOn)
        for event in journal_contents(library).records
    )


def tracks(path: Path) -> dict[str, int]:
    return {part.name: len(part.notes) for part in pretty_midi.PrettyMIDI(str(path)).instruments}


def remembered_contexts(entry: TakeEntry) -> dict[Approach, set[bytes]]:
    """The contexts in a jam's memory file, for each approach."""
    assert entry.memory_file is not None
    memories = {approach: DummyPack().memory(approach) for approach in APPROACHES}
    load_memories(entry.memory_file, memories)
    return {approach: {context for context, _ in memory.contexts()} for approach, memory in memories.items()}


class TestSeededJam:
    def test_prints_its_setup_and_is_answered_and_recorded(self, tmp_path: Path, library: TakeLibrary) -> None:
        with seeded_jam(tmp_path) as jam:
            assert jam.start_line("Pack") == "dummy"
            assert jam.start_line("Event").startswith("rules, no weights, ")
            assert jam.start_line("MIDI in") == jam.start_line("MIDI out") == "none (no MIDI system)"
            assert jam.start_line("Seed") == "8 notes, from the next bar on"
            assert jam.start_line("Takes") == str(library.folder)
            wait_until(lambda: answer_note_count(library) > 2, "an answer")
            assert jam.stop() == (0, "")
        (entry,) = library.entries()
        assert (entry.is_ended, entry.summary.heard_notes) == (True, len(PHRASE))
        assert entry.memory_file == entry.path.with_suffix(".memory")

    def test_record_and_capture_by_osc_make_marks(self, tmp_path: Path, library: TakeLibrary) -> None:
        with seeded_jam(tmp_path) as jam:
            assert jam.phone.ask("/fours/record", 1.0).arguments == ("on",)
            wait_until(lambda: answer_note_count(library) > 2, "an answer")
            jam.phone.ask("/fours/record", 0.0)
            jam.phone.ask("/fours/capture")
            jam.stop()
        (entry,) = library.entries()
        assert [mark.kind for mark in entry.summary.marks] == ["record", "capture"]

    def test_two_signals_in_a_row_end_it_properly(self, tmp_path: Path, library: TakeLibrary) -> None:
        with seeded_jam(tmp_path) as jam:
            wait_until(lambda: answer_note_count(library) > 2, "an answer")
            jam.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):  # it has taken the first, and is not gone
                jam.process.wait(0.005)
            assert jam.stop(signal.SIGINT) == (0, "")
        (entry,) = library.entries()
        assert entry.is_ended
        assert entry.memory_file is not None


class TestRemember:
    def test_starts_with_an_earlier_takes_memory_and_leaves_that_file_unchanged(
        self, tmp_path: Path, library: TakeLibrary
    ) -> None:
        with seeded_jam(tmp_path, "--remember", "last") as jam:
            assert jam.start_line("Memory").startswith("nothing was remembered yet")
            wait_until(lambda: answer_note_count(library) > 2, "an answer")
            assert jam.stop(signal.SIGINT) == (0, "")
        first = library.last()
        assert first.memory_file is not None
        before = first.memory_file.read_bytes()
        with seeded_jam(tmp_path, "--remember", first.id[2:], phrase=OTHER_PHRASE) as jam:
            assert jam.start_line("Memory") == f"of jam {first.id}"
            wait_until(lambda: library.entries()[-1].summary.heard_notes == len(OTHER_PHRASE), "the other phrase")
            assert jam.stop(signal.SIGINT) == (0, "")
        assert first.memory_file.read_bytes() == before
        assert len(library.entries()) == 2
        once, then = (remembered_contexts(entry) for entry in library.entries())
        assert all(once[approach] < then[approach] for approach in APPROACHES)

    def test_starts_without_a_memory_file_that_cannot_be_read(self, tmp_path: Path, library: TakeLibrary) -> None:
        write_journal(library.folder, memory=b"a letter")
        with seeded_jam(tmp_path, "--remember", "2026-02-03") as jam:
            assert jam.start_line("Memory").endswith("The jam starts without it")
            wait_until(lambda: answer_note_count(library) > 6, "an answer")
            assert jam.stop() == (0, "")


class TestKilledJam:
    def test_is_recovered_up_to_its_last_note_at_the_next_start(self, tmp_path: Path, library: TakeLibrary) -> None:
        with seeded_jam(tmp_path, *LONG_ANSWER, "--record", "on") as jam:
            wait_until(lambda: answer_note_count(library) > 4, "an answer")
            jam.process.kill()
            jam.process.wait(PATIENCE_S)
        (entry,) = library.entries()
        assert not entry.is_ended
        before = answer_note_count(library)
        with running_jam(tmp_path, "--dummy") as after:
            assert after.start_line("Recovered") == f"{entry.id}, cut off before the end"
            after.stop(signal.SIGINT)
        (entry,) = library.entries()
        assert entry.is_ended
        assert entry.summary.played_notes == before
        assert [mark.kind for mark in entry.summary.marks] == ["record"]
        assert entry.memory_file is not None  # recovered from the journal
        out = export_last(library, tmp_path / "take.mid")
        assert tracks(out) == {"Player": len(PHRASE), "Answer": before}
        assert journal_contents(library).damaged_lines == 0

    def test_without_notes_leaves_nothing(self, tmp_path: Path, library: TakeLibrary) -> None:
        with running_jam(tmp_path, "--dummy") as jam:
            jam.process.kill()
            jam.process.wait(PATIENCE_S)
        with running_jam(tmp_path, "--dummy") as after:
            assert len(library.entries()) == 1
            after.stop()
        assert library.entries() == []


def test_a_jam_plays_although_its_folder_takes_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with seeded_jam(tmp_path) as jam:
        assert jam.start_line("Takes").startswith("nothing is recorded: ")
        assert jam.phone.ask("/fours/record", "on").arguments == ("on",)
        assert jam.stop() == (0, "")
