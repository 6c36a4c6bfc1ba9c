from itertools import groupby, islice, pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.approach import Approach
from model.engines.engine import Engine
from model.engines.numpy_engine import NumpyEngine
from model.improvising.improviser import (
    LONGEST_NOTE_BEATS,
    PLANNED_VELOCITY,
    Improviser,
    PlannedNote,
    Snapshot,
    create_improviser,
)
from model.improvising.rhythm import Rhythm
from model.improvising.sampling_settings import SamplingSettings
from model.notes import MAX_CHORD_NOTES, Note
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import START, Cursor, EventVocabulary, PitchVocabulary
from tests.engines import RandomEngine, TableEngine, heard_tokens
from tests.music import line
from tests.tiny_pack import random_weights

OCTAVE = tuple(range(60, 73))
WORDS: dict[Approach, PitchVocabulary | EventVocabulary] = {
    "pitch": PitchVocabulary(OCTAVE),
    "event": EventVocabulary(OCTAVE, TimeBins((0.25, 0.5, 1.0, 6.0), (0.375, 0.75, 3.5))),
}
BOTH = pytest.mark.parametrize("approach", WORDS)
TOKENS = {
    approach: {name: token for token, name in enumerate(words.token_names())} for approach, words in WORDS.items()
}
PHRASE = line(60, 62, 64)
AFTER_PHRASE_BEATS = 4.0
LONG_ENOUGH_BEATS = 16.0
AS_IT_COMES = SamplingSettings()

RANDOM_SEEDS = st.integers(0, 2**32 - 1)
TASTES = st.builds(
    SamplingSettings, temperature=st.floats(0.1, 2.0), top_p=st.floats(0.1, 1.0), step_beats=st.just(0.5)
)
PLAYED = st.lists(
    st.builds(Note, st.integers(0, 127), st.floats(0.0, 8.0), st.just(0.0), st.integers(1, 127)), max_size=6
)
STARTS = st.integers(8 * 24 + 2, 12 * 24).map(lambda tick: tick / 24)
LENGTHS = st.floats(0.05, 12.0)


def anything(approach: Approach, random_seed: int = 1) -> Improviser:
    """An improviser that plays any notes at all."""
    return create_improviser(RandomEngine(WORDS[approach].size, random_seed), WORDS[approach])


def certain(approach: Approach, says: str) -> Improviser:
    """An improviser that goes round and round in what it `says`: tokens by name, the start first."""
    tokens = [TOKENS[approach][name] for name in says.split()]
    table = dict(pairwise(tokens)) | {tokens[-1]: tokens[1]}
    return create_improviser(TableEngine(WORDS[approach].size, table), WORDS[approach])


def answer(
    partner: Improviser,
    start_beats: float = AFTER_PHRASE_BEATS,
    until_beats: float = LONG_ENOUGH_BEATS,
    taste: SamplingSettings = AS_IT_COMES,
    random_seed: int = 7,
) -> list[PlannedNote]:
    return list(partner.compose(start_beats, until_beats, taste, Random(random_seed)))


def notes_of(planned: list[PlannedNote]) -> list[Note]:
    return [plan.note for plan in planned]


def hear_all(partner: Improviser, notes: list[Note]) -> Improviser:
    for note in notes:
        partner.hear(note)
    return partner


def same(one: Snapshot, other: Snapshot) -> bool:
    return (
        one.cursor == other.cursor
        and np.array_equal(one.engine_state, other.engine_state)
        and np.array_equal(one.logits, other.logits)
    )


def named(approach: Approach, snapshot: Snapshot) -> str:
    return " ".join(WORDS[approach].token_names()[token] for token in heard_tokens(snapshot))


class TestHear:
    @BOTH
    def test_before_all_music_it_has_heard_the_start(self, approach: Approach) -> None:
        partner = anything(approach)
        assert partner.approach == approach
        assert heard_tokens(partner.snapshot()) == (START,)
        assert partner.snapshot().cursor == Cursor()

    def test_a_pitch_is_one_step(self) -> None:
        partner = hear_all(anything("pitch"), PHRASE)
        assert named("pitch", partner.snapshot()) == "START 60 62 64"

    def test_an_event_is_a_step_for_the_time_and_one_for_the_note(self) -> None:
        partner = hear_all(anything("event"), [*PHRASE, Note(67, 1.0, 0.0, 80), Note(72, 2.0, 0.0, 80)])
        assert named("event", partner.snapshot()) == (
            "START NOTE_60 TIME_1 NOTE_62 TIME_1 NOTE_64 NOTE_67 TIME_2 NOTE_72"
        )
        assert partner.snapshot().cursor == Cursor(2.0, (72,))

    @BOTH
    def test_how_long_and_how_loud_a_note_is_says_nothing(self, approach: Approach) -> None:
        short, long = anything(approach), anything(approach)
        short.hear(Note(60, 1.0, 0.0, 1))
        long.hear(Note(60, 1.0, 4.0, 127))
        assert same(short.snapshot(), long.snapshot())

    @BOTH
    def test_what_no_vocabulary_holds_is_heard_as_the_nearest_that_it_does(self, approach: Approach) -> None:
        strange = hear_all(anything(approach), [Note(24, 0.0, 0.0, 80), Note(120, 1e6, 0.0, 80)])
        plain = hear_all(anything(approach), [Note(60, 0.0, 0.0, 80), Note(72, 6.0, 0.0, 80)])
        assert heard_tokens(strange.snapshot()) == heard_tokens(plain.snapshot())

    @BOTH
    def test_going_back_to_a_snapshot_forgets_what_came_after(self, approach: Approach) -> None:
        partner = hear_all(anything(approach), PHRASE)
        then = partner.snapshot()
        hear_all(partner, line(72, 71, start_beats=2.0))
        partner.restore(then)
        assert same(partner.snapshot(), hear_all(anything(approach), PHRASE).snapshot())


