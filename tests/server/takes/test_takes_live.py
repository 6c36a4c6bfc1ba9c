"""Jams in processes of their own, without a device and without weights: what they leave on disk, however they end."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pretty_midi
import pytest

from bridge.midi.messages import NoteOn
from model.approach import APPROACHES, Approach
from model.memory.memory_file import load_memories
from model.notes import Note
from model.pack.dummy_pack import DummyPack
from server.music.feed import MessagePlayed
from server.takes.journal import JournalContents, read_records
from server.takes.take_export import export_last
from server.takes.take_library import TakeEntry, TakeLibrary
from tests.music import Part, line, midi_bytes
from tests.server.jam_process import PATIENCE_S, TEMPO_BPM, RunningJam, running_jam, wait_until
from tests.server.takes.journals import write_journal

PHRASE = line(60, 62, 64, 65, 67, 65, 64, 62)
OTHER_PHRASE = line(72, 67, 72, 79, 76, 72, 64, 55)
LONG_ANSWER = ("--answer-length", "256")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TakeLibrary:
    """The takes of a home of its own; journals go where the system keeps data of programs."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return TakeLibrary(tmp_path / "data" / "fours" / "takes")


@contextmanager
def demo(folder: Path, *options: str, phrase: Sequence[Note] = PHRASE) -> Iterator[RunningJam]:
    """A jam that plays to itself: a file in the player's hands, and rules that answer."""
    tune = folder / "tune.mid"
    tune.write_bytes(midi_bytes(Part(phrase), tempo_bpm=TEMPO_BPM))
    with running_jam(folder, "--dummy", "--random-seed", "1", "--seed", str(tune), *options) as jam:
        yield jam


def written(shelf: TakeLibrary) -> JournalContents:
    return read_records(b"".join(path.read_bytes() for path in shelf.folder.glob("*.jam")))


def answered(shelf: TakeLibrary) -> int:
    return sum(
        isinstance(event, MessagePlayed) and isinstance(event.message, NoteOn) for event in written(shelf).records
    )


def tracks(path: Path) -> dict[str, int]:
    return {part.name: len(part.notes) for part in pretty_midi.PrettyMIDI(str(path)).instruments}


def remembered(row: TakeEntry) -> dict[Approach, set[bytes]]:
    """What a jam ended with the memory of: for each approach what it knows a continuation of."""
    assert row.memory_file is not None
    memories = {approach: DummyPack().memory(approach) for approach in APPROACHES}
    load_memories(row.memory_file, memories)
    return {approach: {context for context, _ in memory.contexts()} for approach, memory in memories.items()}


class TestADemo:
    def test_says_what_it_is_and_is_answered_and_taken_down(self, tmp_path: Path, shelf: TakeLibrary) -> None:
        with demo(tmp_path) as jam:
            assert jam.start_line("Pack") == "dummy"
            assert jam.start_line("Event").startswith("rules, no weights, ")
            assert jam.start_line("MIDI in") == jam.start_line("MIDI out") == "none (no MIDI system)"
            assert jam.start_line("Seed") == "8 notes, from the next bar on"
            assert jam.start_line("Takes") == str(shelf.folder)
            wait_until(lambda: answered(shelf) > 2, "an answer")
            assert jam.stop() == (0, "")
        (row,) = shelf.entries()
        assert (row.is_ended, row.summary.heard_notes) == (True, len(PHRASE))
        assert row.memory_file == row.path.with_suffix(".memory")

    def test_what_is_recorded_and_captured_by_osc_is_marked(self, tmp_path: Path, shelf: TakeLibrary) -> None:
        with demo(tmp_path) as jam:
            assert jam.phone.ask("/fours/record", 1.0).arguments == ("on",)
            wait_until(lambda: answered(shelf) > 2, "an answer")
            jam.phone.ask("/fours/record", 0.0)
            jam.phone.ask("/fours/capture")
            jam.stop()
        (row,) = shelf.entries()
        assert [mark.kind for mark in row.summary.marks] == ["record", "capture"]

    def test_that_is_told_to_end_twice_at_once_ends_as_it_should(self, tmp_path: Path, shelf: TakeLibrary) -> None:
        with demo(tmp_path) as jam:
            wait_until(lambda: answered(shelf) > 2, "an answer")
            jam.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):  # it has taken the first, and is not gone
                jam.process.wait(0.005)
            assert jam.stop(signal.SIGINT) == (0, "")
        (row,) = shelf.entries()
        assert row.is_ended
        assert row.memory_file is not None


