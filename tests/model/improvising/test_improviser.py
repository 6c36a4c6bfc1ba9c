from itertools import groupby, islice, pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.approach import Approach
from model.engines.engine import Engine
from model.engines.numpy_engine import NumpyEngine
from model.errors import BrokenForecast
from model.improvising.improviser import PLANNED_VELOCITY, Improviser, PlannedNote, Snapshot
from model.improvising.improvisers import LONGEST_NOTE_BEATS, create_improviser
from model.improvising.rhythm import Rhythm
from model.improvising.sampling_settings import SamplingSettings
from model.notes import MAX_CHORD_NOTES, Note
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import START, Cursor, EventVocabulary, PitchVocabulary
from tests.engines import FailingEngine, RandomEngine, TableEngine, heard_tokens
from tests.music import line
from tests.tiny_pack import random_weights
from tests.tokens import token_names

OCTAVE = tuple(range(60, 73))
VOCABULARIES: dict[Approach, PitchVocabulary | EventVocabulary] = {
    "pitch": PitchVocabulary(OCTAVE),
    "event": EventVocabulary(OCTAVE, TimeBins((0.25, 0.5, 1.0, 6.0), (0.375, 0.75, 3.5))),
}
BOTH = pytest.mark.parametrize("approach", VOCABULARIES)
TOKENS_BY_NAME = {
    approach: {name: token for token, name in enumerate(token_names(words))} for approach, words in VOCABULARIES.items()
}
PHRASE = line(60, 62, 64)
AFTER_PHRASE_BEATS = 4.0
LONG_ENOUGH_BEATS = 16.0
DEFAULT_SETTINGS = SamplingSettings()

RANDOM_SEEDS = st.integers(0, 2**32 - 1)
SETTINGS = st.builds(
    SamplingSettings, temperature=st.floats(0.1, 2.0), top_p=st.floats(0.1, 1.0), step_beats=st.just(0.5)
)
PLAYED = st.lists(
    st.builds(Note, st.integers(0, 127), st.floats(0.0, 8.0), st.just(0.0), st.integers(1, 127)), max_size=6
)
STARTS = st.integers(8 * 24 + 2, 12 * 24).map(lambda tick: tick / 24)
LENGTHS = st.floats(0.05, 12.0)


def any_improviser(approach: Approach, random_seed: int = 1) -> Improviser:
    """An improviser with a random network."""
    return create_improviser(RandomEngine(VOCABULARIES[approach].size, random_seed), VOCABULARIES[approach])


def certain_improviser(approach: Approach, names: str) -> Improviser:
    """An improviser that plays the tokens with these names in a loop; the first name is the start token."""
    tokens = [TOKENS_BY_NAME[approach][name] for name in names.split()]
    table = dict(pairwise(tokens)) | {tokens[-1]: tokens[1]}
    return create_improviser(TableEngine(VOCABULARIES[approach].size, table), VOCABULARIES[approach])


def answer(
    improviser: Improviser,
    start_beats: float = AFTER_PHRASE_BEATS,
    until_beats: float = LONG_ENOUGH_BEATS,
    settings: SamplingSettings = DEFAULT_SETTINGS,
    random_seed: int = 7,
) -> list[PlannedNote]:
    return list(improviser.compose(start_beats, until_beats, settings, Random(random_seed)))


def notes_of(planned: list[PlannedNote]) -> list[Note]:
    return [plan.note for plan in planned]


def hear_all(improviser: Improviser, notes: list[Note]) -> Improviser:
    for note in notes:
        improviser.hear(note)
    return improviser


def are_equal(one: Snapshot, other: Snapshot) -> bool:
    return (
        one.cursor == other.cursor
        and np.array_equal(one.engine_state, other.engine_state)
        and np.array_equal(one.logits, other.logits)
    )


def names_of_heard(approach: Approach, snapshot: Snapshot) -> str:
    return " ".join(token_names(VOCABULARIES[approach])[token] for token in heard_tokens(snapshot))


