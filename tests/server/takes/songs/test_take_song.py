"""Takes as songs: whose channel is whose, what is marked, and where the bars of a DAW that was followed lie."""

import io
from collections.abc import Iterable
from operator import itemgetter
from random import Random

import mido
import pytest

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage
from model.files.midi.midi_reader import read_midi
from model.files.midi.midi_writer import as_midi_file
from model.files.song import Marker, Song
from model.files.tempo import tempo_of
from model.files.time_signature import MeterChange, TimeSignature
from server.controls.control_table import Settings
from server.music.conductor import Conductor
from server.music.feed import MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.takes.journal.records import JournalBegun, Record
from server.takes.songs.take_song import MARKER_BEATS, song_from
from server.takes.take import read_recording, take_from

BEGUN = JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0)
TICK, START = b"\xf8", b"\xfa"


def received(message: Message, beat: float) -> MessageReceived:
    return MessageReceived(message, beat / 2, beat)


def played(message: Message, beat: float) -> MessagePlayed:
    return MessagePlayed(message, beat / 2, beat)


def song_of(*records: Record) -> Song:
    return song_from(take_from(read_recording([BEGUN, *records])))


def channels(song: Song) -> list[set[int]]:
    """The channels of each track."""
    return [{event.data[0] & 0xF for event in track.events} for track in song.tracks]


def note(channel: int, beat: float, pitch: int = 60) -> list[MessageReceived]:
    return [received(NoteOn(pitch, 80, channel), beat), received(NoteOff(pitch, channel), beat + 0.5)]


class TestChannels:
    ANSWER = (played(NoteOn(72, 80), 4.0), played(NoteOff(72), 5.0))

    def test_the_answer_has_a_channel_that_the_player_does_not_play_on(self) -> None:
        assert channels(song_of(*note(0, 0.0), *self.ANSWER)) == [{0}, {1}]

    def test_channels_that_differ_already_stay(self) -> None:
        assert channels(song_of(*note(4, 0.0), *self.ANSWER)) == [{4}, {0}]

    def test_the_answers_channel_is_never_that_of_drums(self) -> None:
        phrase = [event for channel in range(9) for event in note(channel, channel / 2)]
        assert channels(song_of(*phrase, *self.ANSWER)) == [set(range(9)), {10}]

    def test_every_message_of_the_answer_is_included(self) -> None:
        answer = (*self.ANSWER, played(ControlChange(64, 127), 4.5), played(OtherMessage(b"\xe0\x00\x40"), 4.6))
        assert channels(song_of(*note(0, 0.0), *answer)) == [{0}, {1}]

    def test_beside_a_player_of_all_channels_it_takes_the_least_used(self) -> None:
        phrase = [event for channel in range(16) for event in note(channel, channel / 2) * (1 if channel == 6 else 2)]
        assert channels(song_of(*phrase, *self.ANSWER))[1] == {6}


class TestMarkers:
    def test_a_control_that_changed_is_marked_where_it_did(self) -> None:
        setting_changes = (SettingChanged("temperature", 0.5, 1.0, 2.0), SettingChanged("mode", "fours", 2.0, 4.0))
        song = song_of(*note(0, 0.0), *setting_changes, *note(0, 8.0))
        assert song.markers == [Marker(2.0, "temperature 0.5"), Marker(4.0, "mode fours")]

    def test_of_a_fader_that_moves_the_last_value_is_marked(self) -> None:
        moves = [SettingChanged("temperature", step / 10, 1.0 + step / 100, 2.0 + step / 50) for step in range(1, 11)]
        later = SettingChanged("temperature", 0.7, 2.0, 2.2 + MARKER_BEATS)
        song = song_of(*note(0, 0.0), *moves, later, *note(0, 8.0))
        assert [marker.text for marker in song.markers] == ["temperature 1", "temperature 0.7"]
        assert [marker.beat for marker in song.markers] == pytest.approx([2.2, 2.7])

    def test_the_values_that_a_journal_begins_with_are_not_marked(self) -> None:
        assert song_of(SettingChanged("temperature", 0.5, 0.0, 0.0), *note(0, 0.0)).markers == []

    def test_a_control_that_changed_before_the_first_bar_is_not_marked(self) -> None:
        change = SettingChanged("temperature", 0.5, 1.0, 2.0)
        assert song_of(change, *note(0, 9.0)).markers == []


def led_by_a_ramp(from_bpm: float, to_bpm: float, jitter_s: float) -> list[Record]:
    """A jam that follows a DAW's song of eight bars, whose tempo changes evenly from beat 8 to beat 24; a note at each half beat."""
    random, conductor = Random(1), Conductor(Settings(), 0.0)
    at_s = 1.3
    timed: list[tuple[float, Message | bytes]] = [(at_s - 0.001, START)]
    for count in range(8 * 4 * 24):
        timed.append((at_s + random.uniform(0, jitter_s), TICK))
        if count % 12 == 0:
            timed += [(at_s, NoteOn(60 + count % 11, 80)), (at_s + 0.1, NoteOff(60 + count % 11))]
        way = min(max(count / 24 - 8, 0.0) / 16, 1.0)
        at_s += 60.0 / (from_bpm + way * (to_bpm - from_bpm)) / 24
    return told_to(conductor, timed)


