import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from model.approach import APPROACHES
from model.errors import PackError
from model.files.seed import Seed
from model.files.time_signature import TimeSignature
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.pack.pack import Pack, open_pack
from tests.music import exercise, line
from train.corpus.corpora import Corpus, Line
from train.evaluation.compare import FIGURES, LONGEST_RUN, AnswerSettings, Comparison, compare
from train.evaluation.measures import Quartiles
from train.evaluation.reference_statistics import ReferenceStatistics, measure_reference
from train.evaluation.seeds import NamedSeed, built_in_seeds

WALTZ = NamedSeed("Waltz", "tests", Seed(tuple(line(60, 64, 67, velocity=31)), 90.0, TimeSignature(3, 4)))
MARCH = NamedSeed("March", "tests", Seed((*line(60, 62, 64, 65), Note(67, 2.0, 2.04, 99))))
SETTINGS = AnswerSettings(bars=2, answers=3, random_seed=7)


@pytest.fixture(scope="module")
def pack(tiny_pack: Path) -> Pack:
    return open_pack(str(tiny_pack))


@pytest.fixture(scope="module")
def reference() -> ReferenceStatistics:
    tunes = Corpus("tunes", Path("tunes"))
    tunes.lines["train"].append(Line.of(Path("one.mid"), exercise(200)))
    tunes.lines["test"].append(Line.of(Path("two.mid"), exercise(100, start=3)))
    return measure_reference([tunes], SETTINGS.excerpt_beats)


@pytest.fixture(scope="module")
def comparison(pack: Pack) -> Comparison:
    return compare(pack, [WALTZ, MARCH], SETTINGS)


class TestTheAnswers:
    def test_each_approach_gives_the_requested_number_of_answers_to_each_seed(self, comparison: Comparison) -> None:
        assert [exchange.named_seed for exchange in comparison.exchanges] == [WALTZ, MARCH]
        for exchange in comparison.exchanges:
            assert [len(exchange.answers[approach]) for approach in APPROACHES] == [3, 3]

    def test_they_start_at_the_bar_line_after_the_seed_and_last_the_requested_number_of_bars(
        self, comparison: Comparison
    ) -> None:
        waltz, march = comparison.exchanges
        assert (waltz.start_beats, waltz.until_beats) == (3.0, 9.0)
        assert (march.start_beats, march.until_beats) == (
            4.0,
            12.0,
        )  # a note that ends just past the bar line adds no bar
        for exchange in comparison.exchanges:
            for approach in APPROACHES:
                for answer in exchange.answers[approach]:
                    assert answer.notes[0].onset_beats == exchange.start_beats
                    assert max(note.end_beats for note in answer.notes) <= exchange.until_beats

    def test_pitch_plays_at_its_step(self, pack: Pack) -> None:
        settings = replace(SETTINGS, sampling=SamplingSettings(step_beats=1.5))
        (exchange,) = compare(pack, [WALTZ], settings).exchanges
        assert [note.onset_beats for note in exchange.answers["pitch"][0].notes] == [3.0, 4.5, 6.0, 7.5]

    def test_they_are_as_loud_as_the_seed(self, comparison: Comparison) -> None:
        waltz, march = comparison.exchanges
        assert {note.velocity for note in waltz.answers["event"][0].notes} == {31}
        assert [note.velocity for note in march.answers["pitch"][0].notes[:6]] == [80, 80, 80, 80, 99, 80]

    def test_the_same_arguments_give_the_same_answers(self, pack: Pack, comparison: Comparison) -> None:
        assert compare(pack, [WALTZ, MARCH], SETTINGS) == comparison

    def test_each_answer_differs_and_the_second_is_what_the_next_random_seed_gives(
        self, pack: Pack, comparison: Comparison
    ) -> None:
        answers = comparison.exchanges[0].answers["event"]
        assert len({answer.notes for answer in answers}) == 3
        again = compare(pack, [WALTZ], replace(SETTINGS, answers=1, random_seed=8))
        assert again.exchanges[0].answers["event"][0] == answers[1]

    def test_an_answer_does_not_depend_on_other_seeds(self, pack: Pack, comparison: Comparison) -> None:
        assert compare(pack, [MARCH], SETTINGS).exchanges[0] == comparison.exchanges[1]

    def test_the_built_in_seeds_are_answered(self, pack: Pack) -> None:
        assert len(compare(pack, built_in_seeds(), replace(SETTINGS, answers=1)).exchanges) == 3


class TestTheFigures:
    def test_every_answer_is_measured(self, comparison: Comparison) -> None:
        figures = comparison.exchanges[0].answers["pitch"][0].figures
        assert figures["notes_per_beat"] == 2.0
        assert figures["inter_onset_entropy"] == 0.0

    def test_without_real_music_there_is_no_grid_and_no_copying(self, comparison: Comparison) -> None:
        answer = comparison.exchanges[0].answers["pitch"][0]
        assert answer.figures.keys().isdisjoint({"on_grid_share", LONGEST_RUN.name})
        assert (answer.copying, comparison.copying("pitch"), comparison.reference_quartiles()) == (None, None, {})

    def test_with_it_there_are_all_figures_of_both(self, pack: Pack, reference: ReferenceStatistics) -> None:
        comparison = compare(pack, [WALTZ, MARCH], SETTINGS, reference)
        names = [figure.name for figure in FIGURES]
        for found in (comparison.reference_quartiles(), comparison.quartiles("pitch"), comparison.quartiles("event")):
            assert sorted(found) == sorted(names)
        copying = comparison.copying("event")
        assert copying is not None
        assert copying.longest_run == max(answer.figures[LONGEST_RUN.name] for answer in comparison.answers("event"))

    def test_the_quartiles_are_over_all_answers(self, comparison: Comparison) -> None:
        assert comparison.quartiles("pitch")["notes_per_beat"] == Quartiles(2.0, 2.0, 2.0)
        assert len(comparison.answers("pitch")) == 6

    def test_a_bar_is_the_seeds_own(self, pack: Pack, reference: ReferenceStatistics) -> None:
        (exchange,) = compare(
            pack, [WALTZ], replace(SETTINGS, sampling=SamplingSettings(step_beats=1.5)), reference
        ).exchanges
        assert exchange.answers["pitch"][0].figures["groove_consistency"] == 1.0


class TestTheExperimentsPieces:
    def test_there_is_one_of_each_approach(self, comparison: Comparison) -> None:
        assert {approach: melody.approach for approach, melody in comparison.melodies.items()} == {
            "pitch": "pitch",
            "event": "event",
        }

    def test_they_follow_the_first_seed(self, pack: Pack, comparison: Comparison) -> None:
        settings = replace(SETTINGS, answers=1)
        assert compare(pack, [WALTZ], settings).melodies == comparison.melodies
        assert compare(pack, [MARCH], settings).melodies["event"].tempo_bpm == 120.0


def test_without_a_seed_there_is_nothing_to_compare(pack: Pack) -> None:
    with pytest.raises(ValueError, match="no seed"):
        compare(pack, [])


def test_a_damaged_pack_is_refused(tiny_pack: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_pack, tmp_path / "damaged")
    (tmp_path / "damaged" / "event.fp32.onnx").write_bytes(b"no graph")
    with pytest.raises(PackError, match="is cut off or was changed"):
        compare(open_pack(str(tmp_path / "damaged")), [WALTZ])
