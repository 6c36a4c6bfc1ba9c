from pathlib import Path

from bridge.surfaces.surface import lay_out
from bridge.surfaces.surface_picture import draw_surface
from tests.bridge.surfaces.test_surface import ROWS, STATUS_LIGHTS


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    path = tmp_path / "surface.png"
    draw_surface(lay_out(ROWS, STATUS_LIGHTS), path)
    assert path.read_bytes().startswith(b"\x89PNG")