class TestHear:
    @BOTH
    def test_a_new_improviser_has_heard_the_start_token(self, approach: Approach) -> None:
        improviser = any_improviser(approach)
        assert improviser.approach == approach
        assert heard_tokens(improviser.snapshot()) == (START,)
        assert improviser.snapshot().cursor == Cursor()

    def test_a_pitch_is_one_step(self) -> None:
        improviser = hear_all(any_improviser("pitch"), PHRASE)
        assert names_of_heard("pitch", improviser.snapshot()) == "START 60 62 64"

    def test_an_event_is_a_step_for_the_time_and_one_for_the_note(self) -> None:
        improviser = hear_all(any_improviser("event"), [*PHRASE, Note(67, 1.0, 0.0, 80), Note(72, 2.0, 0.0, 80)])
        assert names_of_heard("event", improviser.snapshot()) == (
            "START NOTE_60 TIME_1 NOTE_62 TIME_1 NOTE_64 NOTE_67 TIME_2 NOTE_72"
        )
        assert improviser.snapshot().cursor == Cursor(2.0, (72,))

    @BOTH
    def test_duration_and_velocity_of_a_heard_note_do_not_matter(self, approach: Approach) -> None:
        short, long = any_improviser(approach), any_improviser(approach)
        short.hear(Note(60, 1.0, 0.0, 1))
        long.hear(Note(60, 1.0, 4.0, 127))
        assert are_equal(short.snapshot(), long.snapshot())

    @BOTH
    def test_notes_outside_the_vocabulary_are_heard_as_the_nearest_ones(self, approach: Approach) -> None:
        strange = hear_all(any_improviser(approach), [Note(24, 0.0, 0.0, 80), Note(120, 1e6, 0.0, 80)])
        plain = hear_all(any_improviser(approach), [Note(60, 0.0, 0.0, 80), Note(72, 6.0, 0.0, 80)])
        assert heard_tokens(strange.snapshot()) == heard_tokens(plain.snapshot())

    @BOTH
    def test_going_back_to_a_snapshot_forgets_what_came_after(self, approach: Approach) -> None:
        improviser = hear_all(any_improviser(approach), PHRASE)
        then = improviser.snapshot()
        hear_all(improviser, line(72, 71, start_beats=2.0))
        improviser.restore(then)
        assert are_equal(improviser.snapshot(), hear_all(any_improviser(approach), PHRASE).snapshot())


class TestPitchAnswer:
    SCALE = "START 60 62 64 65"

    def test_notes_follow_each_other_at_the_step_and_are_as_long(self) -> None:
        assert notes_of(answer(certain_improviser("pitch", self.SCALE), 4.0, 6.0)) == line(
            60, 62, 64, 65, start_beats=4.0
        )

    def test_the_step_is_a_setting(self) -> None:
        notes = notes_of(answer(certain_improviser("pitch", self.SCALE), 4.0, 5.0, SamplingSettings(step_beats=0.25)))
        assert notes == line(60, 62, 64, 65, step_beats=0.25, start_beats=4.0)

    def test_a_third_of_a_beat_adds_up_over_many_bars(self) -> None:
        notes = notes_of(
            answer(certain_improviser("pitch", self.SCALE), 4.0, 104.0, SamplingSettings(step_beats=1 / 3))
        )
        assert [note.onset_beats for note in notes] == [4.0 + index * (1 / 3) for index in range(300)]

    def test_the_last_note_is_cut_at_the_end(self) -> None:
        notes = notes_of(answer(certain_improviser("pitch", self.SCALE), 4.0, 4.75))
        assert notes == [Note(60, 4.0, 0.5, PLANNED_VELOCITY), Note(62, 4.5, 0.25, PLANNED_VELOCITY)]

    def test_a_remainder_too_short_for_a_note_lengthens_the_last_one(self) -> None:
        # A third as OSC and people send it: twelve of them are four millionths short of four beats.
        notes = notes_of(answer(any_improviser("pitch"), 4.0, 8.0, SamplingSettings(step_beats=0.333333)))
        assert len(notes) == 12
        assert notes[-1].end_beats == 8.0

    def test_the_start_is_never_played(self) -> None:
        size = VOCABULARIES["pitch"].size
        stubborn = create_improviser(TableEngine(size, dict.fromkeys(range(size), START)), VOCABULARIES["pitch"])
        assert len(answer(stubborn)) == 24


