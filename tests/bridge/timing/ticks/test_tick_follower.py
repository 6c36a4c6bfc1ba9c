"""Ticks that are delivered in audio buffers; `test_jittering_ticks` has those that are not."""

from collections.abc import Iterable
from itertools import pairwise

import pytest

from bridge.timing.ticks.tick import BufferSide
from bridge.timing.ticks.tick_follower import TickFollower
from tests.bridge.timing.ticks.buffered_streams import delivered, late_by_up_to, steady

BUFFER_S = 1_024 / 48_000
BEAT = 24


def followed(dates_s: Iterable[float], side: BufferSide = "unknown") -> TickFollower:
    follower = TickFollower(side)
    for at_s in dates_s:
        follower.tick(at_s)
    return follower


def off_ms(follower: TickFollower, number: int, meant_s: float) -> float:
    assert follower.line is not None
    return (follower.line.due_s(number) - meant_s) * 1000


@pytest.mark.parametrize("tempo_bpm", [60.0, 97.0, 120.0, 125.0, 140.0, 174.0, 280.0])
@pytest.mark.parametrize("side", ["start", "end"])
def test_with_a_known_side_the_true_line_is_found_in_eight_beats(tempo_bpm: float, side: BufferSide) -> None:
    meant_s = steady(tempo_bpm, 8 * BEAT)
    follower = followed(delivered(meant_s, BUFFER_S, side, delay=late_by_up_to(0.002)), side)
    assert follower.buffer_s == pytest.approx(BUFFER_S, rel=0.001)
    assert follower.number == 8 * BEAT - 1
    assert off_ms(follower, follower.number, meant_s[-1]) == pytest.approx(0.0, abs=1.0)
    assert follower.line is not None
    assert 2.5 / follower.line.interval_s == pytest.approx(tempo_bpm, abs=0.1)


def test_with_an_unknown_side_the_middle_of_the_dates_is_followed() -> None:
    meant_s = steady(97.0, 8 * BEAT)
    for side, half_ms in (("start", -BUFFER_S * 500), ("end", BUFFER_S * 500)):
        follower = followed(delivered(meant_s, BUFFER_S, side))
        assert off_ms(follower, follower.number, meant_s[-1]) == pytest.approx(half_ms, abs=1.0)


@pytest.mark.parametrize("tempo_bpm", [63.0, 97.0, 120.0, 174.0])
@pytest.mark.parametrize("frames", [64, 256, 1_024, 2_048])
def test_ten_minutes_of_a_steady_clock_are_counted_without_loss(tempo_bpm: float, frames: int) -> None:
    count = int(10 * tempo_bpm * BEAT)
    meant_s = steady(tempo_bpm, count)
    follower = followed(delivered(meant_s, frames / 48_000, delay=late_by_up_to(0.0005)), "start")
    assert follower.number == count - 1
    assert off_ms(follower, count - 1, meant_s[-1]) == pytest.approx(0.0, abs=frames / 96 + 1.0)


@pytest.mark.parametrize("new_bpm", [85.0, 92.0, 102.0, 110.0, 140.0])
@pytest.mark.parametrize(("frames", "beats"), [(256, 1), (1_024, 2), (2_048, 2)])
def test_a_step_of_tempo_is_followed_within_one_or_two_beats(new_bpm: float, frames: int, beats: int) -> None:
    first = steady(97.0, 200)
    meant_s = [*first, *steady(new_bpm, (beats + 2) * BEAT, first[-1] + 2.5 / 97.0)]
    follower, buffer_s = TickFollower("start"), frames / 48_000
    for number, at_s in enumerate(delivered(meant_s, buffer_s, delay=late_by_up_to(0.001))):
        follower.tick(at_s)
        if number >= 200 + beats * BEAT:
            assert abs(off_ms(follower, number, meant_s[number])) < buffer_s * 500 + 1.0


