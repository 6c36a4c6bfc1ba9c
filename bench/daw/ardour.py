"""Where Ardour records an answer: its onsets against the session's own grid, beside the same notes played by Ardour's own MIDI track.

For each period, on jackd without sound hardware: Ardour leads by its MIDI clock, its track plays a phrase in every other bar, and
a jam in `fours` answers on a grid of eighths into an armed track. Then the jam does it again with `offset_ms` at minus one
period: what goes round from Ardour to the jam and back has one period more than what goes one way. At last another track
plays the recorded notes, on the grid, into a track that records them, by the same way round.

`FRAMES=256,1024 TEMPO=150 BARS=32 python -m bench ardour`
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.daw.ardour_program import CLOCK_PORT, SAMPLE_RATE, SessionNote
from bench.daw.ardour_rolls import off_grid_ms, record, settle, wire
from bench.daw.ardour_session import Region, running_session, split_tracks
from bench.live import jackd_server
from bench.live.jam_process import running_jam
from bench.table import show
from model.files.midi.midi_writer import as_midi
from model.files.song import Track
from model.notes import Note

FRAMES = tuple(map(int, os.environ.get("FRAMES", "256,1024").split(",")))
TEMPO_BPM = float(os.environ.get("TEMPO", "150"))
BARS = int(os.environ.get("BARS", "32"))
SERVER = "fours-bench-ardour"
BAR_BEATS, STEP_BEATS = 4, 0.5
TO, FROM = "To the partner", "From the partner"
PHRASE = [Note(60, 0.0, 0.9, 90), Note(62, 1.0, 0.9, 80), Note(64, 2.0, 0.9, 70), Note(67, 3.0, 0.5, 100)]
PLAYING = ("--mode", "fours", "--turn-bars", "1", "--approach", "pitch", "--rhythm", "fixed", "--quantize", "1/8")


def run() -> None:
    """Prints the table."""
    rows = []
    for frames in FRAMES:
        with jackd_server.running(frames, SERVER):
            answers, earlier = _answers(frames)
            own = _own_track(answers)
        period_ms = frames / SAMPLE_RATE * 1000
        for what, notes in (
            ("the answer", answers),
            (f"the answer, offset_ms = {-period_ms:.1f}", earlier),
            ("Ardour's own MIDI track", own),
        ):
            rows.append((str(frames), what, *_figures(notes)))
    show(
        f"Onsets as Ardour records them, against the session's eighths, at {TEMPO_BPM:g} bpm",
        ("frames", "played by", "notes", "in the right bars", "median ms", "p99 ms off the median", "worst"),
        rows,
    )


def _answers(frames: int) -> tuple[list[SessionNote], list[SessionNote]]:
    """What Ardour records of the jam, without and with the offset."""
    recorded = []
    with tempfile.TemporaryDirectory() as folder:
        regions = [Region(TO, _file(PHRASE, Path(folder)), bar * BAR_BEATS, BAR_BEATS) for bar in range(0, BARS, 2)]
        with running_session(Path(folder), (TO, FROM), regions, tempo_bpm=TEMPO_BPM) as daw:
            daw.run(f'arm("{FROM}", true)')
            for offset_ms in (0.0, -1000 * frames / SAMPLE_RATE):
                options = ("--osc-port", str(jackd_server.free_udp_port()), "--offset-ms", f"{offset_ms:.3f}")
                with running_jam(
                    Path(), (*PLAYING, *options), '[panel]\non = false\n[takes]\nfolder = "takes"\n'
                ) as jam:
                    midi_in, midi_out = jam.wiring["MIDI in"], jam.wiring["MIDI out"]
                    wire((CLOCK_PORT, midi_in), (_out(TO), midi_in), (midi_out, _in(FROM)))
                    settle(daw, TEMPO_BPM)
                    recorded.append(record(daw, FROM, BARS * BAR_BEATS, TEMPO_BPM))
    return recorded[0], recorded[1]


def _own_track(answers: Sequence[SessionNote]) -> list[SessionNote]:
    """What Ardour records of the same notes, on the grid, from a track of its own."""
    notes = [
        Note(note.pitch, round(note.onset_beats / STEP_BEATS) * STEP_BEATS, 0.4, note.velocity) for note in answers
    ]
    with tempfile.TemporaryDirectory() as folder:
        region = Region(TO, _file(notes, Path(folder)), 0, BARS * BAR_BEATS)
        with running_session(Path(folder), (TO, FROM), [region], tempo_bpm=TEMPO_BPM) as daw:
            daw.run(f'arm("{FROM}", true)')
            wire((_out(TO), _in(FROM)))
            settle(daw, TEMPO_BPM)
            return record(daw, FROM, BARS * BAR_BEATS, TEMPO_BPM)


def _figures(notes: Sequence[SessionNote]) -> tuple[str, ...]:
    off_ms = off_grid_ms(notes, STEP_BEATS, TEMPO_BPM)
    median = float(np.median(off_ms))
    spread_ms = np.abs(off_ms - median)
    bars = [int(round(note.onset_beats / STEP_BEATS) * STEP_BEATS // BAR_BEATS) for note in notes]
    right = sum(bar % 2 for bar in bars)
    p99, worst = np.percentile(spread_ms, [99, 100])
    return (str(len(notes)), str(right), f"{median:+.2f}", f"{p99:.2f}", f"{worst:.2f}")


def _file(notes: Sequence[Note], folder: Path) -> Path:
    midi_file = folder / "notes.mid"
    midi_file.write_bytes(as_midi([Track("Notes", notes)], TEMPO_BPM))
    return split_tracks(midi_file, folder)[-1]


def _out(track: str) -> str:
    return f"ardour:{track}/midi_out 1"


def _in(track: str) -> str:
    return f"ardour:{track}/midi_in 1"