class TestEventAnswer:
    def test_it_has_a_rhythm_of_its_own_and_a_note_lasts_until_the_next(self) -> None:
        improviser = certain_improviser("event", "START NOTE_60 TIME_2 NOTE_62 TIME_1 NOTE_64 TIME_0")
        assert notes_of(answer(improviser, 4.0, 6.0)) == [
            Note(60, 4.0, 1.0, PLANNED_VELOCITY),
            Note(62, 5.0, 0.5, PLANNED_VELOCITY),
            Note(64, 5.5, 0.25, PLANNED_VELOCITY),
            Note(60, 5.75, 0.25, PLANNED_VELOCITY),
        ]

    def test_a_chord_sounds_together(self) -> None:
        improviser = certain_improviser("event", "START NOTE_60 NOTE_64 NOTE_67 TIME_2")
        assert notes_of(answer(improviser, 4.0, 6.0)) == [
            Note(pitch, onset_beats, 1.0, PLANNED_VELOCITY) for onset_beats in (4.0, 5.0) for pitch in (60, 64, 67)
        ]

    def test_before_a_long_rest_a_note_is_held_for_a_bar(self) -> None:
        notes = notes_of(answer(certain_improviser("event", "START NOTE_60 TIME_3"), 4.0, 16.0))
        assert notes == [Note(60, 4.0, LONGEST_NOTE_BEATS, 80), Note(60, 10.0, LONGEST_NOTE_BEATS, 80)]

    def test_the_network_hears_the_rest_before_the_answer(self) -> None:
        improviser = hear_all(certain_improviser("event", "START NOTE_60 TIME_2"), [Note(72, 3.0, 0.0, 80)])
        first = answer(improviser, 4.0, 5.0)[0]
        assert names_of_heard("event", first.after).startswith("START NOTE_72 TIME_2 NOTE_")
        assert first.note.onset_beats == 4.0

    def test_an_answer_that_follows_at_once_is_a_new_onset_not_part_of_the_last_chord(self) -> None:
        improviser = any_improviser("event")
        hear_all(improviser, PHRASE)
        soon_beats = PHRASE[-1].onset_beats + 1 / 32
        first = answer(improviser, soon_beats, soon_beats + 4.0)[0]
        assert names_of_heard("event", first.after).split()[-2] == "TIME_0"

    def test_two_times_in_a_row_are_not_possible(self) -> None:
        size, time = VOCABULARIES["event"].size, TOKENS_BY_NAME["event"]["TIME_0"]
        stubborn = create_improviser(TableEngine(size, dict.fromkeys(range(size), time)), VOCABULARIES["event"])
        assert [note.onset_beats for note in notes_of(answer(stubborn, 4.0, 5.0))] == [4.0, 4.25, 4.5, 4.75]

    def test_an_endless_chord_is_not_possible(self) -> None:
        size = VOCABULARIES["event"].size
        notes = np.arange(1, size)
        forward = {int(note): int(note) % len(OCTAVE) + 1 for note in notes}
        stubborn = create_improviser(TableEngine(size, {START: 1} | forward), VOCABULARIES["event"])
        first = [note for note in notes_of(answer(stubborn)) if note.onset_beats == 4.0]
        assert [note.pitch for note in first] == list(OCTAVE[:MAX_CHORD_NOTES])


