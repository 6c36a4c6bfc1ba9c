"""A jam that follows a real MIDI clock through real ports; `python -m bench onsets` measures its distance from the beat."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bench.live import jackd_server
from bench.live.onsets import STEP_BEATS, Recording, errors_ms, record
from tests.programs import require_program

FloatArray = npt.NDArray[np.float64]

TEMPO_BPM = 120.0
# PipeWire's default period, and the one at which notes that are not scheduled by frame would be 21 ms off.
CYCLE_FRAMES = 1_024
SECONDS = 24.0
# Scheduled by frame, an onset is hundredths of a millisecond off; a tick is 21 ms. A machine that is too busy for
# JACK's cycles makes some onsets late, never most of them.
TOLERANCE_MS = 1.0
BEATS_IN_A_BAR = 4
# In the last quarter of the time: two onsets a beat, for six seconds.
ONSETS_AFTER = 20


def test_in_fours_it_plays_in_its_own_bars_on_the_beats_of_the_clock() -> None:
    for program in ("jackd", "jack_midi_clock", "jack_transport"):
        require_program(program)
    with jackd_server.running(CYCLE_FRAMES):
        recording = record(TEMPO_BPM, SECONDS, Path(), mode="fours")
    distances_ms = np.abs(errors_ms(recording, TEMPO_BPM)[0])
    assert len(distances_ms) >= 6
    assert np.median(distances_ms) < TOLERANCE_MS, f"{distances_ms}, gaps {recording.gaps}, xruns {recording.xruns}"
    assert set(_bars_of(recording)) == {1}, "every other bar belongs to the partner"


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("before", "after"), [(1_024, 256), (256, 1_024)])
def test_it_stays_on_the_beats_when_the_period_changes_while_it_plays(before: int, after: int) -> None:
    for program in ("jackd", "jack_midi_clock", "jack_transport", "jack_bufsize"):
        require_program(program)

    def recorded() -> Recording:
        with jackd_server.running(before):
            return record(
                TEMPO_BPM, SECONDS, Path(), mode="continuous", at_half_time=lambda: jackd_server.set_period(after)
            )

    def later(recording: Recording) -> FloatArray:
        return np.abs(errors_ms(recording, TEMPO_BPM)[0])[-ONSETS_AFTER:]

    recording = recorded()
    if np.median(later(recording)) >= TOLERANCE_MS and len(recording.xruns):
        # On a machine too busy for JACK's cycles a tick may be lost on its way for good: that says nothing of periods, so once more.
        recording = recorded()
    distances_ms, later_ms = np.abs(errors_ms(recording, TEMPO_BPM)[0]), later(recording)
    assert len(distances_ms) > ONSETS_AFTER
    assert np.median(later_ms) < TOLERANCE_MS, f"{distances_ms}, gaps {recording.gaps}, xruns {recording.xruns}"


def _bars_of(recording: Recording) -> list[int]:
    """For each onset 0 in the player's bars and 1 in the partner's: bars are counted in fours from the first tick."""
    beats = recording.beats_at(recording.onsets[:, 1], TEMPO_BPM)
    return [int((beat + STEP_BEATS / 2) // BEATS_IN_A_BAR) % 2 for beat in beats]
