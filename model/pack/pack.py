"""`Pack`: two trained networks in a folder. Finds and checks packs, opens engines from them; knows no training.

The folder holds the card, and for each approach the weights (`.safetensors`, fp16) and the same network as a one-step
graph (`.onnx`). Loading a pack runs no code from it. Two packs come with the program, in `model/packs`.
"""

import difflib
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.approach import Approach
from model.defaults import DEFAULT_TEMPO_BPM
from model.engines.device import Device, has_cuda
from model.engines.engine import Engine
from model.engines.numpy_engine import NumpyEngine
from model.engines.onnx_engine import OnnxEngine
from model.errors import PackError, cut_short
from model.harmony.preference.chord_preference import ChordPreference
from model.memory.memory import Memory
from model.named_file import shown_path
from model.pack.card import CARD_FILE, Card, read_card
from model.pack.weights import load_weights
from model.phrasing.phrasing import Phrasing
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary

PACKS_FOLDER = Path(__file__).parents[1] / "packs"
LONGEST_SHOWN_NAME = 200

LARGEST_FILE_BYTES = 512 << 20
"""Seventy times the weights that come with the program. A larger file is not read."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack whose card was read and is consistent. Its weights are read, and checked against the card's hashes, when needed.

    A jam uses five things of a pack, and `DummyPack` has them without any files: `name` and `phrasing`; and for each approach
    `vocabulary`, `memory` and `engine`, which belong together: the engine's tokens are those of the vocabulary, and the
    memory is of the same vocabulary. All of them may be called from any thread. Opening an engine takes some tenths of a
    second, so a running jam does it outside the music thread. What is wrong with a pack is a PackError, in one sentence.
    """

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """The name of its folder, by which a pack is found."""
        return self.folder.resolve().name

    def vocabulary(self, approach: Approach, tempo_bpm: float = DEFAULT_TEMPO_BPM) -> PitchVocabulary | EventVocabulary:
        """The vocabulary that the approach was trained with. Time bins in seconds are converted to beats at `tempo_bpm`.

        Raises PackError where the card contradicts itself.
        """
        return self.card.vocabulary(approach, tempo_bpm)

    def chord_preference(self, approach: Approach) -> ChordPreference | None:
        """What the approach has learnt of notes over chords; None where it has learnt nothing. Raises PackError as `vocabulary` does."""
        return self.card.chord_preference(approach)

    def memory(self, approach: Approach, tempo_bpm: float = DEFAULT_TEMPO_BPM) -> Memory:
        """A new, empty memory for the approach, trusted as far as the card says. Raises PackError as `vocabulary` does."""
        return Memory(self.vocabulary(approach, tempo_bpm), self.card.backoff(approach))

    def phrasing(self) -> Phrasing:
        """What the card says of touch and phrase ends. Raises PackError as `vocabulary` does."""
        return self.card.to_phrasing()

    def weights_file(self, approach: Approach) -> Path:
        """The path of the `.safetensors` file. Raises PackError where the card names none."""
        return self._file(approach, ".safetensors")

    def graph_file(self, approach: Approach) -> Path:
        """The path of the `.onnx` file. Raises PackError where the card names none."""
        return self._file(approach, ".onnx")

    def weights(self, approach: Approach) -> dict[str, npt.NDArray[np.float32]]:
        """The weights by their torch names, in fp32. Raises PackError where the file is missing, damaged or does not fit the card."""
        path = self._verified(self.weights_file(approach))
        try:
            return load_weights(path, self.vocabulary(approach).size, self.card.approaches[approach].network)
        except ValueError as error:
            raise PackError(f"{path} has not this pack's weights: {error}; copy the pack again") from error

    def check_files(self) -> None:
        """Compares every file with its hash on the card. Raises PackError where one is missing, damaged or changed."""
        for part in self.card.approaches.values():
            for name in part.files:
                self._verified(self.folder / name)

    def engine(
        self, approach: Approach, device: Device = "auto", before_step: Callable[[], None] = lambda: None
    ) -> Engine:
        """A new engine, the fastest for the device: a captured CUDA graph where there is a GPU, otherwise ONNX Runtime.

        `before_step` is called before each step that keeps the interpreter for some milliseconds.

        With `auto`, a GPU that cannot run the network (its memory is full, or torch is not built for it) is not used.
        Raises PackError where a file is missing, damaged or does not fit the vocabulary, or where `device` is `cuda` and
        there is no CUDA device, or none that can run the network.
        """
        engine = None if device == "cpu" else self._gpu_engine(approach, is_needed=device == "cuda")
        if engine is None:
            before_step()
            path = self._verified(self.graph_file(approach))
            precision = "int8" if ".int8" in path.suffixes else "fp32"
            engine = OnnxEngine(path, precision, before_step)
        self._check_fit(approach, engine)
        return engine

    def _gpu_engine(self, approach: Approach, *, is_needed: bool) -> Engine | None:
        """An engine on the GPU, or None where there is none that can run the network; then a PackError if `is_needed`."""
        if not has_cuda():
            if is_needed:
                raise PackError("device = cuda, but there is no torch with a CUDA device here; use auto or cpu")
            return None
        from model.engines.torch_engine import TorchEngine

        try:
            return TorchEngine(self.weights(approach), self.card.approaches[approach].network, "cuda")
        except RuntimeError as error:  # torch's class for all that a driver or a device refuses
            if not is_needed:
                return None
            reason = str(error).partition("\n")[0]
            raise PackError(f"device = cuda, but the GPU cannot run the network ({reason}); use auto or cpu") from error

    def reference_engine(self, approach: Approach) -> NumpyEngine:
        """The numpy engine with the same weights, to compare the others with. Raises PackError as `engine` does."""
        engine = NumpyEngine(self.weights(approach))
        self._check_fit(approach, engine)
        return engine

    def _check_fit(self, approach: Approach, engine: Engine) -> None:
        size = self.vocabulary(approach).size
        if engine.vocabulary_size != size:
            raise PackError(
                f"pack {self.name}: the {approach} vocabulary has {size} tokens, but its weights are for "
                f"{engine.vocabulary_size}; train the pack again or copy it again"
            )

    def _file(self, approach: Approach, suffix: str) -> Path:
        for name in self.card.approaches[approach].files:
            if name.endswith(suffix):
                return self.folder / name
        raise PackError(f"pack {self.name}: its card names no {suffix} file for {approach}; train the pack again")

    def _verified(self, path: Path) -> Path:
        """The same path, once the file's hash is the one on the card."""
        expected = next(part.files[path.name] for part in self.card.approaches.values() if path.name in part.files)
        try:
            # Opening a pipe would wait without end, and a device can be read without end.
            if path.exists() and not path.is_file():
                raise PackError(f"pack {self.name}: {path} is no file; copy the pack again")
            if path.stat().st_size > LARGEST_FILE_BYTES:
                raise PackError(f"pack {self.name}: {path} is larger than {LARGEST_FILE_BYTES >> 20} MB; no pack is")
            actual = sha256_of(path)
        except FileNotFoundError as error:
            raise PackError(f"pack {self.name}: {path} is missing; copy the pack again") from error
        except OSError as error:
            raise PackError(f"pack {self.name}: {path} cannot be read: {error.strerror}") from error
        if actual != expected:
            raise PackError(f"pack {self.name}: {path} is cut off or was changed; copy the pack again")
        return path


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def available_packs(folders: tuple[Path, ...] = ()) -> dict[str, Path]:
    """The packs that come with the program and those in `folders`, by name. Of two with one name, the program's own is used."""
    found: dict[str, Path] = {}
    for folder in (PACKS_FOLDER, *folders):
        with suppress(OSError):  # a folder that this user may not read
            for child in sorted(folder.iterdir()) if _is_folder(folder) else ():
                if (child / CARD_FILE).is_file():
                    found.setdefault(child.name, child)
    return found


