"""`fours layout`: writes a control surface with all controls for an app, and draws a picture of it; knows no app's format."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from bridge.surfaces.open_stage_control import session_json
from bridge.surfaces.surface import Surface, lay_out
from bridge.surfaces.surface_picture import draw_surface
from bridge.surfaces.touchosc_file import touchosc_bytes
from model.extras import install_hint
from model.pack.pack import available_packs
from model.whole_file import replaceable, write_whole
from server.config.config import Config
from server.errors import LayoutError
from server.out_file import PICTURE_SUFFIXES
from server.remote.surface_rows import control_rows, status_lights

SurfaceApp = Literal["touchosc", "open-stage-control"]

SURFACE_APPS: Mapping[SurfaceApp, tuple[str, Callable[[Surface], bytes]]] = {
    "touchosc": ("trading-fours.tosc", touchosc_bytes),
    "open-stage-control": ("trading-fours.json", lambda surface: session_json(surface).encode()),
}
"""For each app the default name of the layout's file, and the function that makes the file's bytes."""


def find_surface_app(name: str) -> SurfaceApp:
    """The app of that name. Raises LayoutError if there is no layout for it."""
    for app in SURFACE_APPS:
        if app == name:
            return app
    raise LayoutError(f"there is no layout for {name}; there are those for {' and '.join(SURFACE_APPS)}")


def write_layout(app: SurfaceApp, config: Config, out: Path | None, picture: Path | None) -> list[Path]:
    """Writes the layout to `out`, or to the app's default name in the working folder, and a picture of it to `picture`, a .png file.

    Controls stand at their values in `config`, and each pack that it finds gets a button. Returns the files that were
    written. Raises LayoutError if one cannot be written.
    """
    if picture is not None and picture.suffix and picture.suffix.lower() not in PICTURE_SUFFIXES:
        raise LayoutError(f"{picture} cannot be written: a picture is a .png file, such as layout.png")
    surface = _surface(config)
    default_name, to_bytes = SURFACE_APPS[app]
    path = out or Path(default_name)
    _write(path, lambda: write_whole(path, to_bytes(surface)))
    if picture is None:
        return [path]

    def draw() -> None:
        replaceable(picture)
        draw_surface(surface, picture)

    _write(picture, draw)
    return [path, picture]


def layout_bytes(app: SurfaceApp, config: Config) -> tuple[str, bytes]:
    """The default name of the layout's file, and its content."""
    name, to_bytes = SURFACE_APPS[app]
    return name, to_bytes(_surface(config))


def _surface(config: Config) -> Surface:
    return lay_out(control_rows(config.settings, tuple(available_packs(config.pack_folders))), status_lights())


def _write(path: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except (OSError, ValueError) as error:
        raise LayoutError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    except ModuleNotFoundError as error:
        raise LayoutError(f"{path} needs {error.name}, which is not installed: {install_hint('train')}") from error