@pytest.mark.parametrize("tempo_bpm", [107.7815117, 117.3061426])
def test_a_lost_tick_is_counted_where_exact_dates_are_nearly_a_buffer_apart(tempo_bpm: float) -> None:
    assert followed(at_s for tick, at_s in enumerate(steady(tempo_bpm, 500)) if tick != 310).number == 499


@pytest.mark.parametrize("frames", [256, 1_024])
def test_a_lost_tick_is_counted(frames: int) -> None:
    dates_s = [at_s for tick, at_s in enumerate(delivered(steady(97.0, 500), frames / 48_000)) if tick != 310]
    assert followed(dates_s).number == 499


@pytest.mark.parametrize("stall_ms", [9.0, 17.0, 33.0, 38.0])
@pytest.mark.parametrize("frames", [256, 1_024])
def test_after_a_stall_no_tick_is_counted_as_lost(stall_ms: float, frames: int) -> None:
    meant_s = [at_s + (stall_ms / 1000 if tick >= 310 else 0.0) for tick, at_s in enumerate(steady(97.0, 600))]
    follower = followed(delivered(meant_s, frames / 48_000), "start")
    assert follower.number == 599
    assert off_ms(follower, 599, meant_s[-1]) == pytest.approx(0.0, abs=1.0)


@pytest.mark.parametrize(
    ("tempo_bpm", "rate", "phase", "jitter_s", "side", "seed", "stall_s", "gap"),
    [
        (77.37107743519331, 48_000, 0.3968975398, 0.00025858807, "end", 0.8802636072667511, 0.030586981, 309),
        (101.49993157537556, 96_000, 0.0578662084, 0.00017092933, "start", 0.4404759519700938, 0.026047552, 298),
    ],
)
def test_a_stall_that_was_taken_for_a_lost_tick_is_corrected_when_later_ticks_show_it(
    tempo_bpm: float, rate: int, phase: float, jitter_s: float, side: str, seed: float, stall_s: float, gap: int
) -> None:
    """The stall is a tick long, give or take a twentieth, which four ticks after it do not tell apart."""
    meant_s = [at_s + (stall_s if tick >= gap else 0.0) for tick, at_s in enumerate(steady(tempo_bpm, gap + 12 * BEAT))]
    follower = followed(delivered(meant_s, 1_024 / rate, side, phase, late_by_up_to(jitter_s, seed)))
    assert follower.number == len(meant_s) - 1


@pytest.mark.parametrize("stall_s", [0.004, 0.0123, 0.0311, 0.0587, 60 / 97 / 24 + 0.00025])
def test_with_exact_dates_stalls_and_lost_ticks_are_distinguished(stall_s: float) -> None:
    meant_s = [at_s + (stall_s if tick >= 310 else 0.0) for tick, at_s in enumerate(steady(97.0, 500))]
    assert followed(meant_s).number == 499
    assert followed(at_s for tick, at_s in enumerate(steady(97.0, 500)) if tick not in {310, 311}).number == 499


@pytest.mark.parametrize(("frames", "rate"), [(128, 48_000), (2_048, 48_000), (1_024, 44_100)])
def test_no_tick_is_lost_when_the_buffer_or_rate_changes(frames: int, rate: int) -> None:
    meant_s = steady(97.0, 800)
    dates_s = [
        *delivered(meant_s[:400], 512 / 48_000, delay=late_by_up_to(0.0003)),
        *delivered(meant_s[400:], frames / rate, delay=late_by_up_to(0.0003)),
    ]
    follower = followed(dates_s, "start")
    assert follower.number == 799
    assert off_ms(follower, 799, meant_s[-1]) == pytest.approx(0.0, abs=1.5)


def test_a_wandering_clock_on_a_grid_is_followed() -> None:
    chance = late_by_up_to(0.006, seed=3)
    meant_s, at_s = [], 1.0
    for _ in range(600):
        meant_s.append(at_s)
        at_s += 2.5 / 97.0 - 0.003 + chance()
    follower = followed(delivered(meant_s, 512 / 48_000))
    assert follower.number == 599
    assert abs(off_ms(follower, 599, meant_s[-1])) < 20.0


