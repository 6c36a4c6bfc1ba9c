from tests.train.phrasing.lines import DOWNBEAT, period_line
from train.phrasing.end_fitting import MIN_PHRASES, fit_ends


def test_phrases_that_end_on_the_first_beat_make_that_end_likely() -> None:
    ends = fit_ends([period_line() for _ in range(8)])
    assert ends is not None
    assert ends.first_half[DOWNBEAT] > 0.9
    assert max(ends.first_half[:DOWNBEAT]) < 0.2


def test_a_half_close_is_on_the_tone_that_half_closes_are_on() -> None:
    ends = fit_ends([period_line() for _ in range(8)])
    assert ends is not None
    assert max(range(12), key=lambda tone: ends.half_major[tone]) == 7
    assert max(range(12), key=lambda tone: ends.full_major[tone]) == 0


def test_last_notes_have_the_lengths_and_the_breaths_of_the_line() -> None:
    ends = fit_ends([period_line(share=0.5) for _ in range(8)])
    assert ends is not None
    assert (set(ends.lengths_beats), set(ends.breaths_beats)) == ({2.0}, {2.0})


def test_a_few_phrases_say_nothing() -> None:
    assert fit_ends([period_line(MIN_PHRASES // 2)]) is None
    assert fit_ends([]) is None
