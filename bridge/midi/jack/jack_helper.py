"""The jam's side of the process that holds the JACK client: starts it, asks it, hears from it, starts it again.

Nothing here calls JACK, so nothing here can be held up by a server that is frozen or gone.
"""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryFile
from threading import Lock, Thread, current_thread
from typing import Any

from bridge.errors import NoMidiSystem
from bridge.midi.jack.jack_pipes import DOORBELL_BYTES, LONGEST_BYTES, Unpacker, pack

START_S = 5.0
"""A server that answers does so within a tenth of a second; one that is frozen never does."""
ANSWER_S = 5.0
END_S = 2.0
CHUNK_BYTES = 65536
LAST_WORDS = {"no server", "no library", "gone"}
ROOT = Path(__file__).resolve().parents[3]
# By its path and not as a module: the folder it is started in may be anything.
BEGIN = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from bridge.midi.jack.jack_process import main; main(sys.argv[1:])"
)

Answer = dict[str, Any]
OnMessage = Callable[[int, bytes, float], None]
"""A message came in at a port of this number, at this second."""
OnNotice = Callable[[Answer], None]
"""The process says something of its own: `ready`, `state`, `plugged`, `unplugged`, and `gone` as its last word."""


class JackHelper:
    """One such process, from its start to its end."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        on_message: OnMessage,
        on_notice: OnNotice,
        *,
        patient: bool = False,
    ) -> None:
        self._on_message, self._on_notice = on_message, on_notice
        self._answers: dict[int, OnNotice] = {}
        self._asked = 0
        self._asking = Lock()
        self._first: SimpleQueue[Answer] = SimpleQueue()
        self._is_over = False
        self.dropped = 0
        """How many messages were not sent as the pipe was full: the process stands still."""
        received_fd, their_received_fd = os.pipe()
        their_to_send_fd, self._to_send_fd = os.pipe()
        os.set_blocking(self._to_send_fd, False)
        doorbell = TemporaryFile()  # noqa: SIM115  both processes have it open until they end
        doorbell.truncate(DOORBELL_BYTES)
        self._doorbell = mmap.mmap(doorbell.fileno(), DOORBELL_BYTES)
        fds = (their_received_fd, their_to_send_fd, doorbell.fileno())
        manner = "wait" if patient else "once"
        try:
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-c", BEGIN, name, *map(str, fds), manner),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=fds,
                env=dict(environment),
                # A Ctrl-C or a closed terminal is the jam's to hear, which then ends the notes before it ends this.
                start_new_session=True,
            )
        except BaseException:
            os.close(received_fd)
            os.close(self._to_send_fd)
            raise
        finally:
            os.close(their_received_fd)
            os.close(their_to_send_fd)
            doorbell.close()
        self._threads = (
            Thread(target=self._hear_notices, name="jack-notices", daemon=True),
            Thread(target=self._hear_messages, args=(received_fd,), name="midi-in", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def wait_until_ready(self) -> Answer:
        """What it says first: that it is ready, or why it cannot be."""
        try:
            return self._first.get(timeout=START_S)
        except Empty:
            self.end()
            return {"notice": "no server", "reason": "it does not answer"}

    def tell(self, on_answer: OnNotice, **command: object) -> None:
        """A command; `on_answer` hears the answer, in the thread that hears notices."""
        assert self._process.stdin is not None
        with self._asking:
            self._asked += 1
            number = self._asked
            self._answers[number] = on_answer
            try:
                os.write(self._process.stdin.fileno(), json.dumps({"id": number, **command}).encode() + b"\n")
            except (OSError, ValueError) as error:
                raise NoMidiSystem(f"The JACK server is gone ({error}).") from error

    def ask(self, **command: object) -> Answer:
        """A command, and its answer."""
        answers: SimpleQueue[Answer] = SimpleQueue()
        self.tell(answers.put, **command)
        try:
            return answers.get(timeout=ANSWER_S)
        except Empty:
            raise NoMidiSystem("The JACK server does not answer. Start it anew.") from None

    def send(self, due_s: float, port: int, data: bytes) -> None:
        """A message to go out; raises BrokenPipeError where the process is gone, and drops what does not fit in the pipe."""
        if len(data) > LONGEST_BYTES:
            self.dropped += 1
            return
        try:
            os.write(self._to_send_fd, pack(due_s, port, data))
        except BlockingIOError:
            self.dropped += 1
        else:
            self._doorbell[0] = (self._doorbell[0] + 1) % 256

    def end(self) -> None:
        """Ends the process, and what sounds; returns when both are done."""
        process, to_send_fd = self._process, self._to_send_fd
        if to_send_fd < 0:
            return
        self._to_send_fd, self._is_over = -1, True
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(to_send_fd)
        for thread in self._threads:
            if thread.is_alive() and thread is not current_thread():
                thread.join(END_S)

    def _hear_notices(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._take(json.loads(line))
        self._take({"notice": "gone", "reason": "its process ended"})

    def _take(self, answer: Answer) -> None:
        notice = answer.get("notice")
        if notice is None:
            self._answers.pop(answer["id"])(answer)
            return
        if self._is_over:
            return
        self._is_over = notice in LAST_WORDS
        self._on_notice(answer)
        if self._is_over or notice == "ready":
            self._first.put(answer)

    def _hear_messages(self, received_fd: int) -> None:
        unpacker = Unpacker()
        try:
            while chunk := os.read(received_fd, CHUNK_BYTES):
                for at_s, port, data in unpacker.take(chunk):
                    self._on_message(port, data, at_s)
        finally:
            os.close(received_fd)