def test_ticks_with_equal_dates_are_all_counted() -> None:
    dates_s = list(delivered(steady(97.0, 600), BUFFER_S))
    for tick in range(200, 600, 60):
        dates_s[tick : tick + 3] = [dates_s[tick + 2]] * 3
    assert followed(dates_s).number == 599


def test_a_doubled_clock_is_followed_at_its_true_tempo() -> None:
    for frames in (0, 64, 1_024, 2_048):
        meant_s = steady(97.0, 20 * BEAT)
        dates_s = list(delivered(meant_s, frames / 48_000)) if frames else meant_s
        follower = followed((at_s + copy * 0.0004 for at_s in dates_s for copy in (0, 1)), "unknown")
        assert follower.is_doubled
        assert follower.number == 20 * BEAT - 1
        assert follower.line is not None
        assert 2.5 / follower.line.interval_s == pytest.approx(97.0, abs=0.05)


@pytest.mark.parametrize("pairs", [16, 40, 90])
def test_after_some_beats_through_two_cables_with_equal_dates_the_time_between_ticks_is_no_buffer(pairs: int) -> None:
    meant_s = steady(61.75, 600)
    follower = followed(at_s for tick, at_s in enumerate(meant_s) for _ in range(2 if 200 <= tick < 200 + pairs else 1))
    assert follower.buffer_s is None
    assert off_ms(follower, follower.number, meant_s[-1]) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("held_ms", [60.0, 130.0, 250.0])
def test_ticks_that_are_held_up_together_leave_the_beat_where_it_is(held_ms: float) -> None:
    meant_s, follower = steady(213.26, 500), TickFollower("start")
    held_until_s = meant_s[200] + held_ms / 1000
    sent_s = [max(at_s, held_until_s) if number >= 200 else at_s for number, at_s in enumerate(meant_s)]
    for number, at_s in enumerate(delivered(sent_s, BUFFER_S)):
        follower.tick(at_s)
        assert number < 100 or abs(off_ms(follower, number, meant_s[number])) < 2.0
    assert follower.number == 499


def test_when_the_second_cable_is_unplugged_the_clock_is_single_again() -> None:
    meant_s = steady(97.0, 600)
    dates_s = [at_s + copy * 0.0004 for tick, at_s in enumerate(meant_s) for copy in range(2 if tick < 300 else 1)]
    follower = followed(dates_s)
    assert not follower.is_doubled
    assert follower.number == 599


@pytest.mark.parametrize("tempo_bpm", [58.6, 117.19, 117.5, 120.0, 234.4])
def test_two_ticks_in_each_buffer_are_not_taken_for_a_doubled_clock(tempo_bpm: float) -> None:
    follower = followed(delivered(steady(tempo_bpm, 40 * BEAT), 2_048 / 48_000, delay=late_by_up_to(0.001)))
    assert not follower.is_doubled


@pytest.mark.parametrize("at_once", [4, 12, 48])
def test_ticks_that_are_held_up_and_come_at_once_are_not_taken_for_a_doubled_clock(at_once: int) -> None:
    meant_s = steady(120.0, 40 * BEAT)
    held = range(16 * BEAT, 24 * BEAT)
    dates_s = [meant_s[tick - (tick % at_once if tick in held else 0)] for tick in range(len(meant_s))]
    follower = followed(dates_s)
    assert not follower.is_doubled
    assert follower.number == len(meant_s) - 1
    assert off_ms(follower, len(meant_s) - 1, meant_s[-1]) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("slower", [1.0, 1.7])
def test_a_second_cable_is_noticed_after_minutes_with_one(slower: float) -> None:
    meant_s = steady(97.0, 20 * BEAT)
    later_s = [meant_s[-1] + at_s for at_s in steady(97.0 / slower, 20 * BEAT)[1:]]
    follower = followed([*meant_s, *(at_s + copy * 0.0004 for at_s in later_s for copy in (0, 1))])
    assert follower.is_doubled
    assert follower.line is not None
    assert 2.5 / follower.line.interval_s == pytest.approx(97.0 / slower, abs=0.05)


