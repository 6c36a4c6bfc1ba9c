import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server import cli
from tests.server.takes.journals import write_journal

Run = Callable[..., tuple[str, str]]


@pytest.fixture
def folder(working_folder: Path) -> Path:
    """The takes folder that the configuration in the working folder names."""
    (working_folder / "config.toml").write_text('[takes]\nfolder = "takes"\n', encoding="utf-8")
    return working_folder / "takes"


@pytest.fixture
def takes(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `fours takes ...`; returns what it prints, and the error that it ends with, or an empty text."""
    assert not folder.exists()

    def run(*arguments: str) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["fours", "takes", *arguments])
        error_text = ""
        try:
            cli.main()
        except SystemExit as end:
            error_text = str(end.code or "")
        return capsys.readouterr().out, error_text

    return run


class TestTheList:
    def test_without_jams_prints_where_they_will_be(self, takes: Run) -> None:
        assert takes() == ("There are no takes yet: `fours jam` records what is played in takes.\n", "")

    def test_has_a_line_for_each_jam_and_each_mark(self, takes: Run, folder: Path) -> None:
        write_journal(folder, is_marked=True)
        write_journal(folder, days_ago=1, notes=200, memory=b"a memory")
        write_journal(folder, days_ago=2, is_ended=False)
        out, _ = takes()
        assert out.splitlines() == [
            "2026-02-01-201500  Sun 01 Feb 2026, 20:15  0:04  4 notes played, 4 answered; not ended",
            "2026-02-02-201500  Mon 02 Feb 2026, 20:15  3:20  200 notes played, 200 answered, with a memory",
            "2026-02-03-201500  Tue 03 Feb 2026, 20:15  0:04  4 notes played, 4 answered",
            "  :1  capture  0:00 to 0:04",
        ]

    def test_as_json_has_all_fields(self, takes: Run, folder: Path) -> None:
        path = write_journal(folder, is_marked=True, memory=b"a memory")
        (row,) = json.loads(takes("--json")[0])
        assert row == {
            "id": "2026-02-03-201500",
            "path": "takes/2026-02-03-201500.jam",
            "began": "2026-02-03T20:15:00+00:00",
            "length_s": 4.0,
            "heard_notes": 4,
            "played_notes": 4,
            "bytes": path.stat().st_size + len(b"a memory"),
            "memory": "takes/2026-02-03-201500.memory",
            "ended": True,
            "marks": [{"number": 1, "kind": "capture", "from_s": 0.0, "until_s": 4.0}],
        }

    def test_as_json_has_no_memory_where_there_is_none(self, takes: Run, folder: Path) -> None:
        write_journal(folder)
        assert json.loads(takes("--json")[0])[0]["memory"] is None


class TestExport:
    def test_writes_a_take_and_prints_its_path(self, takes: Run, folder: Path) -> None:
        write_journal(folder)
        assert takes("export", "02-03", "-o", "take.mid") == ("take.mid\n", "")
        assert Path("take.mid").read_bytes().startswith(b"MThd")

    def test_writes_the_last(self, takes: Run, folder: Path) -> None:
        write_journal(folder)
        assert takes("export", "--last", "-o", "take.mid") == ("take.mid\n", "")

    @pytest.mark.parametrize("which", [(), ("02-03", "--last")])
    def test_needs_either_an_id_or_last(self, takes: Run, which: tuple[str, ...]) -> None:
        assert takes("export", *which, "-o", "take.mid")[1] == "fours: name the jam to export by its id, or use --last"

    def test_of_an_unknown_jam_ends_with_one_sentence(self, takes: Run) -> None:
        assert takes("export", "1999", "-o", "take.mid")[1].startswith("fours: there is no jam 1999 in takes")


class TestRemove:
    def test_removes_jams_and_prints_their_ids(self, takes: Run, folder: Path) -> None:
        paths = [write_journal(folder, days_ago=day, is_marked=True) for day in (0, 1, 2)]
        out, _ = takes("remove", "02-03", "02-01")
        assert out == "2026-02-03-201500 is removed\n2026-02-01-201500 is removed\n"
        assert [path.exists() for path in paths] == [False, True, False]

    def test_removes_nothing_if_one_of_the_jams_does_not_exist(self, takes: Run, folder: Path) -> None:
        path = write_journal(folder)
        assert "there is no jam 1999" in takes("remove", "02-03", "1999")[1]
        assert path.exists()
