from pathlib import Path

import pytest

from model.extras import install_hint

COPIES = Path("/opt/lib/site-packages")


def test_in_a_clone_the_environment_keeps_to_the_clone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert install_hint("train", tmp_path, Path("/clone/.venv"), "/clone/.venv/bin/python") == (
        f"/clone/.venv/bin/python -m pip install -e '{tmp_path}[train]'"
    )


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/me/.local/share/pipx/venvs/trading-fours", "pipx install --force"),
        ("/home/me/.local/share/uv/tools/trading-fours", "uv tool install"),
        ("/home/me/fours", "/home/me/fours/bin/python -m pip install"),
    ],
)
def test_otherwise_it_is_installed_with_what_the_environment_was_made_with(prefix: str, command: str) -> None:
    assert install_hint("link", COPIES, Path(prefix), f"{prefix}/bin/python") == (
        f"{command} 'trading-fours[link]', or if you installed from a clone, in its folder {command} '.[link]'"
    )
