import asyncio
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pretty_midi
import pytest

from bridge.midi.messages import ControlChange, NoteOff, NoteOn
from bridge.timing.clock import ManualClock
from bridge.timing.timeline import Timeline
from server.config.config import TakesSection
from server.controls.control_table import CONTROLS, Settings
from server.errors import TakeError
from server.music.feed import (
    ActionRequested,
    ControlChanged,
    Event,
    Feed,
    MessagePlayed,
    MessageReceived,
    StatusChanged,
    TimelineChanged,
)
from server.takes import recorder as module
from server.takes.journal import JournalBegun, JournalEnded, Record, read_records
from server.takes.journal_file import JournalFile, is_in_use
from server.takes.recorder import WRITES_PER_SYNC, Recorder
from server.takes.take_library import TakeLibrary
from tests.server.takes.journals import NOW, write_journal

BEGAN_S = 1000.0
DEFAULTS = Settings()


class Evening:
    """A recorder, the feed that it watches, and what it said; time is moved by hand."""

    def __init__(
        self, folder: Path, *, keep_days: float = 90.0, keep_mb: float = 1000.0, settings: Settings = DEFAULTS
    ) -> None:
        self.folder = folder
        self.clock = ManualClock(BEGAN_S)
        self.feed = Feed()
        self.said: list[str] = []
        self.remembered: list[Path] = []
        config = TakesSection(folder=str(folder), keep_days=keep_days, keep_mb=keep_mb)
        self.recorder = Recorder(config, settings, self.feed, self.clock, NOW, self.said.append, self._remember)

    def _remember(self, path: Path) -> None:
        assert is_in_use(path.with_suffix(".jam"))
        self.remembered.append(path)

    def put(self, *events: Event) -> None:
        for event in events:
            self.feed.put(event)

    async def write(self) -> None:
        """What the recorder does now and then."""
        assert self.recorder._recording is not None
        file, watch, _ = self.recorder._recording
        await self.recorder._write_new_events(file, watch)

    @property
    def records(self) -> list[Record]:
        (path,) = self.folder.glob("2026-02-03*.jam")
        found = read_records(path.read_bytes())
        assert found.damaged_lines == 0
        return list(found.records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "takes"


@pytest.fixture
def evening(folder: Path) -> Evening:
    return Evening(folder)


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder writes when it is told to, and at its end."""
    monkeypatch.setattr(module, "WRITE_EVERY_S", 3600.0)


def heard(pitch: int, from_s: float, until_s: float) -> list[Event]:
    on, off = NoteOn(pitch, 80), NoteOff(pitch)
    return [MessageReceived(on, BEGAN_S + from_s, 2 * from_s), MessageReceived(off, BEGAN_S + until_s, 2 * until_s)]


def during(evening: Evening, play: Callable[[], None]) -> None:
    async def run() -> None:
        async with evening.recorder:
            play()

    asyncio.run(run())


class TestAJournal:
    def test_begins_with_its_date_and_where_every_control_stands(self, folder: Path) -> None:
        evening = Evening(folder, settings=Settings(tempo=90.0))
        during(evening, lambda: evening.put(*heard(60, 1, 2)))
        begun, *rest = evening.records
        assert begun == JournalBegun(NOW.isoformat(), 5.0, 8.0)
        turned = {record.control: record.value for record in rest if isinstance(record, ControlChanged)}
        assert turned["tempo"] == 90.0
        assert list(turned) == [control.name for control in CONTROLS if control.kind != "action"]

    def test_has_what_happened_in_its_order_from_its_beginning(self, evening: Evening) -> None:
        happened = [
            TimelineChanged(Timeline.start(120.0, BEGAN_S), "free", "internal", BEGAN_S),
            *heard(60, 1, 2),
            ActionRequested("respond", BEGAN_S + 2.5, 5.0),
            ControlChanged("temperature", 1.5, BEGAN_S + 3.0, 6.0),
            MessagePlayed(NoteOn(72, 80), BEGAN_S + 4.0, 8.0),
        ]
        during(evening, lambda: evening.put(*happened))
        records = [record for record in evening.records if not isinstance(record, JournalBegun) and record.at_s > 0.0]
        assert [type(record) for record in records] == [
            MessageReceived,
            MessageReceived,
            ActionRequested,
            ControlChanged,
            MessagePlayed,
            JournalEnded,
        ]
        assert records[0] == MessageReceived(NoteOn(60, 80), 1.0, 2.0)
        assert records[-2] == MessagePlayed(NoteOn(72, 80), 4.0, 8.0)

    def test_ends_with_what_it_comes_to(self, evening: Evening) -> None:
        def play() -> None:
            evening.put(*heard(60, 1, 2), ActionRequested("capture", BEGAN_S + 3.0, 6.0))
            evening.clock.advance(9.0)

        during(evening, play)
        ended = evening.records[-1]
        assert isinstance(ended, JournalEnded)
        assert (ended.at_s, ended.heard_notes, [mark.kind for mark in ended.marks]) == (9.0, 1, ["capture"])

    def test_in_which_nothing_happened_is_not_kept(self, evening: Evening) -> None:
        during(evening, lambda: evening.put(ControlChanged("tempo", 90.0, BEGAN_S, 0.0)))
        assert list(evening.folder.iterdir()) == []
        assert evening.remembered == []

    def test_gets_what_the_jam_remembers_beside_it_while_it_is_still_its_own(self, evening: Evening) -> None:
        during(evening, lambda: evening.put(*heard(60, 1, 2)))
        assert evening.remembered == [evening.folder / "2026-02-03-201500.memory"]

    def test_is_on_disk_before_the_jam_ends(self, evening: Evening) -> None:
        async def run() -> None:
            async with evening.recorder:
                evening.put(*heard(60, 1, 2))
                await evening.write()
                assert [type(record) for record in evening.records[-2:]] == [MessageReceived, MessageReceived]

        asyncio.run(run())

    def test_nobody_watches_before_and_after(self, evening: Evening) -> None:
        during(evening, lambda: None)
        assert not evening.feed.has_subscribers


class TestATakeOfTheJamThatGoesOn:
    def test_has_what_was_played_a_moment_ago(self, evening: Evening) -> None:
        async def run() -> bytes:
            async with evening.recorder:
                evening.put(*heard(60, 1, 2), ActionRequested("capture", BEGAN_S + 3.0, 6.0))
                whole = await evening.recorder.as_midi()
                assert await evening.recorder.as_midi(1) == whole
                with pytest.raises(TakeError, match="there is no mark 2"):
                    await evening.recorder.as_midi(2)
                return whole

        midi = pretty_midi.PrettyMIDI(io.BytesIO(asyncio.run(run())))
        assert [part.name for part in midi.instruments if part.notes] == ["Player"]

    def test_is_refused_where_nothing_is_written_down(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        evening = Evening(tmp_path / "file" / "takes")

        async def run() -> None:
            async with evening.recorder:
                await evening.recorder.as_midi()

        with pytest.raises(TakeError, match="not being written down"):
            asyncio.run(run())


class TestFloods:
    def test_of_a_fader_the_last_move_of_each_time_is_written(self, evening: Evening) -> None:
        moves = [ControlChanged("temperature", number / 1000, BEGAN_S, 0.0) for number in range(200, 1200)]
        during(evening, lambda: evening.put(*heard(60, 1, 2), *moves))
        written = [
            record
            for record in evening.records
            if isinstance(record, ControlChanged) and record.control == "temperature"
        ]
        assert [record.value for record in written] == [0.9, 1.199]

    def test_every_turn_of_record_counts(self, evening: Evening) -> None:
        turns = [
            ControlChanged("record", value, BEGAN_S + at_s, 0.0)
            for at_s, value in enumerate(("on", "off", "on", "off"))
        ]
        during(evening, lambda: evening.put(*turns))
        ended = evening.records[-1]
        assert isinstance(ended, JournalEnded)
        assert len(ended.marks) == 2

    def test_how_the_jam_stands_is_not_written(self, evening: Evening) -> None:
        stands = [StatusChanged("listening", None, (), BEGAN_S) for _ in range(1000)]
        during(evening, lambda: evening.put(*heard(60, 1, 2), *stands))
        assert len(evening.records) < 50

    def test_notes_and_pedals_all_count(self, evening: Evening) -> None:
        moves = [MessageReceived(ControlChange(1, number % 128), BEGAN_S, 0.0) for number in range(1000)]
        during(evening, lambda: evening.put(*heard(60, 1, 2), *moves))
        assert sum(isinstance(record, MessageReceived) for record in evening.records) == 1002


class TestADiskThatIsFull:
    def test_is_told_once_and_what_waited_is_written_when_there_is_room(
        self, evening: Evening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def full(_: int, __: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        async def run() -> None:
            async with evening.recorder:
                with monkeypatch.context() as disk:
                    disk.setattr(os, "write", full)
                    for at_s in (1, 3, 5):
                        evening.put(*heard(60, at_s, at_s + 1))
                        await evening.write()
                await evening.write()

        asyncio.run(run())
        assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
            "what is played is not being written down, and the jam plays on; it is tried again"
        ]
        assert caplog.records[0].getMessage().endswith("No space left on device")
        ended = evening.records[-1]
        assert isinstance(ended, JournalEnded)
        assert ended.heard_notes == 3

    def test_where_the_folder_takes_nothing_it_says_so_and_the_jam_plays_on(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        evening = Evening(tmp_path / "file" / "takes")
        during(evening, lambda: evening.put(*heard(60, 1, 2)))
        assert evening.said == [f"Takes      nothing is written down: {tmp_path / 'file' / 'takes'}: Not a directory"]

    def test_an_event_that_cannot_be_written_does_not_keep_those_after_it(
        self, evening: Evening, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "WRITE_EVERY_S", 0.0)

        async def run() -> None:
            async with evening.recorder:
                evening.put(MessageReceived(NoteOn(600, 80), BEGAN_S, 0.0))
                while not evening.recorder._faults.counts:
                    await asyncio.get_running_loop().run_in_executor(None, int)
                evening.put(*heard(60, 1, 2))

        asyncio.run(run())
        assert evening.recorder._faults.counts == {"BadMidi": 1}
        assert len(caplog.records) == 1
        assert sum(isinstance(record, MessageReceived) for record in evening.records) == 2


class TestTheDisksCache:
    def test_is_flushed_once_in_some_writes_and_at_the_end(
        self, evening: Evening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flushed: list[int] = []
        monkeypatch.setattr(JournalFile, "sync", lambda _: flushed.append(1))

        async def run() -> None:
            async with evening.recorder:
                for number in range(2 * WRITES_PER_SYNC):
                    evening.put(*heard(60, number, number + 1))
                    await evening.write()
                assert len(flushed) == 2
                for _ in range(10 * WRITES_PER_SYNC):  # nobody plays
                    await evening.write()
                assert len(flushed) == 2

        asyncio.run(run())
        assert len(flushed) == 3


class TestTheStart:
    def test_a_jam_that_was_cut_off_is_recovered_and_told_in_a_line(self, evening: Evening) -> None:
        write_journal(evening.folder, days_ago=1, is_ended=False, cut=4)
        during(evening, lambda: None)
        assert evening.said == [
            f"Takes      {evening.folder}",
            "Recovered  2026-02-02-201500, cut off before the end",
        ]
        assert TakeLibrary(evening.folder).entries()[0].is_ended

    def test_what_is_old_and_unmarked_is_removed_and_told(self, folder: Path) -> None:
        for days_ago in (100, 101, 102, 103, 104):
            write_journal(folder, days_ago=days_ago, is_marked=days_ago == 104)
        evening = Evening(folder, keep_days=90)
        during(evening, lambda: None)
        assert evening.said[1:] == [
            "Removed    2025-10-23-201500, 2025-10-24-201500, 2025-10-25-201500 and 1 more: unmarked, and too old or too large"
        ]
        assert [row.id for row in TakeLibrary(folder).entries()] == ["2025-10-22-201500"]

    def test_marked_jams_that_fill_all_the_room_are_kept_and_told(self, folder: Path) -> None:
        write_journal(folder, is_marked=True, memory=bytes(2_000_000))
        evening = Evening(folder, keep_mb=1.5)
        during(evening, lambda: None)
        (sentence,) = evening.said[1:]
        assert sentence == (
            "Full       marked jams alone take 2 MB, and takes.keep_mb is 1.5, "
            "so all others go at each start; `fours takes remove` some, or raise it"
        )
        assert len(TakeLibrary(folder).entries()) == 1

    def test_marked_jams_that_leave_room_are_not_spoken_of(self, folder: Path) -> None:
        write_journal(folder, is_marked=True, memory=bytes(2_000_000))
        evening = Evening(folder, keep_mb=2.5)
        during(evening, lambda: None)
        assert evening.said[1:] == []