@BOTH
class TestAnyAnswer:
    @given(random_seed=RANDOM_SEEDS, played=PLAYED, settings=SETTINGS, start_beats=STARTS, length_beats=LENGTHS)
    def test_it_keeps_the_grammar_of_music(
        self,
        approach: Approach,
        random_seed: int,
        played: list[Note],
        settings: SamplingSettings,
        start_beats: float,
        length_beats: float,
    ) -> None:
        until_beats = start_beats + length_beats
        improviser = hear_all(any_improviser(approach, random_seed), played)
        notes = notes_of(answer(improviser, start_beats, until_beats, settings, random_seed))
        onsets = [note.onset_beats for note in notes]
        assert onsets[0] == start_beats
        assert onsets == sorted(onsets)
        assert all(0.0 < note.duration_beats <= LONGEST_NOTE_BEATS for note in notes)
        assert all(note.end_beats <= until_beats + 1e-9 for note in notes)
        assert all(note.pitch in OCTAVE for note in notes)
        for _, together in groupby(notes, key=lambda note: note.onset_beats):
            chord = [note.pitch for note in together]
            assert len(set(chord)) == len(chord) <= (MAX_CHORD_NOTES if approach == "event" else 1)

    @given(random_seed=RANDOM_SEEDS, played=PLAYED, settings=SETTINGS, start_beats=STARTS)
    def test_composing_does_not_change_what_was_heard(
        self, approach: Approach, random_seed: int, played: list[Note], settings: SamplingSettings, start_beats: float
    ) -> None:
        improviser = hear_all(any_improviser(approach, random_seed), played)
        before = improviser.snapshot()
        answer(improviser, start_beats, start_beats + 4.0, settings)
        assert are_equal(improviser.snapshot(), before)

    @given(random_seed=RANDOM_SEEDS, played=PLAYED, settings=SETTINGS, start_beats=STARTS)
    def test_restoring_a_planned_note_is_the_same_as_hearing_it(
        self, approach: Approach, random_seed: int, played: list[Note], settings: SamplingSettings, start_beats: float
    ) -> None:
        listener = hear_all(any_improviser(approach, random_seed), played)
        improvising = hear_all(any_improviser(approach, random_seed), played)
        afterwards = Note(61, start_beats + 9.0, 0.0, 80)
        for plan in answer(improvising, start_beats, start_beats + 4.0, settings, random_seed):
            listener.hear(plan.note)
            assert are_equal(plan.after, listener.snapshot())
            improvising.restore(plan.after)
            improvising.hear(afterwards)
            onward = hear_all(any_improviser(approach, random_seed), [])
            onward.restore(listener.snapshot())
            onward.hear(afterwards)
            assert are_equal(improvising.snapshot(), onward.snapshot())

    def test_the_same_random_seed_gives_the_same_notes(self, approach: Approach) -> None:
        improviser = hear_all(any_improviser(approach), PHRASE)
        assert notes_of(answer(improviser)) == notes_of(answer(improviser))
        assert notes_of(answer(improviser, random_seed=8)) != notes_of(answer(improviser))

    def test_at_the_lowest_temperature_the_random_seed_does_not_matter(self, approach: Approach) -> None:
        improviser, cold = hear_all(any_improviser(approach), PHRASE), SamplingSettings(temperature=0.001)
        assert notes_of(answer(improviser, settings=cold)) == notes_of(answer(improviser, settings=cold, random_seed=8))

    def test_with_the_smallest_nucleus_the_random_seed_does_not_matter(self, approach: Approach) -> None:
        improviser, narrow = hear_all(any_improviser(approach), PHRASE), SamplingSettings(top_p=0.0001)
        assert notes_of(answer(improviser, settings=narrow)) == notes_of(
            answer(improviser, settings=narrow, random_seed=8)
        )

    def test_an_answer_can_follow_silence(self, approach: Approach) -> None:
        assert answer(any_improviser(approach), 0.0, 4.0)[0].note.onset_beats == 0.0

    @pytest.mark.parametrize("until_beats", [4.0, 3.0])
    def test_an_answer_of_no_length_has_no_notes(self, approach: Approach, until_beats: float) -> None:
        assert answer(any_improviser(approach), 4.0, until_beats) == []

    def test_notes_are_composed_only_when_taken(self, approach: Approach) -> None:
        improviser = any_improviser(approach)
        endless = improviser.compose(4.0, float("inf"), SamplingSettings(), Random(7))
        some = [plan.note for plan in islice(endless, 12)]
        assert some == notes_of(answer(improviser, 4.0, 100.0))[:12]

    def test_restoring_works_with_a_real_network(self, approach: Approach) -> None:
        engine: Engine = NumpyEngine(random_weights(VOCABULARIES[approach].size))
        improviser = hear_all(create_improviser(engine, VOCABULARIES[approach]), PHRASE)
        planned = answer(improviser)
        improviser.restore(planned[3].after)
        again = hear_all(create_improviser(engine, VOCABULARIES[approach]), [*PHRASE, *notes_of(planned[:4])])
        assert are_equal(improviser.snapshot(), again.snapshot())


