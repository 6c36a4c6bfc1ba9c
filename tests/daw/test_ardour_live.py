"""A jam beside a real DAW: Debian's Ardour, without its windows, on JACK's dummy driver.

Ardour holds the session: its clock leads the jam, a region of it plays the phrase, and it records the answer. What it
recorded is held against the session's own bars. `python -m bench ardour` measures.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.daw import ardour_program
from bench.daw.ardour_program import Ardour
from bench.daw.ardour_rolls import off_grid_ms, record, settle, wait_until, wire
from bench.daw.ardour_session import Region, running_session, split_tracks
from model.files.midi.midi_writer import Track, as_midi
from model.notes import Note
from tests.conftest import Jackd
from tests.programs import require_program
from tests.server.jam_process import RunningJam, running_jam

pytestmark = pytest.mark.timeout(600)  # Ardour alone needs half a minute to start on a busy machine

TEMPO_BPM = 150.0
BAR_BEATS = 4
BARS = 12
TO, FROM = "To the partner", "From the partner"
PHRASE = [Note(60, 0.0, 0.9, 90), Note(62, 1.0, 0.9, 80), Note(64, 2.0, 0.9, 70), Note(67, 3.0, 0.5, 100)]
STEP_BEATS = 0.5
PERIOD_MS = 1024 / ardour_program.SAMPLE_RATE * 1000
AT_MOST_OFF_MS = 3 * PERIOD_MS
"""Ardour compensates its latencies in whole periods, differently from roll to roll; half of an eighth would be 100 ms."""
ALIKE_MS = 5.0
ATTEMPTS = 3
"""Cycles that a busy machine misses make notes late that no program could play on time."""


@pytest.fixture(scope="module")
def daw(long_cycle_jackd: Jackd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ardour]:
    """Ardour with a session that plays a phrase of one bar in each odd bar, and has a track for the answer."""
    assert long_cycle_jackd.name
    require_program(ardour_program.PROGRAM)
    folder = tmp_path_factory.mktemp("ardour")
    midi_file = folder / "phrase.mid"
    midi_file.write_bytes(as_midi([Track("Phrase", PHRASE)], TEMPO_BPM))
    phrase = split_tracks(midi_file, folder)[-1]
    regions = [Region(TO, phrase, bar * BAR_BEATS, BAR_BEATS) for bar in range(0, BARS, 2)]
    with running_session(folder, (TO, FROM), regions, tempo_bpm=TEMPO_BPM) as program:
        yield program


@pytest.fixture(scope="module")
def jam(daw: Ardour, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJam]:
    """A jam that trades single bars with the session, on a grid of eighths; its clock has been heard."""
    options = ("--pack", str(tiny_pack), "--random-seed", "1", "--mode", "fours", "--turn-bars", "1")
    with running_jam(tmp_path_factory.mktemp("jam"), *options, "--quantize", "1/8") as running:
        wire(
            (ardour_program.CLOCK_PORT, running.midi_in),
            (f"ardour:{TO}/midi_out 1", running.midi_in),
            (running.midi_out, f"ardour:{FROM}/midi_in 1"),
        )
        settle(daw, TEMPO_BPM)
        yield running


def test_a_file_of_ours_that_is_put_into_a_session_is_read_note_for_note(daw: Ardour) -> None:
    notes = [note for note in daw.notes(TO) if note.onset_beats < BAR_BEATS]
    assert [(note.pitch, note.onset_beats, note.velocity) for note in notes] == [
        (note.pitch, note.onset_beats, note.velocity) for note in PHRASE
    ]
    assert [note.length_beats for note in notes] == pytest.approx([0.9, 0.9, 0.9, 0.5], abs=1 / 480)


def test_the_answer_is_recorded_in_the_partners_bars_and_on_the_sessions_grid_and_ends_with_the_song(
    daw: Ardour, jam: RunningJam
) -> None:
    daw.run(f'arm("{FROM}", true)')
    mistakes = []
    for _ in range(ATTEMPTS):
        notes = record(daw, FROM, 8 * BAR_BEATS, TEMPO_BPM)
        places = [round(note.onset_beats / STEP_BEATS) * STEP_BEATS for note in notes]
        bars = {int(place // BAR_BEATS) for place in places}
        off_ms = off_grid_ms(notes, STEP_BEATS, TEMPO_BPM)
        shift_ms = float(np.median(off_ms))
        alike = float(np.mean(np.abs(off_ms - shift_ms) < ALIKE_MS))
        if bars == {1, 3, 5, 7} and abs(shift_ms) <= AT_MOST_OFF_MS and alike >= 0.5:
            break
        mistakes.append((sorted(bars), shift_ms, alike))
    else:
        pytest.fail(f"{mistakes}")
    daw.run(f'arm("{FROM}", false)')
    wait_until(lambda: _state_of(jam) == "listening", "the jam plays on after the song has stopped")
    # What was on the way when the song stopped has an end too.
    assert all(note.length_beats > 0 for note in notes)


def _state_of(jam: RunningJam) -> object:
    return jam.phone.ask("/fours/state").arguments[0]
