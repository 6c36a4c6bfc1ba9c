from collections.abc import Sequence
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.analysis.pulse import FASTEST_BPM, MAX_ONSETS, SLOWEST_BPM, Pulse, find_pulse

# Gaps between onsets in beats, from beat 0 on.
RHYTHMS = {
    "quarters and eighths": (1, 0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1, 0.5, 0.5, 1),
    "eighths with rests": (0.5, 0.5, 2, 0.5, 0.5, 1, 3, 0.5, 0.5, 1, 1),
    "dotted eighths": (0.75, 0.25, 1, 0.75, 0.25, 1, 1, 0.75, 0.25, 0.75, 0.25, 1),
    "triplets": (1, 1 / 3, 1 / 3, 1 / 3, 1, 1 / 3, 1 / 3, 1 / 3, 1, 1, 1 / 3, 1 / 3, 1 / 3, 1),
    "sixteenths": (0.5, 0.25, 0.25, 1, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 1, 0.25, 0.25, 0.5),
    "syncopation": (0.5, 1, 0.5, 1, 1, 0.5, 1, 0.5, 1, 1, 1),
    "a dotted waltz": (1.5, 0.5, 1, 1, 1, 1, 1.5, 0.5, 1, 3),
}


def played(
    gaps: Sequence[float], tempo_bpm: float, at_s: float = 0.0, spread_s: float = 0.0, seed: int = 0
) -> list[float]:
    """Onsets in seconds, with random timing errors of this standard deviation."""
    random = Random(seed)
    return [at_s + beat * 60.0 / tempo_bpm + random.gauss(0.0, spread_s) for beat in accumulate(gaps, initial=0.0)]


def distance_from_beat(pulse: Pulse, beat_s: float) -> float:
    """How far a time is from the nearest beat of the pulse, in beats."""
    beats = (beat_s - pulse.beat_s) * pulse.tempo_bpm / 60.0
    return abs(beats - round(beats))


@pytest.mark.parametrize("tempo_bpm", [84.0, 100.0, 118.0])
@pytest.mark.parametrize("gaps", RHYTHMS.values(), ids=RHYTHMS)
def test_a_phrase_near_the_present_tempo_gives_its_tempo_and_its_beat(
    gaps: tuple[float, ...], tempo_bpm: float
) -> None:
    pulse = find_pulse(played(gaps, tempo_bpm, at_s=7.3), present_bpm=1.04 * tempo_bpm)
    assert pulse is not None
    assert pulse.tempo_bpm == pytest.approx(tempo_bpm, rel=0.002)
    assert distance_from_beat(pulse, 7.3) < 0.02


@pytest.mark.parametrize("name", ["quarters and eighths", "eighths with rests", "dotted eighths", "syncopation"])
def test_a_phrase_gives_its_tempo_without_a_present_tempo(name: str) -> None:
    pulse = find_pulse(played(RHYTHMS[name], 100.0))
    assert pulse is not None
    assert pulse.tempo_bpm == pytest.approx(100.0, rel=0.002)


@pytest.mark.parametrize("gaps", RHYTHMS.values(), ids=RHYTHMS)
def test_timing_errors_of_20_ms_do_not_hide_the_tempo(gaps: tuple[float, ...]) -> None:
    for seed in range(8):
        pulse = find_pulse(played(gaps, 96.0, spread_s=0.020, seed=seed), present_bpm=96.0)
        assert pulse is not None
        assert pulse.tempo_bpm == pytest.approx(96.0, rel=0.03)
        assert distance_from_beat(pulse, 0.0) < 0.15


def test_the_beat_is_the_last_one_before_the_phrase_ends() -> None:
    pulse = find_pulse(played((*RHYTHMS["quarters and eighths"], 1.5), 100.0, at_s=2.0))
    assert pulse is not None
    # The last note is on beat 10 1/2, at 100 bpm.
    assert pulse.beat_s == pytest.approx(2.0 + 10 * 0.6, abs=0.005)


