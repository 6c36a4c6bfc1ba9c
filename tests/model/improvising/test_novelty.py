from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.improvising.novelty import (
    OVERDUE_NOTES,
    QUOTE_INTERVALS,
    Novelty,
    Outline,
    outline_of,
    self_quoting,
)
from model.notes import Note
from tests.music import line, longest_repeat
from tests.tiny_pack import PITCH_WORDS

SCALE = (60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79)
# No two of its runs of five intervals are alike.
MELODY = (60, 61, 63, 66, 70, 69, 67, 64, 72, 73, 71, 77)
INTERVALS = st.lists(st.integers(-3, 3), max_size=30)
OUTLINES = INTERVALS.map(lambda steps: list(accumulate(steps, initial=66)))


def novelty_of(*phrases: Sequence[int], max_share: float = 0.0) -> Novelty:
    return Novelty([Outline(phrase) for phrase in phrases], max_share)


class TestWithoutQuotes:
    def test_five_intervals_in_a_row_may_be_repeated_and_the_sixth_may_not(self) -> None:
        novelty = novelty_of(MELODY)
        assert novelty.forbidden_pitches(MELODY[:5]) == frozenset()
        assert novelty.forbidden_pitches(MELODY[:6]) == {MELODY[6]}

    def test_quotes_are_found_in_any_key(self) -> None:
        assert novelty_of(MELODY).forbidden_pitches([pitch - 7 for pitch in MELODY[:6]]) == {MELODY[6] - 7}

    def test_quotes_are_found_from_anywhere_in_the_phrase(self) -> None:
        assert novelty_of(MELODY).forbidden_pitches(MELODY[4:10]) == {MELODY[10]}

    def test_quotes_are_found_in_each_phrase_but_not_across_two(self) -> None:
        novelty = novelty_of((60, 61, 63, 61, 60, 61, 70), (60, 61, 63, 61, 60, 61, 50), (40, 61))
        assert novelty.forbidden_pitches([50, 51, 53, 51, 50, 51]) == {60, 40}

    def test_after_a_different_interval_nothing_is_forbidden(self) -> None:
        assert novelty_of(MELODY).forbidden_pitches([60, 62, 64, 65, 67, 70]) == frozenset()

    def test_repeated_notes_count_as_intervals(self) -> None:
        assert novelty_of([60] * 12).forbidden_pitches([55] * 6) == {55}

    def test_without_phrases_nothing_is_forbidden(self) -> None:
        assert novelty_of().forbidden_pitches(MELODY) == frozenset()
        assert novelty_of([60], []).forbidden_pitches(MELODY) == frozenset()

    def test_leaps_over_the_whole_keyboard_are_intervals_like_any_other(self) -> None:
        assert novelty_of((0, 127) * 4).forbidden_pitches((0, 127) * 3) == {0}

    @given(st.lists(OUTLINES, max_size=4), st.integers(0, 1000))
    def test_no_answer_has_a_quote(self, phrases: list[list[int]], random_seed: int) -> None:
        assert longest_repeat(drawn_answer(novelty_of(*phrases), random_seed), phrases) < QUOTE_INTERVALS


class TestShareOfQuotes:
    def test_the_beginning_of_an_answer_may_be_a_quote(self) -> None:
        novelty = novelty_of(MELODY * 3, max_share=0.75)
        assert all(novelty.forbidden_pitches((MELODY * 3)[:count]) == frozenset() for count in range(12))

    def test_once_too_much_is_quoted_no_other_quote_begins(self) -> None:
        quoted = [*MELODY, 50, 51, 40, *MELODY[:6]]
        assert novelty_of(MELODY, max_share=0.9).forbidden_pitches(quoted) == frozenset()
        assert novelty_of(MELODY, max_share=0.5).forbidden_pitches(quoted) == {MELODY[6]}

    def test_a_quote_ends_where_a_motif_ends(self) -> None:
        novelty = Novelty([Outline(MELODY, motif_ends={9})], max_share=0.5)
        # The limit is reached after eight notes; the motif's last note is the tenth.
        assert [bool(novelty.forbidden_pitches(MELODY[:count])) for count in (8, 9, 10)] == [False, False, True]

    def test_a_quote_without_motifs_ends_some_notes_later(self) -> None:
        riff = [60, 62, 64, 65, 67, 69, 71, 72] * 5
        answer = riff[:8]
        while not novelty_of(riff, SCALE, max_share=0.5).forbidden_pitches(answer):
            answer.append(riff[len(answer)])
        assert 8 + OVERDUE_NOTES <= len(answer) <= 8 + 3 * OVERDUE_NOTES

    def test_where_one_place_goes_on_within_its_motif_the_quote_may_go_on(self) -> None:
        ends, goes_on = Outline(MELODY, motif_ends={9}), Outline(MELODY)
        assert Novelty([ends, goes_on], max_share=0.5).forbidden_pitches(MELODY[:10]) == frozenset()

    def test_at_a_share_of_one_nothing_is_forbidden(self) -> None:
        assert novelty_of(MELODY * 9, max_share=1.0).forbidden_pitches(MELODY * 4) == frozenset()

    @given(st.lists(OUTLINES, max_size=4), st.integers(0, 1000), st.floats(0.0, 1.0))
    def test_quoted_notes_stay_near_the_share(
        self, phrases: list[list[int]], random_seed: int, max_share: float
    ) -> None:
        novelty = novelty_of(*phrases, max_share=max_share)
        answer = drawn_answer(novelty, random_seed)
        assert novelty.quoted_notes(answer) <= max_share * len(answer) + OVERDUE_NOTES + QUOTE_INTERVALS + 1

    @given(OUTLINES, OUTLINES)
    def test_it_counts_each_note_of_a_quote_once(self, answer: list[int], phrase: list[int]) -> None:
        quoted: set[int] = set()
        for begin in range(len(answer) - QUOTE_INTERVALS):
            part = answer[begin : begin + QUOTE_INTERVALS + 1]
            if longest_repeat(part, [phrase]) == QUOTE_INTERVALS:
                quoted |= set(range(begin, begin + QUOTE_INTERVALS + 1))
        assert novelty_of(phrase).quoted_notes(answer) == len(quoted)

    @given(OUTLINES, st.lists(OUTLINES, max_size=4), st.data())
    def test_what_was_counted_before_changes_no_count(
        self, phrase: list[int], others: list[list[int]], data: st.DataObject
    ) -> None:
        novelty = novelty_of(phrase)
        for outline in (*others, phrase[: data.draw(st.integers(0, len(phrase)))], phrase, phrase, phrase[3:]):
            assert novelty.quoted_notes(outline) == novelty_of(phrase).quoted_notes(outline)