class TestPitchAnswer:
    SCALE = "START 60 62 64 65"

    def test_notes_follow_each_other_at_the_step_and_are_as_long(self) -> None:
        assert notes_of(answer(certain("pitch", self.SCALE), 4.0, 6.0)) == line(60, 62, 64, 65, start_beats=4.0)

    def test_the_step_is_a_matter_of_taste(self) -> None:
        notes = notes_of(answer(certain("pitch", self.SCALE), 4.0, 5.0, SamplingSettings(step_beats=0.25)))
        assert notes == line(60, 62, 64, 65, step_beats=0.25, start_beats=4.0)

    def test_a_third_of_a_beat_adds_up_over_many_bars(self) -> None:
        notes = notes_of(answer(certain("pitch", self.SCALE), 4.0, 104.0, SamplingSettings(step_beats=1 / 3)))
        assert [note.onset_beats for note in notes] == [4.0 + index * (1 / 3) for index in range(300)]

    def test_the_last_note_is_cut_at_the_end(self) -> None:
        notes = notes_of(answer(certain("pitch", self.SCALE), 4.0, 4.75))
        assert notes == [Note(60, 4.0, 0.5, PLANNED_VELOCITY), Note(62, 4.5, 0.25, PLANNED_VELOCITY)]

    def test_a_remainder_too_short_for_a_note_lengthens_the_last_one(self) -> None:
        # A third as OSC and people send it: twelve of them are four millionths short of four beats.
        notes = notes_of(answer(anything("pitch"), 4.0, 8.0, SamplingSettings(step_beats=0.333333)))
        assert len(notes) == 12
        assert notes[-1].end_beats == 8.0

    def test_the_start_is_never_played(self) -> None:
        size = WORDS["pitch"].size
        stubborn = create_improviser(TableEngine(size, dict.fromkeys(range(size), START)), WORDS["pitch"])
        assert len(answer(stubborn)) == 24


class TestEventAnswer:
    def test_it_has_a_rhythm_of_its_own_and_a_note_lasts_until_the_next(self) -> None:
        partner = certain("event", "START NOTE_60 TIME_2 NOTE_62 TIME_1 NOTE_64 TIME_0")
        assert notes_of(answer(partner, 4.0, 6.0)) == [
            Note(60, 4.0, 1.0, PLANNED_VELOCITY),
            Note(62, 5.0, 0.5, PLANNED_VELOCITY),
            Note(64, 5.5, 0.25, PLANNED_VELOCITY),
            Note(60, 5.75, 0.25, PLANNED_VELOCITY),
        ]

    def test_a_chord_sounds_together(self) -> None:
        partner = certain("event", "START NOTE_60 NOTE_64 NOTE_67 TIME_2")
        assert notes_of(answer(partner, 4.0, 6.0)) == [
            Note(pitch, onset_beats, 1.0, PLANNED_VELOCITY) for onset_beats in (4.0, 5.0) for pitch in (60, 64, 67)
        ]

    def test_before_a_long_rest_a_note_is_held_for_a_bar(self) -> None:
        notes = notes_of(answer(certain("event", "START NOTE_60 TIME_3"), 4.0, 16.0))
        assert notes == [Note(60, 4.0, LONGEST_NOTE_BEATS, 80), Note(60, 10.0, LONGEST_NOTE_BEATS, 80)]

    def test_the_rest_before_it_is_told_to_the_network(self) -> None:
        partner = hear_all(certain("event", "START NOTE_60 TIME_2"), [Note(72, 3.0, 0.0, 80)])
        first = answer(partner, 4.0, 5.0)[0]
        assert named("event", first.after).startswith("START NOTE_72 TIME_2 NOTE_")
        assert first.note.onset_beats == 4.0

    def test_an_answer_that_follows_at_once_is_a_new_onset_and_no_part_of_the_last_chord(self) -> None:
        partner = anything("event")
        hear_all(partner, PHRASE)
        soon_beats = PHRASE[-1].onset_beats + 1 / 32
        first = answer(partner, soon_beats, soon_beats + 4.0)[0]
        assert named("event", first.after).split()[-2] == "TIME_0"

    def test_times_without_end_are_not_possible(self) -> None:
        size, time = WORDS["event"].size, TOKENS["event"]["TIME_0"]
        stubborn = create_improviser(TableEngine(size, dict.fromkeys(range(size), time)), WORDS["event"])
        assert [note.onset_beats for note in notes_of(answer(stubborn, 4.0, 5.0))] == [4.0, 4.25, 4.5, 4.75]

    def test_a_chord_without_end_is_not_possible(self) -> None:
        size = WORDS["event"].size
        notes = np.arange(1, size)
        forward = {int(note): int(note) % len(OCTAVE) + 1 for note in notes}
        stubborn = create_improviser(TableEngine(size, {START: 1} | forward), WORDS["event"])
        first = [note for note in notes_of(answer(stubborn)) if note.onset_beats == 4.0]
        assert [note.pitch for note in first] == list(OCTAVE[:MAX_CHORD_NOTES])


