import random
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.calibration.delay import Click, heard_delay, loop_delay
from server.errors import CalibrationError

INTERVAL_S = 0.3
CLICKS = [Click(48 + number, 10.0 + number * INTERVAL_S) for number in range(16)]
BEATS = [Click(84, 10.0 + number * 0.6) for number in range(16)]


def returned(delay_of: Callable[[int], float], lost: Sequence[int] = ()) -> list[tuple[int, float]]:
    """What comes back of the clicks, each after its delay; the lost ones do not."""
    return [(click.pitch, click.sent_s + delay_of(number)) for number, click in enumerate(CLICKS) if number not in lost]


class TestALoop:
    def test_the_offset_is_minus_its_delay(self) -> None:
        delay = loop_delay(CLICKS, returned(lambda _: 0.0213))
        assert (delay.shortest_s, delay.longest_s) == pytest.approx((0.0213, 0.0213))
        assert (delay.measured, delay.sent) == (16, 16)
        assert delay.offset_ms == -21.3

    def test_a_loop_without_delay_needs_no_offset(self) -> None:
        delay = loop_delay(CLICKS, returned(lambda _: -0.00002))
        assert (delay.offset_ms, str(delay.offset_ms)) == (0.0, "0.0")

    def test_the_median_counts_and_so_a_few_late_clicks_change_nothing(self) -> None:
        delay = loop_delay(CLICKS, returned(lambda number: 0.2 if number == 3 else 0.012))
        assert delay.offset_ms == -12.0

    def test_jitter_is_averaged_and_said(self) -> None:
        shuffled = random.Random(4).sample([0.010 + 0.001 * step for step in range(16)], 16)
        delay = loop_delay(CLICKS, returned(lambda number: shuffled[number]))
        assert delay.offset_ms == -17.5
        assert delay.range_text == "8 of 10 between 11.5 and 23.5 ms"

    def test_lost_clicks_do_not_shift_the_others(self) -> None:
        delay = loop_delay(CLICKS, returned(lambda _: 0.012, lost=(0, 5, 6, 15)))
        assert (delay.offset_ms, delay.measured, delay.sent) == (-12.0, 12, 16)

    def test_a_delay_longer_than_the_time_between_two_clicks_is_not_taken_for_a_short_one(self) -> None:
        with pytest.raises(
            CalibrationError, match=r"^The clicks came 310 ms late, and offset_ms makes up for at most 250 ms"
        ):
            loop_delay(CLICKS, returned(lambda _: 0.310))

    def test_with_too_few_clicks_it_is_refused(self) -> None:
        with pytest.raises(CalibrationError, match=r"^Only 11 of 16 clicks came back, which is too few"):
            loop_delay(CLICKS, returned(lambda _: 0.012, lost=range(5)))
        with pytest.raises(CalibrationError, match=r"^Only 0 of 16"):
            loop_delay(CLICKS, [])

    def test_delays_that_differ_too_much_are_refused_with_their_range(self) -> None:
        with pytest.raises(
            CalibrationError,
            match=r"^The delays differ too much \(8 of 10 between 15\.0 and 135\.0 ms; up to 30 ms apart",
        ):
            loop_delay(CLICKS, returned(lambda number: 0.010 * number))

    def test_two_ways_through_the_loop_are_refused_as_either_may_be_the_one_that_is_heard(self) -> None:
        twice = returned(lambda _: 0.0) + returned(lambda _: 0.012)
        with pytest.raises(CalibrationError, match=r"^16 of 16 clicks came back more than once, 12\.0 ms apart"):
            loop_delay(CLICKS, twice)

    def test_two_copies_at_one_moment_are_one_click(self) -> None:
        twice = returned(lambda _: 0.012) + returned(lambda _: 0.0125)
        assert loop_delay(CLICKS, twice).offset_ms == -12.0

    def test_a_key_that_is_played_meanwhile_spoils_only_its_own_click(self) -> None:
        keys = [(CLICKS[4].pitch, CLICKS[4].sent_s - 0.1), (CLICKS[7].pitch, CLICKS[7].sent_s + 0.2), (30, 11.0)]
        delay = loop_delay(CLICKS, returned(lambda _: 0.012) + keys)
        assert (delay.offset_ms, delay.measured) == (-12.0, 15)

    def test_a_track_that_transposes_is_named_as_the_reason(self) -> None:
        with pytest.raises(CalibrationError, match=r"^16 notes came in, but none at the pitch of a click: switch off"):
            loop_delay(CLICKS, [(pitch + 24, at_s) for pitch, at_s in returned(lambda _: 0.012)])

    @given(
        st.lists(st.tuples(st.integers(0, 127), st.floats(0.0, 30.0)), max_size=60),
        st.sets(st.integers(0, 15)),
        st.floats(-0.5, 0.5),
    )
    def test_whatever_comes_in_gives_a_delay_within_reach_or_is_refused(
        self, strangers: list[tuple[int, float]], lost: set[int], delay_s: float
    ) -> None:
        with suppress(CalibrationError):
            delay = loop_delay(CLICKS, strangers + returned(lambda _: delay_s, lost=sorted(lost)))
            assert -0.002 <= delay.shortest_s <= delay.median_s <= delay.longest_s
            assert -250.0 <= delay.offset_ms <= 2.0


class TestByEar:
    def test_the_offset_is_minus_how_late_the_taps_are(self) -> None:
        delay = heard_delay(BEATS, [beat.sent_s + 0.080 for beat in BEATS])
        assert (delay.offset_ms, delay.measured) == (-80.0, 16)

    def test_taps_scatter_and_their_median_counts(self) -> None:
        scatter_s = random.Random(3).sample([0.002 * step for step in range(-8, 8)], 16)
        delay = heard_delay(BEATS, [beat.sent_s + 0.1 + off_s for beat, off_s in zip(BEATS, scatter_s, strict=True)])
        assert delay.offset_ms == -99.0

    def test_a_second_tap_for_a_click_does_not_count(self) -> None:
        taps_s = sorted([beat.sent_s + late_s for beat in BEATS for late_s in (0.06, 0.2)])
        assert heard_delay(BEATS, taps_s).offset_ms == -60.0

    def test_missed_beats_do_not_shift_the_others(self) -> None:
        delay = heard_delay(BEATS, [beat.sent_s + 0.05 for beat in BEATS[::2] + BEATS[1:9:2]])
        assert (delay.offset_ms, delay.measured) == (-50.0, 12)

    def test_with_too_few_taps_it_is_refused(self) -> None:
        with pytest.raises(CalibrationError, match=r"^You tapped with only 3 of 16 clicks, which is too few"):
            heard_delay(BEATS, [beat.sent_s for beat in BEATS[:3]])

    def test_taps_at_random_are_refused(self) -> None:
        chance = random.Random(1)
        with pytest.raises(CalibrationError, match=r"^The delays differ too much .* tap as with a metronome"):
            heard_delay(BEATS, [beat.sent_s + chance.uniform(-0.15, 0.45) for beat in BEATS])

    def test_taps_ahead_of_the_clicks_measure_the_person_and_are_refused(self) -> None:
        with pytest.raises(CalibrationError, match=r"^You tapped 30 ms before the clicks were due"):
            heard_delay(BEATS, [beat.sent_s - 0.030 for beat in BEATS])
