import pytest

from model.analysis.bars import COMMON_BARS, Bars
from model.analysis.scale import parse_key
from model.harmony.changes import ChartChanges
from model.harmony.notations.text_chart import read_text_chart
from model.improvising.varied_rhythm import VariedRhythm
from model.notes import Note
from model.phrasing.phrasing import Phrasing
from server.controls.control_table import Settings
from server.jam.answering.answer_settings import AnswerContext, first_onset_beats, sampling_settings_for
from server.jam.turns.turn_planner import BeatSpan
from tests.music import line
from tests.phrasings import ENDS

SPAN = BeatSpan(16.0, 32.0)
# Four bars, each of which begins half a beat after its line.
AFTER_THE_BEAT = [Note(60, 4.0 * bar + place, 0.5, 80) for bar in range(4) for place in (0.5, 1.0, 2.0, 3.0)]


def context(notes: list[Note], bars: Bars | None = COMMON_BARS, **rest: object) -> AnswerContext:
    return AnswerContext(notes, phrase_bars=bars, **rest)  # type: ignore[arg-type]  # the fields of one dataclass


class TestFirstOnset:
    def test_an_answer_to_bars_that_begin_after_the_beat_does_so_too(self) -> None:
        assert first_onset_beats(Settings(), SPAN, context(AFTER_THE_BEAT)) == 16.5

    def test_an_answer_to_bars_that_begin_on_their_line_begins_at_once(self) -> None:
        assert first_onset_beats(Settings(), SPAN, context(line(*range(60, 76), step_beats=1.0))) == 16.0

    def test_of_bars_that_begin_differently_one_decides(self) -> None:
        mixed = [note for note in AFTER_THE_BEAT if note.onset_beats < 8.0] + line(
            60, 62, start_beats=8.0, step_beats=4.0
        )
        found = {first_onset_beats(Settings(), SPAN, context(mixed, random_seed=seed)) for seed in range(20)}
        assert found == {16.0, 16.5}

    @pytest.mark.parametrize(
        ("settings", "span", "bars"),
        [
            (Settings(approach="pitch"), SPAN, COMMON_BARS),
            (Settings(), BeatSpan(17.25, 33.25), COMMON_BARS),
            (Settings(), SPAN, None),
            (Settings(), BeatSpan(16.0, 17.0), COMMON_BARS),
        ],
        ids=["pitch has a rhythm", "not on a bar line", "no bars", "too short"],
    )
    def test_otherwise_it_begins_at_once(self, settings: Settings, span: BeatSpan, bars: Bars | None) -> None:
        assert first_onset_beats(settings, span, context(AFTER_THE_BEAT, bars)) == span.start_beats

    def test_nobody_waits_for_more_than_half_a_bar(self) -> None:
        late = [Note(60, 4.0 * bar + 2.5, 1.0, 80) for bar in range(4)]
        assert first_onset_beats(Settings(), SPAN, context(late)) == 16.0


class TestParallelRhythm:
    def test_the_phrases_rhythm_lies_over_the_answer_and_its_end(self) -> None:
        found = sampling_settings_for(Settings(), SPAN, context(AFTER_THE_BEAT, phrasing=Phrasing(None, ENDS)))
        assert found.parallel is not None
        assert found.parallel.beats_to_next(16.5) == 0.5
        assert found.ending is not None
        assert found.ending.parallel == found.parallel

    def test_a_varied_rhythm_of_the_pitch_approach_rhymes_in_its_last_bar(self) -> None:
        settings = Settings(approach="pitch", memory=0.0, time_scale=2.0)  # which say nothing of its rhythm
        found = sampling_settings_for(settings, SPAN, context(AFTER_THE_BEAT, phrasing=Phrasing(None, ENDS)))
        assert isinstance(found.rhythm, VariedRhythm)
        assert found.ending is not None
        assert found.ending.parallel is not None
        assert (found.rhythm.parallel, found.rhythm.last_line_beats) == (found.ending.parallel, 28.0)

    def test_but_not_that_of_a_phrase_of_less_than_a_bar_which_is_repeated(self) -> None:
        short = context(line(60, 62, 64), phrasing=Phrasing(None, ENDS))
        rhythm = sampling_settings_for(Settings(approach="pitch"), SPAN, short).rhythm
        assert isinstance(rhythm, VariedRhythm)
        assert rhythm.parallel is None

    @pytest.mark.parametrize(
        ("settings", "bars"),
        [
            (Settings(approach="pitch", rhythm="phrase"), COMMON_BARS),
            (Settings(time_scale=0.5), COMMON_BARS),
            (Settings(memory=0.0), COMMON_BARS),
            (Settings(), None),
        ],
        ids=["the phrase is repeated anyway", "other times are asked for", "nothing is remembered", "no bars"],
    )
    def test_otherwise_there_is_none(self, settings: Settings, bars: Bars | None) -> None:
        assert sampling_settings_for(settings, SPAN, context(AFTER_THE_BEAT, bars)).parallel is None


class TestMelody:
    def test_new_pitches_of_the_key_that_is_set_become_likelier_than_others(self) -> None:
        melody = sampling_settings_for(Settings(key="C major"), SPAN, context(line(60, 64, 67))).melody
        assert melody is not None
        assert melody.of_pitch[62] > melody.of_pitch[60] > melody.of_pitch[61]
        assert melody.last_pitch == 67

    def test_where_the_answer_keeps_to_chords_these_decide(self) -> None:
        over_chords = context(line(60, 64, 67), changes=ChartChanges(read_text_chart("| C | F |")))
        assert sampling_settings_for(Settings(), SPAN, over_chords).melody is None
        assert sampling_settings_for(Settings(harmony=0.0), SPAN, over_chords).melody is not None


class TestEnd:
    def test_no_onset_comes_later_than_half_a_beat_before_the_end_or_what_is_usual_in_the_phrase(self) -> None:
        quarters, sixteenths = (line(*range(60, 76), step_beats=step) for step in (1.0, 0.25))
        assert sampling_settings_for(Settings(), SPAN, context(quarters)).closing_beats == 0.5
        assert sampling_settings_for(Settings(), SPAN, context(sixteenths)).closing_beats == 0.25
        assert sampling_settings_for(Settings(mode="fours"), SPAN, context(sixteenths)).closing_beats == 2.0

    def test_last_notes_are_weighted_by_all_keys_that_the_phrase_may_be_in(self) -> None:
        keys = {parse_key("C"): 0.5, parse_key("A minor"): 0.5}
        phrase = line(60, 62, 64, 65)
        ending = sampling_settings_for(
            Settings(), SPAN, context(phrase, key_probabilities=keys, phrasing=Phrasing(None, ENDS))
        ).ending
        assert ending is not None
        assert ending.stability is not None
        mean = ENDS.mean_stability(keys, "full")
        usual = sum(mean[note.pitch % 12] for note in phrase) / 4
        assert ending.stability == pytest.approx([weight / usual for weight in mean])

    def test_a_key_that_is_set_is_certain(self) -> None:
        keys = {parse_key("A minor"): 1.0}
        ending = sampling_settings_for(
            Settings(key="D"), SPAN, context([], key_probabilities=keys, phrasing=Phrasing(None, ENDS))
        ).ending
        assert ending is not None
        assert ending.stability == pytest.approx(ENDS.mean_stability({parse_key("D"): 1.0}, "full"))
