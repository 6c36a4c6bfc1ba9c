import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.midi.messages import ControlChange, NoteOff, NoteOn
from bridge.timing.clock import ManualClock
from bridge.timing.timeline import Timeline
from server.config.config import TakesSection
from server.controls.control_table import CONTROLS, Settings
from server.jam.jam_output import JamStatus
from server.music.feed import (
    ActionRequested,
    Event,
    Feed,
    MessagePlayed,
    MessageReceived,
    SettingChanged,
    StatusChanged,
    TimelineChanged,
)
from server.takes import recorder as module
from server.takes.journal.journal_file import JournalFile, is_in_use
from server.takes.journal.record_reader import read_records
from server.takes.journal.records import JournalBegun, JournalEnded, MemoryBegun, MemoryHeard, Record
from server.takes.recorder import WRITES_PER_SYNC, Recorder
from server.takes.take_ages import AGES_FILE
from server.takes.take_library import TakeLibrary
from tests.server.takes.journals import NOW, write_journal

BEGAN_S, PATIENCE_S = 1000.0, 20.0
DEFAULTS = Settings()


class RecorderHarness:
    """A recorder, its feed, its output and the memory files that it asked for; the test moves the time."""

    def __init__(
        self, folder: Path, *, keep_days: float = 90.0, keep_mb: float = 1000.0, settings: Settings = DEFAULTS
    ) -> None:
        self.folder = folder
        self.clock = ManualClock(BEGAN_S)
        self.feed = Feed()
        self.output: list[str] = []
        self.memory_files: list[Path] = []
        config = TakesSection(folder=str(folder), keep_days=keep_days, keep_mb=keep_mb)
        self.recorder = Recorder(config, settings, self.feed, self.clock, NOW, self.output.append, self._save_memory)

    def _save_memory(self, path: Path) -> None:
        assert is_in_use(path.with_suffix(".jam"))
        self.memory_files.append(path)

    def put(self, *events: Event) -> None:
        for event in events:
            self.feed.put(event)

    async def write_new_events(self) -> None:
        """What the recorder does every half second."""
        assert self.recorder._recording is not None
        await self.recorder._write_new_events(self.recorder._recording[0])

    @property
    def records(self) -> list[Record]:
        (path,) = self.folder.glob("2026-02-03*.jam")
        contents = read_records(path.read_bytes())
        assert contents.damaged_lines == 0
        return list(contents.records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "takes"


@pytest.fixture
def harness(folder: Path) -> RecorderHarness:
    return RecorderHarness(folder)


@pytest.fixture(autouse=True)
def no_automatic_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder writes only when a test calls it, and at its end."""
    monkeypatch.setattr(module, "WRITE_EVERY_S", 3600.0)


def note_events(pitch: int, from_s: float, until_s: float) -> list[Event]:
    on, off = NoteOn(pitch, 80), NoteOff(pitch)
    return [MessageReceived(on, BEGAN_S + from_s, 2 * from_s), MessageReceived(off, BEGAN_S + until_s, 2 * until_s)]


def run_recorder(harness: RecorderHarness, play: Callable[[], None]) -> None:
    async def run() -> None:
        async with harness.recorder:
            play()

    asyncio.run(run())


async def wait_until(is_so: Callable[[], bool]) -> None:
    """Lets the recorder go on until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0)  # noqa: TID251


