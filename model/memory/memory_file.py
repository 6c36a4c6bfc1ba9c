"""The memories of a jam as one file, which another jam can start from; knows no jam.

The file is a `.safetensors`, which loads without running code, with a hash of its content. A memory belongs to one
vocabulary, and fits every pack with the same vocabulary: `songbook` and `rock` share theirs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from model.approach import Approach
from model.errors import MemoryFileError
from model.memory.backoff import MAX_FOLLOWERS
from model.memory.context_kinds import LONGEST, ContextKind
from model.memory.memory import Memory
from model.memory.memory_mark import CHORD_PLACE_BYTES, FIRST_TIME_SYMBOL, PLACE_BYTES
from model.tokens.vocabulary import EventVocabulary, Vocabulary
from model.whole_file import write_whole

FORMAT = "2"
"""Files of format 1, by older versions of the program, held contexts without the place in the bar; this version looks
for none of them."""
KINDS_SEPARATOR = "; "
OVER_CHORDS = "note over chords: "
KINDS_SINCE_LISTED = frozenset(("note: 32 steps", "time: 2 steps"))
"""Kinds of contexts that no file holds whose kinds are not listed in it."""
LARGEST_BYTES = 64_000_000
"""Two full memories take some 25 MB."""
Bytes = npt.NDArray[np.uint8]


def save_memories(path: Path, memories: Mapping[Approach, Memory]) -> None:
    """Writes the content of the memories. The file appears whole or not at all.

    Raises MemoryFileError where it cannot be written.
    """
    parts: dict[str, Bytes] = {}
    metadata = {"format": FORMAT}
    for approach, memory in memories.items():
        metadata[f"{approach}.vocabulary"] = _vocabulary_hash(memory.vocabulary)
        metadata[f"{approach}.kinds"] = KINDS_SEPARATOR.join(_kind_names(memory))
        contexts, followers = zip(*memory.contexts(), strict=True) if len(memory) else ((), ())
        parts |= _pack_texts(f"{approach}.contexts", contexts) | _pack_texts(f"{approach}.followers", followers)
    metadata["content"] = _content_hash(metadata, parts)
    try:
        # Synced where it replaces what earlier jams heard. The copy beside a journal is new, and the start waits for it.
        write_whole(path, save(parts, metadata), is_synced=path.exists())
    except OSError as error:
        raise MemoryFileError(f"what was heard cannot be written to {path} ({error.strerror or error})") from error


def load_memories(path: Path, memories: Mapping[Approach, Memory]) -> None:
    """Replaces the content of each memory by what the file holds for its approach, which may be nothing.

    Raises MemoryFileError, and changes no memory, where the file is missing, damaged, or of another vocabulary.
    """
    try:
        size_bytes = path.stat().st_size
        # Opening a pipe of that name would wait without end.
        if not path.is_file() or size_bytes > LARGEST_BYTES:
            raise MemoryFileError(_damaged_message(path))
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    except FileNotFoundError as error:
        raise MemoryFileError(f"there is no memory file {path}") from error
    except (OSError, SafetensorError, TypeError, ValueError, LookupError) as error:  # numpy has not all of its types
        raise MemoryFileError(_damaged_message(path)) from error
    if metadata.get("format", FORMAT) != FORMAT:
        raise MemoryFileError(
            f"{path} is of format {metadata['format']}, which another version of this program wrote; this one reads format {FORMAT}, so "
            f"start without it"
        )
    if metadata.get("content") != _content_hash(metadata, parts):
        raise MemoryFileError(_damaged_message(path))
    found = {approach: _read_contexts(path, metadata, parts, approach, memory) for approach, memory in memories.items()}
    for approach, contexts in found.items():
        memories[approach].load_contexts(contexts)


def words_of(path: Path) -> dict[str, str]:
    """The hash of each vocabulary that a memory file is written in, by the name of its entry; empty if it is no memory file."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
            return {}
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError):
        return {}
    return {name: value for name, value in metadata.items() if name.endswith(".vocabulary")}


