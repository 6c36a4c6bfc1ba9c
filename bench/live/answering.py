"""The delay from the last release to the first note of the answer, and from a control's change to the next note.

The alternative is what a simpler program would do: wait for the same gap, run a window of 100 tokens through the
network, then play; and the same again for each change.
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from bench.table import show
from bridge.midi.memory_ports import MemoryOutput
from bridge.midi.messages import NoteOff, NoteOn, encode, parse
from bridge.timing.clock import MonotonicClock
from model.approach import APPROACHES, Approach
from model.engines.network import MusicLSTM
from model.engines.network_shape import Hyperparameters
from model.improvising.improvisers import create_improviser
from model.pack.pack import Pack, open_pack
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.music.music_thread import MusicThread

PHRASES, CHANGES = 20, 60
TEMPO_BPM = 240.0
BEAT_S = 60 / TEMPO_BPM
GAP_BEATS = 0.5
WINDOW = 100
PITCHES = (60, 62, 64, 67, 65, 64, 62, 60)


def run() -> None:
    """Prints how much later than the gap the first note came, and how late the first note after a change was."""
    pack = open_pack(Settings().pack)
    rows = []
    for approach in APPROACHES:
        window_ms = _window_ms(pack.vocabulary(approach).size)
        for what, measure in (
            ("release to first note, past the gap", _first_note_delays),
            ("first note after a change, past its due time", _delays_after_change),
        ):
            our_ms = np.array(measure(pack, approach)) * 1000
            rows.append(
                (approach, what, f"{np.median(our_ms):.2f}", f"{np.percentile(our_ms, 99):.2f}", f"{window_ms:.0f}")
            )
    show(
        "Milliseconds",
        ("approach", "what", "ours, median", "ours, p99", "a window of 100 again, then play, median"),
        rows,
    )


def _window_ms(vocabulary: int) -> float:
    torch.set_num_threads(1)
    network = MusicLSTM(vocabulary, Hyperparameters()).eval()
    tokens = torch.randint(1, vocabulary, (1, WINDOW))
    durations_s = []
    with torch.inference_mode():
        for _ in range(20):
            started_s = time.perf_counter()
            network(tokens)
            durations_s.append(time.perf_counter() - started_s)
    return float(np.median(durations_s)) * 1000


def _first_note_delays(pack: Pack, approach: Approach) -> list[float]:
    late_s: list[float] = []

    def play(music: MusicThread, output: MemoryOutput, clock: MonotonicClock) -> None:
        for _ in range(PHRASES):
            output.sent.clear()
            for pitch in PITCHES:
                music.receive_midi(encode(NoteOn(pitch, 80)), clock.now_s())
                time.sleep(0.02)
                released_s = clock.now_s()
                music.receive_midi(encode(NoteOff(pitch)), released_s)
            time.sleep(GAP_BEATS * BEAT_S + 0.1)
            late_s.append(_onsets(output)[0] - released_s - GAP_BEATS * BEAT_S)
            music.act("stop")

    # Played plainly and at one step, an answer begins with a note.
    settings = Settings(approach=approach, tempo=TEMPO_BPM, answer_after=GAP_BEATS, rhythm="fixed", touch=0.0)
    _run_jam(pack, settings, play)
    return late_s


def _delays_after_change(pack: Pack, approach: Approach) -> list[float]:
    late_s: list[float] = []

    def play(music: MusicThread, output: MemoryOutput, _clock: MonotonicClock) -> None:
        music.act("respond")
        time.sleep(0.3)
        for index in range(CHANGES):
            before = len(_onsets(output))
            music.change("temperature", 0.5 + index / 200)
            while len(_onsets(output)) == before:
                time.sleep(0.001)
            late_s.append(music.lateness_s[-1])

    _run_jam(pack, Settings(approach=approach, tempo=TEMPO_BPM, answer_length=256.0), play)
    return late_s


def _run_jam(pack: Pack, settings: Settings, play: Callable[[MusicThread, MemoryOutput, MonotonicClock], None]) -> None:
    clock = MonotonicClock()
    output = MemoryOutput("bench", clock)
    improvisers = {
        name: create_improviser(pack.engine(name, "cpu"), pack.vocabulary(name), pack.memory(name))
        for name in APPROACHES
    }
    music = MusicThread(Jam(improvisers, settings, random_seed=0), output, clock)
    music.start()
    try:
        play(music, output, clock)
    finally:
        music.stop()


def _onsets(output: MemoryOutput) -> list[float]:
    return [at_s for data, at_s in tuple(output.sent) if isinstance(parse(data), NoteOn)]