class TestRiffs:
    def test_a_riff_quotes_itself_and_a_melody_does_not(self) -> None:
        assert self_quoting(MELODY * 4) == 1.0
        assert self_quoting(MELODY * 2) == 1.0
        assert self_quoting(MELODY + SCALE) == 0.0

    def test_it_may_quote_itself_in_another_key(self) -> None:
        assert self_quoting([*MELODY, *(pitch + 5 for pitch in MELODY)]) == 1.0

    def test_what_is_quoted_in_part_quotes_itself_by_that_part(self) -> None:
        # Seven notes of the second twelve are a run of six intervals that was there before.
        assert self_quoting([*MELODY, *MELODY[:7], 40, 79, 41, 75, 38]) == pytest.approx(7 / 12)

    @pytest.mark.parametrize("outline", [(), (60,), (60, 62), MELODY[:7]])
    def test_a_phrase_too_short_for_a_quote_does_not_quote_itself(self, outline: tuple[int, ...]) -> None:
        assert self_quoting(outline) == 0.0

    def test_of_a_long_phrase_its_end_counts(self) -> None:
        other = np.random.default_rng(1).integers(40, 90, 128).tolist()
        assert self_quoting([*MELODY * 20, *other]) == 0.0
        assert self_quoting([*other, *MELODY * 20]) == 1.0

    def test_of_a_riff_more_may_be_quoted(self) -> None:
        riff = MELODY * 3
        answer = riff[:20]
        assert novelty_of(riff, MELODY, max_share=0.5).forbidden_pitches(answer)
        assert novelty_of(MELODY, riff, max_share=0.5).forbidden_pitches(answer) == frozenset()

    def test_where_no_quote_is_allowed_none_of_a_riff_is(self) -> None:
        assert novelty_of(MELODY * 3, max_share=0.0).forbidden_pitches(MELODY[:6]) == {MELODY[6]}


class TestMotifs:
    def test_a_motif_ends_before_a_long_gap_and_with_the_phrase(self) -> None:
        notes = [Note(60 + index, onset, 0.25, 80) for index, onset in enumerate((0.0, 0.5, 1.0, 2.0, 2.5, 3.0))]
        assert Outline.of(notes) == Outline([60, 61, 62, 63, 64, 65], frozenset({2, 5}))


def drawn_answer(novelty: Novelty, random_seed: int) -> list[int]:
    random = np.random.default_rng(random_seed)
    answer = [66]
    for _ in range(40):
        allowed = set(PITCH_WORDS.pitches) - novelty.forbidden_pitches(answer)
        fresh = [pitch for pitch in range(answer[-1] - 3, answer[-1] + 4) if pitch in allowed] or [min(allowed)]
        answer.append(int(random.choice(fresh)))
    return answer


class TestOutline:
    def test_the_outline_of_a_single_line_is_its_pitches(self) -> None:
        assert outline_of(line(60, 64, 62)) == [60, 64, 62]

    def test_of_a_chord_the_highest_pitch_counts(self) -> None:
        chord = [Note(pitch, 1.0, 0.5, 80) for pitch in (67, 60, 64)]
        assert outline_of([*line(60, 62), *chord]) == [60, 62, 67]

    def test_a_slightly_spread_chord_is_one_onset(self) -> None:
        assert outline_of([Note(60, 0.0, 1.0, 80), Note(64, 0.03, 1.0, 80), Note(62, 0.06, 1.0, 80)]) == [64]

    def test_no_notes_have_an_empty_outline(self) -> None:
        assert outline_of([]) == []
