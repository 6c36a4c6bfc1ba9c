import io

import mido
import pretty_midi
import pytest

from bridge.midi.messages import ControlChange, NoteOff, NoteOn
from bridge.midi.song_file import TICKS_PER_BEAT, MeterChange, PlacedMessage, Song, SongTrack, TempoChange, as_midi_file
from bridge.timing.meter import Meter

TUNE = SongTrack(
    "Player",
    [
        PlacedMessage(NoteOn(60, 80), 0.0), PlacedMessage(NoteOff(60), 1.0),
        PlacedMessage(NoteOn(60, 81), 1.0), PlacedMessage(NoteOff(60), 2.5),
        PlacedMessage(ControlChange(64, 127), 1.0), PlacedMessage(ControlChange(64, 0), 3.0),
    ],
)  # fmt: skip
SONG = Song(
    [TUNE, SongTrack("Answer", [PlacedMessage(NoteOff(72, 5), 4.0), PlacedMessage(NoteOn(72, 90, 5), 3.0)])],
    [TempoChange(0.0, 120.0), TempoChange(2.0, 60.0)],
    [MeterChange(0.0, Meter(3, 4)), MeterChange(3.0, Meter(7, 8))],
)


def by_mido(song: Song) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(as_midi_file(song)))


def test_tempo_and_meter_stand_on_a_track_of_their_own_before_the_others() -> None:
    file = by_mido(SONG)
    assert (file.type, file.ticks_per_beat) == (1, TICKS_PER_BEAT)
    conductor, *others = file.tracks
    assert [(message.type, message.time) for message in conductor] == [
        ("time_signature", 0), ("set_tempo", 0), ("set_tempo", 960), ("time_signature", 480), ("end_of_track", 0),
    ]  # fmt: skip
    assert [track.name for track in others] == ["Player", "Answer"]


def test_on_one_tick_what_ends_comes_first_then_the_pedal_then_what_begins() -> None:
    messages = [message for message in by_mido(SONG).tracks[1] if not message.is_meta]
    assert [message.type for message in messages] == [
        "note_on", "note_off", "control_change", "note_on", "note_off", "control_change",
    ]  # fmt: skip


def test_pretty_midi_reads_each_second_by_the_tempo_map() -> None:
    midi = pretty_midi.PrettyMIDI(io.BytesIO(as_midi_file(SONG)))
    player, answer = midi.instruments
    assert (player.name, answer.name) == ("Player", "Answer")
    assert [(note.start, note.end) for note in player.notes] == [(0.0, 0.5), (0.5, 1.5)]
    assert (answer.notes[0].start, answer.notes[0].end) == (2.0, 3.0)
    assert [(m.numerator, m.denominator, m.time) for m in midi.time_signature_changes] == [(3, 4, 0.0), (7, 8, 2.0)]


def test_equal_songs_give_equal_bytes() -> None:
    assert as_midi_file(SONG) == as_midi_file(SONG)


@pytest.mark.parametrize("tempo_bpm", [0.001, 1e9])
def test_a_tempo_beyond_what_a_file_can_say_is_the_nearest_that_it_can(tempo_bpm: float) -> None:
    assert by_mido(Song([TUNE], [TempoChange(0.0, tempo_bpm)], [])).tracks[0][0].tempo in {1, 0xFFFFFF}
