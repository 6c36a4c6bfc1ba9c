"""A jam beside a real DAW: Debian's Ardour, without its windows, on JACK's dummy driver.

Ardour holds the session: its clock leads the jam, a region of it plays the phrase, and it records the answer. What it
recorded is held against its own bars.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from bench.daw import ardour
from bench.daw.ardour import Ardour, SessionNote
from bench.daw.ardour_session import Region, running_session, split_tracks
from bench.live import jackd_server
from model.files.midi.midi_writer import Track, as_midi
from model.notes import Note
from tests.conftest import Jackd
from tests.programs import require_program
from tests.server.jam_process import PATIENCE_S, RunningJam, running_jam

pytestmark = pytest.mark.timeout(600)  # Ardour alone needs half a minute to start on a busy machine

TEMPO_BPM = 150.0
BEAT_SAMPLES = 60 / TEMPO_BPM * ardour.SAMPLE_RATE
BAR_BEATS = 4
PHRASE_TRACK, ANSWER_TRACK = "To the partner", "From the partner"
PHRASE = [Note(60, 0.0, 0.9, 90), Note(62, 1.0, 0.9, 80), Note(64, 2.0, 0.9, 70), Note(67, 3.0, 0.5, 100)]
ATTEMPTS = 3
"""Cycles that the server misses make notes late that no program could play on time."""
OFF_GRID_BEATS = 0.02
"""Half of the notes must be nearer to the grid than this, 8 ms: far more than they are off, and far less than a beat off."""


@pytest.fixture(scope="module")
def daw(long_cycle_jackd: Jackd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ardour]:
    """Ardour with a session that plays a phrase of one bar in each odd bar, and has a track for the answer."""
    assert long_cycle_jackd.name
    require_program(ardour.PROGRAM)
    folder = tmp_path_factory.mktemp("ardour")
    midi_file = folder / "phrase.mid"
    midi_file.write_bytes(as_midi([Track("Phrase", PHRASE)], TEMPO_BPM))
    phrase = split_tracks(midi_file, folder)[-1]
    regions = [Region(PHRASE_TRACK, phrase, 2 * bar * BAR_BEATS, BAR_BEATS) for bar in range(6)]
    with running_session(folder, (PHRASE_TRACK, ANSWER_TRACK), regions, tempo_bpm=TEMPO_BPM) as program:
        yield program


@pytest.fixture(scope="module")
def jam(daw: Ardour, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJam]:
    """A jam that trades single bars with the session, on a grid of eighths."""
    assert daw.position == 0
    options = ("--pack", str(tiny_pack), "--random-seed", "1", "--mode", "fours", "--turn-bars", "1")
    with running_jam(tmp_path_factory.mktemp("jam"), *options, "--quantize", "1/8") as running:
        require_program("jack_connect")
        for source, target in (
            (ardour.CLOCK_PORT, running.midi_in),
            (f"ardour:{PHRASE_TRACK}/midi_out 1", running.midi_in),
            (running.midi_out, f"ardour:{ANSWER_TRACK}/midi_in 1"),
        ):
            jackd_server.connect(source, target)
        yield running


def test_a_file_of_ours_that_is_put_into_a_session_is_read_note_for_note(daw: Ardour) -> None:
    notes = [note for note in daw.notes(PHRASE_TRACK) if note.onset_beats < BAR_BEATS]
    assert [(note.pitch, note.onset_beats, note.velocity) for note in notes] == [
        (note.pitch, note.onset_beats, note.velocity) for note in PHRASE
    ]
    assert [note.length_beats for note in notes] == pytest.approx([0.9, 0.9, 0.9, 0.5], abs=1 / 480)


def test_the_answer_is_recorded_in_the_partners_bars_and_on_the_grid_and_ends_when_the_song_stops(
    daw: Ardour, jam: RunningJam
) -> None:
    daw.run(f'arm("{ANSWER_TRACK}", true)')
    for _ in range(ATTEMPTS):
        daw.run(f'clear("{ANSWER_TRACK}")')
        recorded = _record(daw)
        # The first turn of the partner may be before the clock has been followed for long enough.
        settled = [note for note in recorded if note.onset_beats > 2 * BAR_BEATS]
        if settled and _are_in_place(settled):
            break
    assert settled
    assert _are_in_place(settled), (recorded, "missed cycles:", daw.run("return session:get_xrun_count()"))
    assert jam.phone.ask("/fours/state").arguments[0] == "listening"
    daw.run(f'arm("{ANSWER_TRACK}", false)')


def _record(daw: Ardour) -> list[SessionNote]:
    """Records eight bars from the beginning of the session; returns what is then on the answer's track."""
    daw.run("locate(0, false)")
    _wait_until(lambda: daw.position == 0)
    daw.run("session:maybe_enable_record(false)")
    daw.run("roll()")
    daw.wait_for(_sample(8))
    _stop(daw)
    _wait_until(lambda: daw.notes(ANSWER_TRACK))
    return daw.notes(ANSWER_TRACK)


def _are_in_place(notes: Sequence[SessionNote]) -> bool:
    """Whether all notes are in the partner's bars, and at least half of them on the grid of eighths."""
    off_grid_beats = [abs(note.onset_beats - round(note.onset_beats * 2) / 2) for note in notes]
    return {_bar(note) % 2 for note in notes} == {1} and statistics.median(off_grid_beats) < OFF_GRID_BEATS


def test_the_jam_goes_with_the_song_to_another_bar(daw: Ardour, jam: RunningJam) -> None:
    # Ardour 7 sends song positions in ticks; that it does, the jam sees where the song goes on from where it was stopped.
    daw.run("roll()")
    daw.wait_for(daw.position + round(4 * BEAT_SAMPLES))
    _stop(daw)
    daw.run("roll()")
    daw.wait_for(daw.position + round(2 * BEAT_SAMPLES))
    daw.run(f"locate({_sample(6)}, true)")
    _wait_until(lambda: _bar_at(daw.position) == 6 and _bar_of(jam) == 7)
    _wait_until(lambda: _bar_at(daw.position) == 7 and _bar_of(jam) == 8)
    _stop(daw)


def _stop(daw: Ardour) -> None:
    daw.run("stop()")
    _wait_until(lambda: daw.run("return tostring(session:transport_stopped())") == "true")


def _sample(bar: int) -> int:
    """The first sample of a bar, counted from 0."""
    return round(bar * BAR_BEATS * BEAT_SAMPLES)


def _bar_at(sample: int) -> int:
    return int(sample / BEAT_SAMPLES / BAR_BEATS)


def _bar(note: SessionNote) -> int:
    """The bar of a note, counted from 0; one that comes a little early belongs to the bar that it is meant for."""
    return int((note.onset_beats + OFF_GRID_BEATS) // BAR_BEATS)


def _bar_of(jam: RunningJam) -> object:
    return jam.phone.ask("/fours/bar").arguments[0]


def _wait_until(is_so: Callable[[], object]) -> None:
    until_s = time.monotonic() + 8 * PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.1)
