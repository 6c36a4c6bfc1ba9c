"""The process that does the panel's heavy work, one request at a time, at low priority; it ends with the jam.

A request is a line of JSON on stdin, with the `size` of what follows; the answer on stdout has the same form. Reading a long file
of music takes the interpreter for tens of milliseconds at a time. In the jam's own process, notes would be late by that much.
"""

import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.midi.messages import encode
from model.files.seed import seed_notice, seed_of
from server.errors import FORESEEN
from server.music.seed_player import seed_messages
from server.music.thread_priority import request_low_priority

if TYPE_CHECKING:
    from server.panel.work.take_list import TakeList

SEEDS_KEPT = 2
"""The one that plays, and the one that takes its place."""
MESSAGES_PER_CHUNK = 64

Request = Mapping[str, object]
Header = dict[str, object]
TimedBytes = tuple[float, str]
"""The beat of a message, and its bytes in hexadecimal."""


class WorkerProcess:
    """Carries out requests; `seeds` are those whose messages may be fetched."""

    def __init__(self) -> None:
        self._seeds: OrderedDict[int, list[TimedBytes]] = OrderedDict()
        self._seed_count = 0
        self._doing: Mapping[str, Callable[[Request, bytes], tuple[Header, bytes]]] = {
            "list": self._list,
            "take": self._take,
            "seed": self._seed,
            "messages": self._messages,
        }

    def answer(self, request: Request, content: bytes) -> tuple[Header, bytes]:
        """The header and the content of the answer. What cannot be done is an answer with an `error`."""
        try:
            return self._doing[str(request["do"])](request, content)
        except FORESEEN as error:
            return {"error": str(error)}, b""

    def _list(self, request: Request, _content: bytes) -> tuple[Header, bytes]:
        return {"takes": [asdict(listing) for listing in _take_list(request).listings()]}, b""

    def _take(self, request: Request, _content: bytes) -> tuple[Header, bytes]:
        return {}, _take_list(request).as_midi(str(request["name"]))

    def _seed(self, request: Request, content: bytes) -> tuple[Header, bytes]:
        """Reads a seed; its messages are fetched piece by piece as it plays."""
        path = Path(str(request["name"]))
        seed = seed_of(content, path)
        self._seed_count += 1
        self._seeds[self._seed_count] = [(beat, encode(message).hex()) for beat, message in seed_messages(seed)]
        while len(self._seeds) > SEEDS_KEPT:
            self._seeds.popitem(last=False)
        beats = seed.end_beats - seed.notes[0].onset_beats
        notice = seed_notice(path, seed) if seed.remarks else ""
        return {"id": self._seed_count, "notes": len(seed.notes), "beats": beats, "notice": notice}, b""

    def _messages(self, request: Request, _content: bytes) -> tuple[Header, bytes]:
        messages = self._seeds.get(int(str(request["id"])), [])
        first = int(str(request["first"]))
        return {"messages": messages[first : first + MESSAGES_PER_CHUNK]}, b""


def main() -> None:
    """Answers requests until stdin closes."""
    request_low_priority()
    process = WorkerProcess()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := requests.readline():
        request = json.loads(line)
        header, content = process.answer(request, requests.read(request["size"]))
        answers.write(json.dumps({**header, "size": len(content)}).encode("ascii") + b"\n" + content)
        answers.flush()


def _take_list(request: Request) -> "TakeList":
    # Imported here, as a seed needs neither.
    from server.panel.work.take_list import TakeList
    from server.takes.take_library import TakeLibrary

    return TakeList(TakeLibrary(Path(str(request["folder"]))))
