import json
import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from model.analysis.scale import Key
from model.approach import Approach
from model.files.seed import Seed
from model.notes import Note
from model.pack.pack import open_pack
from server.cli import command_line
from tests.music import tune, write_part
from train.judge.continuations import WRONG_ONES, continuation_test
from train.judge.exchanges import HeldOutExchange
from train.judge.judgement import ENOUGH_SEEDS, Judgement, judge, shortage_of
from train.judge.page import NO_CONTINUATIONS, NOT_TOLD_APART, PLAYERS, classifier_rows, measure_rows, render_judgement
from train.judge.phrase_measures import MEASURES

BY_NAME = {measure.name: measure for measure in MEASURES}


def exchanges(count: int = 12) -> list[HeldOutExchange]:
    """Eight bars of tunes in C major, each a piece of its own."""
    made = []
    for number in range(count):
        notes = [note for note in tune(number, 60) if note.onset_beats < 32.0]
        seed = Seed(tuple(note for note in notes if note.onset_beats < 16.0))
        rest = tuple(note for note in notes if note.onset_beats >= 16.0)
        made.append(HeldOutExchange("tunes", f"<tune {number}>", seed, 16.0, 32.0, rest, Key(0, "major")))
    return made


def parrot(exchange: HeldOutExchange, approach: Approach, random_seed: int) -> tuple[Note, ...]:
    """Answers with what people played; the pitch approach with all of it on one pitch."""
    if approach == "event":
        return exchange.continuation
    return tuple(replace(note, pitch=60 + Random(random_seed).randrange(2)) for note in exchange.continuation)


@pytest.fixture(scope="module")
def judgement(tiny_pack: Path) -> Judgement:
    return judge(open_pack(str(tiny_pack)), exchanges(), parrot)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tunes")
    for number in range(8):
        write_part(folder / f"{number}.mid", tune(number, 120))
    return folder


class TestJudgement:
    def test_answers_that_equal_what_people_played_cannot_be_told_apart(self, judgement: Judgement) -> None:
        for auc in judgement.told_apart["event"].values():
            assert auc.regression == pytest.approx(0.5, abs=0.05)
            assert auc.trees == pytest.approx(0.5, abs=0.05)

    def test_answers_that_repeat_one_pitch_are_told_apart_by_pitch_and_not_by_rhythm(
        self, judgement: Judgement
    ) -> None:
        assert judgement.told_apart["pitch"]["pitch alone"].regression > 0.95
        assert judgement.told_apart["pitch"]["rhythm alone"].regression == pytest.approx(0.5, abs=0.05)

    def test_equal_figures_are_above_peoples_half_the_time(self, judgement: Judgement) -> None:
        assert judgement.above_human(BY_NAME["density"], "event") == 0.5
        assert judgement.above_human(BY_NAME["repeated"], "pitch") == 1.0

    def test_rests_follow_the_seeds_as_peoples_do(self, judgement: Judgement) -> None:
        assert judgement.rests_follow_seed("event") == judgement.rests_follow_seed(None)

    def test_an_answer_of_two_notes_is_left_out_and_counted(self, tiny_pack: Path) -> None:
        played = exchanges(3)
        played[0] = replace(played[0], continuation=played[0].continuation[:2])
        judged = judge(open_pack(str(tiny_pack)), played, parrot)
        assert (len(judged.exchanges), judged.too_short) == (2, 1)


class TestShortage:
    def test_as_many_seeds_as_were_asked_for_need_no_words(self) -> None:
        assert shortage_of(exchanges(3), 3) == ""

    def test_it_counts_the_seeds_and_their_pieces(self) -> None:
        one_piece = [replace(exchange, piece="one") for exchange in exchanges(3)]
        assert shortage_of([*exchanges(2), *one_piece], 10) == (
            "only 5 of 10 seeds were found, of 3 pieces; these figures mean little"
        )

    def test_the_figures_of_many_seeds_mean_something(self) -> None:
        assert shortage_of(exchanges(1) * ENOUGH_SEEDS, 436) == "only 100 of 436 seeds were found, of 1 piece"


class TestContinuations:
    def test_each_exchange_has_seven_wrong_ones_of_other_pieces(self, tiny_pack: Path) -> None:
        pack = open_pack(str(tiny_pack))
        tested = continuation_test(pack, "event", exchanges(WRONG_ONES + 1))
        assert tested is not None
        assert tested.exchanges == WRONG_ONES + 1
        assert continuation_test(pack, "event", exchanges(WRONG_ONES)) is None

    def test_a_continuation_that_repeats_the_seed_is_found_with_memory(self, tiny_pack: Path) -> None:
        repeating = [
            replace(
                exchange,
                continuation=tuple(replace(note, onset_beats=note.onset_beats + 16.0) for note in exchange.seed.notes),
            )
            for exchange in exchanges(9)
        ]
        tested = continuation_test(open_pack(str(tiny_pack)), "pitch", repeating)
        assert tested is not None
        assert tested.with_memory == tested.by_gain == 1.0


