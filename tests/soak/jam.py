"""`fours jam` as it is, in a process that reports more: for each line on stdin, one line of JSON about the time since
the last."""

import json
import sys
import threading
from typing import Any

from server.cli import main
from server.jam.jam import Jam
from server.music.music_thread import MusicThread
from server.takes.journal.journal_writer import JournalWriter
from server.takes.journal.records import JournalBegun

_jams: list[Jam] = []
_threads: list[MusicThread] = []
_origins_s: list[float] = []
"""The seconds from which the journals count."""


def _report() -> None:
    for _ in sys.stdin:
        (music_thread,) = _threads
        lateness_s = list(music_thread.lateness_s)
        music_thread.lateness_s.clear()
        faults = dict(music_thread.faults.counts)
        (jam,) = _jams
        remembered = [len(memory) for memory in jam.memories.values()]
        print("report", json.dumps([lateness_s, _origins_s[-1], faults, remembered]), flush=True)


if __name__ == "__main__":
    start = MusicThread.start

    def started(music_thread: MusicThread) -> None:
        _threads.append(music_thread)
        start(music_thread)

    create = Jam.__init__

    def created(jam: Jam, *arguments: Any) -> None:
        create(jam, *arguments)
        _jams.append(jam)

    begin = JournalWriter.__init__

    def begun(writer: JournalWriter, first: JournalBegun, origin_s: float) -> None:
        _origins_s.append(origin_s)
        begin(writer, first, origin_s)

    Jam.__init__ = created  # type: ignore[method-assign, assignment]
    MusicThread.start = started  # type: ignore[method-assign, assignment]
    JournalWriter.__init__ = begun  # type: ignore[method-assign, assignment]
    threading.Thread(target=_report, daemon=True).start()
    main()
