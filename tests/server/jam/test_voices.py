import pytest

from bridge.midi.messages import NoteOff, NoteOn
from model.notes import Note
from server.jam.voices import Voices


def note(pitch: int, onset_beats: float = 0.0, duration_beats: float = 1.0, velocity: int = 80) -> Note:
    return Note(pitch, onset_beats, duration_beats, velocity)


def test_a_note_is_sent_transposed_on_its_channel() -> None:
    assert Voices().start_note(note(60, velocity=99), transpose=-12, channel=3, max_voices=6) == [NoteOn(48, 99, 3)]


def test_a_note_ends_on_the_pitch_and_channel_on_which_it_began() -> None:
    voices = Voices()
    voices.start_note(note(60), 5, 2, 6)
    voices.start_note(note(62, duration_beats=2.0), 0, 0, 6)
    assert voices.next_end == 1.0
    assert voices.end_next() == NoteOff(65, 2)
    assert voices.end_all() == [NoteOff(62, 0)]
    assert voices.next_end is None


def test_the_same_pitch_again_ends_the_first() -> None:
    voices = Voices()
    voices.start_note(note(60, duration_beats=4.0), 0, 0, 6)
    assert voices.start_note(note(60, 1.0), 0, 0, 6) == [NoteOff(60), NoteOn(60, 80)]
    assert voices.next_end == 2.0


def test_two_notes_of_one_pitch_at_one_onset_become_one_as_long_as_the_longer() -> None:
    voices = Voices()
    voices.start_note(note(60, duration_beats=0.5), 0, 0, 6)
    assert voices.start_note(note(60, duration_beats=2.0), 0, 0, 6) == []
    assert voices.next_end == 2.0


def test_the_oldest_voice_ends_where_there_are_too_many() -> None:
    voices = Voices()
    voices.start_note(note(60, 0.0, 9.0), 0, 0, 2)
    voices.start_note(note(64, 0.5, 9.0), 0, 0, 2)
    assert voices.start_note(note(67, 1.0), 0, 0, 2) == [NoteOff(60), NoteOn(67, 80)]


def test_where_fewer_voices_are_allowed_than_sound_several_end() -> None:
    voices = Voices()
    for index, pitch in enumerate((60, 64, 67)):
        voices.start_note(note(pitch, index / 8, 9.0), 0, 0, 6)
    assert voices.start_note(note(72, 1.0), 0, 0, 1) == [NoteOff(60), NoteOff(64), NoteOff(67), NoteOn(72, 80)]


@pytest.mark.parametrize(
    ("pitch", "transpose", "sounds"),
    [(120, 12, 120), (120, 7, 127), (127, 48, 127), (3, -12, 3), (10, -48, 10), (0, 0, 0)],
)
def test_a_pitch_outside_midi_sounds_in_the_nearest_octave(pitch: int, transpose: int, sounds: int) -> None:
    (message,) = Voices().start_note(note(pitch), transpose, 0, 6)
    assert message.pitch == sounds
    assert (message.pitch - pitch - transpose) % 12 == 0
