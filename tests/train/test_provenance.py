from pathlib import Path

import pytest

from model.card import Source
from tests.music import exercise, line
from train.corpus import Corpus, Line
from train.provenance import notices, source_of

MANIFEST = """path,split,licence,source_repo,source_commit
tunes/one.mid,train,CC0-1.0,https://example.org/tunes,abc
tunes/two.mid,train,CC-BY-4.0,https://example.org/tunes,abc
tunes/three.mid,train,CC0-1.0,https://example.org/more,def
tunes/held out.mid,test,GPL-2.0,https://example.org/never,fff
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    folder = tmp_path / "tunes"
    folder.mkdir()
    tunes = Corpus("tunes")
    for name in ("one", "two", "three"):
        tunes.lines["train"].append(Line(folder / f"{name}.mid", tuple(exercise(key=62))))
    tunes.lines["train"].append(Line(folder / "one.mid", tuple(line(60))))
    tunes.lines["test"].append(Line(folder / "held out.mid", tuple(line(60))))
    return tunes


def test_a_corpus_is_told_by_what_was_trained_on(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "tunes" / "NOTICE").write_text("Played by many.\n", encoding="utf-8")
    assert source_of(corpus, tmp_path / "tunes") == Source(
        name="tunes",
        files=3,
        notes=3 * 64 + 1,
        licences={"CC0-1.0": 2, "CC-BY-4.0": 1},
        sources=("https://example.org/more at def", "https://example.org/tunes at abc"),
        attribution="Played by many.",
    )


@pytest.mark.parametrize(
    "table", [None, "path,split\ntunes/one.mid,train\n", "path,split,licence\ntunes/one.mid,train,CC0\n"]
)
def test_a_folder_that_says_nothing_of_licences_has_none(corpus: Corpus, tmp_path: Path, table: str | None) -> None:
    if table:
        (tmp_path / "manifest.csv").write_text(table, encoding="utf-8")
    assert source_of(corpus, tmp_path / "tunes") == Source(name="tunes", files=3, notes=193)


def test_all_legal_texts_are_carried_on(tmp_path: Path) -> None:
    for name, text in (("LICENSE", "Do as you like."), ("NOTICE.txt", "By many."), ("readme.md", "Tunes.")):
        (tmp_path / name).write_text(f"\n{text}\n\n", encoding="utf-8")
    name = tmp_path.name
    assert notices([tmp_path]) == (
        f"==== {name}/NOTICE.txt ====\n\nBy many.\n\n==== {name}/LICENSE ====\n\nDo as you like.\n"
    )


def test_a_legal_text_in_an_old_encoding_costs_no_training(tmp_path: Path) -> None:
    (tmp_path / "COPYING").write_bytes("© Béla".encode("latin-1"))
    assert notices([tmp_path]).endswith("\n\n\ufffd B\ufffdla\n")


def test_without_legal_texts_there_is_nothing_to_carry_on(tmp_path: Path) -> None:
    assert notices([tmp_path]) == ""
