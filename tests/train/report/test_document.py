import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pretty_midi
import pytest

from model.approach import APPROACHES, Approach
from model.files.seed import Seed
from model.files.time_signature import TimeSignature
from model.pack.card import ApproachCard, Card, Epoch, HeldOut, Source
from model.pack.pack import Pack, open_pack
from tests.music import BROKEN_MIDI_FILES, exercise, line, write_part
from train.compare_cli import main
from train.corpus.corpora import Corpus, Line
from train.errors import OutputError
from train.evaluation.compare import FIGURES, AnswerSettings, Comparison, compare
from train.evaluation.reference_statistics import measure_reference
from train.evaluation.seeds import NamedSeed, built_in_seeds
from train.report.document import PAGE_NAME, page_path_for, render, write_report

FILES = {
    PAGE_NAME,
    "lstm_generated_melody.mid",
    "lstm_generated_melody.png",
    "lstm_generated_melody_event.mid",
    "lstm_generated_melody_event.png",
}
SETTINGS = AnswerSettings(bars=2, answers=2)
WALTZ = NamedSeed("Waltz", "tests", Seed(tuple(line(60, 64, 67)), 90.0, TimeSignature(3, 4)))
RUDE = NamedSeed('<b>Rude</b> & "quoted"', "<script>alert(1)</script>", Seed(tuple(exercise(8))))
# HTML elements without an end tag; SVG shapes are closed in their start tag.
VOID = {"meta", "br", "hr", "img", "input", "link", "source", "wbr"}


@dataclass
class Element:
    tag: str
    attributes: Mapping[str, str]


@dataclass
class Page(HTMLParser):
    """A parsed page; elements that are not closed, or closed twice, fail the test."""

    elements: list[Element] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> says something twice: {names}"
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"style", "script"}:
            self.text += data

    def finish(self) -> "Page":
        self.close()
        assert self._open == []
        return self

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [e for e in self.elements if e.tag == tag and attributes.items() <= e.attributes.items()]

    def having(self, attribute: str) -> list[str]:
        return [e.attributes[attribute] for e in self.elements if attribute in e.attributes]


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    return page.finish()


@pytest.fixture(scope="module")
def pack(tiny_pack: Path) -> Pack:
    return open_pack(str(tiny_pack))


def trained_card(card: Card) -> Card:
    """The card with the figures that training would have written."""

    def trained(approach: Approach, part: ApproachCard) -> ApproachCard:
        time_bits = 1.5 if approach == "event" else None
        held_out = HeldOut(notes=100, pitch_bits=2.5, time_bits=time_bits, ppm={"order 0": 5.0, "order 2": 3.25})
        bits = (4.0, 3.0, 2.75, 2.8)
        history = tuple(
            Epoch(epoch=number, valid_bits=value, seconds=60.0 * number, tokens=1000 * number)
            for number, value in enumerate(bits, start=1)
        )
        training = part.training.model_copy(
            update={"history": history, "best_epoch": 3, "command": "fours train tunes --out <tiny>"}
        )
        return part.model_copy(update={"held_out": {"tunes": held_out}, "training": training})

    source = Source(
        name="tunes & airs",
        files=3,
        notes=1234,
        licences={"CC0-1.0": 2, "<i>none</i>": 1},
        sources=("github.com/some/tunes at 0123456789abcdef0123", "a shelf"),
        attribution="Played by many.\n\nAnd sung.",
    )
    approaches = {approach: trained(approach, part) for approach, part in card.approaches.items()}
    return card.model_copy(update={"corpora": (source,), "approaches": approaches})


@pytest.fixture(scope="module")
def bare(pack: Pack) -> Comparison:
    """A comparison of a pack without figures, and without music to compare with."""
    return compare(pack, [WALTZ, RUDE], SETTINGS)


@pytest.fixture(scope="module")
def full(pack: Pack) -> Comparison:
    tunes = Corpus("tunes", Path("tunes"))
    tunes.lines["train"].append(Line.of(Path("one.mid"), exercise(200)))
    tunes.lines["test"].append(Line.of(Path("two.mid"), exercise(100, start=3)))
    comparison = compare(pack, [WALTZ, RUDE], SETTINGS, measure_reference([tunes], SETTINGS.excerpt_beats))
    return replace(comparison, card=trained_card(comparison.card))


