import tracemalloc
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.memory import context_kinds
from model.memory.backoff import DEFAULT_BACKOFFS, MAX_FOLLOWERS, Backoff, Trust
from model.memory.context_kinds import LONGEST, PITCH_KINDS, kind_named
from model.memory.memory import EXACT_UNDO, MAX_UNDO, Memory
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import START, EventVocabulary, PitchVocabulary, Vocabulary
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS

RIFF = (13, 16, 18, 13, 20, 18, 16, 11)
EVEN = np.full(PITCH_WORDS.size, 1 / PITCH_WORDS.size)
TOKENS = st.integers(1, EVENT_WORDS.size - 1)
FEW_TOKENS = st.sampled_from([12, 14, 40])  # so that contexts come again
LINES = st.lists(st.one_of(FEW_TOKENS, TOKENS), max_size=60)


def pitch_memory(heard: Iterable[int] = (), capacity: int = 10_000) -> Memory:
    return with_heard_tokens(Memory(PITCH_WORDS, DEFAULT_BACKOFFS["pitch"], capacity), heard)


def event_memory(heard: Iterable[int] = (), capacity: int = 10_000) -> Memory:
    return with_heard_tokens(Memory(EVENT_WORDS, DEFAULT_BACKOFFS["event"], capacity), heard)


def with_heard_tokens(memory: Memory, heard: Iterable[int]) -> Memory:
    for token in heard:
        memory.hear(token)
    return memory


def observable_state(memory: Memory) -> tuple[object, ...]:
    """Everything that can be observed of a memory."""
    even = np.full(memory.vocabulary.size, 1 / memory.vocabulary.size)
    return list(memory.contexts()), memory.followers(), memory.mix(even).probabilities.tolist()


def random_probabilities(size: int, random_seed: int = 0) -> npt.NDArray[np.float64]:
    return np.random.default_rng(random_seed).dirichlet(np.full(size, 0.2))


