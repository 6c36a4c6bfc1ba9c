"""The targets of fuzzing whose files come from other people: music files and packs."""

import hashlib
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from model.approach import APPROACHES, Approach
from model.engines.engine import Engine
from model.engines.network_shape import Hyperparameters
from model.errors import PackError, SeedError
from model.files.midi.midi_reader import read_midi
from model.files.midi.midi_writer import as_midi
from model.files.seed import Seed, read_seed
from model.files.song import Track
from model.files.time_signature import LINE_TOLERANCE_BEATS
from model.pack.card import CARD_FILE, ApproachCard, Card, CardBins, Training
from model.pack.pack import open_pack, sha256_of
from model.pack.weights import save_weights
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary, PitchVocabulary
from server.music.seed_player import as_messages
from tests.fuzz.target import FuzzTarget, Run, check_sentence
from tests.model.files.midi.midi_parts import meter, midi_file, mpe_line, odd_files, plain, tempo, track
from tests.tiny_pack import random_weights
from train.corpus.reading import LineSelection, Reading, read_file
from train.onnx_graph import write_fp32, write_int8

# Music files, as a seed and in training.


def _midi_file_seeds() -> list[bytes]:
    short = [
        midi_file(track(tempo(400_000), meter(3, 2), plain(8)), track(plain(8, channel=9))),
        midi_file(track(plain(5), tempo(600_000), meter(7, 3), plain(3, first=5)), kind=0),
        midi_file(track(plain(6)), division=(256 - 25) << 8 | 40),
        midi_file(track(mpe_line(16))),
    ]
    return [*short, *odd_files(8).values()]


def _open_midi_file(folder: Path, _stack: ExitStack) -> Run:
    """Reads each input as a seed and for training, as `fours export` and `fours train` do: both find the same music."""
    path = folder / "seed.mid"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        reading = read_file(path, LineSelection("merged"))
        assert reading.seconds >= 0.0
        assert all(np.isfinite(line["onset_beats"]).all() for line in reading.lines)
        try:
            seed = read_seed(path)
        except SeedError as error:
            return _check_refusal(error, reading)
        assert (reading.reason, reading.remarks) == ("", seed.remarks)
        assert all(map(len, seed.remarks))
        _check_same_music(seed, reading)
        assert len(list(as_messages(seed.notes))) >= len(seed.notes)
        tracks = [Track("Seed", seed.notes, seed.program)]
        written = as_midi(tracks, seed.tempo_bpm, seed.meter, seed.tempi, seed.meters)
        assert sum(map(len, read_midi(written).parts))
        return None

    return run


def _check_refusal(error: SeedError, reading: Reading) -> None:
    """Checks that training finds no music, either, and gives the same reason if the file cannot be read."""
    assert reading.reason in str(error)
    assert not reading.lines
    check_sentence(error)


def _check_same_music(seed: Seed, reading: Reading) -> None:
    """Checks that the notes of a seed are among those that training reads, except where a line has one note only."""
    learnt = {(pitch, round(onset, 6)) for line in reading.lines for pitch, _, onset, _ in line.tolist()}
    ahead_beats = 0.0 if not reading.bars or not learnt else _pickup_beats(reading)
    heard = {(note.pitch, round(note.onset_beats - ahead_beats, 6)) for note in seed.notes}
    assert len(heard) < 2 or heard <= learnt, "a seed and training read different notes"


def _pickup_beats(reading: Reading) -> float:
    """How far a seed's notes are moved so that the pickup ends at a bar line."""
    if len(reading.bars) < 2 or reading.bars[0][0] > 0.0:
        return 0.0
    (_, pickup), (second, bar) = reading.bars[:2]
    return bar - pickup if abs(second - pickup) <= LINE_TOLERANCE_BEATS and pickup < bar else 0.0


# Packs: one file of a whole pack is replaced, and the card has its hash.

PITCHES = (60, 62, 64)
BINS = TimeBins((0.5, 1.0), (0.75,))
WORDS: dict[Approach, PitchVocabulary | EventVocabulary] = {
    "pitch": PitchVocabulary(PITCHES),
    "event": EventVocabulary(PITCHES, BINS),
}
SHAPE = Hyperparameters(embedding=2, hidden=2, layers=1)
GRAPHS: dict[Approach, str] = {"pitch": "pitch.int8.onnx", "event": "event.fp32.onnx"}
FORBIDDEN_EVENTS = frozenset({
    "compile", "exec", "os.exec", "os.fork", "os.posix_spawn", "os.system", "pickle.find_class", "socket.connect", "subprocess.Popen",
})  # fmt: skip
"""What Python reports of a program that runs code or goes elsewhere: https://docs.python.org/3/library/audit_events.html"""


