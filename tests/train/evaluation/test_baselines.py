import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.evaluation import baselines
from train.evaluation.baselines import Order, Ppm, pieces_within, ppm_bits_per_note

# The start token and three others.
SIZE = 4
PIECE = [0, 1, 2, 1, 2]

ORDERS: tuple[Order, ...] = (0, 1, 2, 3, 4, 9, None)
PIECES = st.lists(st.lists(st.integers(0, 3), max_size=25), max_size=5)


def chances(
    piece: Sequence[int], orders: Sequence[Order] = (0, 1), training: Sequence[int] = PIECE
) -> list[list[float]]:
    """For each order the probability of each token of the piece, after `training`."""
    costs: list[list[float]] = (2.0 ** -Ppm([training], SIZE).bits([piece], orders)).tolist()
    return costs


def by_dictionary(training: Sequence[Sequence[int]], pieces: Sequence[Sequence[int]], order: Order) -> list[float]:
    """The bits of every token of the pieces, computed as directly from the definition as possible."""
    follow: dict[tuple[int, ...], list[int]] = {}
    for piece in training:
        for at in range(1, len(piece)):
            for length in range(at + 1):
                follow.setdefault(tuple(piece[at - length : at]), []).append(piece[at])
    costs = []
    for piece in pieces:
        for at in range(1, len(piece)):
            chance = 1 / SIZE
            for length in range(at + 1 if order is None else min(order, at) + 1):
                followers = follow.get(tuple(piece[at - length : at]), [])
                different = len(set(followers))
                if followers:
                    chance = (followers.count(piece[at]) + different * chance) / (len(followers) + different)
                if order is None and different == 1:
                    break
            costs.append(-math.log2(chance))
    return costs


class TestByHand:
    """In 0 1 2 1 2 there are two 1 and two 2: 1 once after the start and once after 2, 2 twice after 1."""

    def test_seen_tokens(self) -> None:
        order_0 = (2 + 2 / 4) / (4 + 2)
        after_start, after_one = (1 + 1 * order_0) / (1 + 1), (2 + 1 * order_0) / (2 + 1)
        assert chances([0, 1, 2]) == [pytest.approx([order_0, order_0]), pytest.approx([after_start, after_one])]

    @pytest.mark.parametrize("order", [1, 2, 7, None])
    def test_an_unseen_token_has_a_share_of_the_escape(self, order: Order) -> None:
        order_0 = (0 + 2 / 4) / (4 + 2)
        assert chances([0, 3], [0, order]) == [pytest.approx([order_0]), pytest.approx([(0 + 1 * order_0) / (1 + 1)])]

    @pytest.mark.parametrize("order", ORDERS)
    def test_after_an_unseen_token_the_shorter_context_decides(self, order: Order) -> None:
        order_0 = (2 + 2 / 4) / (4 + 2)
        assert chances([0, 3, 1], [order])[0][-1] == pytest.approx(order_0)

    def test_a_context_does_not_reach_before_the_start(self) -> None:
        assert chances([0, 1], [1, 2, 3, 4, None]) == [pytest.approx(chances([0, 1])[1])] * 5

    def test_longer_contexts_are_blended_in_as_far_as_the_order_reaches(self) -> None:
        order_1 = chances([0, 1, 2])[1][-1]
        order_2 = (1 + 1 * order_1) / (1 + 1)  # 0 1 occurs once
        assert chances([0, 1, 2], [2, 3])[0][-1] == pytest.approx(order_2)
        assert chances([0, 1, 2], [2, 3])[1][-1] == pytest.approx(order_2)

    def test_the_unbounded_order_stops_at_the_shortest_context_with_a_single_follower(self) -> None:
        order_1 = chances([0, 1, 2])[1][-1]  # only 2 follows 1
        assert chances([0, 1, 2], [None])[0][-1] == pytest.approx(order_1)

    def test_the_unbounded_order_goes_on_while_several_tokens_follow(self) -> None:
        # 1 and 1 1 are followed by 1 and 2; 1 1 1 only by 2, once.
        training, queried = [0, 1, 1, 1, 2], [0, 3, 1, 1, 1, 2]
        order_0 = (1 + 2 / 4) / (4 + 2)
        order_1 = (1 + 2 * order_0) / (3 + 2)
        order_2 = (1 + 2 * order_1) / (2 + 2)
        order_3 = (1 + 1 * order_2) / (1 + 1)
        assert [row[-1] for row in chances(queried, [0, 1, 2, 3, None], training)] == pytest.approx(
            [order_0, order_1, order_2, order_3, order_3]
        )

    def test_the_unbounded_order_ends_with_the_longest_known_context(self) -> None:
        training, queried = [0, 1, 2, 0, 1, 3], [0, 2, 2, 1, 2]
        # 2 1 never occurs; 2 and 3 follow 1.
        order_0 = (1 + 4 / 4) / (5 + 4)
        assert chances(queried, [None], training)[0][-1] == pytest.approx((1 + 2 * order_0) / (2 + 2))

    def test_without_training_all_tokens_are_equally_likely(self) -> None:
        assert Ppm([], SIZE).bits([[0, 3]], [0, 2, None]).tolist() == [[2.0], [2.0], [2.0]]

    def test_the_orders_keep_the_requested_sequence(self) -> None:
        queried = [0, 1, 2, 1, 3]
        up, down = chances(queried, [0, 1, 2, None]), chances(queried, [None, 2, 1, 0])
        assert up == down[::-1]
        assert up[0] != up[1] != up[2]