class TestForecast:
    def test_an_empty_memory_does_not_change_the_networks_forecast(self) -> None:
        p = random_probabilities(PITCH_WORDS.size)
        assert pitch_memory().mix(p).probabilities.tolist() == pytest.approx(p.tolist())

    def test_the_networks_own_weights_stay_and_may_sum_to_more(self) -> None:
        p = random_probabilities(EVENT_WORDS.size)
        memory, before = event_memory([1, 95, 3, 95, 1, 95]), p.copy()
        mixed = memory.mix(p)
        assert mixed.weights.tolist() != p.tolist() == before.tolist()
        assert memory.mix(3.0 * p, p_sum=3.0).probabilities.tolist() == pytest.approx(mixed.probabilities.tolist())

    def test_a_long_jam_is_known_by_its_latest_symbols(self) -> None:
        line = [*range(1, 60), *range(41, 1, -1)]
        short, long = event_memory(), event_memory()
        for token in line:
            long.hear(token, learn=False)
        for token in line[-LONGEST - 4 :]:
            short.hear(token, learn=False)
        for token in (40, 95, 41):
            short.hear(token)
            long.hear(token)
        # The first of these has no interval, so contexts of intervals are compared from the second on.
        assert dict(long.contexts()) == dict(short.contexts())

    def test_a_repeated_riff_is_recognised(self) -> None:
        memory = pitch_memory(RIFF * 3)
        for token in RIFF:
            mixed = memory.mix(EVEN)
            assert mixed.probabilities[token] > 0.8
            assert mixed.probabilities.argmax() == token
            memory.hear(token)

    def test_a_riff_becomes_more_probable_with_each_repeat(self) -> None:
        certainty = [pitch_memory(RIFF * times + RIFF[:4]).mix(EVEN).probabilities[RIFF[4]] for times in range(1, 5)]
        assert certainty == sorted(certainty)
        assert certainty[0] > 0.4 > EVEN[0]

    def test_a_riff_is_recognised_in_another_key(self) -> None:
        moved = [token + 5 for token in RIFF]
        assert pitch_memory((*RIFF * 2, *moved[:5])).mix(EVEN).probabilities.argmax() == moved[5]

    def test_a_riff_is_more_probable_in_its_own_key(self) -> None:
        again = pitch_memory(RIFF * 2 + RIFF[:5]).mix(EVEN).probabilities[RIFF[5]]
        moved = pitch_memory((*RIFF * 2, *(token + 5 for token in RIFF[:5]))).mix(EVEN).probabilities[RIFF[5] + 5]
        assert again > moved

    def test_a_rhythm_is_recognised_in_another_key(self) -> None:
        first_time = EVENT_WORDS.first_time_token
        riff = [10, first_time, 12, first_time + 1, 14, first_time, 15, first_time + 3]
        moved = [token + 7 if token < first_time else token for token in riff]
        mixed = event_memory([*riff, *riff, *moved[:5]]).mix(np.full(EVENT_WORDS.size, 1 / EVENT_WORDS.size))
        assert mixed.probabilities.argmax() == first_time

    def test_where_riffs_differ_the_longer_context_decides(self) -> None:
        heard = (*(1, 5, 9), *(2, 5, 11)) * 4
        assert pitch_memory((*heard, 1, 5)).mix(EVEN).probabilities.argmax() == 9
        assert pitch_memory((*heard, 2, 5)).mix(EVEN).probabilities.argmax() == 11

    def test_intervals_that_leave_the_vocabulary_are_left_out(self) -> None:
        top = len(PITCH_WORDS.pitches)
        mixed = pitch_memory((1, 20, 1, 20, 1, 20, top)).mix(EVEN)
        assert mixed.probabilities.sum() == pytest.approx(1.0)
        assert (mixed.probabilities > 0).all()

    def test_where_all_that_is_remembered_leaves_the_vocabulary_the_forecast_is_the_networks(self) -> None:
        riff = (1, 3, 2, 5, 4, 8, 6, 7)
        top = len(PITCH_WORDS.pitches)
        higher = tuple(top - 10 + token for token in riff)
        memory = pitch_memory((*(*riff, top) * 6, *higher))
        mixed = memory.mix(EVEN, strength=1.0)
        assert mixed.probabilities.sum() == pytest.approx(1.0)
        assert (mixed.probabilities > 0).all()

    def test_a_leap_of_more_than_five_octaves_can_be_heard(self) -> None:
        wide = PitchVocabulary(tuple(range(128)))
        memory = with_heard_tokens(Memory(wide, DEFAULT_BACKOFFS["pitch"]), (1, 128, 1, 128, 1))
        mixed = memory.mix(np.full(wide.size, 1 / wide.size))
        assert mixed.probabilities.argmax() == 128

    def test_a_new_piece_begins_without_context(self) -> None:
        memory = pitch_memory((*RIFF, START))
        assert memory.followers() == [b""] * len(PITCH_KINDS)
        assert len(memory) > 0

    def test_the_start_token_is_never_forecast(self) -> None:
        p = EVEN.copy()
        p[START] = 0.0
        assert pitch_memory((*RIFF, START, *RIFF)).mix(p).probabilities[START] == 0.0

    def test_a_token_that_is_not_learnt_is_only_context(self) -> None:
        memory = pitch_memory(RIFF * 2)
        before = list(memory.contexts())
        for token in RIFF[:5]:
            memory.hear(token, learn=False)
        assert list(memory.contexts()) == before
        assert memory.mix(EVEN).probabilities.argmax() == RIFF[5]

    @settings(max_examples=30)
    @given(LINES, st.integers(0, 1000), st.floats(0.0, 1.0), st.none() | st.integers(0, 3))
    def test_each_context_takes_over_from_those_before_it_as_far_as_it_is_trusted(
        self, line: list[int], random_seed: int, strength: float, place: int | None
    ) -> None:
        p = random_probabilities(EVENT_WORDS.size, random_seed)
        memory = event_memory([])
        for number, token in enumerate(line):
            memory.hear(token, number % 4)
        trust = memory.trust_here
        expected = p.copy()
        for kind, odds, followers in zip(trust.kinds, trust.odds(strength), memory.followers(place), strict=True):
            if followers:
                share = 1.0 / (1.0 + odds * trust.growth(len(followers), len(set(followers))))
                expected *= share
                for token in range(1, EVENT_WORDS.size):
                    symbol = memory.symbols(token)[kind.is_transposed]
                    expected[token] += (1.0 - share) * followers.count(symbol) / len(followers)
        # What is left of intervals that leave the vocabulary.
        assert memory.mix(p, strength, place).probabilities.tolist() == pytest.approx(
            (expected / expected.sum()).tolist()
        )

    @given(LINES, st.integers(0, 1000), st.floats(0.0, 1.0))
    def test_probabilities_sum_to_one_after_any_line(self, line: list[int], random_seed: int, strength: float) -> None:
        p = random_probabilities(EVENT_WORDS.size, random_seed)
        mixed = event_memory(line).mix(p, strength)
        assert mixed.probabilities.sum() == pytest.approx(1.0)
        assert (mixed.probabilities >= 0.0).all()
        # Every token that the network holds possible stays possible, as a mask may leave no other.
        assert (mixed.probabilities[p > 1e-9] > 0.0).all()


