import numpy as np
import pytest

from train.judge.classifier import telling_apart

PIECES = [f"piece {number // 3}" for number in range(60)]


def rows(shift: float, random_seed: int) -> list[dict[str, float | None]]:
    random = np.random.default_rng(random_seed)
    return [{"a": float(random.normal() + shift), "b": float(random.normal()), "missing": None} for _ in PIECES]


class TestTellingApart:
    def test_phrases_of_one_distribution_cannot_be_told_apart(self) -> None:
        auc = telling_apart(rows(0.0, 1), rows(0.0, 2), PIECES, ["a", "b", "missing"])
        assert auc is not None
        assert auc.regression == pytest.approx(0.5, abs=0.15)
        assert auc.trees == pytest.approx(0.5, abs=0.15)

    def test_phrases_are_told_apart_by_the_measure_that_differs(self) -> None:
        human, ours = rows(0.0, 1), rows(4.0, 2)
        by_a, by_b = telling_apart(human, ours, PIECES, ["a"]), telling_apart(human, ours, PIECES, ["b"])
        assert by_a is not None
        assert by_b is not None
        assert min(by_a.regression, by_a.trees) > 0.95
        assert max(by_b.regression, by_b.trees) < 0.7

    def test_a_held_out_piece_is_not_recognised_by_its_own_values(self) -> None:
        # Each piece has a value of its own, which says who played it there; nothing of that holds for another piece.
        random = np.random.default_rng(0)
        values = {piece: random.normal() * 100 for piece in PIECES}
        signs = {piece: random.choice((-0.01, 0.01)) for piece in PIECES}
        human: list[dict[str, float | None]] = [{"a": values[piece]} for piece in PIECES]
        ours: list[dict[str, float | None]] = [{"a": values[piece] + signs[piece]} for piece in PIECES]
        auc = telling_apart(human, ours, PIECES, ["a"])
        assert auc is not None
        assert auc.trees < 0.65

    def test_the_same_arguments_give_the_same_figures(self) -> None:
        assert telling_apart(rows(0.0, 1), rows(0.5, 2), PIECES, ["a", "b"], 3) == telling_apart(
            rows(0.0, 1), rows(0.5, 2), PIECES, ["a", "b"], 3
        )

    def test_what_only_one_of_a_pair_has_tells_nothing(self) -> None:
        human = [{**row, "end": None if index % 2 else 1.0} for index, row in enumerate(rows(0.0, 1))]
        ours = [{**row, "end": 1.0} for row in rows(0.0, 2)]
        auc = telling_apart(human, ours, PIECES, ["end"])
        assert auc is not None
        assert (auc.regression, auc.trees) == (0.5, 0.5)

    def test_one_piece_cannot_be_held_out_from_itself(self) -> None:
        assert telling_apart(rows(0.0, 1)[:3], rows(0.0, 2)[:3], PIECES[:3], ["a"]) is None