def _read_contexts(
    path: Path, metadata: Mapping[str, str], parts: Mapping[str, Bytes], approach: Approach, memory: Memory
) -> list[tuple[bytes, bytes]]:
    vocabulary_hash = metadata.get(f"{approach}.vocabulary")
    if vocabulary_hash is None:
        return []
    here, listed = _kind_names(memory), metadata.get(f"{approach}.kinds")
    if listed is None:  # written before files listed them
        chords = metadata.get(f"{approach}.chord_contexts", "")
        plain = [name for name in here if not name.startswith(OVER_CHORDS) and name not in KINDS_SINCE_LISTED]
        written = [*plain, *(OVER_CHORDS + name for name in chords.split(KINDS_SEPARATOR) if name)]
        expected_hash = _vocabulary_hash(memory.vocabulary, [name.split(": ")[1] for name in plain])
    else:
        written, expected_hash = listed.split(KINDS_SEPARATOR), _vocabulary_hash(memory.vocabulary)
    if vocabulary_hash != expected_hash:
        raise MemoryFileError(
            f"{path} was heard with another {approach} vocabulary than this pack's; use the pack that it was made with"
        )
    try:
        contexts = _unpack_texts(parts, f"{approach}.contexts", 1 + CHORD_PLACE_BYTES + LONGEST)
        followers = _unpack_texts(parts, f"{approach}.followers", MAX_FOLLOWERS)
        # A memory of other contexts takes those that it counts, too.
        index_of = {name: index for index, name in enumerate(here)}
        first_bytes = [None if (index := index_of.get(name)) is None else bytes((index,)) for name in written]
        found = [
            (first + context[1:], followed)
            for context, followed in zip(contexts, followers, strict=True)
            if (first := first_bytes[context[0]]) is not None
        ]
        checks = [_ContextCheck.of(kind, memory.vocabulary) for kind in memory.kinds]
        # A follower that the vocabulary has no token for would take its share of the forecast from all others.
        if not all(checks[context[0]].accepts(context, followed) for context, followed in found):
            raise ValueError("a symbol is outside the vocabulary")
    except (KeyError, IndexError, ValueError) as error:
        raise MemoryFileError(_damaged_message(path)) from error
    return found


@dataclass(frozen=True, slots=True)
class _ContextCheck:
    """The valid form of contexts of one kind: where symbols begin, how many there are, and the end of their range."""

    begin: int
    length: int
    symbols_end: int

    @classmethod
    def of(cls, kind: ContextKind, vocabulary: Vocabulary) -> Self:
        times = vocabulary.size - 1 - len(vocabulary.pitches)
        end = FIRST_TIME_SYMBOL + times if kind.is_transposed else vocabulary.size - 1
        before = CHORD_PLACE_BYTES if kind.has_chord else PLACE_BYTES * kind.has_place
        return cls(1 + before, kind.length, end)

    def accepts(self, context: bytes, followers: bytes) -> bool:
        symbols = context[self.begin :]
        return (
            len(context) == self.begin + self.length
            and max(symbols, default=0) < self.symbols_end
            and max(followers) < self.symbols_end
        )


def _damaged_message(path: Path) -> str:
    return f"{path} is not a memory file, or is damaged; copy it again, or start without it"


def _content_hash(metadata: Mapping[str, str], parts: Mapping[str, npt.NDArray[np.generic]]) -> str:
    """A hash of the whole content of a file, except the hash itself."""
    digest = hashlib.sha256(
        repr(sorted((name, value) for name, value in metadata.items() if name != "content")).encode()
    )
    for name in sorted(parts):
        digest.update(f"{name} {parts[name].dtype} {parts[name].shape} ".encode() + parts[name].tobytes())
    return digest.hexdigest()


def _pack_texts(name: str, texts: Sequence[bytes]) -> dict[str, Bytes]:
    return {
        name: np.frombuffer(b"".join(texts), np.uint8),
        f"{name}.lengths": np.array([len(text) for text in texts], np.uint8),
    }


def _unpack_texts(parts: Mapping[str, Bytes], name: str, longest: int) -> list[bytes]:
    """Raises KeyError where a part is missing, and ValueError where two contradict each other."""
    if not parts[name].dtype == parts[f"{name}.lengths"].dtype == np.uint8:
        raise ValueError(f"{name} is no text")
    text, lengths = parts[name].tobytes(), parts[f"{name}.lengths"].flatten().tolist()
    ends = list(accumulate(lengths, initial=0))
    if ends[-1] != len(text) or not all(1 <= length <= longest for length in lengths):
        raise ValueError(f"{name} is not as long as it says")
    return [text[start:end] for start, end in pairwise(ends)]


def _vocabulary_hash(vocabulary: Vocabulary, *kinds: Sequence[str]) -> str:
    """A hash of what symbols mean: the pitches, and the shifts between onsets; of older files also the kinds of contexts without chords."""
    shifts = [round(shift, 6) for shift in vocabulary.bins.shifts] if isinstance(vocabulary, EventVocabulary) else []
    return hashlib.sha256(repr((list(vocabulary.pitches), shifts, *kinds)).encode()).hexdigest()


def _kind_names(memory: Memory) -> list[str]:
    """The kinds of contexts, in the order of their first bytes, each with what it comes before."""
    backoff = memory.backoff
    parts = ("note: ", backoff.notes), ("time: ", backoff.times), (OVER_CHORDS, backoff.chords)
    return [f"{before}{kind}" for before, trust in parts if trust is not None for kind in trust.kinds]