def test_a_chord_is_one_onset() -> None:
    melody = played(RHYTHMS["quarters and eighths"], 90.0)
    chords = sorted(onset + late for onset in melody for late in (0.0, 0.012, 0.025))
    assert find_pulse(chords) == find_pulse(melody)


def test_the_order_of_the_onsets_does_not_matter() -> None:
    onsets = played(RHYTHMS["triplets"], 90.0)
    assert find_pulse(onsets[::-1]) == find_pulse(onsets)


@pytest.mark.parametrize(("present_bpm", "tempo_bpm"), [(70.0, 70.0), (140.0, 140.0)])
def test_of_two_possible_tempi_the_present_one_is_kept(present_bpm: float, tempo_bpm: float) -> None:
    # Quarters at 140 are eighths at 70.
    pulse = find_pulse(played((1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 140.0), present_bpm)
    assert pulse is not None
    assert pulse.tempo_bpm == pytest.approx(tempo_bpm, rel=0.002)


def test_a_present_tempo_that_does_not_fit_is_not_kept() -> None:
    pulse = find_pulse(played(RHYTHMS["dotted eighths"], 100.0), present_bpm=120.0)
    assert pulse is not None
    assert pulse.tempo_bpm == pytest.approx(100.0, rel=0.002)


def test_only_the_latest_onsets_count() -> None:
    at_first = played((1, 0.5, 0.5) * 30, 70.0)
    lately = played(RHYTHMS["quarters and eighths"] * 6, 112.0, at_s=at_first[-1] + 1.0)
    assert len(lately) > MAX_ONSETS
    assert find_pulse(at_first + lately) == find_pulse(lately)


def test_a_regular_phrase_has_a_higher_confidence_than_a_sloppy_one() -> None:
    gaps = RHYTHMS["dotted eighths"]
    regular, sloppy = (find_pulse(played(gaps, 100.0, spread_s=spread_s)) for spread_s in (0.005, 0.035))
    assert regular is not None
    assert sloppy is not None
    assert 0.9 < regular.confidence <= 1.0
    assert sloppy.confidence < regular.confidence


@pytest.mark.parametrize("onsets_s", [[], [1.0], [1.0, 1.5, 2.0], [1.0, 1.01, 1.02, 1.5, 1.51, 2.0]])
def test_fewer_than_four_onsets_have_no_pulse(onsets_s: list[float]) -> None:
    assert find_pulse(onsets_s) is None


def test_random_notes_seldom_have_a_pulse() -> None:
    random = Random(0)
    phrases = [list(accumulate(0.05 + random.expovariate(3.0) for _ in range(20))) for _ in range(40)]
    assert sum(find_pulse(onsets) is not None for onsets in phrases) <= 8


@given(st.lists(st.floats(0, 1000), max_size=100), st.none() | st.floats(20, 400))
def test_any_onsets_give_no_pulse_or_one_within_the_range(onsets_s: list[float], present_bpm: float | None) -> None:
    pulse = find_pulse(onsets_s, present_bpm)
    if pulse is not None:
        assert 0.95 * SLOWEST_BPM < pulse.tempo_bpm < 1.05 * FASTEST_BPM
        assert 0.0 < pulse.confidence <= 1.0
        assert max(onsets_s) - 60.0 / pulse.tempo_bpm - 0.1 < pulse.beat_s < max(onsets_s) + 0.1


@given(st.sampled_from(tuple(RHYTHMS.values())), st.floats(60, 150), st.floats(0, 100_000))
def test_it_does_not_matter_when_a_phrase_is_played(gaps: tuple[float, ...], tempo_bpm: float, at_s: float) -> None:
    now, later = find_pulse(played(gaps, tempo_bpm)), find_pulse(played(gaps, tempo_bpm, at_s))
    assert (now is None) == (later is None)
    if now and later:
        assert later.tempo_bpm == pytest.approx(now.tempo_bpm, rel=1e-4)
