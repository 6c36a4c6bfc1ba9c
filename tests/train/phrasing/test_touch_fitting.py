import pytest

from tests.train.phrasing.lines import period_line
from train.phrasing.touch_fitting import fit_touch, has_dynamics


def test_accents_of_lines_with_dynamics_are_fitted() -> None:
    fitted = fit_touch([period_line(accents=True) for _ in range(4)])
    assert fitted is not None
    assert fitted.loudness_notes > 0
    loudness = fitted.profile.loudness
    assert loudness is not None
    assert loudness[0] > 1.0 > max(loudness[1:4])


def test_lines_of_one_velocity_have_no_dynamics_and_the_fit_says_so() -> None:
    assert not has_dynamics(period_line())
    fitted = fit_touch([period_line() for _ in range(4)])
    assert fitted is not None
    assert (fitted.profile.loudness, fitted.loudness_notes) == (None, 0)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_lengths_are_shares_of_the_gap(share: float) -> None:
    fitted = fit_touch([period_line(share=share)])
    assert fitted is not None
    assert {value for quantiles in fitted.profile.lengths for value in quantiles} == {share}


def test_without_lines_there_is_no_touch() -> None:
    assert fit_touch([]) is None