class TestJoints:
    def test_the_start_of_a_piece_does_not_follow_the_end_of_the_one_before(self) -> None:
        apart = Ppm([[1, 2], [3, 1]], SIZE)
        # The training has only 2 after 1 and 1 after 3; 3 after 2 would cross the joint of two pieces.
        unseen = (0 + 2 / 4) / (2 + 2)
        assert 2.0 ** -apart.bits([[2, 3]], [0, 1, None]) == pytest.approx(np.full((3, 1), unseen))

    def test_training_contexts_end_at_the_start_of_their_piece(self) -> None:
        apart, whole = Ppm([[0, 3], [1, 2], [1, 3]], SIZE), Ppm([[0, 3, 1, 2], [1, 3]], SIZE)
        # In a single text 3 1 precedes 2; in two pieces it does not.
        queried, orders = [[3, 1, 2]], [1, 2]
        one, two = (row[-1] for row in apart.bits(queried, orders))
        assert one == two
        one, two = (row[-1] for row in whole.bits(queried, orders))
        assert one > two

    @pytest.mark.parametrize("order", ORDERS)
    def test_queried_pieces_are_independent_of_each_other(self, order: Order) -> None:
        model = Ppm([PIECE, [3, 1, 1, 3]], SIZE)
        queried = [[2, 1, 2], [3], [], [1, 2, 1, 3]]
        apart = [model.bits([piece], [order]) for piece in queried]
        assert np.array_equal(model.bits(queried, [order]), np.concatenate(apart, axis=1))

    def test_the_first_token_is_neither_predicted_nor_counted(self) -> None:
        nothings: list[list[list[int]]] = [[], [[]], [[0]], [[1], [2], []]]
        for nothing in nothings:
            assert Ppm([PIECE], SIZE).bits(nothing, ORDERS).shape == (len(ORDERS), 0)
            assert Ppm(nothing, SIZE).bits([[0, 3]], [0, None]).tolist() == [[2.0], [2.0]]
            with_nothing = Ppm([*nothing, PIECE, *nothing], SIZE)
            assert np.array_equal(with_nothing.bits([PIECE], ORDERS), Ppm([PIECE], SIZE).bits([PIECE], ORDERS))


