"""The targets of fuzzing: what is read from ports, sockets and the program's own files."""

import asyncio
import json
import math
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from bridge.errors import BadOsc
from bridge.midi.memory_ports import MemoryOutput
from bridge.midi.messages import ControlChange, NoteOff, NoteOn, encode
from bridge.osc.osc_packets import OscMessage, decode, encode_bundles
from bridge.osc.osc_packets import encode as encode_osc
from bridge.timing.clock import ManualClock
from bridge.timing.timeline import Segment, Timeline
from model.approach import APPROACHES, Approach
from model.errors import MemoryFileError, PackError
from model.memory.backoff import DEFAULT_BACKOFFS
from model.memory.memory import Memory
from model.memory.memory_file import _content_hash, load_memories, save_memories
from model.pack.card import CARD_FILE, read_card
from server.config.config import MidiSection, load
from server.config.kept_offsets import StartOffset
from server.controls.control_store import ControlStore
from server.controls.control_table import CONTROLS, Settings
from server.errors import ConfigError, TakeError
from server.jam.jam import Jam
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.music.music_thread import MusicThread
from server.panel.jam_handle import JamHandle
from server.panel.pages.page_connections import PageConnection, PageConnections
from server.panel.wiring import Wiring
from server.remote.midi_controllers import MidiControllers
from server.remote.midi_learn import MidiLearn
from server.remote.osc_controls import OscControls
from server.takes.journal.record_encoder import RecordEncoder
from server.takes.journal.records import JournalBegun, JournalEnded, Mark, MemoryBegun, MemoryHeard, Record
from server.takes.take_export import journal_as_midi
from server.takes.take_library import TakeLibrary, memory_path
from tests.conftest import CHECKOUT
from tests.fuzz.chart_targets import CHARTS
from tests.fuzz.file_targets import MIDI_FILES, PACKS
from tests.fuzz.target import LONGEST_SENTENCE, FuzzTarget, Run, check_sentence
from tests.server.jams import ScriptedImproviser
from tests.server.music_thread_harness import MusicThreadHarness
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS, random_walk

LONGEST_ERROR = 100_000
SENDER = ("127.0.0.1", 9)
REFUSALS = {"BadValue", "BadOsc", "BadMidi"}


# The configuration.


def _config_seeds() -> list[bytes]:
    whole = (CHECKOUT / "config.toml").read_bytes()
    sections = [part for part in whole.split(b"\n\n") if b"=" in part]
    knobs = b"[midi.cc]\ntempo = { cc = 22, channel = 3 }\nrespond = 67\n[takes]\nfolder = '~/takes'\n"
    return [*sections, knobs, b"\xef\xbb\xbf[osc]\r\nport = 0x1f90\r\ntrust = ['10.0.0.0/8']\r\n"]


def _open_config(folder: Path, _stack: ExitStack) -> Run:
    path = folder / "config.toml"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        try:
            config = load(path).with_values({"osc.port": 8000})
        except ConfigError as error:
            return check_sentence(error, LONGEST_ERROR)
        TakeLibrary(config.takes.data_folder / "none").entries()
        assert config.settings.with_value("tempo", 120.0).tempo == 120.0
        assert config.midi.bindings.by_control is not None
        assert config.effective_osc.is_advertised in {True, False}
        assert config.pack_folders
        return None

    return run


# The panel's WebSocket.


def _websocket_seeds() -> list[bytes]:
    messages: list[dict[str, object]] = [
        {"type": "play", "data": [144, 60, 80]},
        {"type": "play", "data": [176, 64, 127]},
        {"type": "learn", "control": "tempo"},
        {"type": "learn", "control": None},
        {"type": "ping", "sent_ms": 12.5},
    ]
    messages += [{"type": "set", "control": control.name, "value": control.default or 1} for control in CONTROLS]
    return [json.dumps(message).encode() for message in messages]


