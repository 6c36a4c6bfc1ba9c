import math
from collections import Counter
from pathlib import Path

import pytest

from model.pack.card import Card, read_card
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary
from tests.music import exercise
from tests.tiny_pack import EVENT_WORDS, PITCH_WORDS, PITCHES, write_tiny_pack
from train.console import ProgressBars, console, held_out_table, show_corpora, show_vocabulary
from train.corpus.corpora import Broken, Corpus, Line
from train.learning.trainer import Progress


@pytest.fixture
def corpus() -> Corpus:
    made = Corpus("tunes [live]", Path("tunes"), found=1234, seconds=9000.0, near_duplicates=7)
    for number, side in enumerate(made.lines):
        made.lines[side].append(Line.of(Path(f"{number}.mid"), exercise(1000 * (number + 1))))
    made.lines["train"].append(Line.of(Path("0.mid"), exercise(500)))
    made.keys = Counter({"C major": 900, "A minor": 300, "D minor": 20, "Eb major": 9, "none": 4, "F major": 1})
    made.tempi_bpm = [60.0, 118.4, 122.0, 240.0]
    return made


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def row(output: str, *first: str) -> list[str]:
    """The cells of the row of the table that starts with `first`."""
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]
    (found,) = [each for each in cells if each[: len(first)] == list(first)]
    return found