@BOTH
class TestAnyAnswer:
    @given(random_seed=RANDOM_SEEDS, played=PLAYED, taste=TASTES, start_beats=STARTS, length_beats=LENGTHS)
    def test_it_keeps_the_grammar_of_music(
        self,
        approach: Approach,
        random_seed: int,
        played: list[Note],
        taste: SamplingSettings,
        start_beats: float,
        length_beats: float,
    ) -> None:
        until_beats = start_beats + length_beats
        partner = hear_all(anything(approach, random_seed), played)
        notes = notes_of(answer(partner, start_beats, until_beats, taste, random_seed))
        onsets = [note.onset_beats for note in notes]
        assert onsets[0] == start_beats
        assert onsets == sorted(onsets)
        assert all(0.0 < note.duration_beats <= LONGEST_NOTE_BEATS for note in notes)
        assert all(note.end_beats <= until_beats + 1e-9 for note in notes)
        assert all(note.pitch in OCTAVE for note in notes)
        for _, together in groupby(notes, key=lambda note: note.onset_beats):
            chord = [note.pitch for note in together]
            assert len(set(chord)) == len(chord) <= (MAX_CHORD_NOTES if approach == "event" else 1)

    @given(random_seed=RANDOM_SEEDS, played=PLAYED, taste=TASTES, start_beats=STARTS)
    def test_composing_leaves_what_was_heard_as_it_was(
        self, approach: Approach, random_seed: int, played: list[Note], taste: SamplingSettings, start_beats: float
    ) -> None:
        partner = hear_all(anything(approach, random_seed), played)
        before = partner.snapshot()
        answer(partner, start_beats, start_beats + 4.0, taste)
        assert same(partner.snapshot(), before)

    @given(random_seed=RANDOM_SEEDS, played=PLAYED, taste=TASTES, start_beats=STARTS)
    def test_taking_up_an_answer_anywhere_is_as_if_it_had_been_heard(
        self, approach: Approach, random_seed: int, played: list[Note], taste: SamplingSettings, start_beats: float
    ) -> None:
        listener = hear_all(anything(approach, random_seed), played)
        improvising = hear_all(anything(approach, random_seed), played)
        afterwards = Note(61, start_beats + 9.0, 0.0, 80)
        for plan in answer(improvising, start_beats, start_beats + 4.0, taste, random_seed):
            listener.hear(plan.note)
            assert same(plan.after, listener.snapshot())
            improvising.restore(plan.after)
            improvising.hear(afterwards)
            onward = hear_all(anything(approach, random_seed), [])
            onward.restore(listener.snapshot())
            onward.hear(afterwards)
            assert same(improvising.snapshot(), onward.snapshot())

    def test_the_same_random_seed_gives_the_same_notes(self, approach: Approach) -> None:
        partner = hear_all(anything(approach), PHRASE)
        assert notes_of(answer(partner)) == notes_of(answer(partner))
        assert notes_of(answer(partner, random_seed=8)) != notes_of(answer(partner))

    def test_the_coldest_taste_leaves_nothing_to_chance(self, approach: Approach) -> None:
        partner, cold = hear_all(anything(approach), PHRASE), SamplingSettings(temperature=0.001)
        assert notes_of(answer(partner, taste=cold)) == notes_of(answer(partner, taste=cold, random_seed=8))

    def test_the_smallest_nucleus_leaves_nothing_to_chance(self, approach: Approach) -> None:
        partner, narrow = hear_all(anything(approach), PHRASE), SamplingSettings(top_p=0.0001)
        assert notes_of(answer(partner, taste=narrow)) == notes_of(answer(partner, taste=narrow, random_seed=8))

    def test_an_answer_may_follow_silence(self, approach: Approach) -> None:
        assert answer(anything(approach), 0.0, 4.0)[0].note.onset_beats == 0.0

    @pytest.mark.parametrize("until_beats", [4.0, 3.0])
    def test_an_answer_of_no_length_has_no_notes(self, approach: Approach, until_beats: float) -> None:
        assert answer(anything(approach), 4.0, until_beats) == []

    def test_only_the_notes_that_are_asked_for_are_composed(self, approach: Approach) -> None:
        partner = anything(approach)
        endless = partner.compose(4.0, float("inf"), SamplingSettings(), Random(7))
        some = [plan.note for plan in islice(endless, 12)]
        assert some == notes_of(answer(partner, 4.0, 100.0))[:12]

    def test_it_plays_a_real_network_alike(self, approach: Approach) -> None:
        engine: Engine = NumpyEngine(random_weights(WORDS[approach].size))
        partner = hear_all(create_improviser(engine, WORDS[approach]), PHRASE)
        planned = answer(partner)
        partner.restore(planned[3].after)
        again = hear_all(create_improviser(engine, WORDS[approach]), [*PHRASE, *notes_of(planned[:4])])
        assert same(partner.snapshot(), again.snapshot())


