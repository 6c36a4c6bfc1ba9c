"""Files of the structure that Ableton Live and REAPER export: a clip, a project and an item are read as they were played.

Live writes type 0 with 96 ticks to a beat, no tempo, its meter twice with 36 clocks to a click, and note-offs with a velocity of 64
(Ableton, "Understanding MIDI files"; what mido shows of such a file). REAPER writes type 1 with 960 ticks to a beat, tempo and meter on
a first track, each item's end as controller 123 (all notes off), and bank and program of a track ahead of its notes.
"""

from pathlib import Path

import pytest

from model.files.seed import Seed, read_seed
from model.files.time_signature import MeterChange, TimeSignature
from model.notes import Note
from tests.model.files.midi.midi_parts import END_OF_TRACK, chunk, event, meta, meter, midi_file, tempo, track
from tests.train.trainings import read_in_this_process
from train.corpus.corpora import SPLITS, read_corpora
from train.corpus.reading import LineSelection, Reading, read_file

TUNE = (60, 64, 67, 72, 71, 67, 64, 62)
BARS = 8
ALL_NOTES_OFF = 123


def live_notes() -> bytes:
    """Eighths of 48 ticks, each up to the next."""
    return b"".join(event(0, 0x90, pitch, 100) + event(48, 0x80, pitch, 64) for _ in range(BARS) for pitch in TUNE)


def live_clip(name: bytes = b"", numerator: int = 4) -> bytes:
    meters = meta(0x58, bytes([numerator, 2, 36, 8])) * 2
    return midi_file(track(meta(0x03, name), meters, live_notes()), division=96, kind=0)


def reaper_notes(channel: int = 0) -> bytes:
    """Eighths of 480 ticks, the last of which ends half a beat before its item does."""
    notes = b"".join(
        event(30 if index else 0, 0x90 | channel, pitch, 96) + event(450, 0x80 | channel, pitch, 0)
        for index, pitch in enumerate(TUNE * BARS)
    )
    return notes + event(510, 0xB0 | channel, ALL_NOTES_OFF, 0)


def reaper_project() -> bytes:
    conductor = track(
        meta(0x03, b"my song"), meter(3, 2), tempo(618_557), tempo(500_000, 6 * 960), meter(4, 2, 3 * 960)
    )
    patch = event(0, 0xB0, 0, 0) + event(0, 0xB0, 32, 2) + event(0, 0xC0, 26)
    guitar = track(meta(0x03, b"Guitar"), patch, reaper_notes())
    # REAPER's tracks are all on the first channel unless told otherwise.
    bass = track(
        meta(0x03, b"Bass"), event(0, 0x90, 36, 90), event(3840, 0x80, 36, 0), event(0, 0xB0, ALL_NOTES_OFF, 0)
    )
    empty = track(meta(0x03, "Gesang, früh".encode()), event(7680, 0xB0, ALL_NOTES_OFF, 0))
    return midi_file(conductor, guitar, bass, empty, division=960)


def reaper_item() -> bytes:
    """The contents of an item by the MIDI editor: type 0, with a tempo, and text events for its pitch-bend range and notation."""
    texts = meta(0x0F, b"NOTE 0 60 text hello") + meta(0x7F, b"\x00\x00\x41reaper")
    body = b"".join((tempo(500_000), meter(4, 2), texts, reaper_notes(), END_OF_TRACK))
    return midi_file(chunk(b"MTrk", body), division=960, kind=0)


def reaper_project_with_markers() -> bytes:
    """With "embed project tempo", markers, regions and the project's title and author, which REAPER writes on the first track."""
    texts = (
        meta(0x03, b"my song")
        + meta(0x02, b"(c) 2026")
        + meta(0x01, b"Author: J\xfcrgen")
        + tempo(500_000)
        + meter(4, 2)
    )
    markers = meta(0x06, b"intro") + meta(0x06, "[Strophe f\u00fcr alle]".encode(), 8 * 960) + meta(0x07, b"cue", 960)
    item = meta(0x03, b"Lead") + meta(0x04, b"ReaSynth") + meta(0x21, b"\x00") + meta(0x20, b"\x00")
    lyric = meta(0x05, b"la")
    return midi_file(track(texts, markers), track(item, lyric, reaper_notes()), division=960)


def live_export(*parts: bytes, division: int = 96) -> bytes:
    """A clip as an older Live or Max for Live writes it: one track of type 0 without any meter or tempo."""
    return midi_file(track(*parts, live_notes()), division=division, kind=0)


