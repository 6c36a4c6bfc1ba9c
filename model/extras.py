"""How a user installs an extra: the packages that a part of the program needs and that most users do without."""


def install_hint(extra: str) -> str:
    """The command that installs an extra; in a clone the program is installed from its folder."""
    return f"pip install 'trading-fours[{extra}]', or in a clone .venv/bin/pip install '.[{extra}]'"
