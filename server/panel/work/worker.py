"""Has the panel's heavy work done by another process, and reads its answers piece by piece; see `worker_process`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.midi.messages import Message, parse
from model.errors import SeedError
from server.errors import TakeError
from server.panel.jam_handle import TakeListing

ROOT = Path(__file__).resolve().parents[3]
START_CODE = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from server.panel.work.worker_process import main; main()"
LONGEST_S = 60.0
STOP_TIMEOUT_S = 1.0
LONGEST_HEADER_BYTES = 1 << 20

Answer = dict[str, Any]
"""The header of an answer: JSON, which the caller looks into."""


class WorkFailed(Exception):
    """A piece of work could not be done. Its text is one sentence."""


class Worker:
    """One process, which does one piece of work at a time. Use it in the asyncio loop; it starts with the first piece, or with `start`."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._work_lock = asyncio.Lock()
        # Of its own, so that a page that has the process started does not wait for the work that it does.
        self._start_lock = asyncio.Lock()

    async def start(self) -> None:
        """Starts the process, if it does not run, so that the first piece of work need not wait for it.

        Raises OSError where the system starts none.
        """
        async with self._start_lock:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-c", START_CODE),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    limit=LONGEST_HEADER_BYTES,
                    # Ctrl-C and a closed terminal are for the jam.
                    start_new_session=True,
                )

    async def do(self, work: str, content: bytes = b"", **arguments: object) -> tuple[Answer, bytes]:
        """The answer to a request, and its content. Raises WorkFailed."""
        async with self._work_lock:
            try:
                async with asyncio.timeout(LONGEST_S):
                    answer, answered = await self._ask({"do": work, "size": len(content), **arguments}, content)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                await self._kill()
                raise WorkFailed("the process that reads files for the panel has ended over it") from error
            except BaseException:  # cancelled: what is still to come would be taken for the next answer
                await self._kill()
                raise
        if "error" in answer:
            raise WorkFailed(str(answer["error"]))
        return answer, answered

    async def stop(self) -> None:
        """Ends the process, also one that is just being started."""
        async with self._start_lock:
            process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                self._process = process
                await self._kill()

    async def _ask(self, request: Answer, content: bytes) -> tuple[Answer, bytes]:
        await self.start()
        assert self._process is not None
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        requests.write(json.dumps(request).encode("ascii") + b"\n" + content)
        await requests.drain()
        answer: Answer = json.loads(await answers.readuntil(b"\n"))
        return answer, await answers.readexactly(answer["size"])

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            # Not by `process.kill`, which waits for the process behind asyncio's back.
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            await process.wait()


class WorkerTakes:
    """The takes of a folder, which a worker reads: a `TakeSource`."""

    def __init__(self, worker: Worker, folder: Path) -> None:
        self._worker = worker
        self._folder = folder

    async def listings(self) -> Sequence[TakeListing]:
        """See `TakeSource`."""
        try:
            answer, _ = await self._worker.do("list", folder=str(self._folder))
        except WorkFailed as error:
            raise TakeError(str(error)) from error
        return [TakeListing(**listing) for listing in answer["takes"]]

    async def as_midi(self, name: str) -> bytes:
        """See `TakeSource`."""
        try:
            _, content = await self._worker.do("take", folder=str(self._folder), name=name)
        except WorkFailed as error:
            raise TakeError(str(error)) from error
        return content


@dataclass(frozen=True, slots=True)
class ReadSeed:
    """A seed that a worker has read: how many notes and beats it has, and a sentence on what is wrong with its file, or empty."""

    worker: Worker
    number: int
    notes: int
    beats: float
    notice: str

    async def messages(self) -> AsyncIterator[tuple[float, Message]]:
        """The messages with their beats, in order, fetched a little before they are needed. Ends early if the worker is gone."""
        first, chunk = 0, await self._fetch(0)
        while chunk:
            first += len(chunk)
            following = asyncio.create_task(self._fetch(first))
            try:
                for beat, data in chunk:
                    yield beat, parse(bytes.fromhex(data))
                chunk = await following
            finally:
                following.cancel()

    async def _fetch(self, first: int) -> list[tuple[float, str]]:
        try:
            answer, _ = await self.worker.do("messages", id=self.number, first=first)
        except WorkFailed:
            return []
        found: list[tuple[float, str]] = answer["messages"]
        return found


async def read_seed(worker: Worker, name: str, content: bytes) -> ReadSeed:
    """Has the content of a file of this name read as a seed. Raises SeedError."""
    try:
        answer, _ = await worker.do("seed", content, name=name)
    except WorkFailed as error:
        raise SeedError(str(error)) from error
    return ReadSeed(worker, answer["id"], answer["notes"], answer["beats"], answer["notice"])
