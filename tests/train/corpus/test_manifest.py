import errno
import unicodedata
from pathlib import Path

import pytest

from train.corpus.manifest import ManifestRows, printable, rows_of
from train.errors import CorpusError

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Ménuet.mid") for form in ("NFC", "NFD"))


def write(folder: Path, *paths: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f'"{path}",test' for path in paths]
    (folder / "manifest.csv").write_text("\n".join(["path,split", *rows]), encoding="utf-8")


def found(folder: Path, *names: str) -> ManifestRows:
    """The rows of these files of a folder, which are there."""
    files = [folder / name for name in names]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    rows = rows_of(files, {file.parent for file in files} | {folder})
    rows.check()
    return rows


@pytest.mark.parametrize(
    ("written", "on_disk"),
    [
        ("a/b.mid", "a/b.mid"),
        ("a\\b.mid", "a/b.mid"),
        ("./a/b.mid", "a/b.mid"),
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
        ("A/B.MID", "a/b.mid"),
        ("a\\" + DECOMPOSED.upper(), "A/" + COMPOSED),
    ],
)
def test_a_row_finds_its_file_in_any_spelling(written: str, on_disk: str, tmp_path: Path) -> None:
    write(tmp_path, written)
    rows = found(tmp_path, on_disk)
    assert [row["split"] for row in rows.by_file.values()] == ["test"]
    assert list(rows.by_file) == [tmp_path / on_disk]
    assert (rows.without_file, rows.without_row) == ((), ())


def test_a_row_spelt_as_on_disk_goes_before_a_similar_one(tmp_path: Path) -> None:
    write(tmp_path, "Song.mid", "song.mid")
    assert len(found(tmp_path, "Song.mid", "song.mid").by_file) == 2


def test_a_row_that_fits_two_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "SONG.mid")
    with pytest.raises(
        CorpusError, match=r"manifest\.csv has a row SONG\.mid, which fits several files: .*; write it as on disk"
    ):
        found(tmp_path, "Song.mid", "song.mid")


def test_rows_that_fit_no_file_are_refused_where_files_have_no_row(tmp_path: Path) -> None:
    write(tmp_path, "one.mid", "tow.mid", *(f"gone{number}.mid" for number in range(6)))
    with pytest.raises(CorpusError) as raised:
        found(tmp_path, "one.mid", "two.mid")
    assert str(raised.value) == (
        "manifest.csv has rows for files that are not there: gone0.mid, gone1.mid, gone2.mid, gone3.mid, gone4.mid and 2 more; and "
        f"files that are there have no row: {tmp_path / 'two.mid'}; correct the rows, or delete them"
    )


def test_rows_that_fit_no_file_are_reported_where_every_file_has_a_row(tmp_path: Path) -> None:
    write(tmp_path, "one.mid", "gone.mid")
    assert found(tmp_path, "one.mid").without_file == ("gone.mid",)


def test_a_row_with_a_path_that_no_file_can_have_is_one_without_a_file(tmp_path: Path) -> None:
    path = f"{'a' * 300}.mid"
    write(tmp_path, path, "one.mid")
    assert found(tmp_path, "one.mid").without_file == (path,)


def test_a_manifest_that_cannot_be_read_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    write(tmp_path, "one.mid")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CorpusError, match=r"manifest\.csv cannot be read \(Permission denied\)"):
        rows_of([tmp_path / "one.mid"], {tmp_path})


def test_a_file_without_a_row_is_accepted_where_every_row_has_its_file(tmp_path: Path) -> None:
    write(tmp_path, "one.mid")
    rows = found(tmp_path, "one.mid", "two.mid")
    assert rows.without_row == (tmp_path / "two.mid",)


def test_rows_about_other_folders_are_ignored(tmp_path: Path) -> None:
    write(tmp_path, "jazz/one.mid", "rock/gone.mid")
    rows = found(tmp_path / "jazz", "one.mid", "new.mid")
    assert list(rows.by_file) == [tmp_path / "jazz" / "one.mid"]
    assert rows.without_file == ()


def test_a_manifest_of_paths_from_elsewhere_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "/nowhere/songs/one.mid", "/nowhere/songs/two.mid")
    with pytest.raises(
        CorpusError, match=r"rows for files that are not there: /nowhere/songs/one\.mid, /nowhere/songs/two\.mid"
    ):
        found(tmp_path, "sub/one.mid")


def test_the_manifest_nearest_to_a_file_counts(tmp_path: Path) -> None:
    write(tmp_path, "a/one.mid")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "manifest.csv").write_text("path,split\none.mid,valid\n", encoding="utf-8")
    assert [row["split"] for row in found(tmp_path / "a", "one.mid").by_file.values()] == ["valid"]


def test_a_name_of_any_bytes_can_be_printed() -> None:
    assert printable(Path("songs/\udcff.mid")) == "songs/\ufffd.mid"
