"""The memories of a jam as one file, to start another from; knows no jam.

A `.safetensors`, which loads without running code, with a hash of what it holds. A memory is of one vocabulary, and goes with
every pack that has the same: those of `songbook` and `rock` are one.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from model.approach import Approach
from model.errors import MemoryFileError
from model.memory.backoff import MOST_FOLLOWERS, ORDERS
from model.memory.memory import Memory
from model.memory.memory_mark import BY_INTERVALS, BY_TOKENS
from model.tokens.vocabulary import EventVocabulary, Vocabulary

FORMAT = "1"
Bytes = npt.NDArray[np.uint8]


def save_memories(path: Path, memories: Mapping[Approach, Memory]) -> None:
    """Writes what the memories hold; the file appears whole or not at all.

    Raises MemoryFileError where it cannot be written.
    """
    parts: dict[str, Bytes] = {}
    said = {"format": FORMAT}
    for approach, memory in memories.items():
        said[f"{approach}.vocabulary"] = _fingerprint(memory.vocabulary)
        contexts, followers = zip(*memory.contexts(), strict=True) if len(memory) else ((), ())
        parts |= _packed(f"{approach}.contexts", contexts) | _packed(f"{approach}.followers", followers)
    said["content"] = _content_of(said, parts)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(save(parts, said))
        partial.replace(path)
    except OSError as error:
        raise MemoryFileError(f"what was heard cannot be written to {path} ({error.strerror or error})") from error
    finally:
        partial.unlink(missing_ok=True)


def load_memories(path: Path, memories: Mapping[Approach, Memory]) -> None:
    """Each memory holds what the file has for its approach, in place of what it held; nothing, where the file has nothing.

    Raises MemoryFileError, and leaves all as it was, where the file is missing, broken, or of another vocabulary.
    """
    try:
        with safe_open(path, "numpy") as file:
            said = file.metadata() or {}
            parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dict
    except FileNotFoundError as error:
        raise MemoryFileError(f"there is no {path} to remember from") from error
    except (OSError, SafetensorError) as error:
        raise MemoryFileError(_damaged(path)) from error
    if said.get("format", FORMAT) != FORMAT:
        raise MemoryFileError(f"{path} is of format {said['format']}; this program reads format {FORMAT}")
    if said.get("content") != _content_of(said, parts):
        raise MemoryFileError(_damaged(path))
    found = {approach: _read(path, said, parts, approach, memory) for approach, memory in memories.items()}
    for approach, contexts in found.items():
        memories[approach].remember(contexts)


def _read(
    path: Path, said: Mapping[str, str], parts: Mapping[str, Bytes], approach: Approach, memory: Memory
) -> list[tuple[bytes, bytes]]:
    told = said.get(f"{approach}.vocabulary")
    if told is None:
        return []
    if told != _fingerprint(memory.vocabulary):
        raise MemoryFileError(
            f"{path} was heard with another {approach} vocabulary than this pack's; take the pack it was made with"
        )
    try:
        contexts = _unpacked(parts, f"{approach}.contexts", 1 + ORDERS[-1])
        followers = _unpacked(parts, f"{approach}.followers", MOST_FOLLOWERS)
        if not all(context[:1] in {BY_INTERVALS, BY_TOKENS} for context in contexts):
            raise ValueError("a context is of neither kind")
        return list(zip(contexts, followers, strict=True))
    except (KeyError, ValueError) as error:
        raise MemoryFileError(_damaged(path)) from error


def _damaged(path: Path) -> str:
    return f"{path} is no remembered jam, or is damaged; copy it again, or start without it"


def _content_of(said: Mapping[str, str], parts: Mapping[str, npt.NDArray[np.generic]]) -> str:
    """A hash of all that a file says, but for the hash itself."""
    digest = hashlib.sha256(repr(sorted((name, told) for name, told in said.items() if name != "content")).encode())
    for name in sorted(parts):
        digest.update(f"{name} {parts[name].dtype} {parts[name].shape} ".encode() + parts[name].tobytes())
    return digest.hexdigest()


def _packed(name: str, texts: Sequence[bytes]) -> dict[str, Bytes]:
    return {
        name: np.frombuffer(b"".join(texts), np.uint8),
        f"{name}.lengths": np.array([len(text) for text in texts], np.uint8),
    }


def _unpacked(parts: Mapping[str, Bytes], name: str, longest: int) -> list[bytes]:
    """Raises KeyError where a part is missing, and ValueError where two contradict each other."""
    text, lengths = parts[name].tobytes(), parts[f"{name}.lengths"].flatten().tolist()
    ends = list(accumulate(lengths, initial=0))
    if ends[-1] != len(text) or not all(1 <= length <= longest for length in lengths):
        raise ValueError(f"{name} is not as long as it says")
    return [text[begin:end] for begin, end in pairwise(ends)]


def _fingerprint(vocabulary: Vocabulary) -> str:
    """What its tokens mean, as a hash: the pitches, and the shifts between onsets."""
    shifts = [round(shift, 6) for shift in vocabulary.bins.shifts] if isinstance(vocabulary, EventVocabulary) else []
    return hashlib.sha256(repr((list(vocabulary.pitches), shifts)).encode()).hexdigest()
