"""Journals on a shelf, made without a jam."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.timeline import Timeline
from server.music.feed import Asked, Heard, Kept, Played
from server.takes.journal import Begun, Record, Scribe
from server.takes.take_library import NAME, SUFFIX, memory_beside
from server.takes.take_summary import Tally

NOW = datetime(2026, 2, 3, 20, 15, tzinfo=UTC)


def write_journal(
    folder: Path,
    *,
    days_ago: float = 0.0,
    notes: int = 4,
    is_marked: bool = False,
    is_ended: bool = True,
    cut: int = 0,
    memory: bytes = b"",
) -> Path:
    """A jam of so many notes of the player and as many answers, which began so long ago; beside it its memory, if any."""
    began = NOW - timedelta(days=days_ago)
    records: list[Record] = [
        Begun(began.isoformat(), 5.0, 8.0),
        Kept(Timeline.start(120.0), "free", "internal", 0.0),
    ]
    for number in range(notes):
        beat = float(number)
        records += [
            Heard(NoteOn(60 + number % 12, 80), beat / 2, beat),
            Heard(NoteOff(60 + number % 12), beat / 2 + 0.5, beat + 1),
        ]
    for number in range(notes):
        beat = float(number + notes)
        records += [Played(NoteOn(72, 80), beat / 2, beat), Played(NoteOff(72), beat / 2 + 0.5, beat + 1)]
    if is_marked:
        records.append(Asked("capture", float(notes), 2.0 * notes))
    scribe, tally = Scribe(), Tally()
    lines = []
    for record in records:
        tally.add(record)
        lines.append(scribe.spell(record))
    if is_ended:
        lines.append(scribe.spell(tally.ended()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{began.strftime(NAME)}{SUFFIX}"
    data = b"".join(lines)
    path.write_bytes(data[: len(data) - cut])
    if memory:
        memory_beside(path).write_bytes(memory)
    return path
