"""The four packages as they are installed: what a jam needs, what it must not load, and what the wheel holds."""

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TypedDict

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import CHECKOUT

ROOMS = ("bridge", "model", "server", "train")
# The two modules of a jam's packages that may import torch, where it is installed.
TORCH_MODULES = {"model.engines.network", "model.engines.torch_engine"}
NOT_FOR_A_JAM = ("jinja2", "matplotlib", "onnx", "symusic", "tensorboard", "torch")


class Project(TypedDict):
    """The part of `pyproject.toml` that these tests read."""

    dependencies: list[str]
    optional_dependencies: list[list[str]]


@pytest.fixture(scope="module")
def project() -> Project:
    table = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = list(table["optional-dependencies"].values())
    return {"dependencies": table["dependencies"], "optional_dependencies": extras}


def modules_of(room: str) -> list[str]:
    files = sorted((CHECKOUT / room).rglob("*.py"))
    names = [".".join(file.relative_to(CHECKOUT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


@pytest.mark.parametrize("name", [*ROOMS, "bench", "tests"])
def test_no_dependency_owns_one_of_our_names(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"trading-fours"}


def test_loading_all_of_a_jam_loads_nothing_that_is_for_training() -> None:
    modules = [name for room in ("bridge", "model", "server") for name in modules_of(room)]
    script = "import importlib, sys\n"
    script += f"for name in {sorted(set(modules) - TORCH_MODULES)}: importlib.import_module(name)\n"
    script += f"print(*sorted(set({NOT_FOR_A_JAM}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (loaded.returncode, loaded.stdout.split(), loaded.stderr) == (0, [], "")


def test_every_dependency_is_pinned_to_a_release_that_it_allows(project: Project) -> None:
    lines = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {canonicalize_name(name): release for name, release in pins.items()}
    wanted = [
        Requirement(text) for texts in [project["dependencies"], *project["optional_dependencies"]] for text in texts
    ]
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        if name != "trading-fours":
            assert requirement.specifier.contains(pinned[name]), requirement


def test_the_midi_library_is_asked_for_only_where_it_has_wheels(project: Project) -> None:
    (rtmidi,) = [text for text in project["dependencies"] if text.startswith("python-rtmidi")]
    marker = Requirement(rtmidi).marker
    assert marker is not None
    asked = {version: marker.evaluate({"python_version": version}) for version in ("3.11", "3.12", "3.13", "3.14")}
    assert asked == {"3.11": True, "3.12": True, "3.13": False, "3.14": False}


def test_the_wheel_holds_the_four_rooms_with_their_packs_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=CHECKOUT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in held if ".dist-info/" not in name} == set(ROOMS)
    packs = {file.relative_to(CHECKOUT).as_posix() for file in (CHECKOUT / "model" / "packs").glob("[!.]*/*")}
    modules = {file.relative_to(CHECKOUT).as_posix() for room in ROOMS for file in (CHECKOUT / room).rglob("*.py")}
    pages = (CHECKOUT / "train" / "report" / "page", CHECKOUT / "server" / "panel" / "static")
    page = {file.relative_to(CHECKOUT).as_posix() for folder in pages for file in folder.rglob("*") if file.is_file()}
    assert packs | modules | page <= held
