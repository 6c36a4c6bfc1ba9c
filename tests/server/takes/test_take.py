import io
from collections.abc import Iterable

import mido
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage, parse
from bridge.timing.clock_messages import Transport
from bridge.timing.timeline import Timeline
from model.files.midi.midi_writer import TICKS_PER_BEAT, as_midi_file
from model.files.song import SongTrack
from model.files.time_signature import MeterChange, TimeSignature
from model.notes import Note
from server.controls.control_table import Settings
from server.errors import TakeError
from server.music.feed import ActionRequested, Event, MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.takes.journal.journal_writer import JournalWriter
from server.takes.journal.record_reader import read_records
from server.takes.journal.records import JournalBegun, Record
from server.takes.songs.take_song import ANSWER_TRACK, PLAYER_TRACK, song_from
from server.takes.take import JamRecording, PlacedMessage, read_recording, take_from
from tests.music import line
from tests.server.music_thread_harness import BEAT_S, START_S, MusicThreadHarness

BEGUN = JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0)
TICK_BEATS = 1 / TICKS_PER_BEAT
IN_FOUR = Timeline.start(120.0)


def timeline_change(timeline: Timeline = IN_FOUR, at_s: float = 0.0, transport: Transport = "free") -> TimelineChanged:
    return TimelineChanged(timeline, transport, "internal", at_s)


def received(message: Message, beat: float) -> MessageReceived:
    return MessageReceived(message, beat * BEAT_S, beat)


def note_events(notes: Iterable[Note]) -> list[Record]:
    """The player's messages for these notes, at 120 bpm."""
    on = [received(NoteOn(note.pitch, note.velocity), note.onset_beats) for note in notes]
    off = [received(NoteOff(note.pitch), note.end_beats) for note in notes]
    return [*sorted((*off, *on), key=lambda event: event.beat)]


def recording(*records: Record) -> JamRecording:
    return read_recording([BEGUN, *records])


def notes_from(placed: Iterable[PlacedMessage]) -> list[Note]:
    """The notes in the messages of one track."""
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    notes = []
    ordered = sorted(placed, key=lambda item: (item.beat, isinstance(item.message, NoteOn)))
    for item in ordered:
        match item.message:
            case NoteOn(pitch, velocity, channel):
                assert (channel, pitch) not in sounding
                sounding[channel, pitch] = (item.beat, velocity)
            case NoteOff(pitch, channel):
                onset_beats, velocity = sounding.pop((channel, pitch))
                notes.append(Note(pitch, onset_beats, item.beat - onset_beats, velocity))
    assert not sounding
    return sorted(notes, key=lambda note: note.onset_beats)


def song_notes(track: SongTrack) -> list[Note]:
    """The notes in one track of a song."""
    return notes_from(PlacedMessage(parse(event.data), event.beat) for event in track.events)


def notes_read_by_mido(data: bytes) -> dict[str, list[Note]]:
    file = mido.MidiFile(file=io.BytesIO(data))
    found = {}
    for track in file.tracks[1:]:
        tick, sounding, notes = 0, {}, []
        for message in track:
            tick += message.time
            if message.type == "note_on":
                sounding[message.note] = (tick, message.velocity)
            elif message.type == "note_off":
                from_tick, velocity = sounding.pop(message.note)
                beats = (tick - from_tick) / file.ticks_per_beat
                notes.append(Note(message.note, from_tick / file.ticks_per_beat, beats, velocity))
        assert not sounding
        found[track.name] = sorted(notes, key=lambda note: note.onset_beats)
    return found