class TestThePage:
    @pytest.mark.parametrize("which", ["bare", "full"])
    def test_is_whole(self, which: str, request: pytest.FixtureRequest) -> None:
        page = read(render(request.getfixturevalue(which)))
        assert page.elements[0].tag == "html"
        assert page.elements[0].attributes["lang"] == "en"

    @pytest.mark.parametrize("which", ["bare", "full"])
    def test_loads_nothing_from_anywhere(self, which: str, request: pytest.FixtureRequest) -> None:
        text = render(request.getfixturevalue(which))
        page = read(text)
        assert not page.all("link")
        assert not page.all("img")
        assert not page.all("iframe")
        assert page.having("src") == []
        for href in page.having("href"):
            assert href.startswith(("data:audio/midi;base64,", "https://github.com/some/tunes"))
        for inside in re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", text, re.DOTALL):
            assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest|import\(", inside)
        (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
        assert policy.attributes["content"].startswith("default-src 'none';")

    def test_has_every_seed_and_both_answers_to_each(self, full: Comparison) -> None:
        page = read(render(full))
        labels = page.having("aria-label")
        for named in (WALTZ, RUDE):
            assert named.name in page.text
            for title in ("Pitch", "Event"):
                assert f"{title} answers {named.name}" in labels

    def test_every_name_in_it_is_text(self, full: Comparison) -> None:
        text = render(replace(full, pack="<u>mine</u>"), "fours compare '<u>mine</u>'")
        page = read(text)
        for name in (
            "<b>Rude</b>",
            "<script>alert(1)</script>",
            "<u>mine</u>",
            "<i>none</i>",
            "fours train tunes --out <tiny>",
        ):
            assert name not in text
            assert name in page.text
        assert len(page.all("script")) == 1
        assert not page.all("u")

    def test_has_the_labels_that_a_screen_reader_needs(self, full: Comparison) -> None:
        page = read(render(full))
        pictures = page.all("svg", role="img")
        assert pictures
        assert all(picture.attributes["aria-label"] for picture in pictures)
        assert all(button.attributes["aria-label"].startswith("Play ") for button in page.all("button"))
        ids = page.having("id")
        assert len(ids) == len(set(ids))
        assert set(page.having("aria-labelledby")) <= set(ids)

    def test_the_same_comparison_gives_the_same_text(self, full: Comparison) -> None:
        assert render(full, "fours compare") == render(full, "fours compare")

    def test_shows_how_it_was_made(self, full: Comparison) -> None:
        text = read(render(full, "fours compare tiny --out report")).text
        assert "fours compare tiny --out report" in text
        assert "temperature 1, top-p 0.98, pitch at a step of 0.5 beats, random seed 0" in text


class TestItsRolls:
    def test_hold_each_note_once_in_the_order_in_which_they_are_played(self, full: Comparison) -> None:
        page = read(render(full))
        sounds = [json.loads(sound) for sound in page.having("data-notes")]
        assert len(sounds) == 2 * 2 + 2
        exchange = full.exchanges[0]
        expected = [*exchange.seed.notes, *exchange.answers["pitch"][0].notes]
        assert [(row[0], row[2], row[3]) for row in sounds[0]] == [
            (pytest.approx(note.onset_beats, abs=1e-4), note.pitch, note.velocity) for note in expected
        ]
        drawn = [e for e in page.all("rect") if e.attributes.get("class", "").startswith("note ")]
        assert len(drawn) == sum(len(sound) for sound in sounds)

    def test_can_be_saved_as_midi_files_with_the_seed_and_the_answer(self, full: Comparison, tmp_path: Path) -> None:
        links = [e for e in read(render(full)).all("a") if "download" in e.attributes]
        assert [link.attributes["download"] for link in links] == [
            "tiny-waltz-pitch.mid",
            "tiny-waltz-event.mid",
            "tiny-b-rude-b-quoted-pitch.mid",
            "tiny-b-rude-b-quoted-event.mid",
            "lstm_generated_melody.mid",
            "lstm_generated_melody_event.mid",
        ]
        path = tmp_path / "answer.mid"
        path.write_bytes(base64.b64decode(links[1].attributes["href"].partition(",")[2]))
        midi = pretty_midi.PrettyMIDI(str(path))
        answer = full.exchanges[0].answers["event"][0]
        assert [(track.name, len(track.notes)) for track in midi.instruments] == [
            ("Seed", 3),
            ("Answer", len(answer.notes)),
        ]
        assert midi.get_tempo_changes()[1].tolist() == pytest.approx(
            [90.0], rel=1e-5
        )  # a MIDI file has whole microseconds per beat


class TestItsFigures:
    def test_all_are_shown_beside_real_music(self, full: Comparison) -> None:
        page = read(render(full))
        for figure in FIGURES:
            assert figure.title in page.text
        assert "excerpts of 8 beats from tunes, held out" in page.text
        assert "Copied 16 at a time" in page.text

    def test_without_real_music_there_are_those_that_need_none(self, bare: Comparison) -> None:
        text = read(render(bare)).text
        assert "Pitch range" in text
        assert "With --corpus" in text
        for absent in (
            "On the grid",
            "Real music",
            "Copied",
            "Music that neither has seen",
            "How they learnt",
            "What it learnt from",
        ):
            assert absent not in text

    def test_of_held_out_music_are_the_cards(self, full: Comparison) -> None:
        page = read(render(full))
        labels = page.having("aria-label")
        assert "Pitch: 2.50 bits per note; best PPM 3.25" in labels
        assert "Event: 4.00 bits per note, of which 1.50 for time; best PPM 3.25" in labels

    def test_the_training_curve_marks_the_best_epoch(self, full: Comparison) -> None:
        labels = read(render(full)).having("aria-label")
        for title in ("Pitch", "Event"):
            assert f"{title}: from 4.00 bits per note after epoch 1 to 2.75 after epoch 3, which was kept" in labels

    def test_corpora_are_named_with_their_licences_and_where_they_are(self, full: Comparison) -> None:
        page = read(render(full))
        for text in (
            "tunes & airs",
            "3 files, 1,234 notes",
            "CC0-1.0",
            "Played by many.",
            "And sung.",
            "a shelf",
            "0123456789ab",
        ):
            assert text in page.text
        assert page.all("a", href="https://github.com/some/tunes")


class TestItsPlace:
    def test_a_report_is_a_folder(self, tmp_path: Path) -> None:
        assert page_path_for(tmp_path / "new" / "report") == tmp_path / "new" / "report" / PAGE_NAME
        assert list(tmp_path.iterdir()) == []

    def test_a_name_that_ends_in_html_is_the_page_itself(self, tmp_path: Path) -> None:
        assert page_path_for(tmp_path / "songs.html") == tmp_path / "songs.html"

    def test_the_experiments_files_lie_beside_the_page_and_an_older_report_is_replaced(
        self, bare: Comparison, tmp_path: Path
    ) -> None:
        page = page_path_for(tmp_path / "new" / "report")
        page.parent.mkdir(parents=True)
        for name in FILES:
            (page.parent / name).write_bytes(b"older")
        written = list(write_report(page, bare))
        assert {path.name for path in written} == {path.name for path in page.parent.iterdir()} == FILES
        assert all(path.read_bytes() != b"older" for path in written)

    def refusal(self, out: Path) -> str:
        with pytest.raises(OutputError) as raised:
            page_path_for(out)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    def test_a_file_that_is_no_page_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        assert self.refusal(tmp_path / "notes.txt") == (
            f"{tmp_path / 'notes.txt'} is a file; name a folder for the report, or a page such as {tmp_path / 'notes.html'}"
        )

    @pytest.mark.parametrize("name", ["report.pdf", "report.PNG", "answers.mid"])
    def test_a_name_of_a_file_of_another_kind_is_refused_unless_there_is_such_a_folder(
        self, name: str, tmp_path: Path
    ) -> None:
        out = tmp_path / name
        assert self.refusal(out) == (
            f"{out} cannot be written, as a report is a page of HTML; "
            f"name a folder for the report, or a page such as {out.with_suffix('.html')}"
        )
        out.mkdir()
        assert page_path_for(out) == out / PAGE_NAME

    def test_a_folder_may_have_a_dot_in_its_name(self, tmp_path: Path) -> None:
        assert page_path_for(tmp_path / "songs.v2") == tmp_path / "songs.v2" / PAGE_NAME

    def test_a_name_that_is_too_long_is_refused(self, tmp_path: Path) -> None:
        message = self.refusal(tmp_path / ("a" * 400))
        assert message.endswith(
            " is too long: a name in a path has at most 255 bytes; choose another place for the page"
        )

    def test_a_folder_below_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        assert "cannot be written" in self.refusal(tmp_path / "notes.txt" / "report")

    def test_a_page_that_is_a_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "songs.html").mkdir()
        assert "is a folder" in self.refusal(tmp_path / "songs.html")

    def test_a_place_without_write_access_is_refused(self) -> None:
        assert "cannot be written" in self.refusal(Path("/proc/report"))  # not even root can write there


class TestTheCommand:
    def test_it_needs_only_a_pack_and_a_place_and_writes_the_same_bytes_again(
        self, tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contents = []
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            monkeypatch.chdir(tmp_path / folder)
            self.run(tiny_pack, "--out", "report")
            contents.append({path.name: path.read_bytes() for path in Path("report").iterdir()})
        assert contents[0] == contents[1]
        assert contents[0].keys() == FILES
        page = read(contents[0][PAGE_NAME].decode())
        for named in built_in_seeds():
            assert named.name in page.text

    def test_it_accepts_seeds_and_a_corpus(self, tiny_pack: Path, tmp_path: Path) -> None:
        for index in range(4):
            write_part(tmp_path / "tunes" / f"{index}.mid", exercise(key=58 + index, start=index))
        out, cache = tmp_path / "report", tmp_path / "cache"
        tune = tmp_path / "tunes" / "2.mid"
        self.run(tiny_pack, "--out", out, "--seeds", tune, "--corpus", tune.parent, "--cache", cache, "--workers", "1")
        text = read((out / PAGE_NAME).read_text(encoding="utf-8")).text
        assert "2.mid" in text
        assert "excerpts of 32 beats from tunes" in text
        assert built_in_seeds()[0].name not in text

    def test_a_bad_seed_is_one_sentence_and_leaves_nothing(self, tiny_pack: Path, tmp_path: Path) -> None:
        seed = tmp_path / "seed.mid"
        seed.write_bytes(BROKEN_MIDI_FILES["a text"])
        sentence = self.refusal(tiny_pack, "--out", tmp_path / "report", "--seeds", seed)
        assert sentence == (
            f"{seed} is not a MIDI file: it does not begin as one does, with MThd; a seed is a file of music with at least one pitched note"
        )
        assert not (tmp_path / "report").exists()

    def test_a_folder_that_is_no_pack_is_refused(self, tmp_path: Path) -> None:
        assert "has no card.json" in self.refusal(tmp_path, "--out", tmp_path / "report")

    def test_a_corpus_without_music_is_refused(self, tiny_pack: Path, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        sentence = self.refusal(
            tiny_pack, "--out", tmp_path / "report", "--corpus", tmp_path / "empty", "--cache", tmp_path / "cache"
        )
        assert "holds no file of music" in sentence
        assert not (tmp_path / "report").exists()

    def test_a_place_that_is_a_file_is_refused(self, tiny_pack: Path, tmp_path: Path) -> None:
        (tmp_path / "report").touch()
        assert "is a file" in self.refusal(tiny_pack, "--out", tmp_path / "report")

    def run(self, *arguments: str | Path) -> None:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert ended.value.code in {0, None}, ended.value.code

    def refusal(self, *arguments: str | Path) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, str)
        assert "\n" not in ended.value.code
        return ended.value.code.removeprefix("fours: ")


def test_each_approach_has_a_colour_of_its_own_in_every_light(full: Comparison) -> None:
    style = re.findall(r"<style>(.*?)</style>", render(full), re.DOTALL)[0]
    for approach in APPROACHES:
        assert len(re.findall(rf"--{approach}: #", style)) >= 3  # light, dark, print