def test_a_clock_that_comes_back_after_a_silence_through_two_cables_at_half_its_tempo_is_doubled() -> None:
    meant_s = steady(120.0, 20 * BEAT)
    later_s = [meant_s[-1] + 3.0 + at_s for at_s in steady(60.0, 20 * BEAT)]
    assert followed([*meant_s, *(at_s + copy * 0.0004 for at_s in later_s for copy in (0, 1))]).is_doubled


def test_a_tick_that_slips_into_another_buffer_at_last_shows_the_buffer_and_moves_the_beat_by_half_of_it() -> None:
    # Ticks are 11 buffers long, less a 280th: for almost seven beats none slips, and the dates look exact.
    buffer_s = 1_024 / 96_000
    meant_s = steady(21.31379047, 14 * BEAT)
    follower, offs_ms = TickFollower("start"), []
    dates_s = delivered(meant_s, buffer_s, phase=0.1614517, delay=late_by_up_to(0.00078377, 0.8241431765227916))
    for number, date_s in enumerate(dates_s):
        follower.tick(date_s)
        offs_ms.append(off_ms(follower, number, meant_s[number]) if number >= BEAT else 0.0)
    assert follower.buffer_s == pytest.approx(buffer_s, rel=0.001)
    moves_ms = [abs(after - before) for before, after in pairwise(offs_ms[BEAT:])]
    # A whole buffer would be a jump of the clock that never was.
    assert max(moves_ms) < 0.65 * buffer_s * 1000


def test_a_buffer_that_a_ticks_length_is_near_to_is_not_found_in_jitter() -> None:
    # Ticks of 23.18 ms are nearly four buffers of 256 frames at 44.1 kHz; the clock's own buffer is 1.33 ms.
    meant_s = steady(107.86552616, 24 * BEAT)
    follower = TickFollower("start")
    delay = late_by_up_to(0.00191248, 0.7679399059950378)
    for number, date_s in enumerate(delivered(meant_s, 128 / 96_000, phase=0.3929266, delay=delay)):
        follower.tick(date_s)
        assert number < 8 * BEAT or abs(off_ms(follower, number, meant_s[number])) < 1.67
        assert (follower.buffer_s or 0.0) < 0.002


def test_a_longer_buffer_is_found_where_a_part_of_it_fitted_first() -> None:
    # Ticks are nearly one buffer long, so that at first the dates fit a quarter of it as well.
    buffer_s = 1_024 / 96_000
    meant_s = steady(236.41113268, 24 * BEAT)
    delay = late_by_up_to(0.00111104, 0.4539887486745299)
    follower = TickFollower("start")
    for number, date_s in enumerate(delivered(meant_s, buffer_s, phase=0.9266403, delay=delay)):
        follower.tick(date_s)
        if number >= 8 * BEAT:
            assert follower.buffer_s == pytest.approx(buffer_s, rel=0.01)
            assert abs(off_ms(follower, number, meant_s[number])) < buffer_s * 500 + 1.0
    assert follower.number == len(meant_s) - 1


@pytest.mark.parametrize("seed", range(3))
def test_the_tempo_stays_within_a_fiftieth_of_a_bpm_after_a_minute_in_long_buffers(seed: int) -> None:
    meant_s = steady(256.44, int(1.5 * 256 * BEAT))
    dates_s = delivered(meant_s, 2_048 / 48_000, phase=0.57, delay=late_by_up_to(0.0019, seed))
    follower, worst_bpm = TickFollower("start"), 0.0
    for number, date_s in enumerate(dates_s):
        follower.tick(date_s)
        if number >= 256 * BEAT:
            assert follower.line is not None
            worst_bpm = max(worst_bpm, abs(2.5 / follower.line.interval_s - 256.44))
    assert worst_bpm < 0.02


