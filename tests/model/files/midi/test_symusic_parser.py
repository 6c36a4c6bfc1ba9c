import numpy as np
import pytest

from model.files.midi import symusic_parser
from model.files.midi.midi_reader import read_midi
from model.files.midi.symusic_parser import NOTE_RECORD, ProgramNotes, parse
from tests.model.files.midi.midi_parts import PLAIN, event, midi_file, tempo, track


def rows(part: ProgramNotes) -> list[tuple[int, ...]]:
    """Tick, duration, pitch and velocity of each note: symusic does not set the program."""
    return [row[:4] for row in np.frombuffer(part.records, NOTE_RECORD).tolist()]


def test_notes_are_the_same_by_what_symusic_pickles_and_by_what_it_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    assert symusic_parser._is_pickled_as_records()
    pickled = parse(PLAIN)
    monkeypatch.setattr(symusic_parser, "_is_pickled_as_records", lambda: False)
    copied = parse(PLAIN)
    assert pickled is not None
    assert copied is not None
    for one, other in zip(pickled.parts, copied.parts, strict=True):
        assert one.program == other.program
        assert rows(one) == rows(other)


def test_a_version_of_symusic_that_pickles_in_another_way_is_read_as_it_documents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = read_midi(PLAIN).parts[0]
    monkeypatch.setattr(symusic_parser, "_pickled", lambda _: b"something else")
    symusic_parser._is_pickled_as_records.cache_clear()
    try:
        after = read_midi(PLAIN).parts[0]
        assert not symusic_parser._is_pickled_as_records()
    finally:
        symusic_parser._is_pickled_as_records.cache_clear()
    assert after.tick.tolist() == before.tick.tolist()
    assert after.pitch.tolist() == before.pitch.tolist()


def test_every_track_channel_and_program_is_a_part() -> None:
    parsed = parse(midi_file(track(tempo(400_000), *[event(0, 0x90, 60, 80), event(9, 0x80, 60, 0)])))
    assert parsed is not None
    assert [(rows(part), part.program) for part in parsed.parts] == [([(0, 9, 60, 80)], 0)]
    assert parsed.tempi == ((0, 400_000),)


def test_what_symusic_refuses_is_none() -> None:
    assert parse(PLAIN[:-20]) is None
