"""A running jam whose MIDI clock is faster or slower than any that is followed, comes in heaps, or comes twice, through real ports."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import running_jackd
from tests.server.jam_process import running_jam
from tests.server.session.scripted_clock import START, TICKS_PER_BEAT, Heard, Script, play

SERVER = "fours-bad-clock"
TEMPO_BPM, STEP_BEATS = 120.0, 0.5
STEP_TICKS = round(STEP_BEATS * TICKS_PER_BEAT)
GRID = ("--approach", "pitch", "--rhythm", "fixed", "--step", str(STEP_BEATS), "--quantize", "1/8")
OPTIONS = ("--mode", "continuous", *GRID)
HEAP_S = 0.1
"""A glide plays at the double tempo at most: two notes are 0.125 s apart then."""
MOST_HEAPS = 2
"""On a busy machine, the server may stand still by itself."""
LONGEST_REST_S = 1.5
LAST_ONSETS = 16
TOLERANCE_MS = 1.0
TOO_FAST_BPM, TOO_SLOW_BPM = 600.0, 10.0
DOUBLED_BPM = 97.0


def off_ms(heard: Heard, ticks: list[int], frames: int) -> float:
    """How far the last onsets are from the ticks of their steps, by the median.

    What goes round from a program on JACK to the jam and back may have a period more than what goes one way.
    """
    steps = np.array(ticks[::STEP_TICKS])
    off = [onset - int(steps[np.argmin(np.abs(steps - onset))]) for onset in heard.onsets if onset < ticks[-1]]
    median = float(np.median(off[-LAST_ONSETS:]))
    return min(abs(median), abs(median - frames)) / heard.rate * 1000


@pytest.mark.parametrize("frames", [256, 1024])
def test_a_clock_that_cannot_be_followed_leaves_the_music_going_on_and_on_its_beat_afterwards(
    tiny_pack: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, frames: int
) -> None:
    script = Script().send(START).tick(12, TEMPO_BPM)
    script.tick(20, TOO_FAST_BPM).tick(10, TEMPO_BPM)
    script.tick(0.5, TOO_SLOW_BPM).tick(10, TEMPO_BPM)
    script.tick(8, TEMPO_BPM, in_one_frame=STEP_TICKS).tick(14, TEMPO_BPM)
    with (
        running_jackd(SERVER, tmp_path_factory, frames, is_realtime=True),
        running_jam(tmp_path, "--pack", str(tiny_pack), *OPTIONS) as jam,
    ):
        heard = play(script, jam.midi_in, jam.midi_out)
        status, printed = jam.stop()
    assert status == 0, printed
    assert printed.count("is not followed: a tempo is 20 to 400 bpm") == 1, printed
    assert "arrives twice" not in printed
    # Before the clock's first tick, the jam plays at a tempo of its own.
    followed = [onset for onset in heard.onsets if onset >= heard.ticks[0]]
    gaps_s = [(later - earlier) / heard.rate for earlier, later in pairwise(followed)]
    assert sum(gap_s < HEAP_S for gap_s in gaps_s) <= MOST_HEAPS, gaps_s
    assert max(gaps_s) < LONGEST_REST_S, gaps_s
    assert heard.onsets[-1] > heard.ticks[-1] - LONGEST_REST_S * heard.rate
    assert off_ms(heard, heard.ticks, frames) < TOLERANCE_MS, heard.onsets


def test_a_clock_that_comes_twice_is_said_once_and_followed_at_its_true_tempo(
    tiny_pack: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    frames = 1024
    script = Script().send(START).tick(24, DOUBLED_BPM, copied_after_s=0.0004)
    with (
        running_jackd(SERVER, tmp_path_factory, frames, is_realtime=True),
        running_jam(tmp_path, "--pack", str(tiny_pack), *OPTIONS) as jam,
    ):
        heard = play(script, jam.midi_in, jam.midi_out)
        status, printed = jam.stop()
    assert status == 0, printed
    assert printed.count("MIDI clock arrives twice") == 1, printed
    step_s = [(later - earlier) / heard.rate for earlier, later in pairwise(heard.onsets[-LAST_ONSETS:])]
    assert np.median(step_s) == pytest.approx(STEP_BEATS * 60 / DOUBLED_BPM, abs=0.001)
    assert off_ms(heard, heard.ticks[::2], frames) < TOLERANCE_MS, heard.onsets
