"""The four packages and what they depend on: what a jam needs, and what it must not load."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import TypedDict

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import CHECKOUT

PACKAGES = ("bridge", "model", "server", "train")
# The two modules of a jam's packages that may import torch, where it is installed.
TORCH_MODULES = {"model.engines.network", "model.engines.torch_engine"}
TRAINING_ONLY = ("jinja2", "matplotlib", "onnx", "partitura", "pretty_midi", "tensorboard", "torch")


class Project(TypedDict):
    """The part of `pyproject.toml` that these tests read."""

    dependencies: list[str]
    optional_dependencies: list[list[str]]


@pytest.fixture(scope="module")
def project() -> Project:
    table = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = list(table["optional-dependencies"].values())
    return {"dependencies": table["dependencies"], "optional_dependencies": extras}


def module_names(package: str) -> list[str]:
    files = sorted((CHECKOUT / package).rglob("*.py"))
    names = [".".join(file.relative_to(CHECKOUT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


@pytest.mark.parametrize("name", [*PACKAGES, "bench", "tests"])
def test_no_dependency_has_a_package_of_the_same_name(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"trading-fours"}


def test_importing_all_modules_of_a_jam_imports_nothing_for_training_only() -> None:
    modules = [name for package in ("bridge", "model", "server") for name in module_names(package)]
    script = "import importlib, sys\n"
    script += f"for name in {sorted(set(modules) - TORCH_MODULES)}: importlib.import_module(name)\n"
    script += f"print(*sorted(set({TRAINING_ONLY}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (loaded.returncode, loaded.stdout.split(), loaded.stderr) == (0, [], "")


def test_every_dependency_is_pinned_to_a_release_that_it_allows(project: Project) -> None:
    lines = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {canonicalize_name(name): release for name, release in pins.items()}
    requirements = [
        Requirement(text) for texts in [project["dependencies"], *project["optional_dependencies"]] for text in texts
    ]
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name != "trading-fours":
            assert requirement.specifier.contains(pinned[name]), requirement


def test_the_midi_library_is_required_only_for_python_versions_with_wheels(project: Project) -> None:
    (rtmidi,) = [text for text in project["dependencies"] if text.startswith("python-rtmidi")]
    marker = Requirement(rtmidi).marker
    assert marker is not None
    is_required = {
        version: marker.evaluate({"python_version": version}) for version in ("3.11", "3.12", "3.13", "3.14")
    }
    assert is_required == {"3.11": True, "3.12": True, "3.13": False, "3.14": False}
