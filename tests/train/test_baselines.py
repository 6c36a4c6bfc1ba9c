import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.baselines import Ppm, ppm_bits_per_note

# Start, and three tokens.
SIZE = 4
PIECE = [0, 1, 2, 1, 2]


def chances(piece: list[int], order: int = 1) -> list[list[float]]:
    """By order, what each token of the piece was given, after `PIECE` was learnt."""
    model = Ppm(order, SIZE)
    model.learn(PIECE)
    return [[2**-cost for cost in costs] for costs in model.bits(piece)]


class TestByHand:
    """After 0 1 2 1 2: 1 and 2 came twice each; 1 once after the start and once after 2; 2 twice after 1."""

    def test_tokens_that_were_seen(self) -> None:
        order_0 = (2 + 2 / 4) / (4 + 2)
        after_start, after_one = (1 + 1 * order_0) / (1 + 1), (2 + 1 * order_0) / (2 + 1)
        assert chances([0, 1, 2]) == [pytest.approx([order_0, order_0]), pytest.approx([after_start, after_one])]

    def test_a_token_that_was_not_seen_has_a_share_of_the_escape(self) -> None:
        order_0 = (0 + 2 / 4) / (4 + 2)
        assert chances([0, 3]) == [pytest.approx([order_0]), pytest.approx([(0 + 1 * order_0) / (1 + 1)])]

    def test_after_what_was_not_seen_the_shorter_context_decides(self) -> None:
        order_0 = (2 + 2 / 4) / (4 + 2)
        assert [given[-1] for given in chances([0, 3, 1])] == pytest.approx([order_0, order_0])

    def test_a_context_does_not_reach_before_the_start(self) -> None:
        assert chances([0, 1], order=4)[1:] == [pytest.approx(chances([0, 1])[1])] * 4

    def test_before_all_music_all_tokens_are_alike(self) -> None:
        assert Ppm(2, SIZE).bits([0, 3]) == [[2.0], [2.0], [2.0]]

    def test_the_start_itself_is_never_foretold(self) -> None:
        assert Ppm(1, SIZE).bits([0]) == [[], []]


@given(
    st.lists(st.lists(st.integers(1, 5), max_size=20), max_size=4),
    st.lists(st.integers(1, 5), max_size=6),
)
def test_all_chances_together_are_one(pieces: list[list[int]], context: list[int]) -> None:
    model = Ppm(4, 6)
    for learnt in pieces:
        model.learn([0, *learnt])
    costs = [[row[-1] for row in model.bits([0, *context, token])] for token in range(6)]
    for order in range(5):
        assert sum(2 ** -by_order[order] for by_order in costs) == pytest.approx(1.0)


def test_bits_are_counted_by_note_whatever_else_was_foretold() -> None:
    figures = ppm_bits_per_note([PIECE], {"tunes": ([[0, 1, 2], [0, 3]], 2)}, order=1, size=SIZE)
    model = Ppm(1, SIZE)
    model.learn(PIECE)
    (long_0, long_1), (short_0, short_1) = model.bits([0, 1, 2]), model.bits([0, 3])
    assert figures == {
        "tunes": {
            "order 0": pytest.approx(sum([*long_0, *short_0]) / 2),
            "order 1": pytest.approx(sum([*long_1, *short_1]) / 2),
        }
    }
