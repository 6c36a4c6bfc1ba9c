from pathlib import Path

from bridge.midi.jack.jack_library import is_pipewire_running, pipewire_environment, pipewire_library_folder


def test_pipewire_is_running_where_its_socket_is_there(tmp_path: Path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert not is_pipewire_running(environment)
    (tmp_path / "pipewire-0").touch()
    assert is_pipewire_running(environment)
    assert not is_pipewire_running({**environment, "PIPEWIRE_REMOTE": "other"})
    assert not is_pipewire_running({})


def test_pipewires_library_is_found_in_the_folders_of_distributions(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/x86_64-linux-gnu/pipewire-0.3/jack"
    patterns = (f"{tmp_path}/usr/lib/*-linux-gnu*/pipewire-*/jack",)
    folder.mkdir(parents=True)
    assert pipewire_library_folder(patterns) is None
    (folder / "libjack.so.0").touch()
    assert pipewire_library_folder(patterns) == folder


def test_a_program_loads_pipewires_library_before_the_systems_own() -> None:
    folder = Path("/pipewire")
    assert pipewire_environment(folder, {"A": "1"}) == {"A": "1", "LD_LIBRARY_PATH": "/pipewire"}
    assert pipewire_environment(folder, {"LD_LIBRARY_PATH": "/mine"})["LD_LIBRARY_PATH"] == "/pipewire:/mine"
