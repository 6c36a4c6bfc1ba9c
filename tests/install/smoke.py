"""Installs a wheel as a user does, and tries it: `python -m tests.install.smoke WHEEL`. Needs nothing but Python, on any system.

It lists the packs, lets the doctor look, answers a file, starts a jam with both networks and its page, and stops it. The report is
JSON. It ends with a sentence and status 1 where something fails, or something is larger than promised.
"""

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.install.installers import INSTALLERS, IS_WINDOWS, clean_environment, run

CHECKOUT = Path(__file__).resolve().parents[2]
WHEEL_MB, ENVIRONMENT_MB = 45, 300
READY_S = 120.0
"""How long a jam may take to start, the first time and on a slow machine."""
# Windows has no other signal that a process may send to another one and that can be handled, and it goes to a group.
STOP_SIGNAL: signal.Signals = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)
START_FLAGS: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
STATES = ("ok", "warning", "broken")
PAGE_FILES = {"": b"<!doctype html>", "main.js": b"import"}


def smoke(wheel: Path, installer: str, python: str) -> dict[str, object]:
    """Installs and tries the wheel; the report. Ends the program with a sentence where something is wrong."""
    with tempfile.TemporaryDirectory(prefix="fours-smoke-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        fours, environment = INSTALLERS[installer](wheel.resolve(), python, folder)
        (folder / "config.toml").write_text(f"[takes]\nfolder = '{folder / 'takes'}'\n", encoding="utf-8")
        names = [Path(pack["folder"]).name for pack in json.loads(run([str(fours), "packs", "--json"], folder))]
        answer = folder / "answer.mid"
        run([str(fours), "export", str(CHECKOUT / "docs" / "phrase.mid"), "-o", str(answer)], folder)
        doctor_s, checks = _examine(fours, folder)
        report = {
            "python": _python_version(environment),
            "installer": installer,
            "wheel_mb": round(wheel.stat().st_size / 1e6, 1),
            "environment_mb": round(_size(environment) / 1e6, 1),
            "packs": names,
            "answer_bytes": answer.stat().st_size,
            "doctor_s": round(doctor_s, 2),
            "doctor": checks,
            "ready": _start_a_jam(fours, folder),
        }
    if faults := _faults(report):
        sys.exit(f"{json.dumps(report, indent=2)}\nsmoke: {'; '.join(faults)}")
    return report


def _faults(report: dict[str, object]) -> list[str]:
    """What of the report is not as promised."""
    packs, checks = report["packs"], report["doctor"]
    promised = {
        f"the wheel is larger than {WHEEL_MB} MB": float(str(report["wheel_mb"])) < WHEEL_MB,
        f"the environment is larger than {ENVIRONMENT_MB} MB": float(str(report["environment_mb"])) < ENVIRONMENT_MB,
        "the two packs are not there": isinstance(packs, list) and {"rock", "songbook"} <= set(packs),
        "the doctor finds the packs or their speed broken": isinstance(checks, dict)
        and "broken" not in {checks.get("Packs"), checks.get("Speed")},
    }
    return [sentence for sentence, is_kept in promised.items() if not is_kept]


def _examine(fours: Path, folder: Path) -> tuple[float, dict[str, str]]:
    """How long the doctor takes, and the state of each of its checks. A machine without MIDI may be found broken."""
    began_s = time.perf_counter()
    done = subprocess.run(
        [str(fours), "doctor", "--json"],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.perf_counter() - began_s
    if done.returncode not in {0, 1} or not done.stdout:
        sys.exit(f"fours doctor ended with {done.returncode}:\n{done.stderr}")
    states: dict[str, str] = {}
    for finding in json.loads(done.stdout)["findings"]:
        states[finding["check"]] = max(states.get(finding["check"], "ok"), finding["state"], key=STATES.index)
    return took_s, states


def _start_a_jam(fours: Path, folder: Path) -> str:
    """Starts a jam with both networks and its page, reads the page, and stops the jam; the line that says it is ready."""
    panel_port, osc_port = _free_ports()
    options = ["--midi-api", "none", "--panel-port", str(panel_port), "--osc-port", str(osc_port)]
    with _process([str(fours), "jam", *options], folder) as (process, output):
        ready = _wait_for_line(process, output, "Ready")
        for path, begin in PAGE_FILES.items():
            with urllib.request.urlopen(f"http://127.0.0.1:{panel_port}/{path}", timeout=READY_S) as page:
                if begin not in page.read():
                    sys.exit(f"the page's /{path} is not what it should be")
        process.send_signal(STOP_SIGNAL)
        process.wait(READY_S)
    if process.returncode:
        sys.exit(f"the jam ended with {process.returncode}:\n{output.read_text(encoding='utf-8')}")
    return ready


@contextmanager
def _process(command: Sequence[str], folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process, and the file that it prints into; it is killed at the end if it still runs."""
    output = folder / "jam.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
            creationflags=START_FLAGS,
        )
    try:
        yield process, output
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_for_line(process: subprocess.Popen[bytes], output: Path, begin: str) -> str:
    until_s = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < until_s:
        text = output.read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines(keepends=True):
            if line.startswith(begin) and line.endswith("\n"):
                return line.strip()
        time.sleep(0.05)
    return sys.exit(f"the jam was not ready:\n{output.read_text(encoding='utf-8', errors='replace')}")


def _free_ports() -> tuple[int, int]:
    """A TCP port and a UDP port of this machine that are free now."""
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for each in (tcp, udp):
            each.bind(("127.0.0.1", 0))
        return int(tcp.getsockname()[1]), int(udp.getsockname()[1])


def _python_version(environment: Path) -> str:
    python = environment / ("Scripts/python.exe" if IS_WINDOWS else "bin/python")
    return run([str(python), "-c", "import platform; print(platform.python_version())"], environment).strip()


def _size(folder: Path) -> int:
    """The bytes of all files in a folder; a link counts nothing."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses the arguments, and prints the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.install.smoke", description=__doc__)
    parser.add_argument("wheel", type=Path, help="the wheel, or a folder with one")
    parser.add_argument("--with", dest="installer", choices=INSTALLERS, default="pip", help="what installs it")
    parser.add_argument("--python", default=sys.executable, help="the Python to install it for")
    given = parser.parse_args(arguments)
    wheels = sorted(given.wheel.glob("*.whl")) if given.wheel.is_dir() else [given.wheel]
    if len(wheels) != 1 or not wheels[0].is_file():
        sys.exit(f"{given.wheel} has {len(wheels)} wheels; build one: python -m build")
    print(json.dumps(smoke(wheels[0], given.installer, given.python), indent=2))


if __name__ == "__main__":
    main()
