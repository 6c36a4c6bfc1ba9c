from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.improvising.rhythm import Rhythm
from model.notes import CHORD_BEATS, Note
from tests.music import line

LONG_SHORT_SHORT = [Note(60, 4.0, 1.0, 80), Note(62, 5.0, 0.5, 80), Note(64, 5.5, 0.5, 80)]
# As keys are played: from far before the first beat to far after it, on no grid.
phrases = st.lists(
    st.builds(Note, st.integers(0, 127), st.floats(-64, 64), st.floats(0, 8), st.integers(1, 127)),
    min_size=1,
    max_size=24,
)


def test_a_phrase_repeats_from_the_given_beat() -> None:
    rhythm = Rhythm.from_notes(LONG_SHORT_SHORT)
    assert list(islice(rhythm.unroll(16.0), 5)) == [(16.0, 1.0), (17.0, 0.5), (17.5, 0.5), (18.0, 1.0), (19.0, 0.5)]


def test_a_phrase_that_begins_off_the_beat_repeats_off_the_beat() -> None:
    rhythm = Rhythm.from_notes([Note(60, 8.5, 0.5, 80), Note(62, 9.0, 1.0, 80)])
    assert [onset for onset, _ in islice(rhythm.unroll(0.0), 4)] == [0.5, 1.0, 2.5, 3.0]


def test_a_first_note_that_is_a_little_early_counts_as_on_the_beat() -> None:
    rhythm = Rhythm.from_notes([Note(60, 3.97, 0.5, 80), Note(62, 4.5, 0.5, 80)])
    assert rhythm.onsets_beats == (0.0, 0.5)
    assert rhythm.period_beats == 1.0


@pytest.mark.parametrize(("last_ends_at", "period_beats"), [(3.5, 4.0), (4.0, 4.0), (4.25, 4.0), (4.375, 5.0)])
def test_the_period_is_the_phrase_in_whole_beats_and_a_late_release_does_not_count(
    last_ends_at: float, period_beats: float
) -> None:
    assert (
        Rhythm.from_notes([Note(60, 0.0, 1.0, 80), Note(62, 3.0, last_ends_at - 3.0, 80)]).period_beats == period_beats
    )


def test_the_beat_of_a_short_last_note_belongs_to_the_period() -> None:
    assert Rhythm.from_notes([Note(60, 0.0, 1.0, 80), Note(62, 3.0, 0.01, 80)]).period_beats == 4.0
    assert Rhythm.from_notes([Note(60, 0.0, 1.0, 80), Note(62, 2.98, 0.01, 80)]).period_beats == 4.0


def test_a_chord_is_one_onset_as_long_as_its_longest_note() -> None:
    chord = [Note(60, 0.0, 0.5, 80), Note(64, 0.02, 1.5, 80), Note(67, 0.04, 1.0, 80)]
    rhythm = Rhythm.from_notes([*chord, Note(60, 2.0, 2.0, 80)])
    assert rhythm == Rhythm((0.0, 2.0), (1.5, 2.0), 4.0)


def test_a_note_that_is_still_held_lasts_until_the_next() -> None:
    assert Rhythm.from_notes([Note(60, 0.5, 0.0, 80), Note(62, 1.5, 0.5, 80)]).durations_beats == (1.0, 0.5)
    assert Rhythm.from_notes([Note(60, 0.5, 0.5, 80), Note(62, 1.5, 0.0, 80)]).durations_beats == (0.5, 1.0)


def test_a_note_can_last_past_the_next_onset() -> None:
    assert Rhythm.from_notes([Note(48, 0.0, 4.0, 80), Note(62, 1.0, 1.0, 80)]).durations_beats == (4.0, 1.0)


def test_a_fixed_step_is_a_rhythm_like_any_other() -> None:
    assert list(islice(Rhythm.fixed(0.25).unroll(3.5), 3)) == [(3.5, 0.25), (3.75, 0.25), (4.0, 0.25)]
    assert list(islice(Rhythm.fixed(0.5, gate=0.5).unroll(0.0), 2)) == [(0.0, 0.25), (0.5, 0.25)]


def test_rounding_does_not_add_up_over_a_hundred_thousand_periods() -> None:
    onset, _ = next(islice(Rhythm.fixed(1 / 3).unroll(0.0), 300_000, None))
    assert onset == pytest.approx(100_000.0, abs=1e-9)


@given(phrases, st.floats(-1000, 100_000))
def test_any_phrase_repeats_without_end(phrase: list[Note], start_beats: float) -> None:
    rhythm = Rhythm.from_notes(phrase)
    assert rhythm.period_beats.is_integer()
    unrolled = list(islice(rhythm.unroll(start_beats), 100))
    assert all(earlier < later for (earlier, _), (later, _) in pairwise(unrolled))
    assert all(duration > 0.0 for _, duration in unrolled)
    assert unrolled[0][0] == start_beats + rhythm.onsets_beats[0]


@given(phrases)
def test_no_two_onsets_are_nearer_than_a_chord_is_wide(phrase: list[Note]) -> None:
    onsets = Rhythm.from_notes(phrase).onsets_beats
    assert all(b - a >= CHORD_BEATS for a, b in pairwise(onsets))


@given(st.integers(-8, 8), phrases)
def test_the_beat_on_which_a_phrase_was_played_does_not_matter(beats: int, phrase: list[Note]) -> None:
    home = [Note(note.pitch, round(note.onset_beats * 96) / 96, 0.5, 80) for note in phrase]
    away = [Note(note.pitch, note.onset_beats + beats, 0.5, 80) for note in home]
    assert Rhythm.from_notes(away).period_beats == Rhythm.from_notes(home).period_beats
    assert Rhythm.from_notes(away).onsets_beats == pytest.approx(Rhythm.from_notes(home).onsets_beats)


def test_the_pitches_do_not_matter() -> None:
    assert Rhythm.from_notes(line(60, 62, 64)) == Rhythm.from_notes(line(72, 40, 40))


@pytest.mark.parametrize(
    ("onsets", "durations", "period"),
    [
        ((), (), 4.0),
        ((0.0, 1.0), (1.0,), 4.0),
        ((0.0, 0.0), (1.0, 1.0), 4.0),
        ((1.0, 0.5), (1.0, 1.0), 4.0),
        ((0.0, 4.0), (1.0, 1.0), 4.0),
        ((-1.0, 0.0), (1.0, 1.0), 4.0),
        ((0.0, 1.0), (1.0, 0.0), 4.0),
        ((0.0,), (1.0,), float("nan")),
    ],
)
def test_values_that_contradict_each_other_are_an_error(
    onsets: tuple[float, ...], durations: tuple[float, ...], period: float
) -> None:
    with pytest.raises(ValueError, match="rhythm"):
        Rhythm(onsets, durations, period)


@pytest.mark.parametrize("step_beats", [0.0, -0.5, float("nan")])
def test_a_step_of_no_length_is_an_error(step_beats: float) -> None:
    with pytest.raises(ValueError, match="rhythm"):
        Rhythm.fixed(step_beats)


def test_silence_has_no_rhythm() -> None:
    with pytest.raises(ValueError, match="without notes"):
        Rhythm.from_notes([])
