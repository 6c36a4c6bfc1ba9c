import shutil
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bridge.timing.clock import MonotonicClock
from model.pack.pack import PACKS_FOLDER
from server.config.config import Config, EngineSection, OscSection, PanelSection
from server.doctor import machine_facts
from server.doctor.machine_facts import (
    PANEL_TITLE,
    WAKE_UPS,
    daw_facts,
    folder_facts,
    is_panel_of_jam,
    network_facts,
    osc_error,
    pack_errors,
    panel_error,
    token_speeds,
    wake_ups,
)
from server.panel.panel import bind_panel
from server.setup.daw_folders import Machine
from server.setup.own_files import OwnFiles
from server.setup.setup_command import find_daw, set_up

LOCALHOST = "127.0.0.1"


def test_a_taken_osc_port_has_the_sentence_of_the_jam() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOCALHOST, 0))
        port = other.getsockname()[1]
        error = osc_error(OscSection(port=port))
        assert error is not None
        assert str(port) in error
    assert osc_error(OscSection(port=port)) is None


def test_a_taken_panel_port_has_the_sentence_of_the_panel() -> None:
    with socket.socket() as other:
        other.bind((LOCALHOST, 0))
        other.listen()
        port = other.getsockname()[1]
        error = panel_error(PanelSection(port=port))
        assert error is not None
        assert "is taken, perhaps by another jam" in error
    assert panel_error(PanelSection(port=port)) is None


@pytest.mark.parametrize("host", [LOCALHOST, "::1"])
def test_the_panel_of_a_running_jam_is_known_by_its_page(host: str) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PANEL_TITLE)

        def log_message(self, *_: object) -> None:
            """Says nothing on the console."""

    listener = bind_panel(host, 0)
    listener.settimeout(None)
    section = PanelSection(host=host, port=listener.getsockname()[1])
    with listener, HTTPServer((host, section.port), Page, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener
        serving = Thread(target=server.handle_request)
        serving.start()
        assert is_panel_of_jam(section)
        serving.join()
    assert not is_panel_of_jam(section)


def test_a_pack_with_a_changed_file_is_found_among_intact_ones(tmp_path: Path) -> None:
    shutil.copytree(PACKS_FOLDER / "rock", tmp_path / "broken")
    weights = next((tmp_path / "broken").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1])
    errors = pack_errors(Config(engine=EngineSection(packs_folder=str(tmp_path))))
    assert errors["rock"] is None
    assert errors["broken"] is not None
    assert "is cut off or was changed" in errors["broken"]


def test_tokens_are_timed_or_a_sentence_says_why_not() -> None:
    dummy = Config(controls={"pack": "dummy"})
    speeds = token_speeds(dummy, MonotonicClock())
    assert isinstance(speeds, dict)
    assert set(speeds) == {"pitch", "event"}
    missing = token_speeds(Config(controls={"pack": "sonbook"}), MonotonicClock())
    assert missing == "there is no pack named sonbook and no such folder; did you mean songbook?"


def test_wake_ups_are_measured_and_none_is_early() -> None:
    measured = wake_ups(0.004, MonotonicClock())
    assert len(measured.late_s) == WAKE_UPS
    assert min(measured.late_s) >= 0.0
    assert measured.spare_s == 0.004
    assert wake_ups(None, MonotonicClock()).spare_s == 0.001


def test_a_daw_is_found_before_and_after_its_setup_and_when_its_file_was_edited(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "ardour8"
    folder.mkdir(parents=True)
    machine = Machine("linux", tmp_path, {})

    def files() -> list[tuple[str, str]]:
        return [(daw.name, daw.files) for daw in daw_facts(Config(), machine)]

    assert files() == [("ardour", "none")]
    set_up(
        find_daw("ardour"), Config(), machine, OwnFiles(tmp_path / "data"), lambda _line: None, to=None, tempo_bpm=None
    )
    assert files() == [("ardour", "current")]
    next(folder.rglob("*.lua")).write_text("-- mine")
    assert files() == [("ardour", "other")]


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_that_it_will_be_made_in(tmp_path: Path) -> None:
    assert folder_facts(tmp_path / "fours" / "takes").error is None
    (tmp_path / "file").write_text("")
    assert folder_facts(tmp_path / "file" / "takes").error == f"{tmp_path / 'file'} is no folder"


def test_firewalls_are_found_by_what_they_leave_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ufw, firewalld = tmp_path / "ufw.conf", tmp_path / "firewalld.pid"
    monkeypatch.setattr(machine_facts, "UFW_FILE", ufw)
    monkeypatch.setattr(machine_facts, "FIREWALLD_FILE", firewalld)
    assert network_facts("linux").firewalls == ()
    ufw.write_text("# ufw\nENABLED=no\n")
    assert network_facts("linux").firewalls == ()
    ufw.write_text("# ufw\nENABLED=yes\n")
    firewalld.write_text("1")
    assert network_facts("linux").firewalls == ("ufw", "firewalld")
    assert network_facts("darwin").firewalls == ("macOS",)
    assert network_facts("win32").firewalls == ("Windows",)