class TestSamplingSettings:
    @BOTH
    def test_only_the_wanted_pitches_are_played(self, approach: Approach) -> None:
        wanted = frozenset((60, 64, 67))
        planned = answer(any_improviser(approach), settings=SamplingSettings(pitches=wanted))
        assert {note.pitch for note in notes_of(planned)} == wanted

    @BOTH
    def test_where_no_wanted_pitch_can_be_played_all_can(self, approach: Approach) -> None:
        assert answer(any_improviser(approach), settings=SamplingSettings(pitches=frozenset((1, 2))))

    @BOTH
    def test_in_its_closing_beats_no_note_begins_and_the_last_is_held(self, approach: Approach) -> None:
        for random_seed in range(20):
            planned = notes_of(
                answer(
                    any_improviser(approach),
                    settings=SamplingSettings(step_beats=0.25, closing_beats=1.0),
                    random_seed=random_seed,
                )
            )
            last = planned[-1]
            assert last.onset_beats <= LONG_ENOUGH_BEATS - 1.0
            assert last.end_beats == min(LONG_ENOUGH_BEATS, last.onset_beats + LONGEST_NOTE_BEATS)

    def test_closing_beats_do_not_shorten_a_line_that_fills_its_bars(self) -> None:
        planned = notes_of(
            answer(
                certain_improviser("pitch", "START 60"), 4.0, 8.0, SamplingSettings(step_beats=0.5, closing_beats=0.5)
            )
        )
        assert [note.onset_beats for note in planned] == [4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5]

    def test_pitches_can_follow_the_rhythm_of_a_phrase(self) -> None:
        rhythm = Rhythm((0.0, 0.75, 1.5), (0.5, 0.25, 0.5), 2.0)
        settings = SamplingSettings(rhythm=rhythm, rhythm_from_beats=4.0)
        planned = notes_of(answer(certain_improviser("pitch", "START 60 62 64"), 4.0, 8.0, settings))
        assert [(note.onset_beats, note.duration_beats) for note in planned] == [
            *[(4.0, 0.5), (4.75, 0.25), (5.5, 0.5), (6.0, 0.5), (6.75, 0.25), (7.5, 0.5)],
        ]

    def test_a_rhythm_continues_from_the_middle(self) -> None:
        rhythm = Rhythm((0.0, 0.75, 1.5), (0.5, 0.25, 0.5), 2.0)
        planned = notes_of(
            answer(any_improviser("pitch"), 6.75, 8.0, SamplingSettings(rhythm=rhythm, rhythm_from_beats=4.0))
        )
        assert [note.onset_beats for note in planned] == [6.75, 7.5]

    @pytest.mark.parametrize(("time_scale", "onsets"), [(0.5, [4.0, 4.25, 4.5, 4.75]), (2.0, [4.0, 5.0])])
    def test_the_time_between_events_can_be_scaled(self, time_scale: float, onsets: list[float]) -> None:
        improviser = certain_improviser("event", "START NOTE_60 TIME_1")
        planned = notes_of(
            answer(
                improviser,
                4.0,
                4.0 + 2 * time_scale if time_scale < 1 else 6.0,
                SamplingSettings(time_scale=time_scale),
            )
        )
        assert [note.onset_beats for note in planned] == onsets

    def test_the_size_of_a_chord_can_be_limited(self) -> None:
        planned = notes_of(answer(any_improviser("event"), settings=SamplingSettings(max_chord=1)))
        assert len({note.onset_beats for note in planned}) == len(planned)


@BOTH
@pytest.mark.parametrize("forecast", [float("nan"), float("inf"), float("-inf")])
class TestANetworkThatForecastsNoNumbers:
    """An overflow, or damaged memory: it must not play the highest note forever, and not be silent after it healed."""

    def test_hearing_with_a_broken_forecast_is_an_error_and_changes_nothing(
        self, approach: Approach, forecast: float
    ) -> None:
        engine = FailingEngine(VOCABULARIES[approach].size, 1)
        improviser = create_improviser(engine, VOCABULARIES[approach])
        improviser.hear(PHRASE[0])
        before = improviser.snapshot()
        engine.forecast = forecast
        with pytest.raises(BrokenForecast, match=f"the {approach} network"):
            improviser.hear(PHRASE[1])
        assert improviser.snapshot() is before

    def test_composing_with_a_broken_forecast_is_an_error_and_earlier_notes_stay(
        self, approach: Approach, forecast: float
    ) -> None:
        engine = FailingEngine(VOCABULARIES[approach].size, 1)
        improviser = create_improviser(engine, VOCABULARIES[approach])
        answer = improviser.compose(4.0, 64.0, DEFAULT_SETTINGS, Random(1))
        next(answer)
        engine.forecast = forecast
        with pytest.raises(BrokenForecast):
            list(answer)

    def test_after_a_broken_forecast_it_plays_on_as_if_there_had_been_none(
        self, approach: Approach, forecast: float
    ) -> None:
        engine = FailingEngine(VOCABULARIES[approach].size, 1)
        improviser, sound = create_improviser(engine, VOCABULARIES[approach]), any_improviser(approach)
        engine.forecast = forecast
        with pytest.raises(BrokenForecast):
            improviser.hear(PHRASE[0])
        engine.forecast = None
        for each in (improviser, sound):
            each.hear(PHRASE[1])
        answers = [
            [planned.note for planned in each.compose(4.0, 12.0, DEFAULT_SETTINGS, Random(1))]
            for each in (improviser, sound)
        ]
        assert answers[0] == answers[1] != []

    def test_it_is_refused_as_it_is_loaded(self, approach: Approach, forecast: float) -> None:
        engine = FailingEngine(VOCABULARIES[approach].size, 1)
        engine.forecast = forecast
        with pytest.raises(BrokenForecast):
            create_improviser(engine, VOCABULARIES[approach])
