import errno
import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config.config import load
from server.config.toml_editor import with_key, write_key
from server.errors import ConfigError
from tests.conftest import CHECKOUT

DEFAULT_FILE = (CHECKOUT / "config.toml").read_text(encoding="utf-8")


def test_an_existing_key_is_replaced_and_the_rest_is_unchanged() -> None:
    text = "# mine\n[midi.cc]  # knobs\ntempo = 1  # old\nkey = 2\n\n[controls]\ntempo = 90\n"
    assert with_key(text, "midi.cc", "tempo", "21") == (
        "# mine\n[midi.cc]  # knobs\ntempo = 21\nkey = 2\n\n[controls]\ntempo = 90\n"
    )


def test_a_new_key_is_added_at_the_end_of_its_section() -> None:
    text = "[midi.cc]\nkey = 2\n\n\n[controls]\n"
    assert with_key(text, "midi.cc", "tempo", "21") == "[midi.cc]\nkey = 2\ntempo = 21\n\n\n[controls]\n"


@pytest.mark.parametrize("text", ["", "[osc]\nport = 8000\n", "[osc]\nport = 8000"])
def test_a_new_section_is_added_at_the_end_of_the_file(text: str) -> None:
    written = with_key(text, "midi.cc", "tempo", "{ cc = 21, channel = 3 }")
    assert written.startswith(text)
    assert written.endswith("[midi.cc]\ntempo = { cc = 21, channel = 3 }\n")
    assert tomllib.loads(written) == tomllib.loads(text) | {"midi": {"cc": {"tempo": {"cc": 21, "channel": 3}}}}


def test_a_key_is_added_to_the_default_file_and_read_back() -> None:
    tree = tomllib.loads(with_key(DEFAULT_FILE, "midi.cc", "tempo", "21"))
    assert tree["midi"].pop("cc") == {"tempo": 21}
    before = tomllib.loads(DEFAULT_FILE)
    del before["midi"]["cc"]
    assert tree == before


@given(values=st.lists(st.tuples(st.sampled_from(["tempo", "key", "step"]), st.integers(0, 119)), max_size=8))
def test_of_several_values_for_a_key_the_last_one_counts(values: list[tuple[str, int]]) -> None:
    text = DEFAULT_FILE
    for key, value in values:
        text = with_key(text, "midi.cc", key, str(value))
    assert tomllib.loads(text)["midi"]["cc"] == dict(values)


def test_a_missing_file_is_created(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    write_key(path, "midi.cc", "tempo", "21")
    assert load(path).midi.cc == {"tempo": 21}


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_key(tmp_path / "none" / "config.toml", "midi.cc", "tempo", "21")
    (tmp_path / "config.toml").write_bytes(os.fsencode("\udcff"))
    with pytest.raises(ConfigError, match="is no TOML"):
        write_key(tmp_path / "config.toml", "midi.cc", "tempo", "21")


@pytest.mark.parametrize("text", ["[midi]\ncc = { step = 22 }\n", "midi.cc.step = 22\n", "no toml"])
def test_a_file_that_would_become_invalid_toml_is_not_changed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"with tempo = 21 under \[midi.cc\], .*config.toml is no TOML"):
        write_key(path, "midi.cc", "tempo", "21")
    assert path.read_text(encoding="utf-8") == text


def test_on_a_full_disk_the_file_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[osc]\nport = 8001\n", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)  # where a disk says at the latest that it has no room
    with pytest.raises(ConfigError, match=r"cannot be written, and is as it was: .*No space left"):
        write_key(path, "midi.cc", "tempo", "21")
    assert path.read_text(encoding="utf-8") == "[osc]\nport = 8001\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_byte_order_mark_line_ends_permissions_and_a_link_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "mine.toml", tmp_path / "config.toml"
    path.write_bytes("\ufeff[midi.cc]\r\nkey = 2\r\n".encode())
    path.chmod(0o600)
    link.symlink_to(path)
    write_key(link, "midi.cc", "tempo", "21")
    assert path.read_bytes() == "\ufeff[midi.cc]\r\nkey = 2\r\ntempo = 21\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert link.is_symlink()
