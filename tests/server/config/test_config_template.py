from pathlib import Path

import pytest

from server.config import config_template as template_module
from server.config.config import Config, load
from server.config.config_template import config_template, write_template
from server.errors import ConfigError


def test_what_it_writes_is_the_default_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    write_template(path)
    assert path.read_text(encoding="utf-8") == config_template()
    assert load(path).settings == Config().settings
    assert load(path).midi == Config().midi


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"config.toml is there already, and stays as it is; name another file with --out$"
    ):
        write_template(path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_not_there_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"gone/config.toml cannot be written \(No such file or directory\); name another"
    ):
        write_template(tmp_path / "gone" / "config.toml")


def test_a_program_that_is_not_whole_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_module, "_PLACES", (tmp_path / "config.toml",))
    with pytest.raises(ConfigError, match=r"^config.toml is missing beside .+: install Trading Fours again$"):
        config_template()
