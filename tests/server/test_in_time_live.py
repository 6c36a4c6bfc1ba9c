"""A jam led by a real clock through real ports; how near to the beat it plays is measured by `python -m bench in_time`."""

import numpy as np
import pytest

from bench.live.in_time import STEP_BEATS, TEMPO_BPM, deviations_ms, in_fours, jackd
from tests.programs import require_program

SECONDS = 14.0
# What a machine that does other things, too, may add to a few milliseconds.
NEAR_MS = 40.0


def test_in_fours_it_plays_its_own_bars_on_the_clocks_beats() -> None:
    for program in ("jackd", "jack_midi_clock", "jack_midi_dump", "jack_transport"):
        require_program(program)
    with jackd():
        heard = in_fours(SECONDS)
    _, off_ms = deviations_ms(heard)
    assert len(off_ms) >= 4
    assert np.median(np.abs(off_ms)) < NEAR_MS
    # A bar is four beats of ticks from the first, and the partner has every other one.
    beats = np.interp(heard.onsets_s, heard.ticks_s, np.arange(len(heard.ticks_s))) / 24
    assert {int((beat + STEP_BEATS / 2) // 4) % 2 for beat in beats} == {1}
    assert pytest.approx(60 / np.median(np.diff(heard.ticks_s)) / 24, rel=0.02) == TEMPO_BPM