class TestPage:
    def test_it_shows_every_measure_and_classifier_and_escapes_names(self, judgement: Judgement) -> None:
        page = render_judgement(judgement, "fours judge <pack>")
        assert "&lt;tune 0&gt;" in page
        assert "<tune" not in page
        assert "fours judge &lt;pack&gt;" in page
        for title in (
            *(row.title for row in measure_rows(judgement)),
            *(row.title for row in classifier_rows(judgement)),
        ):
            assert title.replace("'", "&#39;") in page

    def test_every_player_of_a_shown_exchange_can_be_heard(self, judgement: Judgement) -> None:
        page = render_judgement(judgement, "")
        assert len(re.findall(r'class="play"', page)) == len(PLAYERS) * 12
        assert len(re.findall(r"data:audio/midi;base64,", page)) == len(PLAYERS) * 12

    def test_it_says_that_there_were_too_few_seeds_and_has_no_table_without_rows(self, tiny_pack: Path) -> None:
        played = exchanges(1)
        judged = replace(judge(open_pack(str(tiny_pack)), played, parrot), shortage=shortage_of(played, 10))
        page = render_judgement(judged, "")
        assert "Only 1 of 10 seeds were found, of 1 piece; these figures mean little." in page
        for sentence in (NOT_TOLD_APART, NO_CONTINUATIONS):
            assert sentence in page
        assert page.count("<tbody>") == 1  # the measures

    def test_it_loads_nothing(self, judgement: Judgement) -> None:
        assert not re.findall(r'(?:src|href)="(?!data:)', render_judgement(judgement, ""))


@pytest.mark.timeout(300)  # each test judges a pack, which reads files and trains sixteen classifiers
class TestCommand:
    def arguments(self, tiny_pack: Path, folder: Path, tmp_path: Path, *more: str) -> list[str]:
        options = [
            "--split",
            "test",
            "--seeds",
            "10",
            "--bars",
            "4",
            "--workers",
            "1",
            "--cache",
            str(tmp_path / "cache"),
        ]
        return ["judge", str(tiny_pack), str(folder), *options, *more]

    def test_it_prints_the_same_figures_each_time_and_writes_a_page(
        self, tiny_pack: Path, folder: Path, tmp_path: Path
    ) -> None:
        page = tmp_path / "page.html"
        given = self.arguments(tiny_pack, folder, tmp_path, "--json", "--out", str(page), "--temperature", "0.5")
        first, second = (CliRunner().invoke(command_line(), given, catch_exceptions=False) for _ in range(2))
        figures = json.loads(first.stdout)
        assert figures["seeds"] >= 8
        assert figures == json.loads(second.stdout)
        assert "<title>" in page.read_text(encoding="utf-8")

    def test_too_few_seeds_are_told_of_and_no_table_is_empty(self, tiny_pack: Path, tmp_path: Path) -> None:
        write_part(tmp_path / "tunes" / "0.mid", tune(0, 120))
        given = self.arguments(tiny_pack, tmp_path / "tunes", tmp_path, "--split", "train")
        result = CliRunner().invoke(command_line(), given, catch_exceptions=False)
        words = " ".join(result.stdout.split())
        assert re.search(r"only \d of 10 seeds were found, of 1 piece; these figures mean little", words)
        assert NOT_TOLD_APART in words
        assert NO_CONTINUATIONS in words
        assert "told apart by" not in words
        assert "true continuation" not in words

    def test_seeds_of_which_none_can_be_measured_are_refused(
        self, tiny_pack: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("train.judge.judgement.LEAST_ONSETS", 1000)
        page = tmp_path / "page.html"
        given = self.arguments(tiny_pack, folder, tmp_path, "--out", str(page))
        result = CliRunner().invoke(command_line(), given)
        assert result.exit_code == 1
        assert "nothing can be measured: in every exchange somebody played fewer than 3 notes" in result.output
        assert not page.exists()

    def test_a_control_changes_what_is_judged(self, tiny_pack: Path, folder: Path, tmp_path: Path) -> None:
        one, other = (
            CliRunner().invoke(
                command_line(),
                self.arguments(tiny_pack, folder, tmp_path, "--json", "--temperature", value),
                catch_exceptions=False,
            )
            for value in ("0.2", "2")
        )
        assert json.loads(one.stdout)["measures"] != json.loads(other.stdout)["measures"]

    @pytest.mark.parametrize("option", ["--pack", "--approach", "--length", "--answer-length", "--mode", "--band"])
    def test_an_option_that_the_judge_decides_itself_is_refused(
        self, option: str, tiny_pack: Path, folder: Path, tmp_path: Path
    ) -> None:
        given = self.arguments(tiny_pack, folder, tmp_path, option, "1")
        result = CliRunner().invoke(command_line(), given)
        assert result.exit_code == 2
        assert f"No such option: {option}" in result.output

    def test_a_side_that_does_not_exist_is_refused(self, tiny_pack: Path, folder: Path, tmp_path: Path) -> None:
        result = CliRunner().invoke(command_line(), [*self.arguments(tiny_pack, folder, tmp_path), "--split", "all"])
        assert result.exit_code == 2
