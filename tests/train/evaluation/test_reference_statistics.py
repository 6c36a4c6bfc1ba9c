from pathlib import Path

import pytest

from model.notes import Note
from tests.music import exercise, line
from train.corpus.corpora import Corpus, Line, Split
from train.errors import CorpusError
from train.evaluation.measures import MEASURES
from train.evaluation.reference_statistics import EXCERPT_NOTES, excerpts_of, measure_reference


def corpus(**sides: list[Note]) -> Corpus:
    tunes = Corpus("tunes", Path("tunes"))
    for side, notes in sides.items():
        split: Split = "train" if side == "train" else "valid" if side == "valid" else "test"
        tunes.lines[split].append(Line.of(Path(f"{side}.mid"), notes))
    return tunes


class TestExcerpts:
    def test_music_is_cut_into_equal_excerpts_that_start_at_zero(self) -> None:
        found = list(excerpts_of(line(*range(50, 70)), excerpt_beats=5.0))
        assert found == [tuple(line(*range(50, 60))), tuple(line(*range(60, 70)))]

    def test_excerpts_that_are_mostly_rests_are_left_out(self) -> None:
        music = [*line(*range(60, 60 + EXCERPT_NOTES)), *line(*range(60, 59 + EXCERPT_NOTES), start_beats=16.0)]
        assert len(list(excerpts_of(music, 16.0))) == 1


class TestReferenceStatistics:
    def test_statistics_are_of_the_test_side_and_intervals_of_the_training_side(self) -> None:
        reference = measure_reference([corpus(train=exercise(96), valid=exercise(8), test=line(*range(60, 70)))], 32.0)
        assert (reference.corpora, reference.side, reference.excerpts) == (("tunes",), "test", 1)
        assert reference.quartiles["pitch_range"].median == 9.0
        assert reference.copying.longest_run == 0
        assert reference.training_intervals.measure_copying(exercise(96, key=50)).longest_run == 95

    def test_every_measure_has_its_quartiles(self) -> None:
        reference = measure_reference([corpus(train=exercise(96), test=exercise(96, key=64))], 16.0)
        assert list(reference.quartiles) == [known.name for known in MEASURES]

    def test_music_that_was_copied_is_found_whole(self) -> None:
        reference = measure_reference([corpus(train=exercise(96), test=exercise(96, key=64))], 16.0)
        assert reference.copying.shares == {8: 1.0, 12: 1.0, 16: 1.0}
        assert reference.longest_run.low > 16

    @pytest.mark.parametrize(("sides", "taken"), [(("train", "valid"), "valid"), (("train",), "train")])
    def test_without_a_test_side_another_side_is_measured(self, sides: tuple[str, ...], taken: str) -> None:
        assert measure_reference([corpus(**{side: exercise(64) for side in sides})], 32.0).side == taken

    def test_too_little_music_is_refused(self) -> None:
        with pytest.raises(CorpusError, match=r"no 1 beats of tunes hold 8 notes.*--bars"):
            measure_reference([corpus(train=exercise(64))], 1.0)
