import json
from pathlib import Path

import pytest

from tests.music import tune, write_part
from train.evaluate_cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "tunes"
    rows = ["path,split"]
    for number in range(4):
        write_part(folder / f"{number}.mid", tune(number))
        rows.append(f"tunes/{number}.mid,{'test' if number == 3 else 'train'}")
    (folder.parent / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def run_evaluate(pack: Path, folder: Path, *arguments: str) -> None:
    command_line = [str(pack), str(folder), "--workers", "1", "--cache", str(folder.parent / "cache"), *arguments]
    with pytest.raises(SystemExit) as ended:
        main(command_line)
    if ended.value.code:
        raise RuntimeError(ended.value.code)


def test_it_shows_bits_measures_and_copying(tiny_pack: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_evaluate(tiny_pack, folder)
    output = capsys.readouterr().out
    for title in (
        "pitch: bits per note, test files",
        "event: bits per note, test files",
        "What it plays",
        "training files",
    ):
        assert title in output
    for words in ("the network", "with memory", "PPM, order 0", "PPM, unbounded", "unseen music"):
        assert words in output


def test_with_json_it_prints_json(tiny_pack: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_evaluate(tiny_pack, folder, "--json", "--split", "train")
    found = json.loads(capsys.readouterr().out)
    assert (found["pack"], found["split"]) == ("tiny", "train")
    assert found["held_out"]["event"]["tunes"]["time_bits"] > 0
    assert found["held_out"]["event"]["tunes"]["pitch_bits_with_memory"] > 0
    assert found["held_out"]["event"]["tunes"]["time_bits_with_memory"] > 0
    assert found["held_out"]["pitch"]["tunes"]["time_bits_with_memory"] is None
    assert found["held_out"]["event"]["tunes"]["ppm_time"]["order 2"] > 0
    assert found["held_out"]["pitch"]["tunes"]["ppm"]["unbounded"] > 0
    assert set(found["played"]) == {"pitch", "event"}
    assert found["played"]["pitch"]["measures"]["pitch_class_entropy"]["median"] > 0
    assert set(found["real"]["copying"]["shares"]) <= {"8", "12", "16"}


@pytest.mark.parametrize(
    ("pack", "arguments", "sentence"),
    [
        ("", ("--split", "valid"), "no file is on the valid side"),
        ("sogbook", (), "did you mean songbook?"),
    ],
)
def test_errors_are_one_sentence(
    pack: str, arguments: tuple[str, ...], sentence: str, tiny_pack: Path, folder: Path
) -> None:
    with pytest.raises(RuntimeError, match=sentence.replace("?", r"\?")):
        run_evaluate(Path(pack) if pack else tiny_pack, folder, *arguments)
