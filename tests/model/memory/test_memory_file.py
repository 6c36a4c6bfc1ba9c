import hashlib
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from model.approach import Approach
from model.errors import MemoryFileError
from model.memory.backoff import DEFAULT_BACKOFFS, Backoff, Trust
from model.memory.context_kinds import kind_named
from model.memory.memory import Memory
from model.memory.memory_file import _content_hash, load_memories, save_memories
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from tests.tiny_pack import EVENT_WORDS, PITCHES, VOCABULARIES, random_walk

Memories = dict[Approach, Memory]


def memories(
    vocabularies: dict[Approach, PitchVocabulary | EventVocabulary] = VOCABULARIES, heard: int = 0
) -> Memories:
    made = {approach: Memory(words, DEFAULT_BACKOFFS[approach]) for approach, words in vocabularies.items()}
    for memory in made.values():
        for index, token in enumerate(random_walk(memory.vocabulary.size, heard)):
            memory.hear(token, index % 5 * 12 or None)
    return made


def contents_of(memories_by_approach: Memories) -> dict[Approach, list[tuple[bytes, bytes]]]:
    return {approach: list(memory.contexts()) for approach, memory in memories_by_approach.items()}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "take.memory"
    save_memories(path, memories(heard=200))
    return path


def error_message(path: Path, into: Memories | None = None) -> str:
    into = memories(heard=30) if into is None else into
    before = contents_of(into)
    with pytest.raises(MemoryFileError) as raised:
        load_memories(path, into)
    assert contents_of(into) == before
    assert "\n" not in str(raised.value)
    return str(raised.value)


class TestRoundTrip:
    def test_both_approaches_are_saved_and_loaded(self, saved: Path) -> None:
        read = memories(heard=30)
        load_memories(saved, read)
        assert contents_of(read) == contents_of(memories(heard=200))

    def test_an_empty_memory_is_saved_and_loaded(self, tmp_path: Path) -> None:
        save_memories(tmp_path / "empty", memories())
        read = memories(heard=30)
        load_memories(tmp_path / "empty", read)
        assert contents_of(read) == {"pitch": [], "event": []}

    def test_an_approach_that_the_file_lacks_is_emptied(self, tmp_path: Path) -> None:
        save_memories(tmp_path / "one", {"pitch": memories(heard=50)["pitch"]})
        read = memories(heard=30)
        load_memories(tmp_path / "one", read)
        assert contents_of(read) == {"pitch": contents_of(memories(heard=50))["pitch"], "event": []}

    def test_an_existing_file_is_replaced_and_no_other_file_is_left(self, saved: Path) -> None:
        save_memories(saved, memories(heard=10))
        read = memories()
        load_memories(saved, read)
        assert contents_of(read) == contents_of(memories(heard=10))
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]


