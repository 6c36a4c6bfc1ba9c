from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clocks.standstills import ServerLoop
from bridge.midi.jack.jack_frames import (
    DISTRUST_S,
    MAX_LATENESS_S,
    MAX_QUEUE_LENGTH,
    TRUST_AGAIN_AFTER_S,
    TRUST_AGAIN_S,
    Cycle,
    CycleDates,
    Latency,
    SendQueue,
)

RATE = 48_000
FRAMES = 256
PERIOD_S = FRAMES / RATE
ON, OFF = bytes([0x90, 60, 100]), bytes([0x80, 60, 0])


def cycle(number: int, frames: int = FRAMES) -> Cycle:
    """The cycle of this number, of a server that started at second 0."""
    return Cycle(number * frames / RATE, frames, 1 / RATE)


def take_cycle(queue: SendQueue, number: int, latency_s: float = PERIOD_S) -> list[tuple[int, bytes]]:
    return list(queue.take(cycle(number), latency_s))


class TestCycle:
    def test_the_second_of_an_offset_converts_back_to_the_offset(self) -> None:
        second = cycle(3).second_of(100)
        assert second == pytest.approx((3 * FRAMES + 100) / RATE)
        assert cycle(3).offset_of(second) == 100

    @pytest.mark.parametrize(("at_s", "offset"), [(0.0, 0), (99.0, FRAMES - 1)])
    def test_a_second_outside_the_cycle_is_at_its_first_or_last_frame(self, at_s: float, offset: int) -> None:
        assert cycle(3).offset_of(at_s) == offset


