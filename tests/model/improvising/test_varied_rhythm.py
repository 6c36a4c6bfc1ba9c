from dataclasses import replace
from itertools import pairwise, takewhile

import pytest

from model.analysis.bars import COMMON_BARS, PLACE_TOLERANCE_BEATS, Bars
from model.improvising.varied_rhythm import VariedRhythm
from model.notes import CHORD_BEATS, Note
from model.phrasing.parallel_rhythm import ParallelRhythm
from tests.music import line

# Two bars: quarters, then eighths with a long note.
PHRASE = [
    *line(60, 62, 64, 65, step_beats=1.0),
    *line(60, 62, 64, 65, start_beats=4.0),
    Note(67, 6.0, 2.0, 80),
]


def onsets(rhythm: VariedRhythm, bars: int, start_beats: float = 8.0) -> list[float]:
    until = start_beats + 4 * bars
    times = takewhile(lambda time: time[0] < until, rhythm.unroll(start_beats, start_beats))
    return [onset for onset, _ in times if onset >= start_beats - PLACE_TOLERANCE_BEATS]


def varied(random_seed: int = 1) -> VariedRhythm:
    return VariedRhythm.from_notes(PHRASE, COMMON_BARS, COMMON_BARS, 8.0, random_seed)


def test_every_beat_is_filled_as_one_of_the_phrase_is() -> None:
    # A beat of the phrase has an onset on it, or one more half a beat later.
    assert {onset % 1 for onset in onsets(varied(), 32)} == {0.0, 0.5}


def test_now_and_then_a_beat_is_filled_as_another_one_of_its_bar_is() -> None:
    known = {note.onset_beats % 4 for note in PHRASE}
    found = onsets(varied(), 64)
    elsewhere = [onset for onset in found if onset % 4 not in known]
    assert {onset % 4 for onset in elsewhere} == {2.5}
    assert 0.0 < len(elsewhere) / len(found) < 0.15


def test_a_note_off_the_beat_is_never_held_past_the_next_beat() -> None:
    on_and_off = [Note(60, beat + place, 0.5, 80) for beat in range(8) for place in (0.0, 0.5)]
    found = onsets(VariedRhythm.from_notes(on_and_off, COMMON_BARS, COMMON_BARS, 8.0, 1), 64)
    assert {after - before for before, after in pairwise(found)} == {0.5}


def test_the_order_differs_by_the_random_seed_and_not_from_call_to_call() -> None:
    assert onsets(varied(), 8) == onsets(varied(), 8)
    assert len({tuple(onsets(varied(seed), 8)) for seed in range(8)}) == 8


