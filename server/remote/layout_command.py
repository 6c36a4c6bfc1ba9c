"""`fours layout`: writes a control surface of these controls for an app, and draws it; knows no app's format itself."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from bridge.surfaces.open_stage_control import session_json
from bridge.surfaces.surface import Surface, lay_out
from bridge.surfaces.surface_picture import draw
from bridge.surfaces.touchosc_file import touchosc_bytes
from model.pack.pack import available_packs
from server.config.config import Config
from server.errors import LayoutError
from server.remote.surface_rows import control_rows, status_lights

SurfaceApp = Literal["touchosc", "open-stage-control"]

SURFACE_APPS: Mapping[SurfaceApp, tuple[str, Callable[[Surface], bytes]]] = {
    "touchosc": ("trading-fours.tosc", touchosc_bytes),
    "open-stage-control": ("trading-fours.json", lambda surface: session_json(surface).encode()),
}
"""The name that its file has if nobody names it, and what writes it."""


def find_surface_app(name: str) -> SurfaceApp:
    """The app of that name. Raises LayoutError where there is none."""
    for app in SURFACE_APPS:
        if app == name:
            return app
    raise LayoutError(f"there is no layout for {name}; there are those for {' and '.join(SURFACE_APPS)}")


def write_layout(app: SurfaceApp, config: Config, out: Path | None, picture: Path | None) -> list[Path]:
    """The files that it has written. Raises LayoutError where one cannot be."""
    surface = lay_out(control_rows(config.settings, tuple(available_packs(config.pack_folders))), status_lights())
    name, make = SURFACE_APPS[app]
    path = out or Path(name)
    _write(path, lambda: path.write_bytes(make(surface)))
    if picture is None:
        return [path]
    _write(picture, lambda: draw(surface, picture))
    return [path, picture]


def _write(path: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except (OSError, ValueError) as error:
        raise LayoutError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    except ModuleNotFoundError as error:
        raise LayoutError(f"{path} needs {error.name}, which is not installed: pip install {error.name}") from error