class TestCycleDates:
    def date(self, dates: CycleDates, number: int, *, by_jack_s: float, started_late_s: float = 0.0) -> Cycle:
        now_s = number * PERIOD_S + started_late_s
        return dates.date(number, number * FRAMES, FRAMES, RATE, by_jack_s, now_s)

    def test_jacks_dates_are_used_where_cycles_start_at_about_that_time(self) -> None:
        dates = CycleDates()
        for number in range(1, 100):
            by_jack_s = number * PERIOD_S - 0.00005
            assert (
                self.date(dates, number, by_jack_s=by_jack_s, started_late_s=0.003 * (number % 4)).starts_s == by_jack_s
            )

    def test_the_starts_of_cycles_are_used_where_jacks_dates_are_wrong_as_after_an_overrun(self) -> None:
        dates = CycleDates()
        for number in range(1, 50):
            self.date(dates, number, by_jack_s=number * PERIOD_S)
        for number in range(55, 100):
            assert self.date(dates, number, by_jack_s=number * PERIOD_S - 0.026).starts_s == pytest.approx(
                number * PERIOD_S
            )

    def test_jacks_dates_are_used_again_once_they_have_been_right_for_seconds(self) -> None:
        dates, trusted = CycleDates(), []
        off_s = [0.0] * 5 + [DISTRUST_S * 1.1] + [TRUST_AGAIN_S * 0.9] * 1000
        for number, by_s in enumerate(off_s, 1):
            self.date(dates, number, by_jack_s=number * PERIOD_S + by_s)
            trusted.append(dates.is_jack_trusted)
        assert trusted.index(False) == 5
        assert trusted.index(True, 6) == pytest.approx(6 + TRUST_AGAIN_AFTER_S / PERIOD_S, abs=2)

    @pytest.mark.parametrize("frames", [64, 256, 512, 1024, 2048])
    @pytest.mark.parametrize("late_s", [0.12, 0.27, 1.2])
    def test_dates_hold_still_while_those_of_jack_swing_to_and_fro_through_the_right_ones(
        self, frames: int, late_s: float
    ) -> None:
        dates, loop, were_wrong = CycleDates(), ServerLoop(frames / RATE, frames / RATE), False
        for number in range(1, round(40.0 * RATE / frames)):
            at_s = number * frames / RATE
            is_late = 10.0 < at_s < 10.0 + 12 * frames / RATE
            by_jack_s = loop.wake(at_s + (late_s if is_late else 0.0))
            if is_late:
                # The server makes up for these cycles at once, and our client misses them.
                continue
            off_s = dates.date(number, number * frames, frames, RATE, by_jack_s, at_s + 0.00003).starts_s - at_s
            were_wrong |= not dates.is_jack_trusted
            assert abs(off_s) < (TRUST_AGAIN_S + 0.0001 if were_wrong else DISTRUST_S + 0.0001)
        assert were_wrong
        assert dates.is_jack_trusted

    def test_starts_before_a_standstill_are_forgotten_though_jacks_dates_do_not_follow(self) -> None:
        dates, late_s, off_s = CycleDates(), 0.039, []
        for number in range(1, 50):
            self.date(dates, number, by_jack_s=number * PERIOD_S)
        dates.on_overrun()
        for number in range(50, 60):
            at_s = number * PERIOD_S + late_s
            cycle = dates.date(number, number * FRAMES, FRAMES, RATE, at_s - 0.02, at_s + 0.0001)
            off_s.append(cycle.starts_s - at_s)
        assert off_s[2:] == pytest.approx([0.0001] * 8, abs=0.0001)

    def test_late_starts_alone_are_no_standstill(self) -> None:
        dates = CycleDates()
        for number in range(1, 50):
            self.date(dates, number, by_jack_s=number * PERIOD_S - 0.01)
        for number in range(50, 60):
            cycle = self.date(dates, number, by_jack_s=number * PERIOD_S - 0.01, started_late_s=0.004)
            assert cycle.starts_s == pytest.approx(number * PERIOD_S)

    def test_dates_follow_a_standstill_at_once_because_frames_are_missing(self) -> None:
        dates = CycleDates()
        for number in range(1, 50):
            dates.date(number, number * FRAMES, FRAMES, RATE, None, number * PERIOD_S)
        # Three cycles are lost, and 20 ms more than that.
        after = dates.date(50, 53 * FRAMES, FRAMES, RATE, None, 53 * PERIOD_S + 0.02)
        assert after.starts_s == pytest.approx(53 * PERIOD_S + 0.02)

    def test_dates_follow_a_standstill_of_the_whole_server_in_which_no_frame_is_missing(self) -> None:
        dates, late_s = CycleDates(), 0.039
        for number in range(1, 50):
            self.date(dates, number, by_jack_s=number * PERIOD_S)
        starts_s = []
        for number in range(50, 54):
            at_s = number * PERIOD_S + late_s
            after = dates.date(number, number * FRAMES, FRAMES, RATE, at_s, at_s + 0.0001)
            starts_s.append(after.starts_s - at_s)
        # The first alone could be a start that is late, with a date of JACK's that is wrong.
        assert starts_s == pytest.approx([0.0001 - late_s - 0.0001, 0.0, 0.0, 0.0], abs=0.0002)

    def test_a_cycle_with_the_frames_of_the_one_before_is_a_repeat(self) -> None:
        dates, repeats = CycleDates(), []
        for number, frame in enumerate([1, 2, 2, 3, 5], 1):
            dates.date(number, frame * FRAMES, FRAMES, RATE, None, frame * PERIOD_S)
            repeats.append(dates.is_repeat)
        assert repeats == [False, False, True, False, False]

    def test_dates_go_on_when_the_frame_number_wraps_to_zero(self) -> None:
        dates = CycleDates()
        first = 2**32 - FRAMES
        dates.date(1, first, FRAMES, RATE, 1.0, 1.0)
        assert dates.date(2, 0, FRAMES, RATE, 1.0 + PERIOD_S, 1.0 + PERIOD_S).starts_s == 1.0 + PERIOD_S

    @pytest.mark.parametrize("rate", [44_100, 96_000])
    def test_another_sample_rate_on_a_server_that_goes_on_moves_neither_dates_nor_frame_zero(self, rate: int) -> None:
        dates, first = CycleDates(), 10 * RATE
        for number in range(40):
            at_s = number * PERIOD_S
            before = dates.date(number, first + number * FRAMES, FRAMES, RATE, at_s, at_s)
        for number in range(40, 60):
            # The frames of the cycle before the first of these still lasted as long as before, or as long as now.
            at_s = before.ends_s + (number - 40) * FRAMES / rate
            after = dates.date(number, first + number * FRAMES, FRAMES, rate, at_s, at_s + 0.0001)
            assert after.starts_s == pytest.approx(at_s, abs=0.0002)
            assert after.frame_zero_s == pytest.approx(before.frame_zero_s, abs=PERIOD_S)

    def test_cycles_may_be_left_out(self) -> None:
        dates = CycleDates()
        dates.date(1, FRAMES, FRAMES, RATE, None, PERIOD_S)
        late = dates.date(17, 17 * FRAMES, FRAMES, RATE, None, 17 * PERIOD_S + 0.004)
        assert late.starts_s == pytest.approx(17 * PERIOD_S)

    @pytest.mark.parametrize("rate_is_off_by", [-0.0002, 0.0002])
    def test_a_sound_card_whose_rate_is_off_is_trusted_though_its_cycles_are_seldom_dated(
        self, rate_is_off_by: float
    ) -> None:
        dates, cycles_apart = CycleDates(), round(1.0 / PERIOD_S)
        for number in range(0, 100 * cycles_apart, cycles_apart):
            at_s = number * PERIOD_S * (1 + rate_is_off_by)
            cycle = dates.date(number, number * FRAMES, FRAMES, RATE, at_s, at_s + 0.0001)
            assert cycle.starts_s == at_s
            assert dates.is_jack_trusted


class TestLatency:
    def test_grows_with_the_period_at_once(self) -> None:
        latency = Latency()
        assert [latency.at_s(0.0, 0.005), latency.at_s(0.0, 0.021)] == [0.005, 0.021]

    def test_shrinks_only_when_nothing_is_played(self) -> None:
        latency = Latency()
        latency.at_s(0.0, 0.021)
        latency.on_message(10.0)
        assert [latency.at_s(11.0, 0.005), latency.at_s(13.0, 0.005)] == [0.021, 0.005]


