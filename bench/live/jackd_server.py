"""A JACK server without sound hardware for benchmarks; starts clients, connects ports, and moves the transport."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

NAME = os.environ.get("SERVER", "fours-bench")
"""With a name of their own, several benchmarks can run at the same time."""
SAMPLE_RATE = 48_000
TIMEOUT_S = 15.0


@contextmanager
def running(cycle_frames: int, name: str = NAME) -> Iterator[None]:
    """Runs the server, for all programs that are started in the block.

    It has real-time priority where that is granted; without it, its own lateness would be measured.
    """
    before = os.environ.get("JACK_DEFAULT_SERVER")
    priority = ("-R", "-P", "70") if may_be_realtime() else ("-r",)
    command = ["jackd", "-n", name, *priority, "-d", "dummy", "-r", str(SAMPLE_RATE), "-p", str(cycle_frames)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        os.environ["JACK_DEFAULT_SERVER"], os.environ["JACK_NO_START_SERVER"] = name, "1"
        try:
            subprocess.run(["jack_wait", "-s", name, "-w", "-t", "10"], check=True, capture_output=True)
            yield
        finally:
            server.terminate()
            server.wait(TIMEOUT_S)
            if before is None:
                del os.environ["JACK_DEFAULT_SERVER"]
            else:
                os.environ["JACK_DEFAULT_SERVER"] = before


def connect(source: str, target: str) -> None:
    """Connects two ports; tries again where a busy server drops the client that asks."""
    until_s = time.perf_counter() + TIMEOUT_S
    while subprocess.run(["jack_connect", source, target], check=False, capture_output=True).returncode:
        # The server may have connected them before it dropped that client.
        if target in connections(source):
            return
        if time.perf_counter() > until_s:
            raise TimeoutError(f"{source} cannot be connected to {target}; there are {', '.join(port_names())}")
        time.sleep(0.2)


def port_names() -> list[str]:
    """The names of all ports on the server."""
    return subprocess.run(["jack_lsp"], capture_output=True, text=True, check=False).stdout.splitlines()


def connections(port: str) -> list[str]:
    """The names of the ports that a port is connected to."""
    listed = subprocess.run(["jack_lsp", "-c", port], capture_output=True, text=True, check=False).stdout
    return [line.strip() for line in listed.splitlines() if line.startswith(" ")]


def roll() -> None:
    """Starts the transport from its beginning."""
    _transport("locate 0\nplay\nquit\n")


def stop() -> None:
    """Stops the transport."""
    _transport("stop\nquit\n")


def set_period(frames: int) -> None:
    """Changes the server's period while it runs."""
    subprocess.run(["jack_bufsize", str(frames)], check=True, capture_output=True)


@contextmanager
def client(command: tuple[str, ...], port: str) -> Iterator[None]:
    """Runs a program; the block starts once the program's port is there."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield
        finally:
            # SIGINT, so that the program closes its client; a process that was started in the background may ignore it.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(2.0)
            except subprocess.TimeoutExpired:
                process.terminate()


def wait_for(port: str) -> None:
    """Waits until there is a port of that name."""
    until_s = time.perf_counter() + TIMEOUT_S
    while port not in subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True).stdout.splitlines():
        if time.perf_counter() > until_s:
            raise TimeoutError(f"there is no port {port}")
        time.sleep(0.05)


def free_udp_port() -> int:
    """A UDP port that no program uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _transport(commands: str) -> None:
    subprocess.run(["jack_transport"], input=commands, text=True, capture_output=True, check=True)


def may_be_realtime() -> bool:
    """Whether this user's processes may have real-time priority."""
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(70))
    except OSError:
        return False
    os.sched_setscheduler(0, policy, priority)
    return True
