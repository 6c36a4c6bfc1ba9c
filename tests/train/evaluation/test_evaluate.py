from pathlib import Path

import pytest

from model.approach import APPROACHES
from model.improvising.sampling_settings import SamplingSettings
from model.pack.pack import Pack, open_pack
from tests.music import exercise, tune
from train.corpus.corpora import Corpus, Line
from train.errors import CorpusError
from train.evaluation.evaluate import ANSWER_BARS, ANSWERS, Evaluation, evaluate

SAMPLING = SamplingSettings()


@pytest.fixture(scope="module")
def pack(tiny_pack: Path) -> Pack:
    return open_pack(str(tiny_pack))


@pytest.fixture(scope="module")
def corpora() -> list[Corpus]:
    tunes, songs = Corpus("tunes", Path("tunes")), Corpus("songs", Path("songs"))
    tunes.lines["train"] += [Line.of(Path(f"{number}.mid"), tune(number)) for number in range(4)]
    tunes.lines["test"].append(Line.of(Path("test.mid"), tune(9)))
    songs.lines["train"].append(Line.of(Path("song.mid"), exercise(100)))
    return [tunes, songs]


@pytest.fixture(scope="module")
def evaluation(pack: Pack, corpora: list[Corpus]) -> Evaluation:
    return evaluate(pack, corpora, "test", SAMPLING)


def test_each_approach_is_measured_on_every_corpus_that_has_something_on_the_side(evaluation: Evaluation) -> None:
    assert (evaluation.pack, evaluation.split) == ("tiny", "test")
    for approach in APPROACHES:
        assert list(evaluation.held_out[approach]) == ["tunes"]
        figures = evaluation.held_out[approach]["tunes"]
        assert (figures.time_bits is None) == (approach == "pitch")
        assert {"order 0", "order 1", "order 2", "unbounded"} <= set(figures.ppm)


def test_ppm_learns_from_the_training_side_of_all_corpora(
    pack: Pack, corpora: list[Corpus], evaluation: Evaluation
) -> None:
    without_songs = evaluate(pack, corpora[:1], "test", SAMPLING)
    assert without_songs.held_out["pitch"]["tunes"].pitch_bits == evaluation.held_out["pitch"]["tunes"].pitch_bits
    assert without_songs.held_out["pitch"]["tunes"].ppm != evaluation.held_out["pitch"]["tunes"].ppm


def test_answers_are_compared_with_excerpts_of_the_same_length(evaluation: Evaluation) -> None:
    assert evaluation.reference.excerpt_beats == 4 * ANSWER_BARS
    for approach in APPROACHES:
        assert set(evaluation.reference.quartiles) <= set(evaluation.answers[approach].measures)
        assert evaluation.answers[approach].copying.ngrams[8] > 0


def test_it_answers_lines_from_all_over_the_side(pack: Pack) -> None:
    many = Corpus("many", Path("many"))
    many.lines["train"].append(Line.of(Path("one.mid"), tune(0)))
    many.lines["test"] += [Line.of(Path(f"{number}.mid"), tune(number)) for number in range(ANSWERS + 8)]
    few = Corpus("few", Path("few"))
    few.lines["train"], few.lines["test"] = many.lines["train"], many.lines["test"][:1]
    answers_measured = [
        evaluate(pack, [corpus], "test", SAMPLING).answers["pitch"].copying.ngrams[8] for corpus in (few, many)
    ]
    assert answers_measured[1] == ANSWERS * answers_measured[0]


def test_the_same_arguments_give_the_same_figures(pack: Pack, corpora: list[Corpus], evaluation: Evaluation) -> None:
    again = evaluate(pack, corpora, "test", SAMPLING)
    for approach in APPROACHES:
        assert again.answers[approach].measures == evaluation.answers[approach].measures
        assert again.answers[approach].copying == evaluation.answers[approach].copying
    assert again.held_out == evaluation.held_out


def test_another_random_seed_plays_something_else(pack: Pack, corpora: list[Corpus], evaluation: Evaluation) -> None:
    other = evaluate(pack, corpora, "test", SAMPLING, random_seed=1)
    assert other.held_out == evaluation.held_out
    assert other.answers["event"].measures != evaluation.answers["event"].measures


def test_a_side_without_files_is_refused(pack: Pack, corpora: list[Corpus]) -> None:
    with pytest.raises(CorpusError) as raised:
        evaluate(pack, corpora, "valid", SAMPLING)
    assert str(raised.value) == (
        "no file is on the valid side of the split; choose another --split, or give it more files"
    )
