"""The wheel: what is in it, how large it is, and that the package index would take it."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from server.config.config_template import config_template
from tests.conftest import CHECKOUT
from tests.install.smoke import WHEEL_MB
from tests.programs import require_module

PACKAGES = ("bridge", "model", "server", "train")
CONFIG_IN_WHEEL = "server/config/config.toml"
NEEDED_BY_A_JAM = (
    CONFIG_IN_WHEEL,
    "bridge/touchosc/trading-fours.tosc",
    "model/packs/songbook/card.json",
    "model/packs/songbook/event.int8.onnx",
    "model/packs/songbook/NOTICES.txt",
    "model/packs/rock/pitch.int8.onnx",
    "server/panel/static/index.html",
    "server/panel/static/main.js",
    "server/setup/templates/ardour.lua",
    "server/setup/templates/bitwig.control.js",
    "server/setup/templates/reaper.lua",
    "train/report/page/report.html",
)


@pytest.fixture(scope="session")
def contents(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def is_hidden_or_compiled(path: Path) -> bool:
    return any(part.startswith((".", "__pycache__")) for part in path.relative_to(CHECKOUT).parts)


def test_it_holds_all_files_of_the_four_packages_and_the_configuration_and_nothing_else(contents: set[str]) -> None:
    files = [path for package in PACKAGES for path in (CHECKOUT / package).rglob("*") if path.is_file()]
    expected = {path.relative_to(CHECKOUT).as_posix() for path in files if not is_hidden_or_compiled(path)}
    assert contents == expected | {CONFIG_IN_WHEEL}


@pytest.mark.parametrize("name", NEEDED_BY_A_JAM)
def test_it_holds_what_a_jam_reads(contents: set[str], name: str) -> None:
    assert name in contents


def test_its_configuration_is_that_of_the_checkout(wheel: Path) -> None:
    text = zipfile.ZipFile(wheel).read(CONFIG_IN_WHEEL).decode()
    assert text == config_template() == (CHECKOUT / "config.toml").read_text(encoding="utf-8")


def test_it_is_as_small_as_promised(wheel: Path) -> None:
    assert wheel.stat().st_size < WHEEL_MB * 1e6


def test_the_package_index_would_show_its_page(distributions: Path) -> None:
    require_module("twine")
    files = [str(path) for path in distributions.iterdir()]
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("PASSED") == len(files) == 2


def test_the_source_archive_builds_the_same_wheel(distributions: Path, contents: set[str], tmp_path: Path) -> None:
    (archive,) = distributions.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path)
    (source,) = tmp_path.iterdir()
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=source, capture_output=True, check=True)
    (rebuilt,) = (tmp_path / "dist").glob("*.whl")
    assert {name for name in zipfile.ZipFile(rebuilt).namelist() if ".dist-info/" not in name} == contents