def test_it_neither_copies_the_phrase_nor_leaves_it() -> None:
    bars = [[onset - 8.0 - 4 * bar for onset in onsets(varied(), 64) if onset // 4 == bar + 2] for bar in range(64)]
    phrase_bars = [[0.0, 1.0, 2.0, 3.0], [0.0, 0.5, 1.0, 1.5, 2.0]]
    assert 0.1 < sum(bar in phrase_bars for bar in bars) / 64 < 0.9


def test_from_the_last_bar_line_of_an_answer_on_it_is_the_phrase_in_its_order() -> None:
    parallel = ParallelRhythm.of_phrase(PHRASE, COMMON_BARS, COMMON_BARS, 8.0, 1)
    for seed in range(20):
        rhyming = replace(varied(seed), last_line_beats=20.0, parallel=parallel)
        assert onsets(rhyming, 4)[: -len(onsets(rhyming, 1, 20.0))] == onsets(varied(seed), 3)
        times = takewhile(lambda time: time[0] < 28.0, rhyming.unroll(8.0, 8.0))
        of_end = [(onset - 20.0, duration) for onset, duration in times if onset >= 20.0]
        assert of_end == [
            (0.0, 0.5),
            (0.5, 0.5),
            (1.0, 0.5),
            (1.5, 0.5),
            (2.0, 2.0),
            *((4.0 + beat, 1.0) for beat in range(4)),
        ]


def test_a_bar_of_the_end_in_which_the_phrase_rests_is_put_together_as_others_are() -> None:
    phrase = [*line(60, 62, 64, 65, step_beats=1.0), *line(60, 62, 64, start_beats=8.0), Note(62, 11.0, 0.5, 80)]
    parallel = ParallelRhythm.of_phrase(phrase, COMMON_BARS, COMMON_BARS, 16.0, 1)
    of_phrase = VariedRhythm.from_notes(phrase, COMMON_BARS, COMMON_BARS, 16.0, 1)
    rhyming = replace(of_phrase, last_line_beats=28.0, parallel=parallel)
    assert onsets(rhyming, 4, 16.0) == onsets(of_phrase, 4, 16.0)


def test_a_note_of_the_end_that_is_still_held_lasts_for_half_a_beat() -> None:
    phrase = [*PHRASE[:-1], Note(67, 6.0, 0.0, 80)]
    parallel = ParallelRhythm.of_phrase(phrase, COMMON_BARS, COMMON_BARS, 8.0, 1)
    rhyming = replace(varied(), last_line_beats=12.0, parallel=parallel)
    assert (14.0, 0.5) in takewhile(lambda time: time[0] < 16.0, rhyming.unroll(8.0))


def test_an_answer_that_is_planned_again_keeps_its_rhythm() -> None:
    whole = onsets(varied(), 16)
    later = [onset for onset, _ in takewhile(lambda time: time[0] < 72.0, varied().unroll(8.0, 41.0)) if onset >= 41.0]
    assert later == [onset for onset in whole if onset >= 41.0]


def test_no_note_lasts_into_the_next() -> None:
    times = list(takewhile(lambda time: time[0] < 100.0, varied().unroll(8.0)))
    assert all(0.0 < duration <= after - onset for (onset, duration), (after, _) in pairwise(times))


def test_places_in_the_phrases_bars_become_places_in_the_answers_bars() -> None:
    phrase = [Note(note.pitch, note.onset_beats + 0.3, note.duration_beats, 80) for note in PHRASE]
    rhythm = VariedRhythm.from_notes(phrase, Bars(0.3), Bars(9.1), 9.1, 1)
    assert {round((onset - 9.1) % 4, 6) for onset in onsets(rhythm, 8, 9.1)} <= {0.0, 0.5, 1.0, 1.5, 2.0, 3.0}


def test_one_note_has_a_rhythm() -> None:
    rhythm = VariedRhythm.from_notes([Note(60, 1.0, 0.0, 80)], COMMON_BARS, COMMON_BARS, 8.0, 1)
    assert onsets(rhythm, 1) == [8.0, 9.0, 10.0, 11.0]


@pytest.mark.parametrize(
    ("start_beats", "first_beats"),
    [(8.0, 8.0), (9.0, 9.0), (10.5, 11.0), (11.02, 11.0)],
)
def test_a_phrase_of_less_than_a_bar_is_repeated_from_the_first_pulse_of_the_answer_on(
    start_beats: float, first_beats: float
) -> None:
    phrase = line(60, 62, 64, start_beats=5.0)
    rhythm = VariedRhythm.from_notes(phrase, COMMON_BARS, COMMON_BARS, start_beats, 3)
    assert onsets(rhythm, 2, start_beats)[0] == first_beats
    assert {(onset - first_beats) % 2 for onset in onsets(rhythm, 2, start_beats)} <= {0.0, 0.5, 1.0}


def test_a_short_phrase_off_the_beat_stays_off_the_beat() -> None:
    rhythm = VariedRhythm.from_notes(line(60, 62, start_beats=5.5, step_beats=1.0), COMMON_BARS, COMMON_BARS, 8.0, 3)
    assert {onset % 1 for onset in onsets(rhythm, 4)} == {0.5}


def test_two_halves_of_bars_make_a_whole_one() -> None:
    phrase = [*line(60, 62, start_beats=2.0, step_beats=1.0), *line(64, 65, 67, start_beats=4.0)]
    rhythm = VariedRhythm.from_notes(phrase, COMMON_BARS, COMMON_BARS, 8.0, 3)
    assert {onset % 4 for onset in onsets(rhythm, 16)} == {0.0, 0.5, 1.0, 2.0, 3.0}


def test_long_notes_on_first_beats_stay_there() -> None:
    phrase = line(60, 62, 64, step_beats=4.0)
    rhythm = VariedRhythm.from_notes(phrase, COMMON_BARS, COMMON_BARS, 12.0, 3)
    assert onsets(rhythm, 4, 12.0) == [12.0, 16.0, 20.0, 24.0]


def test_a_phrase_without_notes_has_none() -> None:
    with pytest.raises(ValueError, match="without notes"):
        VariedRhythm.from_notes([], COMMON_BARS, COMMON_BARS, 8.0, 1)


def test_onsets_of_two_bars_never_come_together() -> None:
    early = [note if note.onset_beats < 4.0 else Note(60, note.onset_beats - 0.06, 0.25, 80) for note in PHRASE]
    for seed in range(8):
        found = onsets(VariedRhythm.from_notes(early, COMMON_BARS, COMMON_BARS, 8.0, seed), 16)
        assert min(after - before for before, after in pairwise(found)) >= CHORD_BEATS
