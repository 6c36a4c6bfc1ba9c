from collections.abc import Sequence

from bridge.midi.messages import ControlChange, NoteOff, NoteOn
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged
from server.takes.journal.records import JournalBegun, JournalEnded, Mark, Record
from server.takes.take_summary import TakeSummary

BEGUN = JournalBegun("", capture_minutes=1.0, silence_s=8.0)


def heard(pitch: int, from_s: float, until_s: float) -> list[Record]:
    return [MessageReceived(NoteOn(pitch, 80), from_s, 0.0), MessageReceived(NoteOff(pitch), until_s, 0.0)]


def played(pitch: int, from_s: float, until_s: float) -> list[Record]:
    return [MessagePlayed(NoteOn(pitch, 80), from_s, 0.0), MessagePlayed(NoteOff(pitch), until_s, 0.0)]


def record(at_s: float, value: str) -> SettingChanged:
    return SettingChanged("record", value, at_s, 0.0)


def capture(at_s: float) -> ActionRequested:
    return ActionRequested("capture", at_s, 0.0)


def summary(*records: Record) -> TakeSummary:
    made = TakeSummary()
    for item in (BEGUN, *records):
        made.add(item)
    return made


def marks(*records: Record) -> Sequence[Mark]:
    return summary(*records).journal_end().marks


class TestNotes:
    def test_of_both_sides_are_counted_when_they_begin(self) -> None:
        assert summary(*heard(60, 1, 2), *heard(62, 2, 3), *played(60, 4, 5)).journal_end() == JournalEnded(5.0, 2, 1)

    def test_of_the_band_are_not_counted(self) -> None:
        band = MessagePlayed(NoteOn(36, 80, 1), 4.0, 0.0, is_band=True)
        assert summary(*heard(60, 1, 2), band).journal_end() == JournalEnded(4.0, 1, 0)

    def test_without_notes_a_jam_is_empty_even_if_controls_moved(self) -> None:
        assert summary(SettingChanged("tempo", 90.0, 1.0, 0.0), ActionRequested("stop", 2.0, 0.0)).is_empty
        assert not summary(*heard(60, 1, 2)).is_empty


class TestRecord:
    def test_marks_from_on_to_off(self) -> None:
        assert marks(record(1, "on"), *heard(60, 2, 3), record(4, "off")) == (Mark("record", 1, 4),)

    def test_still_on_marks_up_to_the_end(self) -> None:
        recording = summary(record(1, "on"), *heard(60, 2, 3))
        assert recording.journal_end().marks == (Mark("record", 1, 3),)
        assert recording.journal_end(9.0).marks == (Mark("record", 1, 9),)

    def test_switched_to_the_same_value_changes_nothing(self) -> None:
        assert marks(record(1, "on"), record(2, "on"), record(3, "off"), record(4, "off")) == (Mark("record", 1, 3),)

    def test_off_without_on_marks_nothing(self) -> None:
        assert marks(record(0, "off"), record(3, "off")) == ()


class TestCapture:
    def test_a_band_that_plays_on_is_no_playing(self) -> None:
        band = [MessagePlayed(NoteOn(36, 80, 1), float(at_s), 0.0, is_band=True) for at_s in range(1, 40)]
        assert marks(*heard(60, 0.5, 1), *band, *heard(62, 40, 41), capture(45)) == (Mark("capture", 40.0, 41.0),)

    def test_reaches_back_to_the_last_long_silence(self) -> None:
        old, new = heard(60, 1, 2), [*heard(60, 12, 14), *played(72, 15, 16)]
        assert marks(*old, *new, capture(17)) == (Mark("capture", 12, 16),)

    def test_goes_on_past_a_short_silence_and_past_a_held_note(self) -> None:
        held = [
            MessageReceived(NoteOn(48, 80), 1.0, 0.0),
            *heard(60, 2, 3),
            *heard(62, 20, 21),
            MessageReceived(NoteOff(48), 22.0, 0.0),
        ]
        assert marks(*held, *heard(60, 29, 30), capture(31)) == (Mark("capture", 1, 30),)

    def test_ends_with_the_last_note_however_late_the_button_comes(self) -> None:
        assert marks(*heard(60, 1, 2), capture(500)) == (Mark("capture", 1, 2),)

    def test_reaches_no_further_than_its_minutes(self) -> None:
        notes = [item for at_s in range(100) for item in heard(60, at_s, at_s + 1)]
        assert marks(*notes, capture(100)) == (Mark("capture", 40, 100),)

    def test_while_a_note_sounds_reaches_up_to_now(self) -> None:
        assert marks(MessageReceived(NoteOn(60, 80), 1.0, 0.0), capture(5)) == (Mark("capture", 1, 5),)

    def test_before_anything_was_played_marks_nothing(self) -> None:
        assert marks(capture(5)) == ()

    def test_after_a_panic_nothing_sounds(self) -> None:
        panic = MessagePlayed(ControlChange(123, 0), 3.0, 0.0)
        assert marks(MessagePlayed(NoteOn(60, 80), 1.0, 0.0), panic, capture(5)) == (Mark("capture", 1, 3),)