def led_by_a_daw(
    tempo_bpm: float, *, jitter_s: float = 0.001, ticks_before: int = 0, meter: str = "4/4", early_s: float = 0.0
) -> list[Record]:
    """A jam that follows a DAW's song from 1.3 s on: eight bars of it, a note at each half beat."""
    random, conductor = Random(1), Conductor(Settings(meter=meter), 0.0)
    start_s, tick_s = 1.3, 60.0 / tempo_bpm / 24
    clock = [(start_s - count * tick_s, TICK) for count in range(ticks_before, 0, -1)]
    clock += [(start_s - 0.001, START)]
    clock += [(start_s + count * tick_s + random.uniform(0, jitter_s), TICK) for count in range(8 * 4 * 24)]
    notes: list[tuple[float, Message]] = []
    for index in range(8 * 4 * 2):
        onset_s = start_s + index * 12 * tick_s - early_s
        notes += [(onset_s, NoteOn(60 + index % 12, 80)), (onset_s + 6 * tick_s, NoteOff(60 + index % 12))]
    return told_to(conductor, [*clock, *notes])


def told_to(conductor: Conductor, timed: Iterable[tuple[float, Message | bytes]]) -> list[Record]:
    """The journal of a jam in which these notes and messages of a clock came at these seconds."""
    told: list[Record] = [TimelineChanged(conductor.timeline, conductor.transport, conductor.source, 0.0)]
    for at_s, item in sorted(timed, key=itemgetter(0)):
        if isinstance(item, bytes):
            conductor.receive(item, at_s)
            change = TimelineChanged(conductor.timeline, conductor.transport, conductor.source, at_s)
            told.append(change)
        else:
            told.append(MessageReceived(item, at_s, conductor.timeline.beat_at(at_s)))
    return told


def onsets(song: Song) -> list[float]:
    return [event.beat for event in song.tracks[0].events if event.data[0] >> 4 == 9]


class TestASongThatIsFollowed:
    @pytest.mark.parametrize("ticks_before", [0, 48])
    @pytest.mark.parametrize("tempo_bpm", [60.0, 97.0, 180.0])
    def test_begins_with_one_meter_and_its_own_tempo(self, tempo_bpm: float, ticks_before: int) -> None:
        song = song_of(*led_by_a_daw(tempo_bpm, ticks_before=ticks_before))
        assert song.meters == (MeterChange(0.0, TimeSignature(4, 4)),)
        assert song.tempi[0].beat == 0.0
        assert [change.tempo_bpm for change in song.tempi] == pytest.approx([tempo_bpm] * len(song.tempi), rel=0.001)

    def test_lies_where_it_was_played(self) -> None:
        song = song_of(*led_by_a_daw(97.0, meter="3/4"))
        assert song.meters == (MeterChange(0.0, TimeSignature(3, 4)),)
        assert onsets(song) == pytest.approx([index / 2 for index in range(64)], abs=0.005)

    @pytest.mark.parametrize(("jitter_s", "early_s"), [(0.006, 0.0), (0.001, 0.02)])
    def test_a_first_note_just_before_its_first_tick_belongs_to_its_first_bar(
        self, jitter_s: float, early_s: float
    ) -> None:
        song = song_of(*led_by_a_daw(60.0, jitter_s=jitter_s, early_s=early_s))
        assert song.meters == (MeterChange(0.0, TimeSignature(4, 4)),)
        assert [change.tempo_bpm for change in song.tempi] == pytest.approx([60.0] * len(song.tempi), rel=0.02)
        assert onsets(song)[0] == 0.0
        assert onsets(song)[8:] == pytest.approx([index / 2 for index in range(8, 64)], abs=0.03)

    @pytest.mark.parametrize(("jitter_s", "leap"), [(0.001, 1.02), (0.006, 1.25)])
    @pytest.mark.parametrize(("from_bpm", "to_bpm"), [(100.0, 148.0), (148.0, 100.0)])
    def test_a_ramp_of_tempo_has_no_leaps(self, from_bpm: float, to_bpm: float, jitter_s: float, leap: float) -> None:
        song = song_of(*led_by_a_ramp(from_bpm, to_bpm, jitter_s))
        assert song.meters == (MeterChange(0.0, TimeSignature(4, 4)),)
        assert all(100.0 / leap < change.tempo_bpm < 148.0 * leap for change in song.tempi)
        assert song.tempi[0].tempo_bpm == pytest.approx(from_bpm, rel=0.01)
        assert song.tempi[-1].tempo_bpm == pytest.approx(to_bpm, rel=0.02)
        assert onsets(song) == pytest.approx([index / 2 for index in range(64)], abs=0.03)

    def test_as_a_file_it_has_one_meter_and_one_tempo_at_its_beginning(self) -> None:
        file = mido.MidiFile(file=io.BytesIO(as_midi_file(song_of(*led_by_a_daw(97.0, ticks_before=48)))))
        at_beginning = [message for message in file.tracks[0] if message.time == 0]
        assert [message.type for message in at_beginning] == ["set_tempo", "time_signature"]
        assert tempo_of(at_beginning[0].tempo) == pytest.approx(97.0, abs=0.002)


def messages_of(song: Song) -> Iterable[int]:
    return [part.channel for part in read_midi(as_midi_file(song)).parts]


def test_a_take_is_read_as_two_lines() -> None:
    assert messages_of(song_of(*note(0, 0.0), *TestChannels.ANSWER)) == [0, 1]
