"""Other processes for tests, forked from a server that has already imported torch, so that each starts at once."""

import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")

SERVER = multiprocessing.get_context("forkserver")
# Torch's optimisers import its compiler, which takes longer than everything else.
SERVER.set_forkserver_preload(["pytest", "torch._dynamo", "tests.train.learning_tasks"])
LONGEST_WAIT_S = 40.0


@contextmanager
def other_process(work: Callable[[Connection, Given], None], given: Given) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that runs `work`, and our end of the pipe to it; it is killed at the end if it is still running."""
    our_end, their_end = SERVER.Pipe()
    process = SERVER.Process(target=_work, args=(work, their_end, given))
    process.start()
    their_end.close()
    try:
        yield process, our_end
    finally:
        process.kill()
        process.join()
        process.close()
        our_end.close()


def two_together(work: Callable[[Given], Result], given: Given) -> tuple[Result, Result]:
    """The results of `work` in two processes with an environment as torchrun sets it."""
    from torch._C._distributed_c10d import TCPStore

    # Where they meet. As in torchrun, the port is open before the processes get its number.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    environments = [
        {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(store.port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",
        }
        for rank in ("0", "1")
    ]
    with (
        other_process(_together, (environments[0], work, given)) as (_, first),
        other_process(_together, (environments[1], work, given)) as (_, second),
    ):
        results = []
        for end in (first, second):
            assert end.poll(LONGEST_WAIT_S)
            results.append(end.recv())
        return results[0], results[1]


def _work(work: Callable[[Connection, Given], None], end: Connection, given: Given) -> None:
    import torch

    warnings.simplefilter("error")
    torch.set_num_threads(1)
    work(end, given)


def _together(end: Connection, given: tuple[dict[str, str], Callable[[Given], Result], Given]) -> None:
    environment, work, argument = given
    os.environ.update(environment)
    end.send(work(argument))
