"""Runs a target on hostile inputs, for a number of inputs or of seconds, and keeps failing inputs in the target's corpus."""

import hashlib
import logging
import resource
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge.timing.clock import Clock
from tests.fuzz.mutator import Mutator
from tests.fuzz.target import FuzzTarget, Run

CORPUS = Path(__file__).parent / "corpus"
SLOW_S = 2.0
"""Of the processor: an input that takes longer is a failure, too, as reading a few kilobytes takes milliseconds."""
MOST_MEMORY_BYTES = 256 << 20
"""An input that makes the process larger by more is a failure, too."""
PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024

INPUTS_PER_OPENING = 50
"""After this many inputs the target is opened again, because a rule-based jam remembers every note and becomes slow."""


@dataclass(slots=True)
class FuzzOutcome:
    """The number of inputs, the seconds they took, and the inputs that failed, each with its error."""

    inputs: int = 0
    seconds: float = 0.0
    failures: dict[bytes, str] = field(default_factory=dict)

    @property
    def per_minute(self) -> float:
        return self.inputs / self.seconds * 60.0 if self.seconds else 0.0


OnProgress = Callable[[FuzzTarget, FuzzOutcome], None]


def corpus_inputs(target: FuzzTarget) -> dict[Path, bytes]:
    """Returns the inputs of the corpus, on which the target has failed before."""
    return {path: path.read_bytes() for path in sorted((CORPUS / target.name).glob("*.bin"))}


def fuzz(
    target: FuzzTarget,
    clock: Clock,
    random_seed: int,
    *,
    inputs: int = 0,
    seconds: float = 0.0,
    on_progress: OnProgress = lambda _target, _outcome: None,
) -> FuzzOutcome:
    """Runs a number of inputs, or for a number of seconds, whichever is longer. Reports one failure of each kind.

    `on_progress` is called each time the target has been closed, with what is counted so far.
    """
    mutator = Mutator([*target.seeds(), *corpus_inputs(target).values()], random_seed)
    outcome, kinds = FuzzOutcome(), set[str]()
    started_s = clock.now_s()

    def needs_more_inputs() -> bool:
        return outcome.inputs < inputs or clock.now_s() - started_s < seconds

    with without_log():
        while needs_more_inputs():
            with target.opened() as run:
                for _ in range(INPUTS_PER_OPENING):
                    if not needs_more_inputs():
                        break
                    data = mutator.next_input()
                    failure = failure_of(run, data)
                    outcome.inputs += 1
                    if failure and failure.splitlines()[-1] not in kinds:
                        kinds.add(failure.splitlines()[-1])
                        outcome.failures[data] = failure
            outcome.seconds = clock.now_s() - started_s
            on_progress(target, outcome)
    return outcome


@contextmanager
def without_log() -> Iterator[None]:
    """Turns off logging in the block: each refusal is logged, which takes longer than the refusal itself."""
    logger = logging.getLogger("fours")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def failure_of(run: Run, data: bytes) -> str:
    """Returns what went wrong with an input, or an empty string."""
    before_s, peak_bytes = _processor_s(), _peak_memory_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run(data)
    except Exception:  # noqa: BLE001  any exception is a failure
        return traceback.format_exc()
    grown_bytes, took_s = _peak_memory_bytes() - peak_bytes, _processor_s() - before_s
    if grown_bytes > MOST_MEMORY_BYTES:
        return f"{grown_bytes >> 20} MiB\nit took too much memory"
    return f"{took_s:.1f} s\nit took too long" if took_s > SLOW_S else ""


def _processor_s() -> float:
    """The processor's time that this process has used so far. A busy machine adds nothing to it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_memory_bytes() -> int:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT_BYTES


def add_to_corpus(target: FuzzTarget, data: bytes) -> Path:
    """Adds an input to the corpus."""
    path = CORPUS / target.name / f"{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
