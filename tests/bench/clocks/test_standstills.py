import random

import pytest

from bench.clocks.standstills import PERIODS_FRAMES, worst_ms


@pytest.mark.parametrize("frames", PERIODS_FRAMES)
@pytest.mark.parametrize("tempo_bpm", [97, 174])
def test_two_beats_after_standstills_of_any_length_every_note_is_in_its_place(frames: int, tempo_bpm: int) -> None:
    worst, count = worst_ms(random.Random(frames + tempo_bpm), frames, tempo_bpm)
    assert count > 5
    assert worst < 0.2