class TestWhatWasFound:
    def test_files_lines_and_notes_by_side(self, corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
        show_corpora([corpus])
        output = shown(capsys)
        assert row(output, "tunes [live]", "train")[2:] == ["1", "2", "1,500"]
        assert row(output, "tunes [live]", "valid")[2:] == ["1", "1", "2,000"]
        assert row(output, "tunes [live]", "test")[2:] == ["1", "1", "3,000"]

    def test_near_duplicates_hours_keys_and_tempi(self, corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
        show_corpora([corpus])
        assert (
            "tunes [live]: 1,234 files, 7 near-duplicates, 2.5 hours; in 6 keys (C major 900, A minor 300, D minor 20, "
            "Eb major 9); tempi 60 to 240, median 120\n"
        ) in shown(capsys)

    def test_one_of_each_is_not_in_the_plural(self, corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
        corpus.found = corpus.near_duplicates = corpus.duplicates_across_splits = 1
        corpus.keys = Counter({"C major": 1})
        show_corpora([corpus])
        said = shown(capsys)
        assert "tunes [live]: 1 file, 1 near-duplicate, 2.5 hours; in 1 key (C major 1); " in said
        assert "tunes [live]: 1 file is a near-duplicate of one on another side of its manifest's split\n" in said
        show_vocabulary("beats", "event", EventVocabulary((60,), TimeBins((0.5,), ())))
        assert shown(capsys) == "event: 1 pitch, 60 to 60; 1 time bin, in beats: 1/2\n"

    def test_the_length_of_a_short_corpus_is_in_minutes(
        self, corpus: Corpus, capsys: pytest.CaptureFixture[str]
    ) -> None:
        corpus.seconds, corpus.near_duplicates = 90.0, 0
        show_corpora([corpus])
        assert "tunes [live]: 1,234 files, 1.5 minutes; " in shown(capsys)

    def test_what_was_left_out_by_reason_with_counts(self, corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
        corpus.broken = [Broken(Path(f"take {n} [/b].mid"), "is empty") for n in range(5)]
        corpus.incomplete = [Broken(Path("cut.mid"), "breaks off in its last track")]
        corpus.without_lead = [Path("chords.mid"), Path("b\udcff.mid"), Path("beat.mid")]
        corpus.without_notes = {Path("beat.mid")}
        corpus.rows_without_file = ["gone.mid"]
        show_corpora([corpus])
        said = shown(capsys)
        assert [line for line in said.splitlines() if "which" in line] == [
            "tunes [live]: left out 5 files, each of which is empty: b].mid, b].mid, b].mid, ...",
            "tunes [live]: read all the same 1 file, which breaks off in its last track: cut.mid",
            "tunes [live]: left out 2 files, each of which has no line to learn from: chords.mid, b\ufffd.mid",
            "tunes [live]: left out 1 file, which holds no notes, or only drums: beat.mid",
            "tunes [live]: left out 1 row of the manifest, which has no file: gone.mid",
        ]

    def test_where_nothing_was_left_out_nothing_is_said_of_it(
        self, corpus: Corpus, capsys: pytest.CaptureFixture[str]
    ) -> None:
        show_corpora([corpus])
        assert "left out" not in shown(capsys)

    def test_near_duplicates_on_different_sides_of_a_manifest(
        self, corpus: Corpus, capsys: pytest.CaptureFixture[str]
    ) -> None:
        corpus.duplicates_across_splits = 2
        show_corpora([corpus])
        assert ("tunes [live]: 2 files are near-duplicates of one on another side of its manifest's split\n") in shown(
            capsys
        )

    def test_a_note_that_nothing_is_held_out(self, corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
        other = Corpus("other", Path("other"), tempi_bpm=[120.0])
        show_corpora([corpus, other])
        assert "Nothing is held out" not in shown(capsys)
        corpus.lines["valid"] = corpus.lines["test"] = []
        show_corpora([corpus, other])
        assert "Nothing is held out, as there are too few files: all are learnt from" in shown(capsys)

    def test_where_only_the_validation_side_is_empty_that_is_said(
        self, corpus: Corpus, capsys: pytest.CaptureFixture[str]
    ) -> None:
        corpus.lines["valid"] = []
        show_corpora([corpus])
        said = shown(capsys)
        assert "No file is on the validation side of the split, and the last epoch is kept" in said
        assert "all are learnt from" not in said


class TestVocabulary:
    def test_the_pitches(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_vocabulary("beats", "pitch", PITCH_WORDS)
        assert shown(capsys) == "pitch: 37 pitches, 48 to 84\n"

    def test_the_bins_that_were_really_made(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_vocabulary("beats", "event", EVENT_WORDS)
        assert shown(capsys) == "event: 37 pitches, 48 to 84; 4 time bins, in beats: 1/4, 1/2, 1, 2\n"

    def test_triplets_are_fractions_and_what_lies_off_the_grid_is_not(self, capsys: pytest.CaptureFixture[str]) -> None:
        bins = TimeBins((0.146, 1 / 3, 17 / 24), (0.2, 0.5))
        show_vocabulary("beats", "event", EventVocabulary(PITCHES, bins))
        assert shown(capsys).endswith("3 time bins, in beats: 0.146, 1/3, 17/24\n")

    def test_bins_in_seconds_are_shown_in_seconds(self, capsys: pytest.CaptureFixture[str]) -> None:
        # They are stored as beats at 120 a minute.
        show_vocabulary("seconds", "event", EVENT_WORDS)
        assert shown(capsys).endswith("4 time bins, in seconds: 0.125, 0.25, 0.5, 1\n")


class TestProgressBars:
    def test_each_epoch_is_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        with ProgressBars() as bars:
            bars.show_progress("pitch", Progress(1, 2, 1, 2, 5000.0, 3.2, 0.1))
            bars.show_progress("pitch", Progress(1, 2, 2, 2, 5000.0, 3.1, 0.2, valid_bits=3.45678, is_best=True))
            bars.show_progress("pitch", Progress(2, 2, 2, 2, 6000.0, 2.9, 0.3, valid_bits=3.5))
            bars.show_progress("event", Progress(1, 2, 2, 2, 7000.0, 2.0, 0.3, valid_bits=math.nan, is_best=True))
        lines = [line for line in shown(capsys).splitlines() if " epoch " in line]
        assert lines == [
            "pitch epoch 1: training 3.100 bits/token, held out 3.4568 bits/note (best), 5,000 tokens/s",
            "pitch epoch 2: training 2.900 bits/token, held out 3.5000 bits/note, 6,000 tokens/s",
            "event epoch 1: training 2.000 bits/token, nothing held out, 7,000 tokens/s",
        ]

    def test_the_weights_that_a_training_starts_from_have_a_line_of_their_own(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with ProgressBars() as bars:
            bars.show_progress("pitch", Progress(0, 2, 0, 2, 0.0, math.nan, 0.0, valid_bits=3.25, is_best=True))
            bars.show_progress("event", Progress(0, 2, 0, 2, 0.0, math.nan, 0.0, valid_bits=math.nan, is_best=True))
        assert "pitch before training: held out 3.2500 bits/note\n" in (said := shown(capsys))
        assert "event" not in said

    def test_the_bar_counts_the_steps_of_all_epochs(self, capsys: pytest.CaptureFixture[str]) -> None:
        with ProgressBars() as bars:
            bars.show_progress("event", Progress(2, 4, 3, 10, 1234.5, 3.2, 0.1))
        assert "13/40" in shown(capsys)

    def test_processes_that_are_not_the_first_print_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        with ProgressBars(shown=False) as bars:
            bars.show_progress("event", Progress(1, 4, 3, 10, 1234.5, 3.2, 0.1))
        assert shown(capsys) == ""


class TestFigures:
    @pytest.fixture
    def card(self, tmp_path: Path) -> Card:
        return read_card(write_tiny_pack(tmp_path / "tiny"))

    def test_the_table_has_the_best_ppm_and_the_figures_with_memory(
        self, card: Card, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pitch = {"notes": 9, "pitch_bits": 3.14159, "ppm": {"order 1": 4.0, "order 2": 3.5, "unbounded": 3.6}}
        event = {
            "notes": 9,
            "pitch_bits": 3.0,
            "time_bits": 1.25,
            "pitch_bits_with_memory": 2.0,
            "time_bits_with_memory": 1.0,
        }
        parts = {
            approach: part.model_validate({**part.model_dump(), "held_out": {"tunes [live]": figures}})
            for (approach, part), figures in zip(card.approaches.items(), (pitch, event), strict=True)
        }
        console.print(held_out_table(card.model_copy(update={"approaches": parts})))
        output = shown(capsys)
        assert row(output, "pitch") == ["pitch", "tunes [live]", "3.142", "", "", "3.500 (order 2)"]
        assert row(output, "event") == ["event", "tunes [live]", "3.000", "1.250", "2.000 + 1.000", ""]