class TestNotes:
    def test_both_sides_are_read_back_as_they_were_played(self) -> None:
        answer = [MessagePlayed(NoteOn(72, 81), 2.01, 4.0), MessagePlayed(NoteOff(72), 2.5, 5.0)]
        take = take_from(recording(timeline_change(), *note_events(line(60, 62)), *answer))
        assert notes_from(take.player) == line(60, 62)
        assert notes_from(take.answer) == [Note(72, 4.0, 1.0, 81)]

    def test_a_note_still_on_when_the_jam_was_killed_ends_at_the_last_event(self) -> None:
        take = take_from(
            recording(timeline_change(), received(NoteOn(60, 80), 1.0), received(ControlChange(1, 5), 3.5))
        )
        assert notes_from(take.player) == [Note(60, 1.0, 2.5, 80)]

    def test_a_note_that_is_struck_again_ends_there(self) -> None:
        pressed = [received(NoteOn(60, 80), 1.0), received(NoteOn(60, 90), 2.0), received(NoteOff(60), 3.0)]
        assert notes_from(take_from(recording(timeline_change(), *pressed)).player) == [
            Note(60, 1.0, 1.0, 80),
            Note(60, 2.0, 1.0, 90),
        ]

    def test_a_note_of_no_length_is_a_tick_long(self) -> None:
        take = take_from(recording(timeline_change(), received(NoteOn(60, 80), 1.0), received(NoteOff(60), 1.0)))
        (note,) = notes_from(take.player)
        assert note.duration_beats == pytest.approx(TICK_BEATS)

    def test_a_note_off_without_a_note_on_is_left_out(self) -> None:
        assert take_from(recording(timeline_change(), received(NoteOff(60), 1.0))).player == ()

    def test_a_panic_ends_the_sounding_notes_and_is_left_out(self) -> None:
        panic = [received(ControlChange(controller, 0, 0), 2.0) for controller in (123, 120)]
        take = take_from(
            recording(timeline_change(), received(NoteOn(60, 80), 1.0), *panic, received(NoteOn(62, 80), 9.0))
        )
        assert [item.message for item in take.player[:2]] == [NoteOn(60, 80), NoteOff(60)]
        assert take.player[1].beat == 2.0
        assert not any(isinstance(item.message, ControlChange) for item in take.player)

    def test_pedals_and_bends_are_kept_and_a_pedal_that_is_down_at_the_end_is_released(self) -> None:
        bend = OtherMessage(bytes([0xE0, 0, 64]))
        events = [
            received(NoteOn(60, 80), 1.0),
            received(ControlChange(64, 127), 1.5),
            received(bend, 2.0),
            received(NoteOff(60), 3.0),
        ]
        assert [(item.message, item.beat) for item in take_from(recording(timeline_change(), *events)).player[1:]] == [
            (ControlChange(64, 127), 1.5), (bend, 2.0), (NoteOff(60), 3.0), (ControlChange(64, 0), 3.0),
        ]  # fmt: skip

    def test_messages_that_are_no_music_are_left_out(self) -> None:
        assert take_from(recording(timeline_change(), received(OtherMessage(b"\xfe"), 1.0))).player == ()


class TestMarks:
    MARKED = recording(
        timeline_change(), *note_events(line(60, 62, step_beats=1.0)),
        SettingChanged("record", "on", 1.4, 2.8), *note_events(line(64, 65, start_beats=3.0, step_beats=2.0)),
        SettingChanged("record", "off", 3.0, 6.0), received(NoteOn(67, 80), 8.0),
    )  # fmt: skip

    def test_a_take_holds_the_notes_within_its_mark(self) -> None:
        take = take_from(self.MARKED, 1)
        assert notes_from(take.player) == [Note(64, 3.0, 2.0, 80), Note(65, 5.0, 1.0, 80)]

    def test_without_a_mark_a_take_is_the_whole_jam(self) -> None:
        assert [note.pitch for note in notes_from(take_from(self.MARKED).player)] == [60, 62, 64, 65, 67]

    @pytest.mark.parametrize("number", [0, 2, -1])
    def test_a_missing_mark_is_refused_and_the_existing_ones_are_named(self, number: int) -> None:
        with pytest.raises(TakeError, match=rf"there is no mark {number} in this jam; its marks are 1 to 1"):
            take_from(self.MARKED, number)

    def test_a_take_without_notes_is_no_song(self) -> None:
        with pytest.raises(TakeError, match="nothing was played in this take"):
            song_from(take_from(recording(timeline_change(), ActionRequested("stop", 1.0, 2.0))))