def test_windows_that_contradict_each_other_do_not_hold_the_line_for_good() -> None:
    buffer_s = 128 / 44_100
    meant_s = steady(96.18196974, 24 * BEAT)
    delay = late_by_up_to(0.00148656, 0.43748577088674934)
    follower = TickFollower("start")
    for number, date_s in enumerate(delivered(meant_s, buffer_s, phase=0.4600139, delay=delay)):
        follower.tick(date_s)
        if number >= 8 * BEAT:
            assert follower.buffer_s == pytest.approx(buffer_s, rel=0.01)
            assert abs(off_ms(follower, number, meant_s[number])) < buffer_s * 500 + 1.0
    assert follower.number == len(meant_s) - 1


def test_a_lost_tick_and_one_that_came_twice_do_not_make_a_buffer_of_exact_dates() -> None:
    """At 125 bpm and 48 kHz a tick is fifteen times 64 frames, so that all dates lie on a grid of these."""
    tick_s = 960 / 48_000
    numbers = [*range(200), 199, *range(201, 400), *range(401, 440)]
    follower = TickFollower()
    for number in numbers:
        follower.tick(1.0 + number * tick_s)
    assert follower.buffer_s is None
    assert follower.number == 439


def test_a_pause_of_one_cycle_makes_no_buffer_in_which_lost_ticks_are_not_counted() -> None:
    """With a tick of fifteen times 64 frames, a pause of 64 looks like the first tick that slips into another buffer."""
    tick_s, pause_s = 960 / 48_000, 64 / 48_000
    come_through = [*range(300), *range(301, 304), *range(305, 400)]
    follower = followed(1.0 + number * tick_s + (pause_s if number >= 180 else 0.0) for number in come_through)
    assert follower.number == 399


@pytest.mark.parametrize(
    ("tempo_bpm", "frames", "rate", "phase", "jitter_s", "side", "seed"),
    [
        (101.78596137560082, 64, 44_100, 0.3944293630637219, 0.0014595119889571542, "end", 0.6115198646063676),
        (93.81846120026212, 64, 48_000, 0.10310038057946325, 0.0010743155638989707, "end", 0.840217692971709),
        (215.44626468925648, 128, 44_100, 0.7876163195939754, 0.001203573373801708, "end", 0.050499260177568894),
        (286.81833430197355, 128, 44_100, 0.45398004097225064, 0.0008519908004154365, "start", 0.6503559275111581),
    ],
)
def test_with_a_known_side_the_beat_is_near_enough_where_jitter_hides_the_buffer(
    tempo_bpm: float, frames: int, rate: int, phase: float, jitter_s: float, side: BufferSide, seed: float
) -> None:
    """Ticks that stay at one end of a buffer for beats are late, or early, by most of it, and no date shows that there is a buffer."""
    meant_s, buffer_s = steady(tempo_bpm, 24 * BEAT), frames / rate
    follower = TickFollower(side)
    for number, date_s in enumerate(delivered(meant_s, buffer_s, side, phase, late_by_up_to(jitter_s, seed))):
        follower.tick(date_s)
        assert number < 8 * BEAT or abs(off_ms(follower, number, meant_s[number])) <= buffer_s * 500 + 1.0


@pytest.mark.parametrize(
    ("tempo_bpm", "frames", "rate", "jitter_s", "seed"),
    [
        (264.94531439548757, 128, 96_000, 0.0016753223487379581, 0.15341277093142425),
        (188.72428014551576, 64, 48_000, 0.0014362633035536587, 0.06635913103778524),
        (233.3601552679787, 32, 48_000, 0.0005654957818960265, 0.5739818030823766),
        (281.3049766307456, 64, 96_000, 0.00041773217782962904, 0.4441243361619651),
        (120.0, 0, 0, 0.002, 0.5),
    ],
)
def test_the_tempo_stays_within_a_fiftieth_of_a_bpm_after_a_minute_where_jitter_hides_the_buffer(
    tempo_bpm: float, frames: int, rate: int, jitter_s: float, seed: float
) -> None:
    meant_s = steady(tempo_bpm, int(1.5 * tempo_bpm * BEAT))
    delay = late_by_up_to(jitter_s, seed)
    dates_s = delivered(meant_s, frames / rate, delay=delay) if frames else (at_s + delay() for at_s in meant_s)
    follower, worst_bpm = TickFollower(), 0.0
    for number, date_s in enumerate(dates_s):
        follower.tick(date_s)
        if number >= tempo_bpm * BEAT:
            assert follower.line is not None
            worst_bpm = max(worst_bpm, abs(2.5 / follower.line.interval_s - tempo_bpm))
    assert worst_bpm < 0.02


