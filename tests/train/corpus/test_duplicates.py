from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.music import exercise, tune
from train.corpus.duplicates import GRAM_INTERVALS, HASHES, Signature, groups_of, signature_of

MELODIES = st.lists(st.integers(40, 90), min_size=GRAM_INTERVALS + 1, max_size=60)


def signed(*lines: Sequence[int]) -> Signature | None:
    return signature_of([np.array(line, np.uint8) for line in lines])


def pitches(number: int, length: int = 64, key: int = 60) -> list[int]:
    return [note.pitch for note in tune(number, length, key)]


def resemblance(one: Signature | None, other: Signature | None) -> float:
    assert one is not None
    assert other is not None
    return float((one == other).mean())


class TestSignature:
    def test_it_does_not_depend_on_key_and_register(self) -> None:
        assert resemblance(signed(pitches(1)), signed(pitches(1, key=53))) == 1.0

    def test_it_does_not_depend_on_the_order_of_tracks(self) -> None:
        assert resemblance(signed(pitches(1), pitches(2)), signed(pitches(2), pitches(1))) == 1.0

    def test_a_repeated_phrase_does_not_change_it(self) -> None:
        once, twice = [note.pitch for note in exercise(24)], [note.pitch for note in exercise(96)]
        assert resemblance(signed(once), signed(twice)) == 1.0

    @pytest.mark.parametrize("lines", [[], [[]], [[60]], [pitches(1, GRAM_INTERVALS)], [[60] * 100]])
    def test_too_short_lines_and_single_repeated_notes_have_none(self, lines: list[list[int]]) -> None:
        assert signed(*lines) is None

    def test_a_note_more_than_a_run_of_intervals_suffices(self) -> None:
        assert signed(pitches(1, GRAM_INTERVALS + 1)) is not None

    def test_repeated_notes_do_not_make_two_files_alike(self) -> None:
        drone = [60] * 500
        assert resemblance(signed([*drone, *pitches(1)]), signed([*drone, *pitches(2)])) < 0.5

    @pytest.mark.parametrize("shared", [0.0, 0.2, 0.5, 0.9])
    def test_the_share_of_equal_places_estimates_the_share_of_common_runs(self, shared: float) -> None:
        # 40 phrases each, of which so many are the same: J = same / (2 · 40 - same)
        same = round(40 * 2 * shared / (1 + shared))
        found = []
        for trial in range(8):
            first = 1000 * trial
            ours = [pitches(first + phrase) for phrase in range(40)]
            theirs = [pitches(first + phrase + (0 if phrase < same else 500)) for phrase in range(40)]
            found.append(resemblance(signed(*ours), signed(*theirs)))
        # One estimate of 64 hashes is off by some 6 %, the mean of 8 of them by some 2 %.
        assert np.mean(found) == pytest.approx(same / (80 - same), abs=0.06)

    @given(MELODIES, st.integers(-40, 37))
    def test_any_transposed_copy_has_the_same(self, melody: list[int], semitones: int) -> None:
        home, away = signed(melody), signed([pitch + semitones for pitch in melody])
        assert (home is None and away is None) or resemblance(home, away) == 1.0


class TestGroups:
    def test_a_transposed_copy_is_in_the_group_of_its_original(self) -> None:
        assert groups_of([signed(pitches(1)), signed(pitches(2)), signed(pitches(1, key=65))]) == [0, 1, 0]

    @pytest.mark.parametrize("changed", [1, 2, 3])
    def test_a_long_line_with_a_few_notes_changed_is_in_the_group_of_its_original(self, changed: int) -> None:
        for number in range(20):
            ours = pitches(number, 200)
            theirs = list(ours)
            for place in Random(number).sample(range(200), changed):
                theirs[place] += 1
            assert groups_of([signed(ours), signed(theirs)]) == [0, 0]

    def test_a_copy_without_one_verse_is_in_the_group_of_its_original(self) -> None:
        for number in range(20):
            assert groups_of([signed(pitches(number, 200)), signed(pitches(number, 200)[:160])]) == [0, 0]

    def test_a_thousand_unrelated_tunes_are_a_thousand_groups(self) -> None:
        assert groups_of([signed(pitches(number)) for number in range(1000)]) == list(range(1000))

    def test_sharing_a_riff_does_not_make_files_alike(self) -> None:
        riff = pitches(0, 24)
        assert groups_of([signed([*riff, *pitches(number)]) for number in range(1, 40)]) == list(range(39))

    def test_a_file_without_a_signature_is_a_group_of_its_own(self) -> None:
        assert groups_of([None, None, signed(pitches(1)), None, signed(pitches(1))]) == [0, 1, 2, 3, 2]

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_files_without_any_signature_are_as_many_groups(self, count: int) -> None:
        assert groups_of([None] * count) == list(range(count))

    def test_a_chain_of_likenesses_is_one_group(self) -> None:
        stages = [signed(pitches(1, 300)[20 * step : 20 * step + 160]) for step in range(6)]
        assert resemblance(stages[0], stages[5]) < 0.5
        order = [3, 0, 5, 1, 4, 2]
        assert groups_of([stages[stage] for stage in order]) == [0] * 6

    @given(st.lists(st.integers(0, 6), max_size=30))
    def test_copies_are_grouped_by_the_first_of_them_in_any_order(self, numbers: list[int]) -> None:
        groups = groups_of([signed(pitches(number)) for number in numbers])
        assert groups == [numbers.index(number) for number in numbers]


def test_a_signature_has_a_fixed_number_of_hashes() -> None:
    signature = signed(pitches(1))
    assert signature is not None
    assert (signature.shape, signature.dtype) == ((HASHES,), np.dtype(np.uint32))
