"""A jam that follows a real MIDI clock through real ports; `python -m bench in_time` measures its distance from the beat."""

import numpy as np
import pytest

from bench.live.in_time import STEP_BEATS, TEMPO_BPM, deviations_ms, in_fours, jackd
from tests.programs import require_program

SECONDS = 14.0
# The distance is a few milliseconds, and more on a machine that is busy with other things.
TOLERANCE_MS = 40.0


def test_in_fours_it_plays_in_its_own_bars_on_the_beats_of_the_clock() -> None:
    for program in ("jackd", "jack_midi_clock", "jack_midi_dump", "jack_transport"):
        require_program(program)
    with jackd():
        recording = in_fours(SECONDS)
    _, distances_ms = deviations_ms(recording)
    assert len(distances_ms) >= 4
    assert np.median(np.abs(distances_ms)) < TOLERANCE_MS
    # Bars are counted in fours from the first tick, and every other bar belongs to the partner.
    beats = np.interp(recording.onsets_s, recording.ticks_s, np.arange(len(recording.ticks_s))) / 24
    assert {int((beat + STEP_BEATS / 2) // 4) % 2 for beat in beats} == {1}
    assert pytest.approx(60 / np.median(np.diff(recording.ticks_s)) / 24, rel=0.02) == TEMPO_BPM