def test_after_minutes_of_a_steady_clock_a_small_step_of_tempo_is_followed_within_two_beats() -> None:
    first = steady(120.0, 60 * BEAT)
    meant_s = [*first, *steady(121.2, 8 * BEAT, first[-1] + 2.5 / 121.2)]
    delay, follower = late_by_up_to(0.001), TickFollower()
    for number, at_s in enumerate(meant_s):
        follower.tick(at_s + delay())
        assert number < 62 * BEAT or abs(off_ms(follower, number, at_s + 0.0005)) < 1.0


@pytest.mark.parametrize(
    ("old_bpm", "share", "frames", "rate", "phase", "jitter_s", "side", "seed", "changed"),
    [
        # A first tick that slips into another buffer before the buffer is found looks like a lost one.
        (105.987157, 1.1, 1_024, 44_100, 0.14470168, 4.936406e-05, "end", 0.383074203312066, 210),
        # The new tempo can be seen only after two thirds of a beat, as ticks are then nearly a buffer long.
        (118.092069, 1.05, 1_024, 48_000, 0.46513911, 0.00024084295, "end", 0.36141281588565843, 209),
        (114.430353, 1.1, 2_048, 96_000, 0.0071507067, 7.5942351e-05, "start", 0.012528109660970954, 192),
        # After a beat the dates fit two lost ticks as well.
        (121.220859, 0.95, 2_048, 48_000, 0.81375239, 8.603731e-05, "start", 0.7408405368910936, 227),
        # The first late ticks are in their windows, as the old tempo put them at the windows' beginning.
        (178.249834, 0.67, 512, 48_000, 0.84885982, 0.0003132024, "end", 0.9003089291715748, 235),
        # The first new interval differs from the old ones by another buffer's length.
        (117.288524, 0.8, 32, 96_000, 0.22068423, 0.00027998, "end", 0.017107598954195002, 192),
        # The old ticks are four buffers apart and the new ones two or three: only the new ones show the buffer.
        (107.740167, 1.9, 256, 44_100, 0.40908989, 0.00028420, "start", 0.790138416950129, 229),
        # There are two old ticks in a buffer and four new ones, which looked like a doubled clock of a tempo between the two.
        (114.5636775, 1.9, 2_048, 44_100, 0.67197611, 0.00028686, "end", 0.5989559133005534, 220),
        # The buffer that was found has another length, with the same remainder of the old interval; when it is dropped, no tick was a copy.
        (100.0216632, 1.5, 64, 44_100, 0.37720706, 0.00042829, "start", 0.03796288013223548, 193),
        # Old and new ticks together are spread over a part of a buffer of 128 frames.
        (172.1738276, 1.25, 32, 96_000, 0.09090512, 0.00020393, "end", 0.4982865561938784, 215),
        # The ticks fit a pause at the old tempo for nearly two beats.
        (120.5603865, 0.95, 2_048, 96_000, 0.28411717, 0.00021196, "start", 0.3008549523940154, 206),
        # Only two ticks have come too early after two beats.
        (175.6782869, 1.05, 2_048, 48_000, 0.81652453, 0.00020652, "end", 0.16386764728071035, 199),
        # After a beat, a single tick in a buffer nearly leaves no line of the old tempo; the next such tick, a beat later, is the first late one.
        (108.6929708056, 0.95, 2_048, 44_100, 0.5680783914, 0.00035199953584715433, "start", 0.0969424245625169, 196),
        # The same with one tick in each buffer.
        (118.202924014, 0.95, 1_024, 48_000, 0.9794358518, 0.00011855935993133926, "start", 0.3630281372670353, 209),
        # The same where only the tick that leaves hardly any line shows the buffer.
        (107.7362445198, 0.95, 1_024, 44_100, 0.513594485, 0.0002510913335276513, "end", 0.1949732372367663, 201),
        # The first tick that slips looks like a lost one, and then like a pause for as long as no other slips.
        (110.3218237903, 0.95, 1_024, 44_100, 0.9438570698, 1.1656018374478939e-05, "start", 0.7859104427614435, 229),
        # Old ticks also fit a buffer of 128 frames at 44.1 kHz, as it leaves the same remainder of them.
        (76.5360767622, 0.8, 128, 48_000, 0.0017775677, 0.00039655251903750904, "end", 0.10706592156459094, 197),
        (153.1515622395, 1.5, 64, 48_000, 0.5894947409, 0.00033807604607522185, "end", 0.8293168703762794, 231),
        (77.3618298053, 0.9, 64, 96_000, 0.8864980134, 0.00023017036204817248, "start", 0.09470470239523054, 196),
        # Old ticks are three buffers long, so that it is unknown; the new ones are not on any line for long without it.
        (78.2034441221, 1.9, 512, 48_000, 0.9292565736, 0.0004436768205269532, "start", 0.836920725274322, 232),
        # Old ticks are three buffers long: after three late ones two are a whole interval late.
        (156.2901218771, 0.8, 256, 48_000, 0.3172092752, 0.0002559609995567683, "end", 0.5096302052843138, 216),
    ],
)
def test_a_step_of_tempo_is_followed_within_two_beats_and_in_short_buffers_within_one(
    old_bpm: float,
    share: float,
    frames: int,
    rate: int,
    phase: float,
    jitter_s: float,
    side: BufferSide,
    seed: float,
    changed: int,
) -> None:
    buffer_s, first = frames / rate, steady(old_bpm, changed)
    meant_s = [*first, *steady(old_bpm * share, 6 * BEAT, first[-1] + 2.5 / old_bpm)]
    follower = TickFollower(side)
    for number, date_s in enumerate(delivered(meant_s, buffer_s, side, phase, late_by_up_to(jitter_s, seed))):
        follower.tick(date_s)
        is_back = number >= changed + (1 if frames <= 256 else 2) * BEAT - 1
        assert not is_back or abs(off_ms(follower, number, meant_s[number])) <= buffer_s * 500 + 1.0
    assert follower.number == len(meant_s) - 1