class TestPlace:
    QUARTER, EIGHTH = EVENT_WORDS.first_time_token + 1, EVENT_WORDS.first_time_token
    PLACED = Backoff(
        Trust((kind_named("place, 1 pitches"),), (0.5,), 0.5, 0.5),
        Trust((kind_named("place, 0 times"),), (0.5,), 0.5, 0.5),
    )

    def heard(self, *tokens: tuple[int, int | None]) -> Memory:
        memory = Memory(EVENT_WORDS, self.PLACED)
        for token, place in tokens:
            memory.hear(token, place)
        return memory

    def test_a_time_comes_back_at_its_place_in_the_bar(self) -> None:
        memory = self.heard((9, 0), (self.QUARTER, 0), (11, 24), (self.EIGHTH, 24), (9, 36))
        even = np.full(EVENT_WORDS.size, 1 / EVENT_WORDS.size)
        assert memory.mix(even, place=0).probabilities.argmax() == self.QUARTER
        assert memory.mix(even, place=24).probabilities.argmax() == self.EIGHTH

    def test_at_a_new_place_nothing_is_remembered(self) -> None:
        memory = self.heard((9, 0), (self.QUARTER, 0), (9, 24))
        assert memory.mix(np.full(EVENT_WORDS.size, 1 / EVENT_WORDS.size), place=48).network_weight == 1.0

    def test_where_no_bars_are_known_contexts_with_a_place_are_left_out(self) -> None:
        memory = self.heard((9, None), (self.QUARTER, None), (9, None))
        assert len(memory) == 0
        assert memory.followers() == [b""]

    def test_a_far_place_is_counted_as_the_last(self) -> None:
        memory = self.heard((9, 10**9), (self.QUARTER, 10**9), (9, 0))
        assert memory.mix(np.full(EVENT_WORDS.size, 1 / EVENT_WORDS.size), place=10**8).probabilities.argmax() != 0

    @given(
        st.lists(st.tuples(FEW_TOKENS, st.integers(0, 3)), max_size=30),
        st.lists(st.tuples(FEW_TOKENS, st.integers(0, 3)), max_size=30),
    )
    def test_going_back_and_forward_keeps_the_places(
        self, before: list[tuple[int, int]], after: list[tuple[int, int]]
    ) -> None:
        memory = event_memory()
        for token, place in before:
            memory.hear(token, place)
        mark = memory.snapshot()
        for token, place in after:
            memory.hear(token, place)
        expected, ahead = list(memory.contexts()), memory.snapshot()
        memory.restore(mark)
        memory.restore(ahead)
        assert list(memory.contexts()) == expected


