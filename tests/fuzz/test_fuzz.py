"""A short run of each fuzzer with a fixed random seed, and the inputs on which one failed before."""

import pytest

from bridge.timing.clock import MonotonicClock
from tests.fuzz.fuzzer import CORPUS, corpus_inputs, failure_of, fuzz
from tests.fuzz.target import FuzzTarget
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_valid_inputs_and_earlier_failures_are_read_or_refused(target: FuzzTarget) -> None:
    with target.opened() as run:
        for data in (*target.seeds(), *corpus_inputs(target).values()):
            assert failure_of(run, data) == ""


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_hostile_inputs_are_read_or_refused(target: FuzzTarget) -> None:
    outcome = fuzz(target, MonotonicClock(), random_seed=1, inputs=target.short_run)
    assert outcome.inputs == target.short_run
    assert list(outcome.failures.values()) == []


def test_every_folder_of_the_corpus_belongs_to_a_target() -> None:
    names = {target.name for target in TARGETS}
    assert {folder.name for folder in CORPUS.iterdir() if folder.is_dir()} <= names