@pytest.mark.parametrize("at_once", [(1 << 15, 1 << 20), (3, 7)])
@given(training=PIECES, queried=PIECES)
def test_every_order_agrees_with_a_plain_dictionary(
    at_once: tuple[int, int], training: list[list[int]], queried: list[list[int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baselines, "QUERIED_AT_ONCE", at_once[0])
        patch.setattr(baselines, "LEARNED_AT_ONCE", at_once[1])
        bits = Ppm(training, SIZE).bits(queried, ORDERS)
    for row, order in zip(bits, ORDERS, strict=True):
        assert row.tolist() == pytest.approx(by_dictionary(training, queried, order), abs=1e-9)


@given(
    st.lists(st.lists(st.integers(1, 5), max_size=20), max_size=4),
    st.lists(st.integers(1, 5), max_size=6),
)
def test_all_chances_together_are_one(pieces: list[list[int]], context: list[int]) -> None:
    model = Ppm([[0, *training] for training in pieces], 6)
    last = np.stack([model.bits([[0, *context, token]], ORDERS)[:, -1] for token in range(6)])
    assert (2.0**-last).sum(axis=0) == pytest.approx(np.ones(len(ORDERS)))


# `other` is the token that `size - 1` would become if it overflowed a type of one or two bytes.
@pytest.mark.parametrize(("size", "other"), [(255, 0), (256, 0), (300, 43), (65_536, 0), (70_000, 4_463)])
def test_the_highest_token_of_any_vocabulary_differs_from_all_others(size: int, other: int) -> None:
    top = size - 1
    seen, unseen = 2.0 ** -Ppm([[0, top, top]], size).bits([[0, top, other]], [0])[0]
    assert (seen, unseen) == (pytest.approx((2 + 1 / size) / 3), pytest.approx((0 + 1 / size) / 3))


@pytest.mark.parametrize("piece", [[0, SIZE], [0, -1, 2]])
def test_a_token_that_is_not_in_the_vocabulary_is_refused(piece: list[int]) -> None:
    with pytest.raises(ValueError, match="not in a vocabulary of 4"):
        Ppm([piece], SIZE)
    with pytest.raises(ValueError, match="not in a vocabulary of 4"):
        Ppm([PIECE], SIZE).bits([piece], [0])


class TestPerNote:
    def test_bits_are_counted_per_note_not_per_token(self) -> None:
        figures = ppm_bits_per_note([PIECE], {"tunes": ([[0, 1, 2], [0, 3]], 2), "none": ([], 1)}, [0, 1, None], SIZE)
        bits = Ppm([PIECE], SIZE).bits([[0, 1, 2], [0, 3]], [0, 1, None])
        assert {order: spent.sum() for order, spent in figures["tunes"].items()} == {
            "order 0": pytest.approx(bits[0].sum() / 2),
            "order 1": pytest.approx(bits[1].sum() / 2),
            "unbounded": pytest.approx(bits[2].sum() / 2),
        }
        assert [spent.tolist() for spent in figures["none"].values()] == [[0.0] * SIZE] * 3

    def test_bits_are_given_for_the_token_that_they_were_spent_on(self) -> None:
        figures = ppm_bits_per_note([PIECE], {"tunes": ([[0, 1, 2], [0, 3, 1]], 2)}, [1], SIZE)
        one, two, three, again = Ppm([PIECE], SIZE).bits([[0, 1, 2], [0, 3, 1]], [1])[0] / 2
        assert figures["tunes"]["order 1"].tolist() == pytest.approx([0.0, one + again, two, three])


class TestPiecesWithin:
    def test_all_are_taken_where_they_fit(self) -> None:
        assert pieces_within([5, 3, 2], most=10).tolist() == [0, 1, 2]
        assert pieces_within([]).tolist() == []

    def test_of_too_many_as_many_are_drawn_as_fit_from_the_whole_list(self) -> None:
        lengths = [10 + index % 7 for index in range(1000)]
        taken = pieces_within(lengths, most=3000)
        assert 3000 - 16 < sum(lengths[index] for index in taken) <= 3000
        assert len(set(taken.tolist())) == len(taken)
        assert taken.tolist() == sorted(taken)
        assert 400 < taken.mean() < 600
        assert taken.tolist() == pieces_within(lengths, most=3000).tolist()
