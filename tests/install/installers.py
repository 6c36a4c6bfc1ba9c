"""The ways in which people install the wheel: each puts it into an environment of its own in a given folder. Needs nothing but Python."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

Install = Callable[[Path, str, Path], tuple[Path, Path]]
"""Installs a wheel for a Python into a folder; gives the command `fours`, and the folder of its environment."""

IS_WINDOWS = os.name == "nt"
SCRIPTS = "Scripts" if IS_WINDOWS else "bin"
SUFFIX = ".exe" if IS_WINDOWS else ""


def with_pip(wheel: Path, python: str, folder: Path) -> tuple[Path, Path]:
    """`python -m venv`, and `pip install` in it."""
    environment = folder / "environment"
    run([python, "-m", "venv", str(environment)], folder)
    scripts = environment / SCRIPTS
    run([str(scripts / f"python{SUFFIX}"), "-m", "pip", "install", "--quiet", str(wheel)], folder)
    return scripts / f"fours{SUFFIX}", environment


def with_uv(wheel: Path, python: str, folder: Path) -> tuple[Path, Path]:
    """`uv tool install`."""
    scripts = folder / "scripts"
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(scripts)}
    run(["uv", "tool", "install", "--quiet", "--python", python, str(wheel)], folder, places)
    return scripts / f"fours{SUFFIX}", folder / "tools" / "trading-fours"


def with_pipx(wheel: Path, python: str, folder: Path) -> tuple[Path, Path]:
    """`pipx install`."""
    scripts = folder / "scripts"
    places = {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(scripts), "PIPX_MAN_DIR": str(folder / "man")}
    run(["pipx", "install", "--quiet", "--python", python, str(wheel)], folder, places)
    return scripts / f"fours{SUFFIX}", folder / "pipx" / "venvs" / "trading-fours"


INSTALLERS: Mapping[str, Install] = {"pip": with_pip, "uv": with_uv, "pipx": with_pipx}


def run(command: list[str], folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """What a command prints. Ends the program with what went wrong where the command fails."""
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(variables), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def clean_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment variables without those that lead Python to packages elsewhere."""
    kept = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    }
    return {**kept, "PYTHONUTF8": "1", **(variables or {})}