def _jam(clock: ManualClock) -> MusicThread:
    improvisers = {
        "pitch": ScriptedImproviser("pitch", (60, 62, 64, 65)),
        "event": ScriptedImproviser("event", (72, 74, 76), (1.0, 0.5, 0.5)),
    }
    jam = Jam({"pitch": improvisers["pitch"], "event": improvisers["event"]}, Settings(), 0)
    return MusicThread(jam, MemoryOutput("Synth", clock), clock)


def _run_music(music_thread: MusicThread) -> None:
    """Lets a music thread that is not started handle its inbox."""
    while not music_thread._inbox.empty():
        music_thread._run_once()
    cast("MemoryOutput", music_thread._output).sent.clear()
    assert set(music_thread.faults.counts) <= REFUSALS, music_thread.faults.counts


def _open_websocket(folder: Path, stack: ExitStack) -> Run:
    clock = ManualClock(1000.0)
    music_thread = _jam(clock)
    controls = ControlStore(Settings(), music_thread, {})

    async def connect() -> tuple[PageConnections, MidiControllers]:
        controllers = MidiControllers(
            MidiSection(), controls, music_thread.receive_midi, music_thread.send_control_change, clock
        )
        learn = MidiLearn(controllers.cc_input, folder / "none" / "config.toml")
        wiring = Wiring("Keys", "Synth", "", {}, StartOffset(0.0, "the default"))
        jam = JamHandle(controls, music_thread, clock, wiring, controllers.receive_midi, learn, lambda: ("songbook",))
        return PageConnections(jam), controllers

    runner = stack.enter_context(asyncio.Runner())
    connections, _ = runner.run(connect())
    connected: list[PageConnection] = []

    def run(data: bytes) -> None:
        async def send() -> None:
            if not connected:
                connected.append(connections.connect(lambda: None))
            (connection,) = connected
            clock.advance(1.0)
            connections.receive(connection, data.decode(errors="replace"))
            connections.receive(connection, data)
            while not connection.outbox.empty():
                assert len(connection.outbox.get_nowait()) < LONGEST_ERROR
            if data.startswith(b"{}"):  # connects another page now and then
                connections.disconnect(connected.pop())

        runner.run(send())
        assert not connections.faults.counts, connections.faults.counts
        _run_music(music_thread)

    return run


# OSC.


def _osc_seeds() -> list[bytes]:
    plain = [OscMessage(control.address, (control.default,)) for control in CONTROLS if control.default is not None]
    others = [
        *(OscMessage(control.address, (1.0,)) for control in CONTROLS if control.default is None),
        OscMessage("/fours/tempo/norm", (0.5,)),
        OscMessage("/fours/key/D_dorian", (1,)),
        OscMessage("/fours/sync"),
        OscMessage("/fours/state"),
        OscMessage("/fours/record", (True,)),
    ]
    return [*map(encode_osc, [*plain, *others]), *encode_bundles(plain[:8])]


def _open_osc(_folder: Path, _stack: ExitStack) -> Run:
    clock = ManualClock(1000.0)
    music_thread = _jam(clock)
    osc = OscControls(ControlStore(Settings(), music_thread, {}), clock, 9000, ("songbook", "rock"))

    def run(data: bytes) -> None:
        clock.advance(0.01)
        try:
            messages = decode(data)
        except BadOsc as error:
            return check_sentence(error)
        for message in messages:
            for reply in osc.handle(message, SENDER):
                assert len(encode_osc(reply)) < 3 * LONGEST_SENTENCE
        for values, widgets, _ in osc.take_updates():
            assert all(map(encode_osc, values))
            assert list(encode_bundles(widgets)) is not None
        assert set(osc.faults.counts) <= REFUSALS, osc.faults.counts
        return _run_music(music_thread)

    return run


# MIDI bytes, as a port delivers them.


