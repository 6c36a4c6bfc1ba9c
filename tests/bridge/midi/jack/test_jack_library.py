from pathlib import Path

from bridge.midi.jack.jack_library import pipewire_environment, pipewire_library_folder, pipewire_runs


def test_pipewire_runs_where_its_socket_is(tmp_path: Path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert not pipewire_runs(environment)
    (tmp_path / "pipewire-0").touch()
    assert pipewire_runs(environment)
    assert not pipewire_runs({**environment, "PIPEWIRE_REMOTE": "other"})
    assert not pipewire_runs({})


def test_its_library_is_found_where_distributions_put_it(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/x86_64-linux-gnu/pipewire-0.3/jack"
    patterns = (f"{tmp_path}/usr/lib/*-linux-gnu*/pipewire-*/jack",)
    folder.mkdir(parents=True)
    assert pipewire_library_folder(patterns) is None
    (folder / "libjack.so.0").touch()
    assert pipewire_library_folder(patterns) == folder


def test_a_program_finds_it_before_the_systems_own() -> None:
    folder = Path("/pipewire")
    assert pipewire_environment(folder, {"A": "1"}) == {"A": "1", "LD_LIBRARY_PATH": "/pipewire"}
    assert pipewire_environment(folder, {"LD_LIBRARY_PATH": "/mine"})["LD_LIBRARY_PATH"] == "/pipewire:/mine"