class TestJournal:
    def test_begins_with_its_date_and_the_value_of_every_control(self, folder: Path) -> None:
        harness = RecorderHarness(folder, settings=Settings(tempo=90.0))
        run_recorder(harness, lambda: harness.put(*note_events(60, 1, 2)))
        begun, *rest = harness.records
        assert begun == JournalBegun(NOW.isoformat(), 5.0, 8.0)
        values = {record.control: record.value for record in rest if isinstance(record, SettingChanged)}
        assert values["tempo"] == 90.0
        assert list(values) == [control.name for control in CONTROLS if control.kind != "action"]

    def test_holds_the_events_in_order_with_seconds_from_its_start(self, harness: RecorderHarness) -> None:
        events = [
            TimelineChanged(Timeline.start(120.0, BEGAN_S), "free", "internal", BEGAN_S),
            *note_events(60, 1, 2),
            ActionRequested("respond", BEGAN_S + 2.5, 5.0),
            SettingChanged("temperature", 1.5, BEGAN_S + 3.0, 6.0),
            MessagePlayed(NoteOn(72, 80), BEGAN_S + 4.0, 8.0),
        ]
        run_recorder(harness, lambda: harness.put(*events))
        records = [
            record
            for record in harness.records
            if not isinstance(record, JournalBegun | MemoryBegun | MemoryHeard) and record.at_s > 0.0
        ]
        assert [type(record) for record in records] == [
            MessageReceived,
            MessageReceived,
            ActionRequested,
            SettingChanged,
            MessagePlayed,
            JournalEnded,
        ]
        assert records[0] == MessageReceived(NoteOn(60, 80), 1.0, 2.0)
        assert records[-2] == MessagePlayed(NoteOn(72, 80), 4.0, 8.0)

    def test_ends_with_its_summary(self, harness: RecorderHarness) -> None:
        def play() -> None:
            harness.put(*note_events(60, 1, 2), ActionRequested("capture", BEGAN_S + 3.0, 6.0))
            harness.clock.advance(9.0)

        run_recorder(harness, play)
        ended = harness.records[-1]
        assert isinstance(ended, JournalEnded)
        assert (ended.at_s, ended.heard_notes, [mark.kind for mark in ended.marks]) == (9.0, 1, ["capture"])

    def test_without_notes_and_marks_is_not_kept(self, harness: RecorderHarness) -> None:
        run_recorder(harness, lambda: harness.put(SettingChanged("tempo", 90.0, BEGAN_S, 0.0)))
        assert [path.name for path in harness.folder.iterdir()] == [AGES_FILE]
        assert harness.memory_files == []

    def test_gets_its_memory_file_while_it_is_still_locked(self, harness: RecorderHarness) -> None:
        run_recorder(harness, lambda: harness.put(*note_events(60, 1, 2)))
        assert harness.memory_files == [harness.folder / "2026-02-03-201500.memory"]

    def test_is_on_disk_before_the_jam_ends(self, harness: RecorderHarness) -> None:
        async def run() -> None:
            async with harness.recorder:
                harness.put(*note_events(60, 1, 2))
                await harness.write_new_events()
                assert [type(record) for record in harness.records[-2:]] == [MessageReceived, MessageReceived]

        asyncio.run(run())

    def test_the_recorder_unsubscribes_from_the_feed_at_its_end(self, harness: RecorderHarness) -> None:
        run_recorder(harness, lambda: None)
        assert not harness.feed._subscriptions


class TestFloods:
    def test_only_the_last_move_of_a_fader_in_each_write_is_kept(self, harness: RecorderHarness) -> None:
        moves = [SettingChanged("temperature", number / 1000, BEGAN_S, 0.0) for number in range(200, 1200)]
        run_recorder(harness, lambda: harness.put(*note_events(60, 1, 2), *moves))
        written = [
            record
            for record in harness.records
            if isinstance(record, SettingChanged) and record.control == "temperature"
        ]
        assert [record.value for record in written] == [1.0, 1.199]

    def test_every_change_of_record_is_kept(self, harness: RecorderHarness) -> None:
        changes = [
            SettingChanged("record", value, BEGAN_S + at_s, 0.0)
            for at_s, value in enumerate(("on", "off", "on", "off"))
        ]
        run_recorder(harness, lambda: harness.put(*changes))
        ended = harness.records[-1]
        assert isinstance(ended, JournalEnded)
        assert len(ended.marks) == 2

    def test_the_jams_status_is_not_written(self, harness: RecorderHarness) -> None:
        status_events = [StatusChanged(JamStatus(), BEGAN_S) for _ in range(1000)]
        run_recorder(harness, lambda: harness.put(*note_events(60, 1, 2), *status_events))
        assert len(harness.records) < 50

    def test_all_notes_and_pedals_are_written(self, harness: RecorderHarness) -> None:
        moves = [MessageReceived(ControlChange(1, number % 128), BEGAN_S, 0.0) for number in range(1000)]
        run_recorder(harness, lambda: harness.put(*note_events(60, 1, 2), *moves))
        assert sum(isinstance(record, MessageReceived) for record in harness.records) == 1002


