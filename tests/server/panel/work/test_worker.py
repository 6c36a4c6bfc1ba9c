"""The process that reads takes and seeds for the panel, and what the jam has of it."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BadMidi
from bridge.midi.messages import NoteOff, NoteOn
from model.errors import SeedError
from model.files.seed import seed_of
from server.errors import TakeError
from server.music.seed_player import seed_messages
from server.panel.work import worker_process
from server.panel.work.worker import Worker, WorkerTakes, read_seed
from server.panel.work.worker_process import MESSAGES_PER_CHUNK, WorkerProcess
from server.takes.take_export import journal_as_midi
from tests.music import Part, line, midi_bytes
from tests.server.takes.journals import write_journal

SHORT_S = 5.0
TAKE = "2026-02-03-201500"
LONG_TUNE = bytes(midi_bytes(Part(line(*[60, 62, 64, 65] * MESSAGES_PER_CHUNK))))
SHORT_TUNE = bytes(midi_bytes(Part(line(72))))


def with_worker(test: Callable[[Worker], Coroutine[object, object, None]]) -> None:
    async def run() -> None:
        worker = Worker()
        try:
            await test(worker)
        finally:
            await worker.stop()

    asyncio.run(run())


def test_takes_are_listed_and_come_as_midi_files(tmp_path: Path) -> None:
    journal = write_journal(tmp_path)

    async def test(worker: Worker) -> None:
        takes = WorkerTakes(worker, tmp_path)
        assert next(listing.id for listing in await takes.listings()) == TAKE
        assert await takes.as_midi(TAKE) == journal_as_midi(journal)
        with pytest.raises(TakeError, match="there is no jam none"):
            await takes.as_midi("none")
        assert await takes.as_midi(TAKE) == journal_as_midi(journal)

    with_worker(test)


def test_the_messages_of_a_seed_come_in_order_however_many_there_are() -> None:
    async def test(worker: Worker) -> None:
        seed = await read_seed(worker, "tune.mid", LONG_TUNE)
        assert seed.notes == 4 * MESSAGES_PER_CHUNK
        assert [message async for message in seed.messages()] == seed_messages(seed_of(LONG_TUNE, Path("tune.mid")))

    with_worker(test)


def test_a_seed_plays_on_while_another_is_read() -> None:
    async def test(worker: Worker) -> None:
        first = await read_seed(worker, "first.mid", LONG_TUNE)
        messages = first.messages()
        played = [await anext(messages)]
        await read_seed(worker, "second.mid", SHORT_TUNE)
        played += [message async for message in messages]
        assert len(played) == 2 * first.notes

    with_worker(test)


def test_a_file_that_is_no_seed_is_refused_with_the_reason() -> None:
    async def test(worker: Worker) -> None:
        with pytest.raises(SeedError, match=r"x\.mid is not a MIDI file"):
            await read_seed(worker, "x.mid", b"a letter")

    with_worker(test)


@pytest.mark.parametrize("error", [BadMidi("no such byte"), SeedError("no notes"), TakeError("no such take")])
def test_each_foreseen_error_is_answered_in_its_own_words(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker_process, "seed_of", fail)
    assert WorkerProcess().answer({"do": "seed", "name": "x.mid"}, b"") == ({"error": str(error)}, b"")


def test_if_the_process_ends_the_seed_ends_and_the_next_piece_of_work_starts_another() -> None:
    async def test(worker: Worker) -> None:
        seed = await read_seed(worker, "tune.mid", LONG_TUNE)
        messages = seed.messages()
        played = [await anext(messages)]
        assert worker._process is not None
        os.kill(worker._process.pid, signal.SIGKILL)
        await worker._process.wait()
        played += [message async for message in messages]
        assert {type(message) for _, message in played} == {NoteOn, NoteOff}
        assert len(played) < 2 * seed.notes
        assert (await read_seed(worker, "tune.mid", LONG_TUNE)).notes == seed.notes

    with_worker(test)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The processes that are started."""
    processes: list[Process] = []

    async def start_process(*arguments: Any, **settings: Any) -> Process:
        processes.append(await create_process(*arguments, **settings))
        return processes[-1]

    create_process = asyncio.create_subprocess_exec
    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_process)
    return processes


def test_however_many_ask_for_it_at_once_one_process_is_started_and_ends(started: list[Process]) -> None:
    async def test(worker: Worker) -> None:
        seed, *_ = await asyncio.gather(
            read_seed(worker, "tune.mid", SHORT_TUNE), worker.start(), worker.start(), worker.start()
        )
        assert seed.notes == 1

    with_worker(test)
    assert [process.returncode is not None for process in started] == [True]


def test_a_process_that_is_just_being_started_is_ended_too(started: list[Process]) -> None:
    async def test(worker: Worker) -> None:
        starting = asyncio.create_task(worker.start())
        await asyncio.sleep(0)  # noqa: TID251  lets the start begin
        await worker.stop()
        await starting
        assert [process.returncode is not None for process in started] == [True]

    with_worker(test)


def test_a_start_does_not_wait_for_the_work_that_is_being_done() -> None:
    async def test(worker: Worker) -> None:
        await worker.start()
        async with worker._work_lock, asyncio.timeout(SHORT_S):
            await worker.start()

    with_worker(test)


def test_a_request_that_was_given_up_does_not_answer_the_next_one() -> None:
    async def test(worker: Worker) -> None:
        await worker.start()
        reading = asyncio.create_task(read_seed(worker, "tune.mid", LONG_TUNE))
        await asyncio.sleep(0)  # noqa: TID251  lets the request begin
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        seed = await read_seed(worker, "short.mid", SHORT_TUNE)
        assert seed.notes == 1

    with_worker(test)