class TestBars:
    def test_a_free_jam_begins_with_the_bar_of_its_first_note(self) -> None:
        song = song_from(take_from(recording(timeline_change(), *note_events(line(60, 62, start_beats=10.0)))))
        assert song.meters == (MeterChange(0.0, TimeSignature(4, 4)),)
        assert song_notes(song.tracks[0]) == line(60, 62, start_beats=2.0)

    def test_bars_that_the_first_note_started_begin_with_that_note(self) -> None:
        counted = timeline_change(IN_FOUR.with_downbeat(10.3), 10.31 * BEAT_S)
        first, *others = note_events(line(60, 62, start_beats=10.3))
        song = song_from(take_from(recording(timeline_change(), first, counted, *others)))
        assert song_notes(song.tracks[0])[0].onset_beats == 0.0

    def test_a_song_that_was_followed_lies_where_it_was_played(self) -> None:
        song = song_from(
            take_from(
                recording(timeline_change(IN_FOUR.with_downbeat(-29.5), 0.0, "playing"), *note_events(line(60, 62)))
            )
        )
        assert song_notes(song.tracks[0]) == line(60, 62, start_beats=29.5)

    def test_a_journal_without_a_timeline_still_makes_a_song(self) -> None:
        song = song_from(take_from(recording(*note_events(line(60, 62)))))
        assert song_notes(song.tracks[0]) == line(60, 62)

    @given(
        st.lists(st.tuples(st.integers(0, 20), st.integers(1, 40), st.integers(30, 90)), min_size=1, max_size=30),
        st.lists(st.tuples(st.floats(1.0, 20.0), st.floats(40.0, 200.0)), max_size=5),
    )
    def test_notes_keep_their_place_to_within_a_tick_at_any_tempo(
        self, played: list[tuple[int, int, int]], tempi: list[tuple[float, float]]
    ) -> None:
        beat, notes = 0.0, []
        for wait, length, pitch in played:
            beat += wait / 7
            notes.append(Note(pitch, beat, length / 7, 80))
            beat += length / 7
        at_s, timeline, timelines = 0.0, IN_FOUR, [timeline_change()]
        for wait_s, tempo_bpm in tempi:
            at_s += wait_s
            timeline = timeline.with_tempo(tempo_bpm, at_s)
            timelines.append(timeline_change(timeline, at_s))
        events: list[MessageReceived | TimelineChanged] = [
            MessageReceived(event.message, timeline.seconds_at(event.beat), event.beat)
            for event in note_events(notes)
            if isinstance(event, MessageReceived)
        ]
        events += timelines
        data = as_midi_file(song_from(take_from(recording(*sorted(events, key=lambda event: event.at_s)))))
        first_bar = notes[0].onset_beats // 4 * 4
        for note, read in zip(notes, notes_read_by_mido(data)[PLAYER_TRACK], strict=True):
            assert read.pitch == note.pitch
            assert read.onset_beats == pytest.approx(note.onset_beats - first_bar, abs=TICK_BEATS)
            assert read.end_beats == pytest.approx(note.end_beats - first_bar, abs=TICK_BEATS)
        (player,) = [part for part in pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments if part.name == PLAYER_TRACK]
        from_s = timeline.seconds_at(first_bar)
        for note, sound in zip(notes, sorted(player.notes, key=lambda sound: sound.start), strict=True):
            assert sound.start + from_s == pytest.approx(timeline.seconds_at(note.onset_beats), abs=0.01)


class TestJamOnAManualClock:
    """A real jam on a manual clock: the exported file holds what was played and sent."""

    def test_is_recorded_and_read_back_as_it_was_played(self) -> None:
        harness = MusicThreadHarness(Settings(record="on"))
        writer, subscription = JournalWriter(BEGUN, START_S), harness.music_thread.feed.subscribe()
        journal = writer.encode_start(harness.jam.settings)
        harness.music_thread._live_jam._update_jam_timeline()
        harness.music_thread._live_jam._change_jam("temperature", 0.5, START_S)
        phrase = line(60, 62, 64, 65, step_beats=0.5, velocity=77)
        harness.play(phrase)
        harness.run_until(2.5)
        harness.music_thread.change("tempo", 90.0)
        harness.run_until(20.0)
        journal += writer.encode_events(subscription.take_events())
        journal += writer.encode_end(harness.clock.now_s())
        contents = read_records(journal)
        assert contents.damaged_lines == 0
        read = read_recording(contents.records)
        assert [mark.kind for mark in read.summary.marks] == ["record"]
        data = as_midi_file(song_from(take_from(read, 1)))
        notes = notes_read_by_mido(data)
        assert notes[PLAYER_TRACK] == phrase
        timeline, sent = harness.music_thread.timeline, _sent_notes(harness)
        assert len(sent) == 3
        for note, sent_note in zip(notes[ANSWER_TRACK], sent, strict=True):
            assert (note.pitch, note.velocity) == (sent_note.pitch, sent_note.velocity)
            assert note.onset_beats == pytest.approx(timeline.beat_at(sent_note.onset_beats), abs=TICK_BEATS)
            assert note.end_beats == pytest.approx(timeline.beat_at(sent_note.end_beats), abs=TICK_BEATS)

    def test_stopped_during_an_answer_records_the_note_off(self) -> None:
        harness = MusicThreadHarness()
        subscription = harness.music_thread.feed.subscribe()
        harness.play(line(60, 62, 64, 65))
        harness.run_until(1.75)
        harness.music_thread._live_jam.release_all()
        events: list[Event] = subscription.take_events()
        assert [event.message for event in events if isinstance(event, MessagePlayed)] == [NoteOn(72, 80), NoteOff(72)]


def _sent_notes(harness: MusicThreadHarness) -> list[Note]:
    """The notes that went out, in seconds of the clock."""
    on = {message.pitch: (at_s, message.velocity) for message, at_s in harness.sent if isinstance(message, NoteOn)}
    off = {message.pitch: at_s for message, at_s in harness.sent if isinstance(message, NoteOff)}
    return [Note(pitch, at_s + START_S, off[pitch] - at_s, velocity) for pitch, (at_s, velocity) in on.items()]
