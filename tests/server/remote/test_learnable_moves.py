import pytest

from bridge.midi.controller_moves import CcMove
from server.errors import BadValue
from server.remote.learnable_moves import LearnableMoves

RPN_NULL = ((101, 127), (100, 127))


@pytest.fixture
def moves() -> LearnableMoves:
    return LearnableMoves()


def learnable(moves: LearnableMoves, *played: tuple[int, int], channel: int = 0) -> list[bool]:
    return [moves.is_learnable(CcMove(cc, value, channel)) for cc, value in played]


@pytest.mark.parametrize("cc", [1, 6, 21, 38, 64, 96, 97, 119])
def test_a_knob_with_its_own_cc_is_learnable(moves: LearnableMoves, cc: int) -> None:
    assert learnable(moves, (cc, 64)) == [True]


@pytest.mark.parametrize("cc", [0, 32, 98, 99, 100, 101])
def test_bank_and_parameter_numbers_are_not_learnable(moves: LearnableMoves, cc: int) -> None:
    assert learnable(moves, (cc, 3)) == [False]


@pytest.mark.parametrize("value_cc", [6, 38, 96, 97])
def test_a_knob_that_sends_an_nrpn_is_refused_with_its_number(moves: LearnableMoves, value_cc: int) -> None:
    assert learnable(moves, (99, 9), (98, 82), channel=2) == [False, False]
    with pytest.raises(BadValue, match=r"this knob sends NRPN 1234 on channel 3, and only a CC can be learnt"):
        moves.is_learnable(CcMove(value_cc, 64, 2))


def test_a_registered_parameter_is_not_learnable(moves: LearnableMoves) -> None:
    assert learnable(moves, (101, 0), (100, 0), (6, 12), (38, 0), *RPN_NULL) == [False] * 6


@pytest.mark.parametrize("null", [RPN_NULL, ((99, 127), (98, 127))])
def test_after_the_null_parameter_its_controllers_are_knobs_again(
    moves: LearnableMoves, null: tuple[tuple[int, int], ...]
) -> None:
    learnable(moves, (99, 9), (98, 82), *null)
    assert learnable(moves, (6, 64)) == [True]


def test_each_channel_has_a_parameter_of_its_own(moves: LearnableMoves) -> None:
    learnable(moves, (99, 9), (98, 82), channel=2)
    assert learnable(moves, (6, 64), channel=3) == [True]