def find_own_pack(name: str) -> Path | None:
    """The folder of the pack of this name among those that come with the program; None where it is none of them."""
    return available_packs().get(name)


def _is_folder(path: Path) -> bool:
    """Whether there is such a folder; not where the name is one that no file system can have."""
    try:
        return path.is_dir()
    except OSError:  # it is too long, or lies where this user may not look
        return False


def find_pack(name_or_path: str, folders: tuple[Path, ...] = ()) -> Path:
    """The folder of a pack, from its name or its folder. Raises PackError where there is none; the text has the nearest name."""
    own = find_own_pack(name_or_path)
    if own is not None:
        return own  # without a look into `folders`, whose disk may be asleep or gone
    is_path = len(Path(name_or_path).parts) > 1
    found = {} if is_path and _is_folder(Path(name_or_path)) else available_packs(folders)
    folder = found.get(name_or_path)
    if folder is None:
        folder = Path(name_or_path)
        if not _is_folder(folder):
            near = difflib.get_close_matches(name_or_path, found, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(found) or 'none'}"
            raise PackError(
                f"there is no pack named {cut_short(shown_path(name_or_path), LONGEST_SHOWN_NAME)} and no such folder; {hint}"
            )
    return folder


def open_pack(name_or_path: str, folders: tuple[Path, ...] = ()) -> Pack:
    """Opens a pack by its name, or by its folder. Raises PackError as `find_pack` does, and where its card is wrong."""
    folder = find_pack(name_or_path, folders)
    card = read_card(folder)
    pack = Pack(folder, card)
    for approach in card.approaches:
        # So a card that contradicts itself fails now, and not at the first note.
        pack.vocabulary(approach)
        card.backoff(approach)
        card.chord_preference(approach)
    card.to_phrasing()
    return pack
