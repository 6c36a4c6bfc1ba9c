"""A written song in Ardour: its tracks hold the notes that were written, where they were written."""

from pathlib import Path

import pytest

from bench.daw import ardour_program
from bench.daw.ardour_session import Region, running_session, split_tracks
from model.files.midi.midi_writer import as_midi_file
from model.files.song import Event, Marker, Song, SongTrack
from model.files.tempo import TempoChange
from model.files.time_signature import MeterChange, TimeSignature
from tests.programs import require_program

pytestmark = pytest.mark.timeout(300)  # Ardour alone needs half a minute to start on a busy machine

# Pitch, velocity, onset and length in beats: a repeated note with no gap, a chord, and places off the grid of sixteenths.
PLAYER = [(60, 90, 0.0, 1.0), (60, 70, 1.0, 0.5), (64, 81, 1.5, 1 / 3), (67, 81, 1.5, 1.5), (72, 1, 11.0, 1.0)]
ANSWER = [(55, 127, 3.0, 0.25), (57, 64, 3 + 1 / 3, 0.25), (59, 64, 3 + 2 / 3, 1 / 12), (62, 100, 14.5, 3.5)]
CHANNELS = {"Player": 0, "Answer": 5}
BEATS = 19.0


def track(name: str, notes: list[tuple[int, int, float, float]]) -> SongTrack:
    channel = CHANNELS[name]
    events = [Event(bytes([0xC0 | channel, 26]), 0.0), Event(bytes([0xB0 | channel, 64, 127]), 0.5)]
    for pitch, velocity, onset_beats, length_beats in notes:
        events.append(Event(bytes([0x90 | channel, pitch, velocity]), onset_beats))
        events.append(Event(bytes([0x80 | channel, pitch, 0]), onset_beats + length_beats))
    return SongTrack(name, events)


def test_ardour_reads_what_was_written(tmp_path: Path) -> None:
    require_program(ardour_program.PROGRAM)
    written = tmp_path / "song.mid"
    meters = (MeterChange(0.0, TimeSignature(3, 4)), MeterChange(12.0, TimeSignature(7, 8)))
    tempi = (TempoChange(0.0, 97.0), TempoChange(12.0, 60.0))
    tracks = [track("Player", PLAYER), track("Answer", ANSWER)]
    written.write_bytes(as_midi_file(Song(tracks, tempi, meters, [Marker(1.5, "temperature 0.7")])))
    files = split_tracks(written, tmp_path)[1:]  # the first has the tempi
    regions = [Region(name, file, 0.0, BEATS) for name, file in zip(CHANNELS, files, strict=True)]
    with running_session(tmp_path, tuple(CHANNELS), regions, backend=ardour_program.NO_SOUND) as ardour:
        read = {name: ardour.notes(name) for name in CHANNELS}
    for name, notes in (("Player", PLAYER), ("Answer", ANSWER)):
        found = [(note.pitch, note.velocity) for note in read[name]]
        assert found == [(pitch, velocity) for pitch, velocity, *_ in notes]
        assert {note.channel for note in read[name]} == {CHANNELS[name]}
        # A tick of ours is four of Ardour's, so it keeps each exactly.
        assert [note.onset_beats * 480 for note in read[name]] == pytest.approx(
            [round(n[2] * 480) for n in notes], abs=1e-3
        )
        assert [note.length_beats * 480 for note in read[name]] == pytest.approx(
            [round((n[2] + n[3]) * 480) - round(n[2] * 480) for n in notes], abs=1e-3
        )