class TestTaste:
    @BOTH
    def test_only_what_is_wanted_is_played(self, approach: Approach) -> None:
        wanted = frozenset((60, 64, 67))
        planned = answer(anything(approach), taste=SamplingSettings(pitches=wanted))
        assert {note.pitch for note in notes_of(planned)} == wanted

    @BOTH
    def test_where_nothing_that_is_wanted_can_be_played_anything_is(self, approach: Approach) -> None:
        assert answer(anything(approach), taste=SamplingSettings(pitches=frozenset((1, 2))))

    @BOTH
    def test_in_its_closing_beats_no_note_begins_and_the_last_is_held(self, approach: Approach) -> None:
        for random_seed in range(20):
            planned = notes_of(
                answer(
                    anything(approach),
                    taste=SamplingSettings(step_beats=0.25, closing_beats=1.0),
                    random_seed=random_seed,
                )
            )
            last = planned[-1]
            assert last.onset_beats <= LONG_ENOUGH_BEATS - 1.0
            assert last.end_beats == min(LONG_ENOUGH_BEATS, last.onset_beats + LONGEST_NOTE_BEATS)

    def test_a_line_that_fills_its_bars_is_not_cut_short_by_closing(self) -> None:
        planned = notes_of(
            answer(certain("pitch", "START 60"), 4.0, 8.0, SamplingSettings(step_beats=0.5, closing_beats=0.5))
        )
        assert [note.onset_beats for note in planned] == [4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5]

    def test_pitches_may_come_in_a_phrases_rhythm(self) -> None:
        rhythm = Rhythm((0.0, 0.75, 1.5), (0.5, 0.25, 0.5), 2.0)
        taste = SamplingSettings(rhythm=rhythm, rhythm_from_beats=4.0)
        planned = notes_of(answer(certain("pitch", "START 60 62 64"), 4.0, 8.0, taste))
        assert [(note.onset_beats, note.duration_beats) for note in planned] == [
            *[(4.0, 0.5), (4.75, 0.25), (5.5, 0.5), (6.0, 0.5), (6.75, 0.25), (7.5, 0.5)],
        ]

    def test_a_rhythm_is_taken_up_where_it_was_left(self) -> None:
        rhythm = Rhythm((0.0, 0.75, 1.5), (0.5, 0.25, 0.5), 2.0)
        planned = notes_of(answer(anything("pitch"), 6.75, 8.0, SamplingSettings(rhythm=rhythm, rhythm_from_beats=4.0)))
        assert [note.onset_beats for note in planned] == [6.75, 7.5]

    @pytest.mark.parametrize(("time_scale", "onsets"), [(0.5, [4.0, 4.25, 4.5, 4.75]), (2.0, [4.0, 5.0])])
    def test_the_time_between_events_may_be_stretched(self, time_scale: float, onsets: list[float]) -> None:
        partner = certain("event", "START NOTE_60 TIME_1")
        planned = notes_of(
            answer(
                partner, 4.0, 4.0 + 2 * time_scale if time_scale < 1 else 6.0, SamplingSettings(time_scale=time_scale)
            )
        )
        assert [note.onset_beats for note in planned] == onsets

    def test_a_chord_may_be_held_to_fewer_notes(self) -> None:
        planned = notes_of(answer(anything("event"), taste=SamplingSettings(max_chord=1)))
        assert len({note.onset_beats for note in planned}) == len(planned)