class TestAJamThatRemembers:
    def test_begins_where_an_earlier_take_ended_and_leaves_it_as_it_was(
        self, tmp_path: Path, shelf: TakeLibrary
    ) -> None:
        with demo(tmp_path, "--remember", "last") as jam:
            assert jam.start_line("Memory").startswith("nothing was remembered yet")
            wait_until(lambda: answered(shelf) > 2, "an answer")
            assert jam.stop(signal.SIGINT) == (0, "")
        first = shelf.last()
        assert first.memory_file is not None
        before = first.memory_file.read_bytes()
        with demo(tmp_path, "--remember", first.id[2:], phrase=OTHER_PHRASE) as jam:
            assert jam.start_line("Memory") == f"of jam {first.id}"
            wait_until(lambda: shelf.entries()[-1].summary.heard_notes == len(OTHER_PHRASE), "the other phrase")
            assert jam.stop(signal.SIGINT) == (0, "")
        assert first.memory_file.read_bytes() == before
        assert len(shelf.entries()) == 2
        once, then = (remembered(row) for row in shelf.entries())
        assert all(once[approach] < then[approach] for approach in APPROACHES)

    def test_goes_on_without_where_it_cannot(self, tmp_path: Path, shelf: TakeLibrary) -> None:
        write_journal(shelf.folder, memory=b"a letter")
        with demo(tmp_path, "--remember", "2026-02-03") as jam:
            assert jam.start_line("Memory").endswith("The jam starts without it")
            wait_until(lambda: answered(shelf) > 6, "an answer")
            assert jam.stop() == (0, "")


class TestAKilledJam:
    def test_is_recovered_at_the_next_start_up_to_its_last_moment(self, tmp_path: Path, shelf: TakeLibrary) -> None:
        with demo(tmp_path, *LONG_ANSWER, "--record", "on") as jam:
            wait_until(lambda: answered(shelf) > 4, "an answer")
            jam.process.kill()
            jam.process.wait(PATIENCE_S)
        (row,) = shelf.entries()
        assert not row.is_ended
        before = answered(shelf)
        with running_jam(tmp_path, "--dummy") as after:
            assert after.start_line("Recovered") == f"{row.id}, cut off before the end"
            after.stop(signal.SIGINT)
        (row,) = shelf.entries()
        assert row.is_ended
        assert row.summary.played_notes == before
        assert [mark.kind for mark in row.summary.marks] == ["record"]
        assert row.memory_file is None
        out = export_last(shelf, tmp_path / "take.mid")
        assert tracks(out) == {"Player": len(PHRASE), "Answer": before}
        assert written(shelf).damaged_lines == 0

    def test_one_that_nobody_played_in_leaves_nothing(self, tmp_path: Path, shelf: TakeLibrary) -> None:
        with running_jam(tmp_path, "--dummy") as jam:
            jam.process.kill()
            jam.process.wait(PATIENCE_S)
        with running_jam(tmp_path, "--dummy") as after:
            assert len(shelf.entries()) == 1
            after.stop()
        assert shelf.entries() == []


def test_a_folder_that_takes_nothing_does_not_keep_a_jam_from_playing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with demo(tmp_path) as jam:
        assert jam.start_line("Takes").startswith("nothing is written down: ")
        assert jam.phone.ask("/fours/record", "on").arguments == ("on",)
        assert jam.stop() == (0, "")