class TestBadFile:
    def test_a_missing_file_is_an_error(self, tmp_path: Path) -> None:
        assert error_message(tmp_path / "gone") == f"there is no memory file {tmp_path / 'gone'}"

    @pytest.mark.parametrize("content", [b"", b"MThd", b"PK\x03\x04", b"\x93NUMPY", b"{}"])
    def test_another_kind_of_file_is_an_error(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "other"
        path.write_bytes(content)
        assert error_message(path) == f"{path} is not a memory file, or is damaged; copy it again, or start without it"

    def test_the_weights_of_a_network_are_an_error(self, tiny_pack: Path) -> None:
        path = tiny_pack / "pitch.safetensors"
        assert error_message(path).startswith(f"{path} is not a memory file, or is damaged")

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
    def test_a_file_that_is_cut_off_is_an_error(self, saved: Path, share: float) -> None:
        content = saved.read_bytes()
        saved.write_bytes(content[: int(len(content) * share)])
        assert error_message(saved).startswith(f"{saved} is not a memory file, or is damaged")

    @given(place=st.floats(0.0, 1.0, exclude_max=True), change=st.integers(1, 255))
    def test_a_changed_byte_is_an_error(
        self, tmp_path_factory: pytest.TempPathFactory, place: float, change: int
    ) -> None:
        path = tmp_path_factory.mktemp("changed") / "take.memory"
        save_memories(path, memories(heard=20))
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= change
        path.write_bytes(content)
        error_message(path)

    def test_parts_that_contradict_each_other_are_an_error(self, saved: Path) -> None:
        parts = {name: value for name, value in load_file(saved).items() if name != "event.followers"}
        with safe_open(saved, "numpy") as file:
            said = file.metadata()
        save_file(parts, saved, {**said, "content": _content_hash(said, parts)})
        assert error_message(saved).startswith(f"{saved} is not a memory file, or is damaged")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("pitch.contexts", np.frombuffer(b"x\x00", np.uint8)),
            ("pitch.contexts", np.frombuffer(b"\x00\xff", np.uint8)),
            ("pitch.contexts", np.frombuffer(b"\x01\xff", np.uint8)),
            ("pitch.followers", np.frombuffer(b"\xfe", np.uint8)),
            ("pitch.followers", np.array([1], np.float64)),
            ("pitch.followers.lengths", np.array([1.0])),
            ("pitch.followers.lengths", np.array([255], np.uint8)),
            ("pitch.contexts.lengths", np.array([], np.uint8)),
        ],
    )
    def test_values_that_no_jam_writes_are_an_error_although_the_hash_is_right(
        self, saved: Path, name: str, value: npt.NDArray[np.generic]
    ) -> None:
        with safe_open(saved, "numpy") as file:
            said = file.metadata()
        parts = load_file(saved)
        for part, content in (("contexts", b"\x00\x00"), ("followers", b"\x00")):
            parts[f"pitch.{part}"] = np.frombuffer(content, np.uint8)
            parts[f"pitch.{part}.lengths"] = np.array([len(content)], np.uint8)
        save_file(parts, saved, {**said, "content": _content_hash(said, parts)})
        load_memories(saved, memories())
        parts[name] = value
        save_file(parts, saved, {**said, "content": _content_hash(said, parts)})
        assert error_message(saved).startswith(f"{saved} is not a memory file, or is damaged")

    def test_a_pipe_is_an_error(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "take.memory")
        assert "is not a memory file" in error_message(tmp_path / "take.memory")

    def test_a_file_of_gigabytes_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "take.memory"
        with path.open("wb") as file:
            file.truncate(5_000_000_000)
        assert "is not a memory file" in error_message(path)

    def test_another_format_is_an_error(self, saved: Path) -> None:
        save_file(load_file(saved), saved, {"format": "7"})
        assert error_message(saved) == (
            f"{saved} is of format 7, which another version of this program wrote; this one reads format 2, so start without it"
        )

    def test_a_folder_is_an_error(self, tmp_path: Path) -> None:
        assert error_message(tmp_path).startswith(f"{tmp_path} is not a memory file, or is damaged")

    def test_a_path_that_cannot_be_written_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(
            MemoryFileError, match=r"^what was heard cannot be written to .* \(No such file or directory\)$"
        ):
            save_memories(tmp_path / "no" / "such" / "folder", memories())


class TestOtherContexts:
    def test_a_memory_takes_what_it_counts_too(self, saved: Path) -> None:
        backoff = Backoff(Trust((kind_named("2 pitches"), kind_named("5 pitches")), (1.0, 1.0), 0.5, 0.5))
        other = Memory(VOCABULARIES["pitch"], backoff)
        load_memories(saved, {"pitch": other})
        index = bytes((DEFAULT_BACKOFFS["pitch"].kinds.index(kind_named("2 pitches")),))
        heard = memories(heard=200)["pitch"].contexts()
        assert dict(other.contexts()) == {
            b"\x00" + context[1:]: followers for context, followers in heard if context[:1] == index
        }

    def test_a_file_of_before_contexts_were_listed_is_read(self, saved: Path) -> None:
        with safe_open(saved, "numpy") as file:
            metadata, parts = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
        vocabulary = VOCABULARIES["pitch"]
        kinds = [str(kind) for kind in DEFAULT_BACKOFFS["pitch"].kinds]
        metadata["pitch.vocabulary"] = hashlib.sha256(repr((list(PITCHES), [], kinds)).encode()).hexdigest()
        del metadata["pitch.kinds"]
        del metadata["content"]
        metadata["content"] = _content_hash(metadata, parts)
        save_file(parts, saved, metadata)
        loaded = Memory(vocabulary, DEFAULT_BACKOFFS["pitch"])
        load_memories(saved, {"pitch": loaded})
        assert dict(loaded.contexts()) == dict(memories(heard=200)["pitch"].contexts())


class TestOtherVocabulary:
    def test_other_pitches_are_an_error(self, saved: Path) -> None:
        other = memories({"pitch": PitchVocabulary(PITCHES[1:]), "event": EVENT_WORDS}, heard=30)
        assert error_message(saved, other) == (
            f"{saved} was heard with another pitch vocabulary than this pack's; use the pack that it was made with"
        )

    def test_other_times_are_an_error(self, saved: Path) -> None:
        words = EventVocabulary(PITCHES, TimeBins((0.25, 0.5, 1.0, 3.0), (0.375, 0.75, 1.5)))
        assert error_message(saved, memories({**VOCABULARIES, "event": words}, heard=30)) == (
            f"{saved} was heard with another event vocabulary than this pack's; use the pack that it was made with"
        )
