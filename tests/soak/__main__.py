"""Runs the soak: `python -m tests.soak --minutes 30`. It starts a JACK server of its own, and fails on a broken promise."""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.live.jackd_server import may_be_realtime
from tests.soak.soak import SoakReport, soak

STOP_TIMEOUT_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--frames", type=int, default=1024, help="of a cycle of the JACK server")
    parser.add_argument(
        "--server", default="fours-soak", help="the name of the JACK server; another for a second soak beside"
    )
    parser.add_argument("--random-seed", type=int, default=None)
    arguments = parser.parse_args()
    random_seed = random.SystemRandom().randrange(2**31) if arguments.random_seed is None else arguments.random_seed
    print(f"random seed {random_seed}", flush=True)
    report = _on_own_server(arguments.server, 60 * arguments.minutes, arguments.frames, random_seed)
    print(*report.lines, sep="\n")
    print(*(f"BROKEN: {line}" for line in report.broken), sep="\n")
    print(f"{len(report.broken)} broken promises", flush=True)
    return int(bool(report.broken))


def _on_own_server(server_name: str, seconds: float, frames: int, random_seed: int) -> SoakReport:
    priority = ("-R", "-P", "70") if may_be_realtime() else ("-r",)
    command = ["jackd", "--name", server_name, *priority, "-d", "dummy", "-r", "48000", "-p", str(frames)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        os.environ["JACK_DEFAULT_SERVER"], os.environ["JACK_NO_START_SERVER"] = server_name, "1"
        try:
            subprocess.run(
                ["jack_wait", "--server", server_name, "--wait", "--timeout", "10"], check=True, capture_output=True
            )
            with tempfile.TemporaryDirectory(prefix="fours-soak-") as folder:
                return soak(Path(folder), seconds, 60.0, random_seed)
        finally:
            server.terminate()
            server.wait(STOP_TIMEOUT_S)


if __name__ == "__main__":
    sys.exit(main())