def test_a_tick_that_slips_into_an_earlier_buffer_shows_the_buffer_at_once() -> None:
    # Ticks are two buffers long, less a 240th, after a step from one buffer; the 57th slips.
    old_bpm, changed, slips = 117.427881111, 206, 57
    first = steady(old_bpm, changed)
    meant_s = [*first, *steady(old_bpm / 2, 4 * BEAT, first[-1] + 2.5 / old_bpm)]
    delay, follower = late_by_up_to(0.0004953090659888074, 0.3011797669446261), TickFollower("end")
    for number, at_s in enumerate(delivered(meant_s, BUFFER_S, "end", 0.2216400908, delay)):
        follower.tick(at_s)
        assert (
            number < changed + slips
            or abs(off_ms(follower, number + 1, meant_s[number] + 5 / old_bpm)) < 1.0 + BUFFER_S * 500
        )


def test_a_new_tempo_whose_first_tick_is_a_buffer_early_makes_no_grid() -> None:
    meant_s = [
        *steady(120.0, 200),
        *steady(2.5 / (2.5 / 120.0 - 1_024 / 96_000), 200, 1.0 + 200 * 2.5 / 120.0 - 1_024 / 96_000),
    ]
    follower = TickFollower()
    for number, at_s in enumerate(meant_s):
        follower.tick(at_s)
        assert number <= 200 or follower.buffer_s is None
    assert follower.number == 399


