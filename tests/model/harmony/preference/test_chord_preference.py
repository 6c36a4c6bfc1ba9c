import numpy as np
import pytest

from model.harmony.changes import ChartChanges
from model.harmony.notations.text_chart import read_text_chart
from model.harmony.preference.chord_preference import (
    BY_INTERVAL_SIZE,
    BY_NEXT_SIZE,
    BY_PLACE_SIZE,
    ChordPreference,
    metrical_place,
    preference_indices,
)

PITCHES = np.arange(48, 84)


def test_places_of_a_bar_are_told_apart() -> None:
    assert [metrical_place(beat, 4.0) for beat in (0.0, 1.0, 2.0, 2.5, 3.98)] == [0, 2, 1, 3, 0]
    assert [metrical_place(beat, 3.0) for beat in (0.0, 1.0, 1.5, 3.0)] == [0, 2, 3, 0]


def test_each_entry_of_a_table_has_one_meaning_in_every_key() -> None:
    changes = ChartChanges(read_text_chart("| F7 | Bb7 |"))
    higher = ChartChanges(read_text_chart("| G7 | C7 |"))
    for beat in (0.0, 1.0, 2.5, 3.0, 3.5):
        first = preference_indices(PITCHES, changes.at(beat), beat, 60)
        second = preference_indices(PITCHES + 2, higher.at(beat), beat, 62)
        assert first is not None
        assert second is not None
        for name in ("by_place", "by_next", "by_interval"):
            assert np.array_equal(getattr(first, name), getattr(second, name))


def test_the_next_chord_counts_only_while_it_is_near() -> None:
    changes = ChartChanges(read_text_chart("| F7 | Bb7 |"))
    far, near, close = (preference_indices(PITCHES, changes.at(beat), beat, None) for beat in (2.0, 3.0, 3.5))
    assert far is not None
    assert near is not None
    assert close is not None
    assert not far.by_next.any()
    assert near.by_next.all()
    assert not set(near.by_next) & set(close.by_next)
    assert not far.by_interval.any()


def test_without_a_chord_there_is_no_preference() -> None:
    changes = ChartChanges(read_text_chart("| N.C. | C |"))
    assert preference_indices(PITCHES, changes.at(0.0), 0.0, 60) is None


def test_the_factor_is_the_sum_of_its_tables_at_its_strength() -> None:
    by_place = [0.0] * BY_PLACE_SIZE
    span = ChartChanges(read_text_chart("| C |")).at(0.0)
    found = preference_indices(PITCHES, span, 0.0, None)
    assert found is not None
    by_place[found.by_place[12]] = 2.0
    preference = ChordPreference(tuple(by_place), (0.0,) * BY_NEXT_SIZE, (0.0,) * BY_INTERVAL_SIZE, 0.5)
    factor = preference.log_factor(PITCHES, span, 0.0, None)
    assert factor is not None
    assert [int(pitch) for pitch in PITCHES[factor == 1.0]] == [48, 60, 72]
    assert set(factor) == {0.0, 1.0}


def test_tables_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="the tables of a chord preference"):
        ChordPreference((0.0,), (0.0,), (0.0,))
    with pytest.raises(ValueError, match="strength"):
        ChordPreference((0.0,) * BY_PLACE_SIZE, (0.0,) * BY_NEXT_SIZE, (0.0,) * BY_INTERVAL_SIZE, float("nan"))


def test_the_strength_goes_from_that_of_the_memory_to_that_of_the_network() -> None:
    sizes = (BY_PLACE_SIZE, BY_NEXT_SIZE, BY_INTERVAL_SIZE)
    tables = [(1.0,) * size for size in sizes]
    preference = ChordPreference(tables[0], tables[1], tables[2], 1.2, strength_with_memory=0.4)
    assert [preference.strength_at(weight) for weight in (1.0, 0.5, 0.0)] == pytest.approx([1.2, 0.8, 0.4])
    older = ChordPreference(tables[0], tables[1], tables[2], 0.9)
    assert [older.strength_at(weight) for weight in (1.0, 0.0)] == [0.9, 0.9]
    with pytest.raises(ValueError, match="strength"):
        ChordPreference(tables[0], tables[1], tables[2], 1.0, strength_with_memory=-0.1)


def random_preference(song_spread: float = 0.0) -> ChordPreference:
    random = np.random.default_rng(1)
    by_place, by_next, by_interval = (
        tuple(random.normal(size=size).tolist()) for size in (BY_PLACE_SIZE, BY_NEXT_SIZE, BY_INTERVAL_SIZE)
    )
    return ChordPreference(by_place, by_next, by_interval, 0.8, song_spread=song_spread)


FORM = ChartChanges(read_text_chart("| F7 | Bb7 | F7 Dm7 | Gm7 C7 | Edim | Abm7b5 Db+ | N.C. | Gsus4 |"))


def test_the_factor_is_made_of_the_entries_of_the_tables_each_time_round_the_form() -> None:
    preference = random_preference()
    by_place, by_next, by_interval = (
        np.array(table) for table in (preference.by_place, preference.by_next, preference.by_interval)
    )
    for beat in np.arange(0.0, 64.0, 0.5):
        for previous in (None, 60, 67):
            entries = preference_indices(PITCHES, FORM.at(beat), beat, previous)
            factor = preference.log_factor(PITCHES, FORM.at(beat), beat, previous)
            if entries is None:
                assert factor is None
                continue
            total = by_place[entries.by_place] + by_next[entries.by_next] + by_interval[entries.by_interval]
            assert factor is not None
            assert factor.tolist() == (0.8 * total).tolist()


def test_each_table_counts_as_much_as_the_song_says() -> None:
    preference = random_preference()
    by_table = preference.by_table(PITCHES, FORM.at(3.5), 3.5, 60)
    assert by_table is not None
    for song in ((1.0, 1.0, 1.0), (1.5, 0.0, 0.7)):
        factor = preference.log_factor(PITCHES, FORM.at(3.5), 3.5, 60, song=song)
        assert factor is not None
        assert factor == pytest.approx(0.8 * np.array(song) @ by_table)
    assert preference.by_table(PITCHES, FORM.at(24.0), 24.0, 60) is None


def test_only_so_many_places_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = random_preference().log_factor(PITCHES, FORM.at(3.5), 3.5, 60)
    monkeypatch.setattr("model.harmony.preference.chord_preference.MAX_KEPT", 3)
    preference = random_preference()
    for beat in np.arange(0.0, 32.0, 0.5):
        preference.log_factor(PITCHES, FORM.at(beat), beat, 60)
    again = preference.log_factor(PITCHES, FORM.at(3.5), 3.5, 60)
    assert fresh is not None
    assert again is not None
    assert again.tolist() == fresh.tolist()


@pytest.mark.parametrize("spread", [-0.1, float("nan"), float("inf")])
def test_a_spread_between_songs_that_is_none_is_refused(spread: float) -> None:
    with pytest.raises(ValueError, match="spread"):
        random_preference(spread)
