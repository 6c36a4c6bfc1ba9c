import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.notes import Note
from tests.music import exercise, line
from train.evaluation.measures import (
    MEASURES,
    Grid,
    Outline,
    Quartiles,
    grid_of,
    groove_consistency,
    inter_onset_entropy,
    measure,
    quartiles,
)

C, D, E, F, G, A, B = 60, 62, 64, 65, 67, 69, 71
EIGHTHS = Grid((0, 48))


def of(name: str, notes: Sequence[Note], grid: Grid | None = EIGHTHS, beats_per_bar: float = 4.0) -> float:
    return measure(notes, grid, beats_per_bar)[name]


def at(*onsets_beats: float) -> list[Note]:
    return [Note(C, onset_beats, 0.25, 80) for onset_beats in onsets_beats]


def chord(onset_beats: float, *pitches: int) -> list[Note]:
    return [Note(pitch, onset_beats, 1.0, 80) for pitch in pitches]


class TestPitchClassEntropy:
    def test_four_equally_common_classes_are_two_bits(self) -> None:
        assert of("pitch_class_entropy", line(C, D, E, F)) == pytest.approx(2.0)

    def test_octaves_are_one_class(self) -> None:
        assert of("pitch_class_entropy", line(C, C + 12, C - 24)) == 0.0

    def test_three_to_one(self) -> None:
        expected = 0.75 * math.log2(4 / 3) + 0.25 * 2
        assert of("pitch_class_entropy", line(C, C, C, G)) == pytest.approx(expected)

    def test_all_notes_of_a_chord_count(self) -> None:
        assert of("pitch_class_entropy", chord(0.0, C, E, G, B)) == pytest.approx(2.0)


class TestScaleConsistency:
    def test_a_major_scale_is_consistent(self) -> None:
        assert of("scale_consistency", line(C, D, E, F, G, A, B)) == 1.0

    def test_a_natural_minor_scale_is_as_well(self) -> None:
        assert of("scale_consistency", line(A, B, C, D, E, F, G, A)) == 1.0

    def test_a_harmonic_minor_scale_lacks_its_leading_note(self) -> None:
        assert of("scale_consistency", line(A, B, C, D, E, F, G + 1)) == pytest.approx(6 / 7)

    def test_of_all_twelve_notes_seven_are_in_a_scale(self) -> None:
        assert of("scale_consistency", line(*range(C, C + 12))) == pytest.approx(7 / 12)


