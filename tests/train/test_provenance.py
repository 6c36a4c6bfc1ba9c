from pathlib import Path

import pytest

from model.pack.card import Source
from tests.music import exercise, line
from train.corpus.corpora import Corpus, Line
from train.provenance import legal_notices, source_of

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
    tunes = Corpus("tunes", folder)
    for name in ("one", "two", "three"):
        tunes.lines["train"].append(Line.of(folder / f"{name}.mid", exercise(key=62)))
    tunes.lines["train"].append(Line.of(folder / "one.mid", line(60)))
    tunes.lines["test"].append(Line.of(folder / "held out.mid", line(60)))
    return tunes


def test_an_entry_counts_what_was_trained_on(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "tunes" / "NOTICE").write_text("Played by many.\n", encoding="utf-8")
    assert source_of(corpus) == Source(
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
def test_a_folder_without_licence_columns_has_no_licences(corpus: Corpus, tmp_path: Path, table: str | None) -> None:
    if table:
        (tmp_path / "manifest.csv").write_text(table, encoding="utf-8")
    assert source_of(corpus) == Source(name="tunes", files=3, notes=193)


def test_all_legal_texts_are_carried_on(tmp_path: Path) -> None:
    for name, text in (("LICENSE", "Do as you like."), ("NOTICE.txt", "By many."), ("readme.md", "Tunes.")):
        (tmp_path / name).write_text(f"\n{text}\n\n", encoding="utf-8")
    name = tmp_path.name
    assert legal_notices([Corpus("tunes", tmp_path)]) == (
        f"==== {name}/NOTICE.txt ====\n\nBy many.\n\n==== {name}/LICENSE ====\n\nDo as you like.\n"
    )


def test_a_legal_text_in_an_old_encoding_costs_no_training(tmp_path: Path) -> None:
    (tmp_path / "COPYING").write_bytes("© Béla".encode("latin-1"))
    assert legal_notices([Corpus("tunes", tmp_path)]).endswith("\n\n\ufffd B\ufffdla\n")


def test_without_legal_texts_there_is_nothing_to_carry_on(tmp_path: Path) -> None:
    assert legal_notices([Corpus("tunes", tmp_path)]) == ""


class TestFoldersInFolders:
    """A corpus of several corpora, whose notices are in inner folders."""

    @pytest.fixture
    def both(self, tmp_path: Path) -> Corpus:
        both = Corpus("both", tmp_path)
        for name in ("old", "new"):
            folder = tmp_path / name / "midi"
            folder.mkdir(parents=True)
            both.lines["train"].append(Line.of(folder / "one.mid", line(60)))
            (folder.parent / "manifest.csv").write_text(
                f"path,split,licence,source_repo,source_commit\nmidi/one.mid,train,CC0-1.0,https://{name},abc\n",
                encoding="utf-8",
            )
            (folder.parent / "LICENSE").write_text(f"As {name} says.", encoding="utf-8")
            (folder.parent / "NOTICE").write_text(f"Played by {name}.", encoding="utf-8")
        return both

    def test_their_licences_are_listed(self, both: Corpus) -> None:
        source = source_of(both)
        assert source.licences == {"CC0-1.0": 2}
        assert source.sources == ("https://new at abc", "https://old at abc")
        assert source.attribution == "Played by new.\nPlayed by old."

    def test_their_legal_texts_are_carried_on(self, both: Corpus) -> None:
        heads = [text for text in legal_notices([both]).splitlines() if text.startswith("====")]
        assert heads == [
            "==== new/NOTICE ====",
            "==== new/LICENSE ====",
            "==== old/NOTICE ====",
            "==== old/LICENSE ====",
        ]

    def test_a_corpus_without_trained_lines_requires_nothing(self, both: Corpus) -> None:
        both.lines["test"].append(both.lines["train"].pop())
        assert "new" not in legal_notices([both])

    def test_a_list_names_files_of_other_folders(self, both: Corpus, tmp_path: Path) -> None:
        (tmp_path / "lists").mkdir()
        listed = Corpus("listed", tmp_path / "lists", both.lines)
        assert source_of(listed).licences == {"CC0-1.0": 2}


def test_a_folder_of_several_corpora_is_listed_once(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "tunes" / "NOTICE").write_text("Played by many.", encoding="utf-8")
    assert legal_notices([corpus, corpus]).count("Played by many.") == 1