EXPORTS = {
    "a clip of Live": live_clip(b"1-Wavetable"),
    "a clip of Live without a meter": live_export(),
    "a clip of Live with the pitch bend and mod wheel of its envelopes": live_export(
        meta(0x03, b"2-Operator"), event(0, 0xE0, 0, 64), event(0, 0xB0, 1, 0), event(0, 0xD0, 0)
    ),
    "a project of REAPER": reaper_project(),
    "a project of REAPER with markers": reaper_project_with_markers(),
    "an item of REAPER": reaper_item(),
}


def read_both(content: bytes, folder: Path) -> tuple[Seed, Reading]:
    path = folder / "export.mid"
    path.write_bytes(content)
    return read_seed(path), read_file(path, LineSelection("lead"))


def tune(duration_beats: float, velocity: int) -> list[Note]:
    return [Note(pitch, index / 2, duration_beats, velocity) for index, pitch in enumerate(TUNE * BARS)]


@pytest.mark.parametrize("name", [b"", b"1-Wavetable", "Klavier früh".encode(), b"\xff\x90\x3c"])
def test_a_clip_of_live_is_its_notes_at_the_usual_tempo(name: bytes, tmp_path: Path) -> None:
    seed, reading = read_both(live_clip(name), tmp_path)
    assert seed.notes == tuple(tune(0.5, 100))
    assert (seed.tempo_bpm, seed.meter, seed.program, seed.remarks) == (120.0, TimeSignature(4, 4), 0, ())
    assert [line["onset_beats"].tolist() for line in reading.lines] == [[note.onset_beats for note in seed.notes]]


def test_the_meter_that_live_writes_twice_is_one(tmp_path: Path) -> None:
    seed, _ = read_both(live_clip(numerator=3), tmp_path)
    assert (seed.meter, seed.meters) == (TimeSignature(3, 4), ())


def test_a_project_of_reaper_keeps_its_tempi_and_meters_and_its_lead(tmp_path: Path) -> None:
    seed, reading = read_both(reaper_project(), tmp_path)
    assert seed.notes == tuple(tune(450 / 960, 96))
    assert (seed.tempo_bpm, seed.meter, seed.program, seed.remarks) == (97.0, TimeSignature(3, 4), 26, ())
    assert [(change.beat, change.tempo_bpm) for change in seed.tempi] == [(6.0, 120.0)]
    assert seed.meters == (MeterChange(9.0, TimeSignature(4, 4)),)
    assert [len(line) for line in reading.lines] == [len(seed.notes)]


def test_an_item_of_reaper_is_its_notes(tmp_path: Path) -> None:
    seed, reading = read_both(reaper_item(), tmp_path)
    assert seed.notes == tuple(tune(450 / 960, 96))
    assert [len(line) for line in reading.lines] == [len(seed.notes)]


def test_markers_and_texts_of_a_project_are_no_music(tmp_path: Path) -> None:
    seed, reading = read_both(reaper_project_with_markers(), tmp_path)
    assert seed.notes == tuple(tune(450 / 960, 96))
    assert (seed.tempo_bpm, seed.meter, seed.remarks) == (120.0, TimeSignature(4, 4), ())
    assert [len(line) for line in reading.lines] == [len(seed.notes)]


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_is_the_tune_in_both_uses(name: str, tmp_path: Path) -> None:
    seed, reading = read_both(EXPORTS[name], tmp_path)
    assert [(note.pitch, note.onset_beats) for note in seed.notes] == [
        (pitch, index / 2) for index, pitch in enumerate(TUNE * BARS)
    ]
    (line,) = reading.lines
    assert line["pitch"].tolist() == list(TUNE * BARS)
    assert line["onset_beats"].tolist() == [note.onset_beats for note in seed.notes]
    assert (reading.reason, reading.remarks) == ("", ())


def test_a_training_folder_of_exports_is_read_whole(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for number, content in enumerate(EXPORTS.values()):
        (folder / f"{number} \u2013 Bounce.MID").write_bytes(content)
    with read_in_this_process():
        (corpus,) = read_corpora([folder], tmp_path / "cache", LineSelection("lead"))
    assert corpus.found == sum(map(corpus.files, SPLITS)) == len(EXPORTS)
    assert sum(map(corpus.notes, SPLITS)) == len(EXPORTS) * len(TUNE) * BARS
    assert (corpus.broken, corpus.incomplete, corpus.without_lead) == ([], [], [])