def _midi_seeds() -> list[bytes]:
    return [
        encode(NoteOn(60, 80)) + encode(NoteOff(60)) + encode(ControlChange(64, 127)) + encode(ControlChange(64, 0)),
        encode(NoteOn(72, 1, 15)) + encode(NoteOn(76, 127, 2)) + encode(ControlChange(123, 0, 15)),
        b"\xfa\xf8\xf8\xf2\x10\x20\xfb\xf8\xfc\xfe\xf1\x23",
        b"\xf0\x7d\x01\x02\xf7\xc0\x05\xe0\x00\x40\xd0\x22\xa0\x3c\x11",
    ]


def _split(data: bytes) -> Iterator[bytes]:
    """Splits bytes into messages, each starting with its status byte."""
    start = 0
    for place in range(1, len(data) + 1):
        if place == len(data) or data[place] >= 0x80:
            yield data[start:place]
            start = place


def _open_midi(_folder: Path, _stack: ExitStack) -> Run:
    harness = MusicThreadHarness()

    def run(data: bytes) -> None:
        for number, message in enumerate(_split(data)):
            harness.clock.advance(0.001 * (number % 50))
            harness.music_thread.receive_midi(message, harness.clock.now_s())
        _run_music(harness.music_thread)
        harness.let_pass(0.5)
        harness.output.sent.clear()
        assert set(harness.music_thread.faults.counts) <= REFUSALS, harness.music_thread.faults.counts

    return run


# Journals: lines with valid checksums.


def _records() -> list[Record]:
    timeline = Timeline.start(120.0, 0.0)
    return [
        JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0),
        SettingChanged("temperature", 0.9, 0.0, 0.0),
        MemoryBegun("pitch", PITCH_WORDS.pitches, (), keeps_content=True),
        MemoryBegun("event", EVENT_WORDS.pitches, EVENT_WORDS.bins.shifts, keeps_content=False),
        TimelineChanged(timeline, "playing", "midi", 0.0),
        MessageReceived(NoteOn(60, 80), 1.25, 2.5),
        MessageReceived(ControlChange(64, 127, 3), 1.3, 2.6),
        MessageReceived(NoteOff(60), 1.5, 3.0),
        MemoryHeard("pitch", 0, (3, 4, 5, -3), (0, 12, None, 36)),
        MemoryHeard("event", 0, (3, 40, 5, 41), (0, 0, 24, 24)),
        TimelineChanged(timeline.steered(Segment(1.6, 3.5, 100.0), 1.6), "free", "internal", 1.6),
        ActionRequested("capture", 1.6, 3.2),
        MessagePlayed(NoteOn(72, 81, 15), 2.0, 4.0),
        MemoryHeard("pitch", 2, (7, 8), (None, None), (b"", bytes((0, 0, 7, 1, 12)))),
        MessagePlayed(NoteOff(72, 15), 2.5, 5.0),
        JournalEnded(3.0, 1, 1, (Mark("capture", 1.25, 1.5), Mark("record", 2.0, 3.0))),
    ]


def _journal_seeds() -> list[bytes]:
    """Returns the texts of the lines, without their checksums."""
    encoder = RecordEncoder()
    lines = [encoder.encode(record)[9:] for record in _records()]
    return [b"".join(lines), b"".join(lines[:-1]), *lines[4:]]


def _open_journal(folder: Path, _stack: ExitStack) -> Run:
    path = folder / "2026-02-03-201500.jam"
    library = TakeLibrary(folder)
    encoder = RecordEncoder()
    # Recovering memories takes most of the time, so only inputs with memory records have any.
    whole = b"".join(
        encoder.encode(record) for record in _records()[:-1] if not isinstance(record, MemoryBegun | MemoryHeard)
    )

    def run(data: bytes) -> None:
        lines = [b"%08x %s\n" % (zlib.crc32(text), text) for text in data.split(b"\n") if text]
        path.write_bytes(whole + b"".join(lines))
        memory_path(path).unlink(missing_ok=True)
        library.repair()
        for entry in library.entries():
            assert math.isfinite(entry.summary.at_s)
            try:
                assert journal_as_midi(entry.path).startswith(b"MThd")
                assert journal_as_midi(entry.path, 1)
            except TakeError as error:
                check_sentence(error)

    return run


