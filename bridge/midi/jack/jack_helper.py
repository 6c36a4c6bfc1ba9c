"""The jam's side of the process that holds the JACK client: starts it, sends it commands and messages, reads its replies.

Nothing here calls JACK, so a server that is frozen or gone cannot block it.
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
from bridge.midi.jack.jack_pipes import (
    GAPS,
    MAX_MESSAGE_BYTES,
    MESSAGES,
    SHARED_BYTES,
    XRUNS,
    PipedMessage,
    Unpacker,
    pack,
)

START_TIMEOUT_S = 5.0
"""A server that works answers within a tenth of a second; one that is frozen never does."""
REPLY_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 2.0
CHUNK_BYTES = 65536
FINAL_NOTICES = {"no server", "no library", "gone"}
"""After one of these the process ends."""
ROOT = Path(__file__).resolve().parents[3]
# With the path of this code and not with -m: the working directory may be any folder.
START_CODE = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from bridge.midi.jack.jack_process import main; main(sys.argv[1:])"
)

Reply = dict[str, Any]
"""One line of JSON from the process: the reply to a command, or a notice, which it sends without being asked."""
OnMessage = Callable[[PipedMessage], None]
"""Takes a message that arrived, with the number of its port."""
OnReply = Callable[[Reply], None]


class JackHelper:
    """One process with a JACK client, from its start to its end.

    `on_message` and `on_notice` are each called in a thread of their own. The notices are `ready`, `state`, `plugged`,
    `unplugged`, and one of `FINAL_NOTICES` as the last. With `waits_for_server` the process waits until there is a
    server; otherwise it ends where there is none.
    """

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        on_message: OnMessage,
        on_notice: OnReply,
        *,
        waits_for_server: bool = False,
    ) -> None:
        self._on_message, self._on_notice = on_message, on_notice
        self._on_reply: dict[int, OnReply] = {}
        self._command_count = 0
        self._command_lock = Lock()
        self._first_notice: SimpleQueue[Reply] = SimpleQueue()
        self._is_over = False
        self.dropped = 0
        """How many messages were not sent because the pipe was full: the process does not run."""
        received_fd, their_received_fd = os.pipe()
        their_to_send_fd, self._to_send_fd = os.pipe()
        if sys.platform != "win32":  # there is no JACK-Client for it, see `is_supported`
            os.set_blocking(self._to_send_fd, False)
        shared = TemporaryFile()  # noqa: SIM115  both processes keep it open until they end
        shared.truncate(SHARED_BYTES)
        self._doorbell = mmap.mmap(shared.fileno(), SHARED_BYTES)
        self._counters = memoryview(self._doorbell).cast("I")
        fds = (their_received_fd, their_to_send_fd, shared.fileno())
        try:
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-c", START_CODE, name, *map(str, fds), "wait" if waits_for_server else "once"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=fds,
                env=dict(environment),
                # Ctrl-C and a closed terminal are for the jam, which ends the notes before it ends this process.
                start_new_session=True,
            )
        except BaseException:
            os.close(received_fd)
            os.close(self._to_send_fd)
            raise
        finally:
            os.close(their_received_fd)
            os.close(their_to_send_fd)
            shared.close()
        self._threads = (
            Thread(target=self._read_replies, name="jack-notices", daemon=True),
            Thread(target=self._read_messages, args=(received_fd,), name="midi-in", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    @property
    def overruns(self) -> int:
        """How many overruns and missed cycles the client has noticed, and how many messages found the pipe full."""
        return self._counters[XRUNS] + self._counters[GAPS] + self.dropped

    def wait_until_ready(self) -> Reply:
        """Waits for the first notice: `ready`, or the reason why there is no client."""
        try:
            return self._first_notice.get(timeout=START_TIMEOUT_S)
        except Empty:
            self.stop()
            return {"notice": "no server", "reason": "it does not answer"}

    def send_command(self, on_reply: OnReply, **command: object) -> None:
        """Sends a command; `on_reply` is called in the thread of the notices.

        Raises NoMidiSystem if the process is gone.
        """
        assert self._process.stdin is not None
        with self._command_lock:
            self._command_count += 1
            number = self._command_count
            self._on_reply[number] = on_reply
            try:
                os.write(self._process.stdin.fileno(), json.dumps({"id": number, **command}).encode() + b"\n")
            except (OSError, ValueError) as error:
                raise NoMidiSystem(f"The JACK server is gone ({error}).") from error

    def request(self, **command: object) -> Reply:
        """Sends a command and returns its reply. Raises NoMidiSystem if none comes in time."""
        replies: SimpleQueue[Reply] = SimpleQueue()
        self.send_command(replies.put, **command)
        try:
            return replies.get(timeout=REPLY_TIMEOUT_S)
        except Empty:
            raise NoMidiSystem("The JACK server does not answer. Restart it.") from None

    def send(self, message: PipedMessage) -> None:
        """Sends a MIDI message to the client; drops and counts one that does not fit into the pipe. Never blocks.

        Raises BrokenPipeError where the process is gone.
        """
        if len(message.data) > MAX_MESSAGE_BYTES:
            self.dropped += 1
            return
        try:
            os.write(self._to_send_fd, pack(message))
        except BlockingIOError:
            self.dropped += 1
        else:
            self._doorbell[MESSAGES] = 1

    def stop(self) -> None:
        """Makes the process end all sounding notes, then itself; returns when it has ended. A second call does nothing."""
        process, to_send_fd = self._process, self._to_send_fd
        if to_send_fd < 0:
            return
        self._to_send_fd, self._is_over = -1, True
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(to_send_fd)
        for thread in self._threads:
            if thread.is_alive() and thread is not current_thread():
                thread.join(STOP_TIMEOUT_S)

    def _read_replies(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._dispatch(json.loads(line))
        self._dispatch({"notice": "gone", "reason": "its process ended"})

    def _dispatch(self, reply: Reply) -> None:
        notice = reply.get("notice")
        if notice is None:
            self._on_reply.pop(reply["id"])(reply)
            return
        if self._is_over:
            return
        self._is_over = notice in FINAL_NOTICES
        self._on_notice(reply)
        if self._is_over or notice == "ready":
            self._first_notice.put(reply)

    def _read_messages(self, received_fd: int) -> None:
        unpacker = Unpacker()
        try:
            while chunk := os.read(received_fd, CHUNK_BYTES):
                for message in unpacker.unpack(chunk):
                    self._on_message(message)
        finally:
            os.close(received_fd)
