from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.music import tune, write_part
from tests.train import workers
from tests.train.corpus.test_cache import contents
from train.corpus import ingest as ingest_module
from train.corpus.cache import Cache
from train.corpus.ingest import ingest
from train.corpus.reading import LineSelection, Reading, read_file
from train.errors import CorpusError

LEAD = LineSelection()


class Ingested:
    """What one ingest of a folder gave, of good files and bad, in several batches and shards."""

    def __init__(self, folder: Path) -> None:
        self.paths = [write_part(folder / f"{number}.mid", tune(number)) for number in range(9)]
        self.paths[2].write_bytes(b"no music")
        self.paths[5].unlink()
        self.paths.append(write_part(folder / "again" / "one.mid", tune(1)))
        self.cache_folder = folder / "cache"
        self.progress: list[int] = []
        with pytest.MonkeyPatch.context() as small:
            small.setattr(ingest_module, "FILES_AT_ONCE", 2)
            small.setattr(ingest_module, "FILES_PER_SHARD", 3)
            self.readings = ingest(self.paths, LEAD, Cache(self.cache_folder, LEAD), on_progress=self.progress.append)


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    return Ingested(tmp_path_factory.mktemp("ingested"))


class TestManyFiles:
    def test_each_file_is_read_as_if_alone_in_the_given_order(self, ingested: Ingested) -> None:
        alone = [read_file(path, LEAD) for path in ingested.paths]
        assert [contents(reading) for reading in ingested.readings] == [contents(reading) for reading in alone]

    def test_a_file_that_is_no_music_and_a_missing_one_have_reasons(self, ingested: Ingested) -> None:
        reasons = {index: reading.reason for index, reading in enumerate(ingested.readings) if reading.reason}
        assert list(reasons) == [2, 5]
        assert reasons[2].startswith("is not a MIDI file: ")
        assert reasons[5] == "cannot be read (No such file or directory)"

    def test_progress_is_reported(self, ingested: Ingested) -> None:
        assert ingested.progress == [2, 4, 6, 8, 10]

    def test_they_are_stored_in_shards_each_content_once(self, ingested: Ingested) -> None:
        sizes = [len(list(ingested.cache_folder.rglob(f"*.{kind}"))) for kind in ("npy", "npz")]
        assert sizes == [3, 3]
        assert len(Cache(ingested.cache_folder, LEAD).known) == 8

    def test_a_second_time_nothing_is_parsed_and_the_result_is_the_same(self, ingested: Ingested) -> None:
        before = sorted(ingested.cache_folder.rglob("*"))
        cache = Cache(ingested.cache_folder, LEAD)
        again = ingest(ingested.paths, LEAD, cache, workers=1)
        assert sorted(ingested.cache_folder.rglob("*")) == before
        assert [contents(reading) for reading in again] == [contents(reading) for reading in ingested.readings]
        assert all(reading.known for reading in again if reading.sha256)

    def test_no_files_are_no_work(self, tmp_path: Path) -> None:
        assert ingest([], LEAD, Cache(tmp_path, LEAD)) == []


class TestCrashes:
    def test_a_file_that_crashes_the_parser_counts_as_broken_and_is_not_tried_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = ["before.mid", workers.CRASHING_FILE, "later.mid"]
        paths = [write_part(tmp_path / name, tune(number)) for number, name in enumerate(names)]
        monkeypatch.setattr(ingest_module, "_read_batch", workers.read_or_crash)
        monkeypatch.setattr(ingest_module, "FILES_AT_ONCE", 2)
        readings = ingest(paths, LEAD, Cache(tmp_path / "cache", LEAD), workers=1)
        assert [reading.reason for reading in readings] == ["", "the MIDI parser crashed on it", ""]
        assert [len(reading.lines) for reading in readings] == [1, 0, 1]
        monkeypatch.undo()
        kept = Cache(tmp_path / "cache", LEAD)
        assert [contents(kept.get(reading.sha256)) for reading in readings] == [contents(r) for r in readings]

    def test_without_worker_processes_the_error_says_so_and_blames_no_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paths = [write_part(tmp_path / "tune.mid", tune(1))]
        monkeypatch.setattr(ingest_module, "_remember", workers.die)
        with pytest.raises(CorpusError) as raised:
            ingest(paths, LEAD, Cache(tmp_path / "cache", LEAD), workers=1)
        assert str(raised.value) == "no process can be started to read MIDI files"
        assert Cache(tmp_path / "cache", LEAD).known == frozenset()


class Pool:
    """A pool that works in this process and breaks where it is told to."""

    def __init__(self, breaks: Callable[[int], bool], when_read: bool) -> None:  # noqa: FBT001  one test gives both
        self._breaks = breaks
        self._when_read = when_read
        self._submitted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def submit(
        self,
        read: Callable[[tuple[Path, ...], LineSelection], list[Reading]],
        paths: tuple[Path, ...],
        choice: LineSelection,
    ) -> Future[list[Reading]]:
        future: Future[list[Reading]] = Future()
        self._submitted += 1
        if not self._breaks(self._submitted):
            future.set_result(read(paths, choice))
        elif self._when_read:
            future.set_exception(BrokenProcessPool("a worker died"))
        else:
            raise BrokenProcessPool("a worker has died")
        return future


@pytest.mark.parametrize("when_read", [True, False], ids=["while it reads", "before it is asked to"])
@pytest.mark.parametrize("broken", range(1, 9))
def test_after_any_crash_of_the_pool_every_file_is_read_once_and_in_order(
    broken: int,
    when_read: bool,  # noqa: FBT001  pytest gives it
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths = [write_part(tmp_path / f"{number}.mid", tune(number)) for number in range(9)]
    pools = iter([lambda count: count == broken])

    def pool(_workers: int, _known: frozenset[str]) -> Pool:
        return Pool(next(pools, lambda _: False), when_read)

    monkeypatch.setattr(ingest_module, "FILES_AT_ONCE", 1)
    monkeypatch.setattr(ingest_module, "_pool", pool)
    readings = ingest(paths, LEAD, Cache(tmp_path / "cache", LEAD), workers=2)
    assert [contents(reading) for reading in readings] == [contents(read_file(path, LEAD)) for path in paths]
