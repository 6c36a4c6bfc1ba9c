import errno
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.music import tune, write_part
from tests.train.workers import add_two_by_two
from train.corpus.cache import Cache
from train.corpus.reading import LineSelection, Reading, Records, read_file
from train.errors import OutputError

LEAD = LineSelection()


def contents(reading: Reading) -> tuple[object, ...]:
    """All that a reading says, to be compared."""
    signature = None if reading.signature is None else reading.signature.tolist()
    lines = [line.tolist() for line in reading.lines]
    figures = (reading.seconds, reading.tempo_bpm, reading.pitch_classes.tolist())
    return reading.sha256, lines, reading.leads, figures, signature, reading.reason


def readings_of(folder: Path, numbers: Sequence[int], choice: LineSelection = LEAD) -> list[Reading]:
    return [read_file(write_part(folder / f"{number}.mid", tune(number)), choice) for number in numbers]


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> list[Reading]:
    """Two with a line, a broken one, and a whole one without a line."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "broken.mid").write_bytes(b"no music")
    others = [folder / "broken.mid", write_part(folder / "short.mid", tune(3, 12))]
    one, *more = [*readings_of(folder, [1, 2]), *(read_file(path, LEAD) for path in others)]
    return [one, *reversed(more)]


@pytest.fixture(scope="module")
def whole(readings: list[Reading], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of them, which is spoilt and mended."""
    folder = tmp_path_factory.mktemp("cache")
    Cache(folder, LEAD).add(readings)
    return folder


def test_a_reading_is_found_again_complete(readings: list[Reading], tmp_path: Path) -> None:
    Cache(tmp_path, LEAD).add(readings)
    again = Cache(tmp_path, LEAD)
    assert again.known == {reading.sha256 for reading in readings}
    assert [contents(again.get(reading.sha256)) for reading in readings] == [contents(reading) for reading in readings]
    assert all(again.get(reading.sha256).known for reading in readings)


def is_mapped(records: Records) -> bool:
    base: object = records
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    return isinstance(base, np.memmap)


def test_notes_are_memory_mapped(readings: list[Reading], tmp_path: Path) -> None:
    cache = Cache(tmp_path, LEAD)
    cache.add(readings)
    (kept,) = cache.get(readings[0].sha256).lines
    assert is_mapped(kept)


def test_a_new_cache_is_empty(tmp_path: Path) -> None:
    assert Cache(tmp_path / "not" / "there" / "yet", LEAD).known == frozenset()


def test_storing_nothing_writes_no_file(tmp_path: Path) -> None:
    Cache(tmp_path, LEAD).add([])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "other",
    [LineSelection("melodic"), LineSelection(drums=True), LineSelection(time_unit="seconds")],
    ids=["tracks", "drums", "seconds"],
)
def test_readings_of_another_track_choice_are_separate(other: LineSelection, tmp_path: Path) -> None:
    Cache(tmp_path, LEAD).add(readings_of(tmp_path / "files", [1]))
    assert Cache(tmp_path, other).known == frozenset()


def test_the_same_content_is_stored_once(readings: list[Reading], tmp_path: Path) -> None:
    cache = Cache(tmp_path, LEAD)
    cache.add([*readings, *readings])
    once = sorted((path.name, path.stat().st_size) for path in tmp_path.rglob("*.np?"))
    cache.add(readings)
    assert sorted((path.name, path.stat().st_size) for path in tmp_path.rglob("*.np?")) == once
    notes = np.load(next(tmp_path.rglob("*.npy")))
    assert len(notes) == sum(len(line) for reading in readings for line in reading.lines)


def test_of_known_and_new_readings_only_the_new_are_stored(readings: list[Reading], tmp_path: Path) -> None:
    cache = Cache(tmp_path, LEAD)
    cache.add(readings)
    cache.add([*readings, *readings_of(tmp_path / "more", [5])])
    every = sum(len(np.load(path)) for path in tmp_path.rglob("*.npy"))
    assert every == 64 + sum(len(line) for reading in readings for line in reading.lines)


def test_shards_are_added_one_by_one(readings: list[Reading], tmp_path: Path) -> None:
    cache = Cache(tmp_path, LEAD)
    for reading in readings:
        cache.add([reading])
        assert contents(cache.get(reading.sha256)) == contents(reading)
    assert len(list(tmp_path.rglob("*.npz"))) == len(readings)
    assert Cache(tmp_path, LEAD).known == {reading.sha256 for reading in readings}