@cache
def _pack_files() -> dict[str, bytes]:
    """The files of the smallest pack, by name, with all hashes on its card."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[Approach, ApproachCard] = {}
        for approach in APPROACHES:
            weights = random_weights(WORDS[approach].size, SHAPE)
            save_weights(weights, folder / f"{approach}.safetensors")
            (write_int8 if ".int8" in GRAPHS[approach] else write_fp32)(weights, folder / GRAPHS[approach])
            parts[approach] = ApproachCard(
                pitches=PITCHES,
                bins=CardBins(choice="commonest", shifts=BINS.shifts, edges=BINS.edges)
                if approach == "event"
                else None,
                network=SHAPE,
                files={path.name: sha256_of(path) for path in sorted(folder.glob(f"{approach}.*"))},
                training=Training(epochs=0, best_epoch=0, tokens_per_epoch=0, seconds=0.0, random_seed=0),
            )
        (folder / CARD_FILE).write_text(Card(name="smallest", approaches=parts).model_dump_json(), encoding="utf-8")
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _pack_seeds() -> Sequence[bytes]:
    """A byte that says which file is replaced, and the content of that file."""
    return [bytes([number]) + content for number, content in enumerate(_pack_files().values())]


class _Watch:
    """Notes what the program does while a pack is loaded that no loading needs."""

    def __init__(self) -> None:
        self._folder = ""
        self.seen: list[str] = []
        sys.addaudithook(self._on_event)

    def begin(self, folder: Path) -> None:
        self._folder = str(folder)
        self.seen.clear()

    def end(self) -> None:
        self._folder = ""

    def _on_event(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._folder:
            return
        is_file_elsewhere = event == "open" and not os.fspath(arguments[0]).startswith(self._folder)  # type: ignore[call-overload]
        if event in FORBIDDEN_EVENTS or is_file_elsewhere:
            self.seen.append(f"{event}: {arguments!r:.80}")


@cache
def _watch() -> _Watch:
    return _Watch()  # a hook stays as long as the process


def _play_pack(folder: Path, name: str) -> None:
    """Opens a pack and what plays from the file of this name, or all if it is the card, and plays some tokens."""
    pack = open_pack(str(folder))
    for approach in APPROACHES:
        opened: list[Engine] = []
        if name in {CARD_FILE, GRAPHS[approach]}:
            opened.append(pack.engine(approach, "cpu"))
        if name in {CARD_FILE, f"{approach}.safetensors"}:
            opened.append(pack.reference_engine(approach))
        for engine in opened:
            state = engine.initial_state()
            for token in range(min(engine.vocabulary_size, 4)):
                logits, state = engine.step(token, state)
                assert logits.shape == (engine.vocabulary_size,)


def _open_pack(folder: Path, _stack: ExitStack) -> Run:
    files = _pack_files()
    names = list(files)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with np.errstate(all="ignore"):
        _play_pack(folder, CARD_FILE)  # imports what is imported at the first use
    watch = _watch()

    def run(data: bytes) -> None:
        name = names[data[0] % len(names)] if data else CARD_FILE
        before, content = files[name], data[1:]
        path, card = folder / name, folder / CARD_FILE
        path.write_bytes(content)
        if name != CARD_FILE:
            old_hash, new_hash = _sha256(before), _sha256(content)
            card.write_bytes(files[CARD_FILE].replace(old_hash, new_hash))
        watch.begin(folder)
        try:
            with np.errstate(all="ignore"):  # weights may be infinite; what they forecast is checked where it is used
                _play_pack(folder, name)
        except PackError as error:
            check_sentence(error)
        finally:
            watch.end()
            path.write_bytes(before)
            card.write_bytes(files[CARD_FILE])
        assert not watch.seen, watch.seen

    return run


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


MIDI_FILES = FuzzTarget("midi_file", _midi_file_seeds, _open_midi_file, short_run=500)
PACKS = FuzzTarget("pack", _pack_seeds, _open_pack, short_run=200)