class TestStrength:
    HEARD = RIFF * 3 + RIFF[:4]

    def test_at_zero_the_forecast_is_the_networks(self) -> None:
        p = random_probabilities(PITCH_WORDS.size)
        mixed = pitch_memory(self.HEARD).mix(p, strength=0.0)
        assert mixed.probabilities.tolist() == pytest.approx(p.tolist())
        assert mixed.network_weight == 1.0

    def test_the_memorys_share_rises_with_the_strength(self) -> None:
        memory = pitch_memory(self.HEARD)
        shares = [1.0 - memory.mix(EVEN, strength).network_weight for strength in np.linspace(0.0, 1.0, 11)]
        assert shares == sorted(shares)

    def test_at_one_almost_all_comes_from_memory(self) -> None:
        memory = pitch_memory(self.HEARD)
        assert memory.mix(EVEN, strength=1.0).network_weight < 0.001
        heard_once = pitch_memory((5, 6, 5))
        assert heard_once.mix(EVEN, strength=1.0).network_weight < 0.05

    def test_at_one_nothing_is_impossible(self) -> None:
        certain = pitch_memory((5, 6) * 200)
        assert (certain.mix(EVEN.astype(np.float32), strength=1.0).probabilities > 0.0).all()

    def test_strength_can_be_changed_back(self) -> None:
        memory = pitch_memory(self.HEARD)
        middle = memory.mix(EVEN).probabilities.tolist()
        memory.mix(EVEN, strength=0.9)
        assert memory.mix(EVEN).probabilities.tolist() == middle


class TestMemoryShare:
    def test_a_token_that_was_never_heard_has_no_memory_share(self) -> None:
        mixed = pitch_memory(RIFF * 2).mix(EVEN)
        assert mixed.memory_share(30, EVEN[30]) == 0.0

    def test_a_token_that_was_heard_in_this_context_has_a_high_memory_share(self) -> None:
        mixed = pitch_memory(RIFF * 3).mix(EVEN)
        assert 0.9 < mixed.memory_share(RIFF[0], EVEN[RIFF[0]]) < 1.0

    def test_the_rest_is_the_networks_share(self) -> None:
        mixed = pitch_memory(RIFF * 2 + RIFF[:2]).mix(EVEN)
        networks = mixed.probabilities[30] / EVEN[30]  # all of it the network's
        assert mixed.memory_share(RIFF[2], EVEN[RIFF[2]]) == pytest.approx(
            1 - networks * EVEN[0] / mixed.probabilities[RIFF[2]]
        )

    def test_a_token_of_probability_zero_has_no_memory_share(self) -> None:
        p = EVEN.copy()
        p[START] = 0.0
        assert pitch_memory().mix(p).memory_share(START, 0.0) == 0.0


