"""Runs the fuzzers: `python -m tests.fuzz --minutes 60`, or `--inputs 1000000 --target osc`. Failures go to the corpus.

The targets share the minutes. With `--totals FILE` the counts are written to a file while they grow, one line for each run of
a target, so that a run that is killed has told how far it came.
"""

import argparse
import random
import sys
from pathlib import Path

from bridge.timing.clock import MonotonicClock
from tests.fuzz.fuzzer import FuzzOutcome, add_to_corpus, fuzz
from tests.fuzz.target import FuzzTarget
from tests.fuzz.targets import TARGETS


def main() -> int:
    arguments = _parser().parse_args()
    random_seed = random.SystemRandom().randrange(2**31) if arguments.random_seed is None else arguments.random_seed
    targets = [target for target in TARGETS if not arguments.target or target.name in arguments.target]
    seconds = 0.0 if arguments.inputs else 60.0 * arguments.minutes / len(targets)
    totals = _Totals(arguments.totals, random_seed)
    has_failed = False
    print(f"random seed {random_seed}", flush=True)
    for target in targets:
        outcome = fuzz(
            target, MonotonicClock(), random_seed, inputs=arguments.inputs, seconds=seconds, on_progress=totals.update
        )
        has_failed = has_failed or bool(outcome.failures)
        print(_line(target, outcome), flush=True)
        totals.keep()
    return int(has_failed)


class _Totals:
    """The file of counts: earlier lines stay, the last line is that of the target which runs.

    Inputs that failed go to the corpus, and their errors are printed, as soon as they are known.
    """

    def __init__(self, path: Path | None, random_seed: int) -> None:
        self._path = path
        self._random_seed = random_seed
        self._earlier = path.read_text(encoding="utf-8") if path and path.exists() else ""
        self._last = ""
        self._kept = 0

    def update(self, target: FuzzTarget, outcome: FuzzOutcome) -> None:
        for data, failure in list(outcome.failures.items())[self._kept :]:
            print(f"{add_to_corpus(target, data)}\n{failure}", flush=True)
        self._kept = len(outcome.failures)
        if self._path is not None:
            self._last = f"{_line(target, outcome)}, random seed {self._random_seed}\n"
            self._path.write_text(self._earlier + self._last, encoding="utf-8")

    def keep(self) -> None:
        self._earlier, self._last, self._kept = self._earlier + self._last, "", 0


def _line(target: FuzzTarget, outcome: FuzzOutcome) -> str:
    return (
        f"{target.name:10} {outcome.inputs:>10,} inputs, {outcome.per_minute:>9,.0f} a minute, "
        f"{len(outcome.failures)} kinds of failure"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="for all targets together")
    parser.add_argument("--inputs", type=int, default=0, help="for each target, in place of the minutes")
    parser.add_argument("--target", action="append", choices=[target.name for target in TARGETS])
    parser.add_argument("--random-seed", type=int, default=None)
    parser.add_argument("--totals", type=Path, default=None, help="a file for the counts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