def test_two_caches_that_add_the_same_content_both_have_it(readings: list[Reading], tmp_path: Path) -> None:
    one, other = Cache(tmp_path, LEAD), Cache(tmp_path, LEAD)
    one.add(readings)
    other.add(readings)
    other.add(readings_of(tmp_path / "more", [5]))
    for cache in (one, other, Cache(tmp_path, LEAD)):
        assert [contents(cache.get(reading.sha256)) for reading in readings] == [contents(r) for r in readings]
    assert len(list(tmp_path.rglob("*.npz"))) == 2


def test_two_processes_may_add_at_the_same_time(tmp_path: Path) -> None:
    readings = readings_of(tmp_path / "files", range(40))
    context = get_context("spawn")
    start = context.Barrier(2)
    # Half of the shards are the same; the others hold the same files in other company.
    shares = [readings, [*readings[:20], *readings[21:], readings[20]]]
    processes = [context.Process(target=add_two_by_two, args=(tmp_path, share, start)) for share in shares]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    cache = Cache(tmp_path, LEAD)
    assert [contents(cache.get(reading.sha256)) for reading in readings] == [contents(reading) for reading in readings]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name.startswith(".")]


def cut(content: bytes, at: int) -> bytes:
    return content[:at]


def flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]


class TestDamage:
    @pytest.mark.parametrize(("kind", "spoil"), [("npz", cut), ("npz", flip), ("npy", cut)])
    @given(part=st.floats(0, 1, exclude_max=True))
    @settings(max_examples=40)
    def test_a_damaged_shard_is_ignored_and_can_be_stored_again(
        self,
        whole: Path,
        readings: list[Reading],
        kind: str,
        spoil: Callable[[bytes, int], bytes],
        part: float,
    ) -> None:
        (file,) = whole.rglob(f"*.{kind}")
        content = file.read_bytes()
        try:
            file.write_bytes(spoil(content, int(part * len(content))))
            spoilt = Cache(whole, LEAD)
            assert spoil is flip or spoilt.known == frozenset()
            spoilt.add(readings)
            for cache in (spoilt, Cache(whole, LEAD)):
                assert [contents(cache.get(reading.sha256)) for reading in readings] == [contents(r) for r in readings]
        finally:
            file.write_bytes(content)

    @pytest.mark.parametrize("kind", ["npz", "npy"])
    def test_a_shard_with_a_missing_file_is_ignored(self, kind: str, readings: list[Reading], tmp_path: Path) -> None:
        Cache(tmp_path, LEAD).add(readings)
        next(tmp_path.rglob(f"*.{kind}")).unlink()
        cache = Cache(tmp_path, LEAD)
        assert cache.known == frozenset()
        cache.add(readings)
        assert Cache(tmp_path, LEAD).known == {reading.sha256 for reading in readings}

    def test_an_index_with_the_notes_of_another_shard_is_ignored(self, readings: list[Reading], tmp_path: Path) -> None:
        cache = Cache(tmp_path, LEAD)
        cache.add(readings)
        (notes,) = tmp_path.rglob("*.npy")
        np.save(notes.with_stem("longer"), np.load(notes).repeat(2))
        notes.with_stem("longer").replace(notes)
        assert Cache(tmp_path, LEAD).known == frozenset()

    def test_other_files_in_the_folder_are_left_alone(self, readings: list[Reading], tmp_path: Path) -> None:
        Cache(tmp_path, LEAD).add(readings)
        folder = next(tmp_path.rglob("*.npz")).parent
        np.savez(folder / "stranger.npz", other=np.zeros(3))
        (folder / "text.npz").write_text("a letter", encoding="utf-8")
        (folder / "folder.npz").mkdir()
        assert Cache(tmp_path, LEAD).known == {reading.sha256 for reading in readings}


class TestNoRoom:
    def test_a_file_in_the_place_of_the_folder_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "cache").touch()
        with pytest.raises(OutputError) as raised:
            Cache(tmp_path / "cache", LEAD)
        told = f"the cache {tmp_path / 'cache'} cannot be written (Not a directory); choose another --cache"
        assert str(raised.value) == told

    def test_a_full_disk_is_an_error_and_leaves_no_part_of_a_shard(
        self, readings: list[Reading], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        cache = Cache(tmp_path, LEAD)
        with monkeypatch.context() as disk:
            disk.setattr(np, "savez", full)
            with pytest.raises(
                OutputError, match=r"\(No space left on device\); make room, or choose another --cache$"
            ):
                cache.add(readings)
        assert cache.known == Cache(tmp_path, LEAD).known == frozenset()
        assert not list(tmp_path.rglob(".*"))
        cache.add(readings)
        assert Cache(tmp_path, LEAD).known == {reading.sha256 for reading in readings}