class TestRestore:
    @given(LINES, LINES, st.integers(5, 200))
    def test_restoring_undoes_what_was_heard_since(self, before: list[int], after: list[int], capacity: int) -> None:
        memory = event_memory(before, capacity)
        expected, mark = observable_state(memory), memory.snapshot()
        with_heard_tokens(memory, after)
        memory.restore(mark)
        assert observable_state(memory) == expected

    @given(LINES, st.lists(st.tuples(FEW_TOKENS, st.booleans()), max_size=40), st.integers(5, 200))
    def test_a_later_mark_can_be_restored_again(
        self, before: list[int], after: list[tuple[int, bool]], capacity: int
    ) -> None:
        memory = event_memory(before, capacity)
        mark = memory.snapshot()
        for token, learn in after:
            memory.hear(token, learn=learn)
        expected, ahead = observable_state(memory), memory.snapshot()
        memory.restore(mark)
        memory.restore(ahead)
        assert observable_state(memory) == expected

    @given(st.data())
    def test_any_mark_of_many_plans_can_be_restored(self, data: st.DataObject) -> None:
        memory = event_memory(capacity=data.draw(st.integers(5, 100)))
        marks = [(memory.snapshot(), observable_state(memory))]
        for _ in range(data.draw(st.integers(1, 12))):
            memory.restore(data.draw(st.sampled_from([mark for mark, _ in marks])))
            with_heard_tokens(memory, data.draw(st.lists(FEW_TOKENS, max_size=8)))
            marks.append((memory.snapshot(), observable_state(memory)))
        for mark, expected in data.draw(st.permutations(marks)):
            memory.restore(mark)
            assert observable_state(memory) == expected

    def test_the_cost_is_proportional_to_what_was_heard_since(self) -> None:
        memory = pitch_memory(RIFF * 200)
        mark = memory.snapshot()
        with_heard_tokens(memory, (30,))
        assert len(memory.snapshot().learnt or ()) <= len(PITCH_KINDS)
        memory.restore(mark)
        assert memory.snapshot() is mark

    def test_a_mark_too_far_back_is_an_error(self) -> None:
        memory = pitch_memory()
        mark = memory.snapshot()
        with_heard_tokens(memory, RIFF * (MAX_UNDO // len(RIFF) + 1))
        with pytest.raises(
            ValueError, match=r"^the mark is more than 2048 tokens away, and cannot be restored any more$"
        ):
            memory.restore(mark)

    def test_a_mark_at_the_limit_can_be_restored(self) -> None:
        memory = pitch_memory(RIFF)
        expected, mark = observable_state(memory), memory.snapshot()
        with_heard_tokens(memory, (RIFF * MAX_UNDO)[: MAX_UNDO - 1])
        memory.restore(mark)
        assert observable_state(memory) == expected


class TestForget:
    def test_nothing_is_remembered(self) -> None:
        memory = pitch_memory(RIFF * 3)
        memory.forget()
        assert len(memory) == 0
        assert observable_state(memory) == observable_state(pitch_memory())

    def test_an_earlier_mark_restores_the_context_but_no_memory(self) -> None:
        memory = pitch_memory(RIFF * 3)
        mark = memory.snapshot()
        memory.forget()
        memory.restore(mark)
        assert len(memory) == 0
        memory.hear(RIFF[0])
        tokens = memory.snapshot().lines[context_kinds.LINES.index("tokens")]
        assert tokens.endswith(bytes(token - 1 for token in (*RIFF, RIFF[0])))
        assert 0 < len(memory) <= len(PITCH_KINDS)

    def test_marks_of_an_earlier_plan_can_still_be_restored(self) -> None:
        memory = pitch_memory(RIFF * 3)
        base = memory.snapshot()
        planned = []
        for token in RIFF:
            memory.hear(token)
            planned.append(memory.snapshot())
        memory.restore(base)
        memory.forget()
        for mark in planned:
            memory.restore(mark)
            assert len(memory) == 0


class TestMarks:
    def test_going_back_over_more_tokens_than_are_kept_exactly_brings_the_same_content_back(self) -> None:
        tokens = np.random.default_rng(1).integers(1, 6, 6 * EXACT_UNDO).tolist()
        memory = event_memory(RIFF * 3)
        expected, mark = observable_state(memory), memory.snapshot()
        with_heard_tokens(memory, tokens)
        later, later_mark = observable_state(memory), memory.snapshot()
        memory.restore(mark)
        assert observable_state(memory) == expected
        memory.restore(later_mark)
        assert observable_state(memory) == later

    def test_contexts_that_made_room_long_ago_stay_away_and_all_goes_on(self) -> None:
        tokens = np.random.default_rng(1).integers(1, EVENT_WORDS.size, 6 * EXACT_UNDO).tolist()
        memory = event_memory(RIFF * 3, capacity=200)
        mark = memory.snapshot()
        with_heard_tokens(memory, tokens)
        memory.restore(mark)
        assert memory.snapshot() is mark
        assert len({context for context, _ in memory.contexts()}) == len(memory) <= 200
        with_heard_tokens(memory, tokens)
        assert len(memory) == 200

    @pytest.mark.parametrize("capacity", [500, 1_000_000])
    def test_thousands_of_marks_take_a_megabyte_and_a_half_beside_the_content(self, capacity: int) -> None:
        notes_and_times = np.random.default_rng(1).integers(0, 5, (MAX_UNDO, 2))
        notes_and_times += np.array((1, 1 + len(EVENT_WORDS.pitches)))
        tracemalloc.start()
        try:
            memory = event_memory(notes_and_times.ravel().tolist(), capacity)
            before = tracemalloc.get_traced_memory()[0]
            memory.load_from(memory)  # drops all marks but one, and keeps the content
            marks_bytes = before - tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert marks_bytes < 1_500_000


class TestCapacity:
    @pytest.mark.parametrize("words", [PITCH_WORDS, EVENT_WORDS])
    @given(random_seed=st.integers(0, 1000), capacity=st.integers(1, 300))
    @settings(max_examples=20)
    def test_the_capacity_is_never_exceeded(self, words: Vocabulary, random_seed: int, capacity: int) -> None:
        memory = Memory(words, DEFAULT_BACKOFFS["event"], capacity)
        for token in np.random.default_rng(random_seed).integers(0, words.size, 300).tolist():
            memory.hear(token)
            assert len(memory) <= capacity
        assert all(len(followers) <= MAX_FOLLOWERS for _, followers in memory.contexts())

    def test_the_oldest_contexts_are_dropped_first(self) -> None:
        memory = pitch_memory(RIFF, capacity=10_000)
        firsts = [context for context, _ in memory.contexts()][:10]
        small = pitch_memory(RIFF, capacity=len(memory) - 10)
        assert not {context for context, _ in small.contexts()} & set(firsts)

    def test_one_note_for_hours_takes_little_space(self) -> None:
        assert len(pitch_memory([20] * 5000)) == len(PITCH_KINDS)

    def test_only_the_latest_followers_count(self) -> None:
        memory = pitch_memory((5, 6) * 100 + (5, 7) * MAX_FOLLOWERS + (5,))
        assert set(memory.followers()[1]) == {6}  # the symbol of token 7


class TestContexts:
    @given(LINES)
    def test_a_memory_with_the_same_contexts_gives_the_same_forecast(self, line: list[int]) -> None:
        memory, other = event_memory(line), event_memory()
        other.load_contexts(memory.contexts())
        for token in (START, *line[-20:]):
            memory.hear(token)
            other.hear(token)
        assert observable_state(other) == observable_state(memory)

    def test_of_too_many_contexts_the_latest_stay(self) -> None:
        contexts = list(pitch_memory(RIFF).contexts())
        small = pitch_memory(capacity=7)
        small.load_contexts(contexts)
        assert list(small.contexts()) == contexts[-7:]


class TestVocabularies:
    @pytest.mark.parametrize("words", [PITCH_WORDS, EVENT_WORDS])
    def test_every_token_can_be_heard(self, words: Vocabulary) -> None:
        memory = with_heard_tokens(Memory(words, DEFAULT_BACKOFFS["event"]), range(words.size))
        assert memory.mix(np.full(words.size, 1 / words.size)).probabilities.sum() == pytest.approx(1.0)

    def test_the_largest_vocabulary_fits(self) -> None:
        largest = EventVocabulary(tuple(range(128)), bins(128))
        memory = with_heard_tokens(Memory(largest, DEFAULT_BACKOFFS["event"]), (1, 256, 128, 256, 1, 256))
        assert memory.mix(np.full(largest.size, 1 / largest.size)).probabilities.argmax() in {1, 128}

    def test_a_larger_vocabulary_is_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"^a memory is for 128 pitches and 128 times at most, not 258 tokens$"):
            Memory(EventVocabulary(tuple(range(128)), bins(129)), DEFAULT_BACKOFFS["event"])


def bins(count: int) -> TimeBins:
    shifts: Sequence[float] = [0.25 * (1 + index) for index in range(count)]
    return TimeBins(tuple(shifts), tuple(shift + 0.125 for shift in shifts[:-1]))


@given(heard=LINES, own=LINES, more=LINES)
def test_loading_from_another_memory_is_as_hearing_on_with_its_content(
    heard: list[int], own: list[int], more: list[int]
) -> None:
    other, memory = event_memory(heard), event_memory(own)
    memory.load_from(other)
    assert list(memory.contexts()) == list(other.contexts())
    # The position stays, so the contexts of what comes next begin in its own line; and the other memory is not affected.
    before = observable_state(other)
    with_heard_tokens(memory, more)
    assert observable_state(other) == before


def test_loading_from_another_memory_keeps_the_position() -> None:
    memory, other = pitch_memory(RIFF[:3]), pitch_memory(RIFF)
    memory.load_from(other)
    assert memory.followers()[1] == other_followers_after(RIFF[:3], other)


def other_followers_after(line: Sequence[int], other: Memory) -> bytes:
    """What the other memory has seen after the shortest token context of this line."""
    fresh = pitch_memory()
    fresh.load_from(other)
    for token in line:
        fresh.hear(token, learn=False)
    return fresh.followers()[1]
