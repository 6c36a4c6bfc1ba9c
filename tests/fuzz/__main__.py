"""Runs the fuzzers for some time: `python -m tests.fuzz --minutes 60`. The targets share the time; failures go to the corpus."""

import argparse
import random
import sys

from bridge.timing.clock import MonotonicClock
from tests.fuzz.fuzzer import add_to_corpus, fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="for all targets together")
    parser.add_argument("--target", action="append", choices=[target.name for target in TARGETS])
    parser.add_argument("--random-seed", type=int, default=None)
    arguments = parser.parse_args()
    random_seed = random.SystemRandom().randrange(2**31) if arguments.random_seed is None else arguments.random_seed
    targets = [target for target in TARGETS if not arguments.target or target.name in arguments.target]
    has_failed = False
    print(f"random seed {random_seed}")
    for target in targets:
        outcome = fuzz(target, MonotonicClock(), random_seed, seconds=60.0 * arguments.minutes / len(targets))
        print(
            f"{target.name:10} {outcome.inputs:>10,} inputs, {outcome.per_minute:>9,.0f} a minute, "
            f"{len(outcome.failures)} kinds of failure",
            flush=True,
        )
        for data, failure in outcome.failures.items():
            has_failed = True
            print(f"{add_to_corpus(target, data)}\n{failure}", flush=True)
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