@pytest.mark.parametrize(
    ("tempo_bpm", "frames", "ticks"),
    [(62.4, 1_024, 0.985), (88.7, 1_024, 2.061), (156.5, 1_024, 1.863), (156.8, 2_048, 3.086)],
)
def test_a_pause_that_passed_for_lost_ticks_is_recognized_when_later_ticks_show_it(
    tempo_bpm: float, frames: int, ticks: float
) -> None:
    pause_s = ticks * 2.5 / tempo_bpm
    meant_s = [at_s + (pause_s if number >= 300 else 0.0) for number, at_s in enumerate(steady(tempo_bpm, 600))]
    follower, most = TickFollower("start"), 0
    for number, at_s in enumerate(delivered(meant_s, frames / 48_000, delay=late_by_up_to(0.0004))):
        follower.tick(at_s)
        most = max(most, follower.number - number)
    assert most >= 1
    assert follower.number == 599
    assert abs(off_ms(follower, 599, meant_s[-1])) <= frames / 48 / 2 + 1.0


@pytest.mark.parametrize(("tempo_bpm", "frames"), [(107.379, 512), (117.435, 512), (97.0, 2_048)])
def test_a_lost_tick_stays_counted_when_later_ticks_have_been_weighed(tempo_bpm: float, frames: int) -> None:
    dates_s = delivered(steady(tempo_bpm, 900), frames / 48_000, delay=late_by_up_to(0.0004))
    follower = followed((at_s for number, at_s in enumerate(dates_s) if number != 300), "start")
    assert follower.number == 899


@pytest.mark.parametrize(
    ("tempo_bpm", "rate", "phase", "jitter_s", "seed", "lost"),
    [
        (93.290819805617, 48_000, 0.6618021350878213, 0.00034949957715612695, 0.9543583710961786, 310),
        (111.86401399265327, 48_000, 0.47213940872049387, 0.00034357162749577494, 0.9226780213517771, 310),
        (67.3294605532031, 44_100, 0.5162136454366192, 0.00036146763666802817, 0.6477710081364028, 303),
    ],
)
def test_a_lost_tick_stays_counted_when_the_buffer_is_found_later(
    tempo_bpm: float, rate: int, phase: float, jitter_s: float, seed: float, lost: int
) -> None:
    meant_s = steady(tempo_bpm, lost + 12 * BEAT)
    dates_s = delivered(meant_s, 32 / rate, "start", phase, late_by_up_to(jitter_s, seed))
    follower = followed(at_s for number, at_s in enumerate(dates_s) if number != lost)
    assert follower.number == len(meant_s) - 1


@pytest.mark.parametrize(
    ("tempo_bpm", "frames", "phase", "pause_after", "pause_ms", "start_after"),
    [
        (58.3, 2_048, 0.98, 336, 50, 528),
        (58.32, 2_048, 0.48, 300, 30, 408),
        (58.4, 2_048, 0.74, 324, 41, 468),
        (57.74, 2_048, 0.93, 192, 43, 252),
        (116.63, 1_024, 0.93, 276, 36, 420),
    ],
)
def test_a_tick_that_slips_after_a_start_is_not_lost_although_a_pause_before_it_hid_the_tempo(
    tempo_bpm: float, frames: int, phase: float, pause_after: int, pause_ms: float, start_after: int
) -> None:
    count = start_after + 12 * BEAT
    pause_s = pause_ms / 1000
    meant_s = [
        at_s + (pause_s if number >= pause_after else 0.0) for number, at_s in enumerate(steady(tempo_bpm, count))
    ]
    follower, at_start = TickFollower("start"), 0
    for number, at_s in enumerate(delivered(meant_s, frames / 48_000, "start", phase)):
        if number == start_after:
            follower.keep_count()
            at_start = follower.number
        follower.tick(at_s)
    assert follower.number - at_start == 12 * BEAT
    assert abs(off_ms(follower, follower.number, meant_s[-1])) <= frames / 48 / 2 + 1.0
