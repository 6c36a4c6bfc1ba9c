"""Runs the soak: `python -m tests.soak --minutes 30`. It starts a JACK server of its own, and fails on a broken promise."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.soak.processes import jack_server
from tests.soak.soak import soak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--frames", type=int, default=1024, help="of a cycle of the JACK server")
    parser.add_argument(
        "--server", default="fours-soak", help="the name of the JACK server; another for a second soak beside"
    )
    parser.add_argument(
        "--remembers-nothing", action="store_true", help="start with empty memories, which grow up to their limit"
    )
    parser.add_argument("--random-seed", type=int, default=None)
    arguments = parser.parse_args()
    random_seed = random.SystemRandom().randrange(2**31) if arguments.random_seed is None else arguments.random_seed
    print(f"random seed {random_seed}", flush=True)
    with (
        jack_server(arguments.server, arguments.frames),
        tempfile.TemporaryDirectory(prefix="fours-soak-") as folder,
    ):
        report = soak(
            Path(folder), 60 * arguments.minutes, 60.0, random_seed, remembers_all=not arguments.remembers_nothing
        )
    print(*report.lines, sep="\n")
    print(*(f"BROKEN: {line}" for line in report.broken), sep="\n")
    print(f"{len(report.broken)} broken promises", flush=True)
    return int(bool(report.broken))


if __name__ == "__main__":
    sys.exit(main())