class TestGrooveConsistency:
    def test_bars_of_one_rhythm_are_consistent(self) -> None:
        assert of("groove_consistency", at(0, 1, 1.5, 4, 5, 5.5, 8, 9, 9.5)) == 1.0

    def test_eighths_after_quarters_differ_at_four_of_64_positions(self) -> None:
        assert of("groove_consistency", at(0, 1, 2, 3) + line(*[C] * 8, start_beats=4.0)) == 1 - 4 / 64

    def test_a_waltz_has_48_positions(self) -> None:
        assert of("groove_consistency", at(0, 1, 2, 3, 4), beats_per_bar=3.0) == 1 - 1 / 48

    def test_a_chord_is_one_onset(self) -> None:
        assert of("groove_consistency", chord(0.0, C, E, G) + chord(4.0, C)) == 1.0

    def test_a_note_just_before_a_bar_line_belongs_to_the_bar_after_it(self) -> None:
        assert of("groove_consistency", at(0, 3.99, 8)) == 1.0

    def test_a_long_rest_is_no_groove(self) -> None:
        # From the first bar to the rest and from the rest to the sixth bar: four positions each. The rest itself is
        # left out.
        assert of("groove_consistency", at(0, 1, 2, 3, 20, 21, 22, 23)) == 1 - 4 / 64

    def test_one_bar_has_none(self) -> None:
        assert "groove_consistency" not in measure(at(0, 1, 2, 3), None)

    @given(st.lists(st.integers(0, 6 * 12 - 1), min_size=1, unique=True))
    def test_it_equals_a_comparison_of_the_bars_one_by_one(self, sixteenths: list[int]) -> None:
        # Bars of 3/4, on sixteenths: every fourth of the 48 positions.
        bars = [{onset % 12 for onset in sixteenths if onset // 12 == bar} for bar in range(6)]
        first, last = min(sixteenths) // 12, max(sixteenths) // 12
        differing = [len(bars[bar] ^ bars[bar + 1]) for bar in range(first, last) if bars[bar] or bars[bar + 1]]
        found = groove_consistency(Outline.of(at(*(onset / 4 for onset in sixteenths)), beats_per_bar=3.0))
        assert found == (pytest.approx(1 - sum(differing) / len(differing) / 48) if differing else None)


class TestTheTopLine:
    NOTES = (*chord(0.0, C, E, G), *chord(1.0, D, A), *chord(2.0, A), *chord(3.0, C, D))
    """The top line is G A A D: up 2, repeated, down 7."""

    def test_range(self) -> None:
        assert of("pitch_range", self.NOTES) == A - D

    def test_mean_absolute_interval(self) -> None:
        assert of("mean_absolute_interval", self.NOTES) == pytest.approx((2 + 0 + 7) / 3)

    def test_repeated_notes(self) -> None:
        assert of("repeated_note_share", self.NOTES) == pytest.approx(1 / 3)

    def test_notes_per_beat_count_chords_in_full_but_not_the_last(self) -> None:
        assert of("notes_per_beat", self.NOTES) == pytest.approx((3 + 2 + 1) / 3)


class TestInterOnsetEntropy:
    def test_an_even_rhythm_has_none(self) -> None:
        assert of("inter_onset_entropy", line(*[C] * 9)) == 0.0

    def test_long_short_short(self) -> None:
        # 1, 1/2, 1/2, 1, 1/2, 1/2.
        expected = 1 / 3 * math.log2(3) + 2 / 3 * math.log2(3 / 2)
        assert of("inter_onset_entropy", exercise(7)) == pytest.approx(expected)

    def test_a_chord_is_one_onset(self) -> None:
        assert of("inter_onset_entropy", chord(0.0, C, E) + chord(1.0, C) + chord(2.0, C)) == 0.0

    def test_triplets_added_up_stay_even(self) -> None:
        onsets = np.cumsum(np.full(200, 1 / 3))
        assert of("inter_onset_entropy", at(*onsets.tolist())) == 0.0

    def test_at_a_coarser_resolution_played_timing_is_even(self) -> None:
        played = Outline.of(at(0, 1.02, 1.99, 3.01))
        # In units of 1/48 beat they are 49, 47 and 49.
        assert inter_onset_entropy(played) == pytest.approx(1 / 3 * math.log2(3) + 2 / 3 * math.log2(3 / 2))
        assert inter_onset_entropy(played, resolution_beats=1 / 4) == 0.0

    def test_one_onset_has_none(self) -> None:
        assert inter_onset_entropy(Outline.of(chord(0.0, C, E))) is None


class TestGrid:
    def test_a_position_that_hardly_anything_falls_on_is_off_the_grid(self) -> None:
        assert grid_of([line(*[C] * 199), at(0.25)]) == EIGHTHS

    def test_a_position_that_more_than_one_in_a_hundred_fall_on_is_on_it(self) -> None:
        assert grid_of([line(*[C] * 98), at(0.25, 1.25)]) == Grid((0, 24, 48))

    def test_lines_count_together_and_a_chord_once(self) -> None:
        assert grid_of([line(*[C] * 199), chord(0.25, *range(C, C + 50))]) == EIGHTHS

    def test_notes_just_before_or_after_a_beat_count_as_on_it(self) -> None:
        assert grid_of([at(0.996, 2.004, 2.9999)]) == Grid((0,))

    def test_no_notes_give_no_measure(self) -> None:
        with pytest.raises(ValueError, match="no note"):
            grid_of([[], []])

    def test_share_of_a_line(self) -> None:
        assert of("on_grid_share", at(0, 0.5, 1.25, 2.0), EIGHTHS) == 0.75

    def test_a_mean_of_sixths_is_off_the_grid_that_sixths_are_on(self) -> None:
        assert of("on_grid_share", at(0, 1 / 6, 1.146), Grid((0, 16))) == pytest.approx(2 / 3)

    def test_without_a_grid_there_is_no_share(self) -> None:
        assert "on_grid_share" not in measure(exercise(), None)

    @given(st.lists(st.integers(0, 4 * 96 - 1), min_size=1, unique=True))
    def test_a_grid_holds_99_percent_of_its_own_corpus_with_the_fewest_positions(self, ticks: list[int]) -> None:
        notes = at(*(tick / 96 for tick in ticks))
        grid = grid_of([notes])
        in_beat = [tick % 96 for tick in ticks]
        assert of("on_grid_share", notes, grid) >= 0.99
        rarest = min(in_beat.count(position) for position in grid.positions)
        assert of("on_grid_share", notes, grid) - rarest / len(ticks) < 0.99


class TestMeasure:
    def test_a_line_of_some_bars_has_every_measure_in_the_order_of_the_table(self) -> None:
        assert list(measure(exercise(), EIGHTHS)) == [known.name for known in MEASURES]

    def test_no_line_has_no_measure(self) -> None:
        assert measure([], EIGHTHS) == {}

    def test_one_note_has_the_measures_that_need_only_one(self) -> None:
        assert measure(line(C), EIGHTHS) == {
            "pitch_class_entropy": 0.0,
            "scale_consistency": 1.0,
            "pitch_range": 0.0,
            "on_grid_share": 1.0,
        }

    def test_the_order_of_the_notes_does_not_matter(self) -> None:
        notes = [*exercise(20), *chord(1.0, C - 12, C)]
        assert measure(notes[::-1], EIGHTHS) == measure(notes, EIGHTHS)


def test_the_table_names_each_measure_once_and_as_its_function() -> None:
    assert [known.name for known in MEASURES] == [known.of.__name__ for known in MEASURES]
    assert len({known.title for known in MEASURES}) == len(MEASURES)
    assert all(known.unit and known.source and known.help.endswith(".") for known in MEASURES)


notes = st.builds(
    Note,
    pitch=st.integers(24, 100),
    onset_beats=st.integers(0, 40 * 24).map(lambda ticks: ticks / 24),
    duration_beats=st.just(0.25),
    velocity=st.just(80),
)


@given(st.lists(notes, max_size=30), st.integers(-12, 12), st.integers(0, 8), st.sampled_from([3.0, 4.0, 3.5]))
def test_no_measure_depends_on_the_key_or_the_number_of_bars_before(
    played: list[Note], semitones: int, bars: int, beats_per_bar: float
) -> None:
    # Moved by whole beats too, as the grid consists of positions within a beat.
    later_beats = 2 * bars * beats_per_bar
    moved = [replace(note, pitch=note.pitch + semitones, onset_beats=note.onset_beats + later_beats) for note in played]
    measured = measure(played, EIGHTHS, beats_per_bar)
    assert measure(moved, EIGHTHS, beats_per_bar) == pytest.approx(measured)
    assert all(math.isfinite(value) for value in measured.values())
    for known in MEASURES:
        if known.unit == "share" and known.name in measured:
            assert 0.0 <= measured[known.name] <= 1.0


class TestQuartiles:
    def test_by_hand(self) -> None:
        lines = [{"pitch_range": value} for value in (12.0, 19.0, 14.0, 24.0, 17.0)]
        assert quartiles(lines) == {"pitch_range": Quartiles(14.0, 17.0, 19.0)}

    def test_a_line_without_a_measure_does_not_count_for_it(self) -> None:
        lines = [{"pitch_range": 0.0}, {"pitch_range": 2.0, "notes_per_beat": 1.5}]
        assert quartiles(lines) == {
            "pitch_range": Quartiles(0.5, 1.0, 1.5),
            "notes_per_beat": Quartiles(1.5, 1.5, 1.5),
        }

    def test_of_no_line_there_are_none(self) -> None:
        assert quartiles([]) == {}

    def test_what_lies_within_them(self) -> None:
        middle = Quartiles(12.0, 19.0, 24.0)
        assert [middle.contains(value) for value in (11.9, 12.0, 24.0, 25.0)] == [False, True, True, False]
