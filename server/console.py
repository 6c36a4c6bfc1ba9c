"""Writes lines to the terminal from separate threads, so a reader that is stuck or gone never holds up the jam.

The threads write to the file descriptor itself: a buffered stream would keep its lock while it waits, and the interpreter
could then not exit.
"""

import atexit
import io
import logging
import os
import select
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import IO

MOST_WAITING_LINES = 10_000
"""How many lines may wait for a reader; further lines are dropped."""
AT_END_S = 0.5
"""How long the process waits for a reader when it exits."""
STANDARD_DESCRIPTORS = (0, 1, 2)


def escape_unknown_characters() -> None:
    """Lets the standard streams print every text: what their encoding lacks, as that of a Windows console may, is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class LineWriter:
    """Writes lines to a stream in its own daemon thread, so nothing needs to be closed. Writing never blocks or raises.

    If the stream has no file descriptor, as in a test, lines are written to it at once. None means that there is no stream.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._lines: SimpleQueue[str | threading.Event] = SimpleQueue()
        self._descriptor = _descriptor_of(stream)
        if self._descriptor is not None:
            threading.Thread(target=self._run, name="console", daemon=True).start()
            atexit.register(self.flush)

    def write(self, line: str) -> None:
        """Writes a line, given without its newline."""
        if self._descriptor is not None:
            if self._lines.qsize() < MOST_WAITING_LINES:
                self._lines.put(line)
        elif self._stream is not None:
            with suppress(OSError, ValueError):
                print(line, file=self._stream, flush=True)

    def flush(self, timeout_s: float = AT_END_S) -> None:
        """Waits until all lines are written, but not longer than `timeout_s`."""
        if self._descriptor is not None:
            is_done = threading.Event()
            self._lines.put(is_done)
            is_done.wait(timeout_s)

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            if isinstance(line, threading.Event):
                line.set()
            elif self._descriptor is not None:
                # The reader is gone: later lines fail in the same way and are dropped, too.
                with suppress(OSError):
                    _write(self._descriptor, f"{line}\n".encode(self._encoding, errors="backslashreplace"))


class LineHandler(logging.Handler):
    """Logs to a `LineWriter`."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record; a record that cannot be formatted is dropped."""
        with suppress(Exception):
            self._writer.write(self.format(record))


def fill_closed_descriptors() -> None:
    """Opens `os.devnull` as standard input, output or error, where the process was started without it.

    Otherwise the next file or socket would get that descriptor, and what a library prints would go there.
    """
    for descriptor in STANDARD_DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this descriptor


def start_logging(level: int) -> None:
    """Logs to stderr, in a readable form."""
    handler = LineHandler(LineWriter(sys.stderr))
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def _descriptor_of(stream: IO[str] | None) -> int | None:
    """Duplicates the stream's descriptor, so that it stays open if other code closes the stream; None if it has none."""
    if stream is None:
        return None
    try:
        stream.flush()
        return os.dup(stream.fileno())
    except (OSError, ValueError, io.UnsupportedOperation):
        return None


def _write(descriptor: int, data: bytes) -> None:
    """Writes all bytes, and blocks until that is done. Raises OSError."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