class TestFullDisk:
    def test_is_logged_once_and_the_backlog_is_written_when_there_is_room(
        self, harness: RecorderHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def full(_: int, __: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        async def run() -> None:
            async with harness.recorder:
                with monkeypatch.context() as disk:
                    disk.setattr(os, "write", full)
                    for at_s in (1, 3, 5):
                        harness.put(*note_events(60, at_s, at_s + 1))
                        await harness.write_new_events()
                await harness.write_new_events()

        asyncio.run(run())
        assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
            "what is played cannot be recorded; the jam plays on, and recording is tried again"
        ]
        assert caplog.records[0].getMessage().endswith("No space left on device")
        ended = harness.records[-1]
        assert isinstance(ended, JournalEnded)
        assert ended.heard_notes == 3

    def test_a_folder_that_takes_no_journal_is_reported_and_the_jam_plays_on(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        harness = RecorderHarness(tmp_path / "file" / "takes")
        run_recorder(harness, lambda: harness.put(*note_events(60, 1, 2)))
        assert harness.output == [f"Takes      nothing is recorded: {tmp_path / 'file' / 'takes'}: Not a directory"]

    def test_an_event_that_cannot_be_written_does_not_stop_later_ones(
        self, harness: RecorderHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "WRITE_EVERY_S", 0.0)

        async def run() -> None:
            async with harness.recorder:
                harness.put(MessageReceived(NoteOn(600, 80), BEGAN_S, 0.0))
                while not harness.recorder._faults.counts:
                    await asyncio.get_running_loop().run_in_executor(None, int)
                harness.put(*note_events(60, 1, 2))

        asyncio.run(run())
        assert harness.recorder._faults.counts == {"BadMidi": 1}
        assert len(caplog.records) == 1
        assert sum(isinstance(record, MessageReceived) for record in harness.records) == 2


class TestDiskCache:
    def test_is_flushed_every_few_writes_and_at_the_end(
        self, harness: RecorderHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flushed: list[int] = []
        monkeypatch.setattr(JournalFile, "sync", lambda _: flushed.append(1))

        async def run() -> None:
            async with harness.recorder:
                for number in range(2 * WRITES_PER_SYNC):
                    harness.put(*note_events(60, number, number + 1))
                    await harness.write_new_events()
                assert len(flushed) == 2
                for _ in range(10 * WRITES_PER_SYNC):  # nobody plays
                    await harness.write_new_events()
                assert len(flushed) == 2

        asyncio.run(run())
        assert len(flushed) == 3


class TestFolderThatIsDeletedWhileAJamRuns:
    @pytest.mark.parametrize("is_renamed", [False, True])
    def test_is_created_again_with_the_whole_journal_and_that_is_logged_once(
        self, harness: RecorderHarness, caplog: pytest.LogCaptureFixture, *, is_renamed: bool
    ) -> None:
        async def run() -> None:
            async with harness.recorder:
                harness.put(*note_events(60, 1, 2))
                await harness.write_new_events()
                if is_renamed:
                    harness.folder.rename(harness.folder.with_name("elsewhere"))
                else:
                    shutil.rmtree(harness.folder)
                await harness.write_new_events()  # half a second later, though nobody plays
                assert sum(isinstance(record, MessageReceived) for record in harness.records) == 2
                harness.put(*note_events(62, 3, 4))
                await harness.write_new_events()

        asyncio.run(run())
        (path,) = harness.folder.glob("*.jam")
        assert [record.getMessage() for record in caplog.records] == [
            f"the journal of this jam was removed or renamed: it is written again, to {path}"
        ]
        ended = harness.records[-1]
        assert isinstance(ended, JournalEnded)
        assert ended.heard_notes == 2
        assert harness.memory_files == [path.with_suffix(".memory")]
        assert all("not recorded" not in line for line in harness.output)

    def test_the_file_alone_is_made_again_too(self, harness: RecorderHarness) -> None:
        async def run() -> None:
            async with harness.recorder:
                harness.put(*note_events(60, 1, 2))
                await harness.write_new_events()
                next(harness.folder.glob("*.jam")).unlink()
                harness.put(*note_events(62, 3, 4))

        asyncio.run(run())
        assert sum(isinstance(record, MessageReceived) for record in harness.records) == 4

    def test_while_nothing_happens_it_waits_for_the_next_event_which_it_writes(
        self, harness: RecorderHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorder = harness.recorder
        monkeypatch.setattr(module, "WRITE_EVERY_S", 0.0)
        monkeypatch.setattr(module, "LOOK_EVERY_S", 3600.0)

        async def run() -> None:
            async with harness.recorder:
                harness.put(*note_events(60, 1, 2))
                await wait_until(lambda: recorder._is_idle)
                count = recorder._write_count
                for _ in range(100):
                    await asyncio.sleep(0)  # noqa: TID251  lets the recorder go on
                assert recorder._write_count == count
                harness.put(*note_events(62, 3, 4))
                await wait_until(lambda: recorder._write_count == count + 1 and not recorder._is_synced)
                played = [record.message for record in harness.records if isinstance(record, MessageReceived)]
                assert played == [NoteOn(60, 80), NoteOff(60), NoteOn(62, 80), NoteOff(62)]

        asyncio.run(run())

    def test_while_nothing_happens_it_still_looks_whether_its_file_is_there(
        self, harness: RecorderHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorder = harness.recorder
        monkeypatch.setattr(module, "WRITE_EVERY_S", 0.0)
        monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0)

        async def run() -> None:
            async with recorder:
                harness.put(*note_events(60, 1, 2))
                await wait_until(lambda: recorder._is_idle)
                shutil.rmtree(harness.folder)
                await wait_until(harness.folder.exists)

        asyncio.run(run())

    def test_a_journal_that_cannot_be_read_back_goes_on_from_then_on(
        self, harness: RecorderHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stale(_: object) -> bytes:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

        async def run() -> None:
            async with harness.recorder:
                harness.put(
                    TimelineChanged(Timeline.start(90.0, BEGAN_S), "free", "internal", BEGAN_S), *note_events(60, 1, 2)
                )
                await harness.write_new_events()
                monkeypatch.setattr(JournalFile, "content", stale)
                shutil.rmtree(harness.folder)
                harness.put(*note_events(62, 3, 4))

        asyncio.run(run())
        kinds = [type(record) for record in harness.records if not isinstance(record, SettingChanged)]
        assert kinds == [JournalBegun, TimelineChanged, MessageReceived, MessageReceived, JournalEnded]

    def test_if_no_other_can_be_created_the_end_says_that_there_is_no_take(
        self, harness: RecorderHarness, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def run() -> None:
            async with harness.recorder:
                harness.put(*note_events(60, 1, 2))
                await harness.write_new_events()
                shutil.rmtree(harness.folder)
                harness.folder.touch()
                for _ in range(3):
                    await harness.write_new_events()

        asyncio.run(run())
        assert len(caplog.records) == 1
        assert harness.memory_files == []
        assert harness.output[-1] == (
            f"This jam is not recorded: its journal is gone from {harness.folder}, and no other could be made"
        )

    def test_as_soon_as_one_can_be_made_it_holds_everything(self, harness: RecorderHarness) -> None:
        async def run() -> None:
            async with harness.recorder:
                harness.put(*note_events(60, 1, 2))
                await harness.write_new_events()
                shutil.rmtree(harness.folder)
                harness.folder.touch()
                harness.put(*note_events(62, 3, 4))
                await harness.write_new_events()
                harness.folder.unlink()
                await harness.write_new_events()

        asyncio.run(run())
        assert sum(isinstance(record, MessageReceived) for record in harness.records) == 4


class TestStart:
    def test_a_jam_that_was_cut_off_is_recovered_and_reported(self, harness: RecorderHarness) -> None:
        write_journal(harness.folder, days_ago=1, is_ended=False, cut_bytes=4)
        run_recorder(harness, lambda: None)
        assert harness.output == [
            f"Takes      {harness.folder}",
            "Recovered  2026-02-02-201500, cut off before the end",
        ]
        assert TakeLibrary(harness.folder).entries()[0].is_ended

    def test_old_unmarked_jams_are_removed_and_reported(self, folder: Path) -> None:
        for days_ago in (100, 101, 102, 103, 104):
            write_journal(folder, days_ago=days_ago, is_marked=days_ago == 104)
        harness = RecorderHarness(folder, keep_days=90)
        run_recorder(harness, lambda: None)
        assert harness.output[1:] == [
            "Removed    2025-10-23-201500, 2025-10-24-201500, 2025-10-25-201500 and 1 more: unmarked, and too old or too large"
        ]
        assert [entry.id for entry in TakeLibrary(folder).entries()] == ["2025-10-22-201500"]

    def test_marked_jams_that_fill_all_the_room_are_kept_and_reported(self, folder: Path) -> None:
        write_journal(folder, is_marked=True, memory=bytes(2_000_000))
        harness = RecorderHarness(folder, keep_mb=1.5)
        run_recorder(harness, lambda: None)
        (sentence,) = harness.output[1:]
        assert sentence == (
            "Full       marked jams alone take 2 MB, and takes.keep_mb is 1.5, "
            "so all other jams are removed at each start; remove some with `fours takes remove`, or raise takes.keep_mb"
        )
        assert len(TakeLibrary(folder).entries()) == 1

    def test_marked_jams_that_leave_room_are_not_reported(self, folder: Path) -> None:
        write_journal(folder, is_marked=True, memory=bytes(2_000_000))
        harness = RecorderHarness(folder, keep_mb=2.5)
        run_recorder(harness, lambda: None)
        assert harness.output[1:] == []
