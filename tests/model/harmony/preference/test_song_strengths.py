import numpy as np
import pytest

from model.harmony.preference.song_strengths import LEAST, MOST, TABLES, SongListener

PITCHES = 24
SPREAD = 0.45


def song(strengths: tuple[float, float, float], notes: int, seed: int = 1) -> SongListener:
    """A listener that has heard notes drawn with these strengths of three random tables, over an even forecast."""
    random = np.random.default_rng(seed)
    listener = SongListener.at_start()
    return hear_more(listener, strengths, notes, random)


def hear_more(
    listener: SongListener, strengths: tuple[float, float, float], notes: int, random: np.random.Generator
) -> SongListener:
    for _ in range(notes):
        by_table = random.normal(size=(TABLES, PITCHES))
        p = np.exp(np.array(strengths) @ by_table)
        listener = listener.hear(np.zeros(PITCHES), by_table, int(random.choice(PITCHES, p=p / p.sum())))
    return listener


def test_before_the_first_note_and_where_songs_do_not_differ_each_table_counts_as_in_all_songs() -> None:
    assert SongListener.at_start().strengths(SPREAD) is None
    assert song((2.0, 0.0, 1.0), 40).strengths(0.0) is None


def test_the_strength_of_each_table_becomes_the_one_that_the_song_has() -> None:
    assert song((1.4, 0.6, 1.0), 400).strengths(SPREAD) == pytest.approx((1.4, 0.6, 1.0), abs=0.15)


def test_a_few_notes_say_little() -> None:
    few, many = (song((0.4, 0.4, 0.4), notes).strengths(SPREAD) for notes in (3, 60))
    assert few is not None
    assert many is not None
    assert np.mean(many) < np.mean(few) < 1.0


def test_songs_that_differ_less_are_followed_less() -> None:
    listener = song((0.4, 0.4, 0.4), 40)
    strengths = [listener.strengths(spread) for spread in (0.1, 0.3, 1.0)]
    means = [float(np.mean(found)) for found in strengths if found is not None]
    assert means == sorted(means, reverse=True)
    assert len(means) == 3


def test_a_long_jam_follows_what_is_played_now() -> None:
    random = np.random.default_rng(2)
    listener = hear_more(SongListener.at_start(), (1.5, 1.5, 1.5), 2000, random)
    after = hear_more(listener, (0.5, 0.5, 0.5), 400, random).strengths(SPREAD)
    assert after is not None
    assert max(after) < 0.9


@pytest.mark.parametrize(("pull", "bound"), [(100.0, MOST), (-100.0, LEAST)])
def test_no_strength_leaves_its_bounds(pull: float, bound: float) -> None:
    assert SongListener(np.full(TABLES, pull), np.eye(TABLES)).strengths(SPREAD) == (bound,) * TABLES


def test_hearing_leaves_an_earlier_listener_as_it_was() -> None:
    earlier = song((0.4, 0.4, 0.4), 20)
    before = earlier.strengths(SPREAD)
    hear_more(earlier, (2.0, 2.0, 2.0), 20, np.random.default_rng(4))
    assert earlier.strengths(SPREAD) == before
