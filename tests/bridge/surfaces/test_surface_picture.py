from pathlib import Path

from bridge.surfaces.surface import lay_out
from bridge.surfaces.surface_picture import draw
from tests.bridge.surfaces.test_surface import STATUS_LIGHTS, ROWS


def test_it_is_a_png(tmp_path: Path) -> None:
    path = tmp_path / "surface.png"
    draw(lay_out(ROWS, STATUS_LIGHTS), path)
    assert path.read_bytes().startswith(b"\x89PNG")
