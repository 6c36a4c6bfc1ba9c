import pytest

from train.corpus.dataset import TRANSPOSITIONS
from train.errors import RecipeError
from train.learning import recipe
from train.learning.recipe import average_decay_at, schedule, seed_of, shuffled, wants_bf16


class TestSchedule:
    def test_it_rises_straight_then_falls_to_a_hundredth(self) -> None:
        assert [schedule(step, 100, 10) for step in (0, 4, 9, 10)] == pytest.approx([0.1, 0.5, 1.0, 1.0])
        assert schedule(55, 100, 10) == pytest.approx(0.505)
        assert [schedule(step, 100, 10) for step in (100, 130)] == pytest.approx([0.01, 0.01])

    def test_a_training_shorter_than_its_warm_up_only_rises(self) -> None:
        assert [schedule(step, 3, 10) for step in range(3)] == pytest.approx([0.1, 0.2, 0.3])

    def test_time_brings_it_down_where_it_is_shorter_than_the_steps(self) -> None:
        assert schedule(10, 100, 10, time_used=0.5) == pytest.approx(0.505)
        assert schedule(55, 100, 10, time_used=0.2) == pytest.approx(0.505)
        assert schedule(55, 100, 10, time_used=1.3) == pytest.approx(0.01)


class TestAverage:
    def test_it_is_short_at_first_and_never_longer_than_the_recipe_allows(self) -> None:
        assert [average_decay_at(step, 0.9) for step in (1, 10, 1000)] == pytest.approx([1 / 11, 0.5, 0.9])


class TestRandomness:
    def test_an_epoch_takes_each_piece_once_in_an_order_of_its_own(self) -> None:
        orders = [shuffled([1] * 50, random_seed=3, epoch=epoch)[0] for epoch in (1, 2)]
        assert [sorted(order) for order in orders] == [list(range(50))] * 2
        assert orders[0] != orders[1]
        assert shuffled([1] * 50, random_seed=3, epoch=2)[0] == orders[1]
        assert shuffled([1] * 50, random_seed=4, epoch=2)[0] != orders[1]

    def test_pieces_that_count_more_come_again_in_keys_of_their_own(self) -> None:
        order, transpositions = shuffled([1, 9, 2], random_seed=3, epoch=1)
        assert sorted(order) == [0, *[1] * 9, 2, 2]
        assert len({key for piece, key in zip(order, transpositions, strict=True) if piece == 1}) > 3

    def test_every_transposition_occurs(self) -> None:
        assert set(shuffled([1] * 500, random_seed=0, epoch=1)[1]) == set(TRANSPOSITIONS)

    def test_a_seed_depends_on_each_number(self) -> None:
        seeds = [seed_of(seed, step, rank) for seed in range(3) for step in range(3) for rank in range(3)]
        assert len(set(seeds)) == 27


class TestPrecision:
    @pytest.fixture(params=[True, False])
    def cpu_has_bf16(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
        monkeypatch.setattr(recipe, "cpu_learns_in_bf16", lambda: request.param)
        return bool(request.param)

    def test_the_requested_precision_is_used_or_told_to_be_impossible(self, *, cpu_has_bf16: bool) -> None:
        if cpu_has_bf16:
            assert wants_bf16("bf16", "cpu")
        else:
            with pytest.raises(RecipeError, match=r"this CPU cannot train in bf16.*use --precision fp32, or auto"):
                wants_bf16("bf16", "cpu")
        assert wants_bf16("bf16", "cuda")
        assert not wants_bf16("fp32", "cuda")

    def test_auto_uses_bf16_on_a_gpu(self) -> None:
        assert wants_bf16("auto", "cuda")
