import json
import os
import sys
import zlib
from pathlib import Path

import pytest

from bridge.surfaces.surface import lay_out
from bridge.surfaces.touchosc_file import touchosc_xml
from model.pack.pack import available_packs
from server.config.config import Config
from server.controls.control_table import Settings
from server.errors import LayoutError
from server.remote.layout_command import find_surface_app, write_layout
from server.remote.surface_rows import control_rows, status_lights
from tests.conftest import CHECKOUT
from tests.tiny_pack import write_tiny_pack

SHIPPED_LAYOUT = CHECKOUT / "bridge" / "touchosc" / "trading-fours.tosc"


def test_the_shipped_layout_has_the_present_controls_and_packs() -> None:
    surface = lay_out(control_rows(Settings(), tuple(available_packs())), status_lights())
    # Compared unpacked, because releases of zlib compress the same content differently.
    is_present = zlib.decompress(SHIPPED_LAYOUT.read_bytes()).decode() == touchosc_xml(surface)
    assert is_present, "the layout is not that of the table of controls: make docs"


@pytest.mark.parametrize(
    ("app", "name"), [("touchosc", "trading-fours.tosc"), ("open-stage-control", "trading-fours.json")]
)
def test_each_app_has_a_layout_with_a_default_name(working_folder: Path, app: str, name: str) -> None:
    assert write_layout(find_surface_app(app), Config(), None, None) == [Path(name)]
    assert (working_folder / name).is_file()


def test_the_users_packs_have_buttons(tmp_path: Path) -> None:
    write_tiny_pack(tmp_path / "packs" / "my pack")
    config = Config.model_validate({"engine": {"packs_folder": str(tmp_path / "packs")}})
    out = tmp_path / "layout.json"
    write_layout("open-stage-control", config, out, None)
    text = out.read_text(encoding="utf-8")
    assert json.loads(text)["type"] == "session"
    assert '"/fours/pack/my_pack"' in text


def test_a_picture_is_drawn_on_request(tmp_path: Path) -> None:
    out, picture = tmp_path / "layout.tosc", tmp_path / "layout.png"
    assert write_layout("touchosc", Config(), out, picture) == [out, picture]
    assert picture.stat().st_size > 10_000


def test_an_unknown_app_is_refused() -> None:
    with pytest.raises(LayoutError, match="there is no layout for lemur; there are those for touchosc and open-stage"):
        find_surface_app("lemur")


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"layout\.tosc cannot be written: No such file or directory"):
        write_layout("touchosc", Config(), tmp_path / "none" / "layout.tosc", None)


def test_a_picture_of_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        LayoutError, match=r"layout\.jpg cannot be written: a picture is a \.png file, such as layout\.png$"
    ):
        write_layout("touchosc", Config(), tmp_path / "layout.tosc", tmp_path / "layout.jpg")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for out, picture in ((tmp_path / "pipe", None), (tmp_path / "layout.tosc", tmp_path / "pipe")):
        with pytest.raises(LayoutError, match=r"pipe cannot be written: it is a pipe or a device, and no file$"):
            write_layout("touchosc", Config(), out, picture)