# Memory files with valid hashes.


def _memories(heard: int) -> dict[Approach, Memory]:
    made: dict[Approach, Memory] = {
        "pitch": Memory(PITCH_WORDS, DEFAULT_BACKOFFS["pitch"]),
        "event": Memory(EVENT_WORDS, DEFAULT_BACKOFFS["event"]),
    }
    for memory in made.values():
        for token in random_walk(memory.vocabulary.size, heard):
            memory.hear(token)
    return made


PART_NAMES = tuple(
    f"{approach}.{part}" for approach in APPROACHES for part in ("contexts", "contexts.lengths", "followers", "followers.lengths")
)  # fmt: skip
SEPARATOR = b"\xf5\xf6"


def _memory_seeds() -> list[bytes]:
    """Returns the parts of memory files, joined by a separator."""
    seeds = []
    for heard in (1, 5, 20):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "take.memory"
            save_memories(path, _memories(heard))
            with safe_open(path, "numpy") as file:
                seeds.append(SEPARATOR.join(file.get_tensor(name).tobytes() for name in PART_NAMES))
    return seeds


def _open_memory(folder: Path, _stack: ExitStack) -> Run:
    path = folder / "take.memory"
    save_memories(path, _memories(3))
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    memories = _memories(0)

    def run(data: bytes) -> None:
        texts = data.split(SEPARATOR)
        parts = {name: np.frombuffer(text, np.uint8) for name, text in zip(PART_NAMES, texts, strict=False)}
        path.write_bytes(save(parts, {**metadata, "content": _content_hash(metadata, parts)}))
        try:
            load_memories(path, memories)
        except MemoryFileError as error:
            return check_sentence(error)
        for memory in memories.values():
            network = np.full(memory.vocabulary.size, 1.0 / memory.vocabulary.size)
            for token in range(1, min(memory.vocabulary.size, 9)):
                memory.hear(token)
                mixed = memory.mix(network, 1.0)
                assert math.isclose(mixed.probabilities.sum(), 1.0, abs_tol=1e-9)
        return None

    return run


# Cards of packs.


def _card_seeds() -> list[bytes]:
    cards = [path.read_bytes() for path in sorted((CHECKOUT / "model" / "packs").glob(f"*/{CARD_FILE}"))]
    slim = []
    for content in cards:
        tree = json.loads(content)
        tree["corpora"] = tree["corpora"][:1]
        for part in tree["approaches"].values():
            part["training"]["history"], part["held_out"] = [], {}
        slim.append(json.dumps(tree).encode())
    return slim


def _open_card(folder: Path, _stack: ExitStack) -> Run:
    path = folder / CARD_FILE

    def run(data: bytes) -> None:
        path.write_bytes(data)
        try:
            card = read_card(folder)
            for approach in card.approaches:
                vocabulary = card.vocabulary(approach)
                memory = Memory(vocabulary, card.backoff(approach))
                memory.hear(1)
                memory.hear(1)
                mixed = memory.mix(np.full(vocabulary.size, 1.0 / vocabulary.size), 0.5)
                assert math.isclose(mixed.probabilities.sum(), 1.0, abs_tol=1e-9)
        except PackError as error:
            check_sentence(error)

    return run


TARGETS = (
    FuzzTarget("config", _config_seeds, _open_config),
    FuzzTarget("websocket", _websocket_seeds, _open_websocket),
    FuzzTarget("osc", _osc_seeds, _open_osc),
    FuzzTarget("midi", _midi_seeds, _open_midi, short_run=500),
    FuzzTarget("journal", _journal_seeds, _open_journal, short_run=150),
    FuzzTarget("memory", _memory_seeds, _open_memory),
    FuzzTarget("card", _card_seeds, _open_card),
    CHARTS,
    MIDI_FILES,
    PACKS,
)
