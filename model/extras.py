"""How a user installs an extra: the packages that a part of the program needs and that most users do without."""

import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent


def install_hint(
    extra: str, checkout: Path = _CHECKOUT, prefix: Path = Path(sys.prefix), python: str = sys.executable
) -> str:
    """The command that installs an extra into the environment that runs the program, by what that was made with.

    `checkout` is the folder that the packages are imported from, `prefix` and `python` those of the environment.
    """
    if (checkout / "pyproject.toml").is_file():
        # It stays editable: a copy would no longer change with the clone.
        return f"{python} -m pip install -e '{checkout}[{extra}]'"
    if {"pipx", "venvs"} <= set(prefix.parts):
        command = "pipx install --force"  # without it pipx leaves what is installed as it is
    elif {"uv", "tools"} <= set(prefix.parts):
        command = "uv tool install"
    else:
        command = f"{python} -m pip install"
    return f"{command} 'trading-fours[{extra}]', or if you installed from a clone, in its folder {command} '.[{extra}]'"
