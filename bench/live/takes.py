"""The cost of recording everything: disk space, CPU, reading and listing; against pickles and a `.mid`."""

import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.table import show
from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn
from bridge.timing.timeline import Segment, Timeline
from model.files.midi.midi_writer import as_midi_file
from server.controls.control_table import Settings
from server.music.feed import Event, MessagePlayed, MessageReceived, TimelineChanged
from server.takes.journal.journal_writer import JournalWriter, thin_out
from server.takes.journal.record_reader import read_records
from server.takes.journal.records import JournalBegun
from server.takes.recorder import WRITE_EVERY_S
from server.takes.songs.take_song import song_from
from server.takes.take import read_recording, take_from
from server.takes.take_library import JOURNAL_SUFFIX, TakeLibrary

MINUTES = 10
# A pianist with both hands, a partner who plays as much, each note with its end, and a pedal.
NOTES_PER_S, PEDALS_PER_S = 10, 2
FLOOD_PER_S = 500
JAMS = 1000
JOURNAL_BEGUN = JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0)
TEMPO_BPM = 120.0

T = TypeVar("T")


def run() -> None:
    """Prints the figures."""
    busy, flood = _busy_playing(MINUTES * 60.0), _flood(60.0)
    started_s = time.process_time()
    journal = _write_journal(busy)
    busy_s = time.process_time() - started_s
    started_s = time.process_time()
    _write_journal(flood)
    flood_s = time.process_time() - started_s
    pickled = sum(len(pickle.dumps(event)) for event in busy)
    read_s, records = _time(lambda: read_records(journal).records)
    export_s, data = _time(lambda: as_midi_file(song_from(take_from(read_recording(records)))))
    list_s, count = _time_listing(journal)
    rows = [
        ("busy playing, a minute on disk", f"{len(journal) / MINUTES / 1000:.0f} kB"),
        ("the same as one pickle for each event", f"{pickled / MINUTES / 1000:.0f} kB"),
        ("the same as a .mid", f"{len(data) / MINUTES / 1000:.0f} kB"),
        ("busy playing, share of a core", f"{busy_s / (MINUTES * 60):.2%}"),
        (f"{FLOOD_PER_S} messages a second and a trembling clock, share of a core", f"{flood_s / 60:.2%}"),
        (f"reading {MINUTES} minutes back, as a start after a crash does", f"{read_s:.2f} s"),
        ("and from there to a .mid", f"{export_s:.2f} s"),
        (f"listing {count} jams", f"{list_s:.2f} s"),
    ]
    show("Takes", ("what", "figure"), rows)


def _write_journal(events: list[Event]) -> bytes:
    """The journal, written as often as the recorder writes."""
    writer = JournalWriter(JOURNAL_BEGUN, 0.0)
    lines = [writer.encode_start(Settings())]
    batch: list[Event] = []
    until_s = WRITE_EVERY_S
    for event in events:
        if event.at_s >= until_s:
            lines.append(writer.encode_events(thin_out(batch)))
            batch, until_s = [], until_s + WRITE_EVERY_S
        batch.append(event)
    return b"".join([*lines, writer.encode_events(thin_out(batch)), writer.encode_end(until_s)])


def _busy_playing(seconds: float) -> list[Event]:
    events: list[Event] = [TimelineChanged(Timeline.start(TEMPO_BPM), "free", "internal", 0.0)]
    for number in range(int(seconds * NOTES_PER_S)):
        at_s, pitch = number / NOTES_PER_S, 48 + number * 7 % 36
        for kind in (MessageReceived, MessagePlayed):
            events.append(kind(NoteOn(pitch, 80), at_s, at_s * 2))
            events.append(kind(NoteOff(pitch), at_s + 0.09, at_s * 2 + 0.18))
    for number in range(int(seconds * PEDALS_PER_S)):
        at_s = number / PEDALS_PER_S
        events.append(MessageReceived(ControlChange(64, 127 * (number % 2)), at_s, at_s * 2))
    return sorted(events, key=lambda event: event.at_s)


def _flood(seconds: float) -> list[Event]:
    """Very many messages, and a timeline that changes at every tick of a clock."""
    events: list[Event] = []
    for number in range(int(seconds * FLOOD_PER_S)):
        at_s = number / FLOOD_PER_S
        message: Message = NoteOn(60, 80) if number % 2 else NoteOff(60)
        events.append(MessageReceived(message, at_s, at_s * 2))
    timeline = Timeline.start(TEMPO_BPM)
    for tick in range(int(seconds * TEMPO_BPM / 60 * 24)):
        at_s = tick * 60 / TEMPO_BPM / 24
        timeline = timeline.steered(Segment(at_s, at_s * 2 + 0.001 * (tick % 2), TEMPO_BPM), at_s)
        events.append(TimelineChanged(timeline, "playing", "midi", at_s))
    return sorted(events, key=lambda event: event.at_s)


def _time_listing(journal: bytes) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as name:
        for number in range(JAMS):
            (Path(name) / f"2026-02-03-{number:06}{JOURNAL_SUFFIX}").write_bytes(journal)
        return _time(lambda: len(TakeLibrary(Path(name)).entries()))


def _time(do: Callable[[], T]) -> tuple[float, T]:
    started_s = time.perf_counter()
    done = do()
    return time.perf_counter() - started_s, done