class TestSendQueue:
    def test_yields_each_message_one_latency_after_it_is_due(self) -> None:
        queue = SendQueue()
        queue.put(cycle(4).second_of(17), ON)
        queue.put(cycle(4).second_of(200), OFF)
        assert [take_cycle(queue, number) for number in (4, 5, 6)] == [[], [(17, ON), (200, OFF)], []]

    def test_yields_a_late_message_at_the_first_frame(self) -> None:
        queue = SendQueue()
        queue.put(cycle(4).second_of(17), ON)
        assert take_cycle(queue, 7) == [(0, ON)]

    @pytest.mark.parametrize("moved_s", [-0.002, 0.00065, 0.009])
    @pytest.mark.parametrize("is_known", [True, False], ids=["moved_while_it_waits", "moved_on_its_way_here"])
    def test_a_message_keeps_its_frame_where_frames_get_another_date(self, moved_s: float, *, is_known: bool) -> None:
        queue = SendQueue()
        queue.move_to(5.0)
        if is_known:
            queue.put(cycle(4).second_of(17), ON, 5.0)
        queue.move_to(5.0 + moved_s)
        if not is_known:
            queue.put(cycle(4).second_of(17), ON, 5.0)
        moved = Cycle(cycle(5).starts_s + moved_s, FRAMES, 1 / RATE)
        assert list(queue.take(moved, PERIOD_S)) == [(17, ON)]

    @pytest.mark.parametrize("is_known", [True, False], ids=["while_it_waits", "on_its_way_here"])
    def test_a_message_is_late_after_a_standstill(self, *, is_known: bool) -> None:
        queue = SendQueue()
        queue.move_to(5.0)
        if is_known:
            queue.put(cycle(4).second_of(17), ON, 5.0)
        queue.move_to(5.05)
        if not is_known:
            queue.put(cycle(4).second_of(17), ON, 5.0)
        assert list(queue.take(Cycle(cycle(5).starts_s + 0.05, FRAMES, 1 / RATE), PERIOD_S)) == [(0, ON)]

    def test_a_message_whose_sender_knows_no_frame_keeps_its_second(self) -> None:
        queue = SendQueue()
        queue.put(cycle(4).second_of(17), ON)
        queue.move_to(5.0)
        assert take_cycle(queue, 5) == [(17, ON)]

    def test_lets_no_message_overtake_another_so_a_note_off_never_comes_before_its_note_on(self) -> None:
        queue = SendQueue()
        queue.put(cycle(5).second_of(100), ON)
        queue.put(cycle(4).second_of(0), OFF)
        assert [take_cycle(queue, number) for number in (5, 6)] == [[], [(100, ON), (100, OFF)]]

    def test_leaves_out_note_ons_that_are_too_late_and_no_note_off(self) -> None:
        queue = SendQueue()
        for data in (ON, OFF):
            queue.put(0.0, data)
        too_late_cycle = int((MAX_LATENESS_S + PERIOD_S) / PERIOD_S) + 2
        assert take_cycle(queue, too_late_cycle) == [(0, OFF)]
        assert queue.too_late == 1

    def test_takes_back_note_ons_that_are_too_late_by_the_time_they_are_written(self) -> None:
        queue, written = SendQueue(), [(17, ON), (200, OFF)]
        assert queue.without_late(written, cycle(5), cycle(5).ends_s + 0.9 * MAX_LATENESS_S) is written
        assert queue.without_late(written, cycle(5), cycle(5).ends_s + 1.1 * MAX_LATENESS_S) == [(200, OFF)]
        assert queue.too_late == 1

    def test_drops_note_ons_when_it_is_full_and_no_note_off(self) -> None:
        queue = SendQueue()
        for _ in range(MAX_QUEUE_LENGTH + 5):
            queue.put(1.0, ON)
        queue.put(1.0, OFF)
        assert (len(queue), queue.dropped) == (MAX_QUEUE_LENGTH + 1, 5)

    def test_yields_in_the_next_cycle_a_message_that_was_put_back(self) -> None:
        queue = SendQueue()
        queue.put(cycle(4).second_of(17), ON)
        queue.put(cycle(4).second_of(18), OFF)
        first = next(iter(queue.take(cycle(5), PERIOD_S)))
        queue.put_back(first[1], cycle(5), PERIOD_S)
        assert [take_cycle(queue, number) for number in (5, 6)] == [[], [(0, ON), (0, OFF)]]

    @given(st.lists(st.floats(0.0, 0.2), max_size=40), st.integers(32, 2048))
    def test_yields_all_messages_in_order_and_none_before_it_is_due(self, due_s: list[float], frames: int) -> None:
        queue, latency_s = SendQueue(), frames / RATE
        for number, second in enumerate(due_s):
            queue.put(second, bytes([0x80, number, 0]))
        written = []
        for number in range(2 + int(0.3 / latency_s)):
            this = Cycle(number * latency_s, frames, 1 / RATE)
            offsets = [(offset, data[1]) for offset, data in queue.take(this, latency_s)]
            assert all(before[0] <= after[0] for before, after in pairwise(offsets))
            written += [(this.second_of(offset), which) for offset, which in offsets]
        assert [which for _, which in written] == list(range(len(due_s)))
        for at_s, which in written:
            assert at_s > due_s[which] + latency_s - 1 / RATE
