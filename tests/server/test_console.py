import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from server import console
from server.console import LineHandler, LineWriter, fill_closed_descriptors
from tests.server.jam_process import PATIENCE_S


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.TextIOWrapper]]:
    """The end to read from, and a stream that writes to the other end."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield reader, stream
    os.close(reader)


def fill(stream: io.TextIOWrapper) -> None:
    os.set_blocking(stream.fileno(), False)
    try:
        for size in (4096, 1):
            try:
                while True:
                    os.write(stream.fileno(), bytes(size))
            except BlockingIOError:
                pass
    finally:
        os.set_blocking(stream.fileno(), True)


def test_lines_are_written_in_order(pipe: tuple[int, io.TextIOWrapper]) -> None:
    reader, stream = pipe
    writer = LineWriter(stream)
    for number in range(3):
        writer.write(f"line {number} \udcff")
    writer.flush(PATIENCE_S)
    assert os.read(reader, 1000) == b"line 0 \\udcff\nline 1 \\udcff\nline 2 \\udcff\n"


def test_a_reader_that_takes_nothing_holds_up_neither_a_line_nor_the_end(
    pipe: tuple[int, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "MOST_WAITING_LINES", 100)
    _, stream = pipe
    fill(stream)
    writer = LineWriter(stream)
    for number in range(1000):
        writer.write(f"line {number}")
    assert writer._lines.qsize() <= 100
    writer.flush(0.01)


def test_a_reader_that_is_gone_is_no_error() -> None:
    reader, writing_end = os.pipe()
    os.close(reader)
    with os.fdopen(writing_end, "w", encoding="utf-8") as stream:
        writer = LineWriter(stream)
        writer.write("nobody hears it")
        writer.write("nor this")
        writer.flush(PATIENCE_S)


def test_without_a_stream_nothing_is_written() -> None:
    writer = LineWriter(None)
    writer.write("nobody hears it")
    writer.flush()


def test_a_stream_without_a_descriptor_gets_its_lines_at_once() -> None:
    stream = io.StringIO()
    LineWriter(stream).write("hello")
    assert stream.getvalue() == "hello\n"


def test_a_record_that_cannot_be_formatted_is_left_out() -> None:
    stream = io.StringIO()
    handler = LineHandler(LineWriter(stream))
    handler.emit(logging.LogRecord("fours", logging.INFO, "", 0, "%d", ("x",), None))
    handler.emit(logging.LogRecord("fours", logging.INFO, "", 0, "%d", (1,), None))
    assert stream.getvalue() == "1\n"


def test_closed_standard_streams_are_filled_so_that_no_other_file_takes_their_place() -> None:
    script = """
import os
from server.console import fill_closed_descriptors
os.close(0); os.close(1)
fill_closed_descriptors()
assert os.open(os.devnull, os.O_RDONLY) > 2
os.write(1, b"nobody hears it")
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=PATIENCE_S, check=False).returncode == 0
    fill_closed_descriptors()
