"""Measures how long an engine takes for one token; nobody else may use the engine meanwhile."""

import statistics

from bridge.timing.clock import Clock
from model.engines.engine import Engine

MEASURED_STEPS = 20


def measure_ms_per_token(engine: Engine, clock: Clock) -> float:
    """Runs some steps of an engine; returns the median time of one, in milliseconds."""
    state = engine.initial_state()
    step_times_s = []
    for step in range(MEASURED_STEPS):
        started_s = clock.now_s()
        _, state = engine.step(step % engine.vocabulary_size, state)
        step_times_s.append(clock.now_s() - started_s)
    return statistics.median(step_times_s) * 1000
