"""Looks at this machine for the doctor: opens ports for a moment, reads files, runs a model. It judges nothing."""

import asyncio
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

from bridge.errors import BridgeError, NoMidiSystem
from bridge.midi.midi_systems import OPENERS, MidiApi, open_midi_system, platform_apis
from bridge.osc.osc_packets import OscMessage, decode, encode
from bridge.osc.osc_server import OscServer
from bridge.timing.clock import Clock
from model.approach import Approach
from model.engines.device import has_cuda, has_driver
from model.errors import ModelError
from model.pack.pack import available_packs, open_pack
from server.config.config import Config, OscSection, PanelSection, host_and_port, reachable_host
from server.controls.control import OSC_PREFIX
from server.doctor.daw_checks import DawFacts, FilesState, FolderFacts
from server.doctor.midi_checks import MidiFacts
from server.doctor.model_checks import GpuFacts
from server.doctor.network_checks import NetworkFacts
from server.doctor.timing_checks import WakeUps
from server.errors import PanelError
from server.music.music_thread import SPIN_S
from server.music.packs.pack_loader import load_pack
from server.music.packs.token_speed import measure_ms_per_token
from server.music.thread_priority import is_realtime, request_realtime
from server.panel.panel import bind_panel
from server.panel.web.panel_address import network_address
from server.setup.daw_folders import Machine, found_folder, shown
from server.setup.daw_table import DAWS
from server.setup.partner import Partner

JAM_ANSWERS_S = 0.5
"""A jam that runs answers in some milliseconds."""
PANEL_TITLE, PAGE_BYTES = b"<title>Trading Fours</title>", 4096
WAKE_UPS = 150
SLEEP_S = 0.003
"""About as long as the music thread sleeps between two notes of a busy bar; all wake-ups take half a second."""

UFW_FILE, FIREWALLD_FILE = Path("/etc/ufw/ufw.conf"), Path("/run/firewalld.pid")


def midi_facts(api: MidiApi, clock: Clock, platform: str = sys.platform) -> MidiFacts:
    """Opens the MIDI system that a jam would use, and tries the others that this kind of machine can have."""
    used, error = None, ""
    try:
        used = open_midi_system(api, clock, platform)
    except NoMidiSystem as mistake:
        error = str(mistake)
    others: dict[str, str | None] = {
        other: _try(partial(OPENERS[other], clock), NoMidiSystem)
        for other in platform_apis(platform)
        if used is None or other != used.api
    }
    if used is None:
        return MidiFacts(None, error, others=others)
    return MidiFacts(used.api, "", used.inputs(), used.outputs(), used.period, others)


def osc_error(osc: OscSection) -> str | None:
    """Why the OSC port cannot be used, or None; it is bound for a moment."""

    async def bind() -> None:
        async with OscServer(osc.host, osc.port, lambda _message, _sender: ()):
            pass

    return _try(lambda: asyncio.run(bind()), BridgeError)


def panel_error(panel: PanelSection) -> str | None:
    """Why the panel's port cannot be used, or None; it is bound for a moment."""
    return _try(lambda: bind_panel(panel.bind_host, panel.port).close(), PanelError)


def is_osc_of_jam(osc: OscSection) -> bool:
    """Whether a jam reads the OSC port; it is asked for its mode."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.settimeout(JAM_ANSWERS_S)
        try:
            caller.sendto(encode(OscMessage(f"{OSC_PREFIX}/mode")), (reachable_host(osc.host), osc.port))
            return any(message.address.startswith(f"{OSC_PREFIX}/") for message in decode(caller.recv(1 << 16)))
        except (OSError, BridgeError):
            return False


def is_panel_of_jam(panel: PanelSection) -> bool:
    """Whether the panel of a jam answers at the panel's port."""
    address = host_and_port(reachable_host(panel.bind_host), panel.port)
    try:
        with urlopen(f"http://{address}/", timeout=JAM_ANSWERS_S) as page:
            return PANEL_TITLE in page.read(PAGE_BYTES)
    except (OSError, HTTPException, ValueError):
        return False


def network_facts(platform: str = sys.platform) -> NetworkFacts:
    """This machine's address, and the firewalls that are switched on or, on macOS and Windows, may be."""
    match platform:
        case "win32":
            firewalls: tuple[str, ...] = ("Windows",)
        case "darwin":
            firewalls = ("macOS",)
        case _:
            firewalls = tuple(
                name for name, is_on in (("ufw", _is_ufw_on()), ("firewalld", FIREWALLD_FILE.exists())) if is_on
            )
    return NetworkFacts(network_address(), firewalls)


def pack_errors(config: Config) -> dict[str, str | None]:
    """For each pack what is wrong with its files, or None; every file is compared with its hash."""
    return {
        name: _try(partial(_check_pack, folder), ModelError)
        for name, folder in available_packs(config.pack_folders).items()
    }


def gpu_facts(device: str) -> GpuFacts:
    """What there is for a GPU."""
    return GpuFacts(device, find_spec("torch") is not None, has_driver(), has_cuda())


def token_speeds(config: Config, clock: Clock) -> dict[Approach, float] | str:
    """The milliseconds per token of the pack that plays, by approach; a sentence where it cannot be opened."""
    try:
        loaded = load_pack(config.settings.pack, config)
    except ModelError as error:
        return str(error)
    return {approach: measure_ms_per_token(engine, clock) for approach, engine in loaded.engines.items()}


def wake_ups(spare_s: float | None, clock: Clock) -> WakeUps:
    """Sleeps and wakes in a thread with the music thread's priority; `spare_s` is None where a port cannot schedule."""
    late_s: list[float] = []
    has_priority: list[bool | None] = []

    def sleep_and_wake() -> None:
        request_realtime()
        has_priority.append(is_realtime())
        never = threading.Event()
        for _ in range(WAKE_UPS):
            due_s = clock.now_s() + SLEEP_S
            never.wait(SLEEP_S)
            late_s.append(max(0.0, clock.now_s() - due_s))

    thread = threading.Thread(target=sleep_and_wake, name="wake-ups")
    thread.start()
    thread.join()
    return WakeUps(late_s, SPIN_S if spare_s is None else spare_s, has_priority[0])


def daw_facts(config: Config, machine: Machine) -> list[DawFacts]:
    """The DAWs whose folders are here."""
    partner = Partner.of(config)
    found = []
    for name, daw in DAWS.items():
        folder = found_folder(daw.folders, machine)
        if folder is not None:
            contents = {folder / path: content for path, content in daw.files(partner, config).items()}
            ours = [path.is_file() and path.read_bytes() == content for path, content in contents.items()]
            there = any(path.exists() for path in contents)
            files: FilesState = "current" if all(ours) else "other" if there else "none"
            found.append(DawFacts(name, daw.title, shown(folder, machine.home), files))
    return found


def folder_facts(folder: Path) -> FolderFacts:
    """Whether a folder can be written to, or made, and how much room its disk has."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        return FolderFacts(str(folder), f"{existing} is no folder", 0.0)
    error = None if os.access(existing, os.W_OK | os.X_OK) else "it may not be written to"
    return FolderFacts(str(folder), error, shutil.disk_usage(existing).free / 1e6)


def _check_pack(folder: Path) -> None:
    open_pack(str(folder)).check_files()


def _try(work: Callable[[], object], errors: type[Exception]) -> str | None:
    """The text of the error that the work ended with, or None."""
    try:
        work()
    except errors as error:
        return str(error)
    return None


def _is_ufw_on() -> bool:
    try:
        return "ENABLED=yes" in UFW_FILE.read_text(encoding="utf-8").replace(" ", "")
    except OSError:
        return False
