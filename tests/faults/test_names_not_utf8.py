"""Folders, files and packs whose names are no UTF-8, as old disks and archives have them, in a whole training."""

import subprocess
import sys
from pathlib import Path

import pytest

from model.pack.card import CARD_FILE
from model.pack.pack import open_pack
from tests.train.trainings import AS_A_PROGRAM, RECIPE_OPTIONS, SHAPE_OPTIONS, write_tunes

PATIENCE_S = 120
NO_UTF_8 = "caf\udce9"
"""As Python holds the bytes of `café` in Latin-1."""


@pytest.mark.skipif(sys.platform != "linux", reason="file systems of macOS and Windows have no such names")
def test_a_folder_a_file_and_an_out_whose_names_are_not_utf_8_train_and_are_written(tmp_path: Path) -> None:
    tunes = write_tunes(tmp_path / f"tunes {NO_UTF_8}")
    (tunes / "0.mid").rename(tunes / f"{NO_UTF_8}.mid")
    out = tmp_path / f"pack {NO_UTF_8}"
    paths = ("--cache", str(tmp_path / "cache"), "--out", str(out), str(tunes))
    command = [*AS_A_PROGRAM, *SHAPE_OPTIONS, *RECIPE_OPTIONS, *paths]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert (out / CARD_FILE).is_file()
    assert open_pack(str(out)).name == out.name
