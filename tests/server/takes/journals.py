"""Writes journals into a library's folder, without a jam."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.timeline import Timeline
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, TimelineChanged
from server.takes.journal.record_encoder import RecordEncoder
from server.takes.journal.records import JournalBegun, Record
from server.takes.take_ages import TakeAges
from server.takes.take_library import JOURNAL_SUFFIX, STEM_FORMAT, memory_path
from server.takes.take_summary import TakeSummary

NOW = datetime(2026, 2, 3, 20, 15, tzinfo=UTC)


def write_journal(
    folder: Path,
    *,
    days_ago: float = 0.0,
    notes: int = 4,
    is_marked: bool = False,
    is_ended: bool = True,
    cut_bytes: int = 0,
    memory: bytes = b"",
) -> Path:
    """Writes the journal of a jam with `notes` notes of each side, and beside it a memory file, if `memory` is not empty.

    `cut_bytes` are left out at its end.
    """
    began = NOW - timedelta(days=days_ago)
    records: list[Record] = [
        JournalBegun(began.isoformat(), 5.0, 8.0),
        TimelineChanged(Timeline.start(120.0), "free", "internal", 0.0),
    ]
    for number in range(notes):
        beat = float(number)
        records += [
            MessageReceived(NoteOn(60 + number % 12, 80), beat / 2, beat),
            MessageReceived(NoteOff(60 + number % 12), beat / 2 + 0.5, beat + 1),
        ]
    for number in range(notes):
        beat = float(number + notes)
        records += [MessagePlayed(NoteOn(72, 80), beat / 2, beat), MessagePlayed(NoteOff(72), beat / 2 + 0.5, beat + 1)]
    if is_marked:
        records.append(ActionRequested("capture", float(notes), 2.0 * notes))
    encoder, summary = RecordEncoder(), TakeSummary()
    lines = []
    for record in records:
        summary.add(record)
        lines.append(encoder.encode(record))
    if is_ended:
        lines.append(encoder.encode(summary.journal_end()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{began.strftime(STEM_FORMAT)}{JOURNAL_SUFFIX}"
    data = b"".join(lines)
    path.write_bytes(data[: len(data) - cut_bytes])
    if memory:
        memory_path(path).write_bytes(memory)
    ages = TakeAges.read(folder)
    TakeAges(0.0, NOW.timestamp(), {**ages.first_seen, path.stem: -days_ago}).write(folder)
    return path
