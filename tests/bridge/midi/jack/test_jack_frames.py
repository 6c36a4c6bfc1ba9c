from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.jack.jack_frames import (
    AGREE_S,
    DISAGREE_S,
    LONGEST_QUEUE,
    TOO_LATE_S,
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
    """The cycle of that number of a server that began at second 0."""
    return Cycle(number * frames / RATE, frames, 1 / RATE)


def take(queue: SendQueue, number: int, latency_s: float = PERIOD_S) -> list[tuple[int, bytes]]:
    return list(queue.take(cycle(number), latency_s))


class TestCycle:
    def test_dates_its_frames_and_finds_them_again(self) -> None:
        second = cycle(3).second_of(100)
        assert second == pytest.approx((3 * FRAMES + 100) / RATE)
        assert cycle(3).offset_of(second) == 100

    @pytest.mark.parametrize(("at_s", "offset"), [(0.0, 0), (99.0, FRAMES - 1)])
    def test_has_no_frames_but_its_own(self, at_s: float, offset: int) -> None:
        assert cycle(3).offset_of(at_s) == offset


class TestCycleDates:
    def date(self, dates: CycleDates, number: int, *, by_jack_s: float, begun_late_s: float = 0.0) -> Cycle:
        now_s = number * PERIOD_S + begun_late_s
        return dates.date(number, number * FRAMES, FRAMES, RATE, by_jack_s, now_s)

    def test_are_jacks_where_cycles_are_begun_about_then(self) -> None:
        dates = CycleDates()
        for number in range(1, 100):
            by_jack_s = number * PERIOD_S - 0.00005
            assert (
                self.date(dates, number, by_jack_s=by_jack_s, begun_late_s=0.003 * (number % 4)).starts_s == by_jack_s
            )

    def test_are_those_of_the_beginnings_where_jack_is_off_as_it_is_after_an_overrun(self) -> None:
        dates = CycleDates()
        for number in range(1, 50):
            self.date(dates, number, by_jack_s=number * PERIOD_S)
        for number in range(55, 100):
            assert self.date(dates, number, by_jack_s=number * PERIOD_S - 0.026).starts_s == pytest.approx(
                number * PERIOD_S
            )

    def test_are_jacks_again_once_jack_has_come_near(self) -> None:
        dates, off_s = CycleDates(), [0.0] * 5 + [DISAGREE_S * 1.1, DISAGREE_S * 0.9, AGREE_S * 0.9, DISAGREE_S * 0.9]
        believed = []
        for number, by_s in enumerate(off_s, 1):
            self.date(dates, number, by_jack_s=number * PERIOD_S + by_s)
            believed.append(dates.is_by_jack)
        assert believed == [True] * 5 + [False, False, True, True]

    def test_follow_a_standstill_at_once_as_the_frames_that_are_missing_tell_of_it(self) -> None:
        dates = CycleDates()
        for number in range(1, 50):
            dates.date(number, number * FRAMES, FRAMES, RATE, None, number * PERIOD_S)
        # Three cycles are lost, and 20 ms more than that.
        after = dates.date(50, 53 * FRAMES, FRAMES, RATE, None, 53 * PERIOD_S + 0.02)
        assert after.starts_s == pytest.approx(53 * PERIOD_S + 0.02)

    def test_go_on_when_frame_numbers_begin_anew_after_a_day(self) -> None:
        dates = CycleDates()
        first = 2**32 - FRAMES
        dates.date(1, first, FRAMES, RATE, 1.0, 1.0)
        assert dates.date(2, 0, FRAMES, RATE, 1.0 + PERIOD_S, 1.0 + PERIOD_S).starts_s == 1.0 + PERIOD_S

    def test_may_leave_cycles_out(self) -> None:
        dates = CycleDates()
        dates.date(1, FRAMES, FRAMES, RATE, None, PERIOD_S)
        late = dates.date(17, 17 * FRAMES, FRAMES, RATE, None, 17 * PERIOD_S + 0.004)
        assert late.starts_s == pytest.approx(17 * PERIOD_S)


class TestLatency:
    def test_grows_with_the_period_at_once(self) -> None:
        latency = Latency()
        assert [latency.at_s(0.0, 0.005), latency.at_s(0.0, 0.021)] == [0.005, 0.021]

    def test_shrinks_only_when_nothing_is_played(self) -> None:
        latency = Latency()
        latency.at_s(0.0, 0.021)
        latency.notice(10.0)
        assert [latency.at_s(11.0, 0.005), latency.at_s(13.0, 0.005)] == [0.021, 0.005]


class TestSendQueue:
    def test_writes_each_message_one_latency_after_it_is_due(self) -> None:
        queue = SendQueue()
        queue.put(cycle(4).second_of(17), ON)
        queue.put(cycle(4).second_of(200), OFF)
        assert [take(queue, number) for number in (4, 5, 6)] == [[], [(17, ON), (200, OFF)], []]

    def test_writes_what_is_late_first_of_all(self) -> None:
        queue = SendQueue()
        queue.put(cycle(4).second_of(17), ON)
        assert take(queue, 7) == [(0, ON)]

    def test_lets_no_message_overtake_another_so_a_note_never_ends_before_it_begins(self) -> None:
        queue = SendQueue()
        queue.put(cycle(5).second_of(100), ON)
        queue.put(cycle(4).second_of(0), OFF)
        assert [take(queue, number) for number in (5, 6)] == [[], [(100, ON), (100, OFF)]]

    def test_leaves_out_notes_that_would_begin_too_late_and_never_their_ends(self) -> None:
        queue = SendQueue()
        for data in (ON, OFF):
            queue.put(0.0, data)
        late_enough = int((TOO_LATE_S + PERIOD_S) / PERIOD_S) + 2
        assert take(queue, late_enough) == [(0, OFF)]
        assert queue.too_late == 1

    def test_takes_no_more_notes_than_it_can_hold_but_their_ends(self) -> None:
        queue = SendQueue()
        for _ in range(LONGEST_QUEUE + 5):
            queue.put(1.0, ON)
        queue.put(1.0, OFF)
        assert (len(queue), queue.dropped) == (LONGEST_QUEUE + 1, 5)

    def test_writes_in_the_next_cycle_what_found_no_room(self) -> None:
        queue = SendQueue()
        queue.put(cycle(4).second_of(17), ON)
        queue.put(cycle(4).second_of(18), OFF)
        first = next(iter(queue.take(cycle(5), PERIOD_S)))
        queue.put_back(first[1], cycle(5), PERIOD_S)
        assert [take(queue, number) for number in (5, 6)] == [[], [(0, ON), (0, OFF)]]

    @given(st.lists(st.floats(0.0, 0.2), max_size=40), st.integers(32, 2048))
    def test_writes_all_in_order_and_none_before_it_is_due(self, due_s: list[float], frames: int) -> None:
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
