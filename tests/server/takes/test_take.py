import io
from collections.abc import Iterable

import mido
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.messages import ControlChange, Message, NoteOff, NoteOn, OtherMessage
from bridge.midi.song_file import TICKS_PER_BEAT, MeterChange, PlacedMessage, as_midi_file
from bridge.timing.meter import Meter
from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import Timeline
from model.notes import Note
from server.controls.control_table import Settings
from server.errors import TakeError
from server.music.feed import ActionRequested, ControlChanged, Event, MessagePlayed, MessageReceived, TimelineChanged
from server.takes.journal import JournalBegun, Record, read_records
from server.takes.journal_writer import JournalWriter
from server.takes.take import ANSWER_TRACK, PLAYER_TRACK, JamRecording, read_recording, song_from, take_from
from tests.music import line
from tests.server.music_thread_harness import BEAT_S, START_S, MusicThreadHarness

BEGUN = JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0)
TICK_BEATS = 1 / TICKS_PER_BEAT
IN_FOUR = Timeline.start(120.0)


def kept(timeline: Timeline = IN_FOUR, at_s: float = 0.0, transport: Transport = "free") -> TimelineChanged:
    return TimelineChanged(timeline, transport, "internal", at_s)


def heard(message: Message, beat: float) -> MessageReceived:
    return MessageReceived(message, beat * BEAT_S, beat)


def keys(notes: Iterable[Note]) -> list[Record]:
    """The player's, at 120 bpm."""
    on = [heard(NoteOn(note.pitch, note.velocity), note.onset_beats) for note in notes]
    off = [heard(NoteOff(note.pitch), note.end_beats) for note in notes]
    return [*sorted((*off, *on), key=lambda event: event.beat)]


def tape(*records: Record) -> JamRecording:
    return read_recording([BEGUN, *records])


def notes_in(placed: Iterable[PlacedMessage]) -> list[Note]:
    """The messages of one track as notes again."""
    begun: dict[tuple[int, int], tuple[float, int]] = {}
    notes = []
    ordered = sorted(placed, key=lambda item: (item.beat, isinstance(item.message, NoteOn)))
    for item in ordered:
        match item.message:
            case NoteOn(pitch, velocity, channel):
                assert (channel, pitch) not in begun
                begun[channel, pitch] = (item.beat, velocity)
            case NoteOff(pitch, channel):
                onset_beats, velocity = begun.pop((channel, pitch))
                notes.append(Note(pitch, onset_beats, item.beat - onset_beats, velocity))
    assert not begun
    return sorted(notes, key=lambda note: note.onset_beats)


def notes_by_mido(data: bytes) -> dict[str, list[Note]]:
    file = mido.MidiFile(file=io.BytesIO(data))
    found = {}
    for track in file.tracks[1:]:
        tick, begun, notes = 0, {}, []
        for message in track:
            tick += message.time
            if message.type == "note_on":
                begun[message.note] = (tick, message.velocity)
            elif message.type == "note_off":
                from_tick, velocity = begun.pop(message.note)
                beats = (tick - from_tick) / file.ticks_per_beat
                notes.append(Note(message.note, from_tick / file.ticks_per_beat, beats, velocity))
        assert not begun
        found[track.name] = sorted(notes, key=lambda note: note.onset_beats)
    return found


class TestNotes:
    def test_both_sides_are_there_as_they_were_played(self) -> None:
        answer = [MessagePlayed(NoteOn(72, 81), 2.01, 4.0), MessagePlayed(NoteOff(72), 2.5, 5.0)]
        take = take_from(tape(kept(), *keys(line(60, 62)), *answer))
        assert notes_in(take.player) == line(60, 62)
        assert notes_in(take.answer) == [Note(72, 4.0, 1.0, 81)]

    def test_one_that_is_still_on_when_the_jam_was_killed_ends_at_the_last_event(self) -> None:
        take = take_from(tape(kept(), heard(NoteOn(60, 80), 1.0), heard(ControlChange(1, 5), 3.5)))
        assert notes_in(take.player) == [Note(60, 1.0, 2.5, 80)]

    def test_one_that_was_begun_again_ends_there(self) -> None:
        pressed = [heard(NoteOn(60, 80), 1.0), heard(NoteOn(60, 90), 2.0), heard(NoteOff(60), 3.0)]
        assert notes_in(take_from(tape(kept(), *pressed)).player) == [Note(60, 1.0, 1.0, 80), Note(60, 2.0, 1.0, 90)]

    def test_one_of_no_length_is_a_tick_long(self) -> None:
        take = take_from(tape(kept(), heard(NoteOn(60, 80), 1.0), heard(NoteOff(60), 1.0)))
        (note,) = notes_in(take.player)
        assert note.duration_beats == pytest.approx(TICK_BEATS)

    def test_an_end_without_a_beginning_is_left_out(self) -> None:
        assert take_from(tape(kept(), heard(NoteOff(60), 1.0))).player == ()

    def test_a_panic_ends_what_sounds_and_does_not_go_along(self) -> None:
        panic = [heard(ControlChange(controller, 0, 0), 2.0) for controller in (123, 120)]
        take = take_from(tape(kept(), heard(NoteOn(60, 80), 1.0), *panic, heard(NoteOn(62, 80), 9.0)))
        assert [item.message for item in take.player[:2]] == [NoteOn(60, 80), NoteOff(60)]
        assert take.player[1].beat == 2.0
        assert not any(isinstance(item.message, ControlChange) for item in take.player)

    def test_pedals_and_bends_go_along_and_a_pedal_that_is_down_at_the_end_comes_up(self) -> None:
        bend = OtherMessage(bytes([0xE0, 0, 64]))
        events = [
            heard(NoteOn(60, 80), 1.0),
            heard(ControlChange(64, 127), 1.5),
            heard(bend, 2.0),
            heard(NoteOff(60), 3.0),
        ]
        assert [(item.message, item.beat) for item in take_from(tape(kept(), *events)).player[1:]] == [
            (ControlChange(64, 127), 1.5), (bend, 2.0), (NoteOff(60), 3.0), (ControlChange(64, 0), 3.0),
        ]  # fmt: skip

    def test_whatever_is_no_music_stays_behind(self) -> None:
        assert take_from(tape(kept(), heard(OtherMessage(b"\xfe"), 1.0))).player == ()


class TestMarks:
    MARKED = tape(
        kept(), *keys(line(60, 62, step_beats=1.0)),
        ControlChanged("record", "on", 1.4, 2.8), *keys(line(64, 65, start_beats=3.0, step_beats=2.0)),
        ControlChanged("record", "off", 3.0, 6.0), heard(NoteOn(67, 80), 8.0),
    )  # fmt: skip

    def test_a_take_is_what_was_played_within_its_mark(self) -> None:
        take = take_from(self.MARKED, 1)
        assert notes_in(take.player) == [Note(64, 3.0, 2.0, 80), Note(65, 5.0, 1.0, 80)]

    def test_without_one_it_is_the_whole_jam(self) -> None:
        assert [note.pitch for note in notes_in(take_from(self.MARKED).player)] == [60, 62, 64, 65, 67]

    @pytest.mark.parametrize("number", [0, 2, -1])
    def test_a_mark_that_is_not_there_is_told_which_are(self, number: int) -> None:
        with pytest.raises(TakeError, match=rf"there is no mark {number} in this jam; its marks are 1 to 1"):
            take_from(self.MARKED, number)

    def test_nothing_played_is_no_song(self) -> None:
        with pytest.raises(TakeError, match="nothing was played in this take"):
            song_from(take_from(tape(kept(), ActionRequested("stop", 1.0, 2.0))))


class TestBars:
    def test_a_free_jam_begins_with_the_bar_of_its_first_note(self) -> None:
        song = song_from(take_from(tape(kept(), *keys(line(60, 62, start_beats=10.0)))))
        assert song.meters == (MeterChange(0.0, Meter(4, 4)),)
        assert notes_in(song.tracks[0].messages) == line(60, 62, start_beats=2.0)

    def test_bars_that_the_first_note_began_begin_with_it(self) -> None:
        counted = kept(IN_FOUR.with_downbeat(10.3), 10.31 * BEAT_S)
        first, *others = keys(line(60, 62, start_beats=10.3))
        song = song_from(take_from(tape(kept(), first, counted, *others)))
        assert notes_in(song.tracks[0].messages)[0].onset_beats == 0.0

    def test_a_song_that_was_followed_lies_where_it_was_played(self) -> None:
        song = song_from(take_from(tape(kept(IN_FOUR.with_downbeat(-29.5), 0.0, "playing"), *keys(line(60, 62)))))
        assert notes_in(song.tracks[0].messages) == line(60, 62, start_beats=29.5)

    def test_without_any_timeline_it_is_a_song_all_the_same(self) -> None:
        song = song_from(take_from(tape(*keys(line(60, 62)))))
        assert notes_in(song.tracks[0].messages) == line(60, 62)

    @given(
        st.lists(st.tuples(st.integers(0, 20), st.integers(1, 40), st.integers(30, 90)), min_size=1, max_size=30),
        st.lists(st.tuples(st.floats(1.0, 20.0), st.floats(40.0, 200.0)), max_size=5),
    )
    def test_whatever_the_tempo_did_notes_are_where_they_were_to_within_a_tick(
        self, played: list[tuple[int, int, int]], tempi: list[tuple[float, float]]
    ) -> None:
        beat, notes = 0.0, []
        for wait, length, pitch in played:
            beat += wait / 7
            notes.append(Note(pitch, beat, length / 7, 80))
            beat += length / 7
        at_s, timeline, timelines = 0.0, IN_FOUR, [kept()]
        for wait_s, tempo_bpm in tempi:
            at_s += wait_s
            timeline = timeline.with_tempo(tempo_bpm, at_s)
            timelines.append(kept(timeline, at_s))
        events: list[MessageReceived | TimelineChanged] = [
            MessageReceived(event.message, timeline.seconds_at(event.beat), event.beat)
            for event in keys(notes)
            if isinstance(event, MessageReceived)
        ]
        events += timelines
        data = as_midi_file(song_from(take_from(tape(*sorted(events, key=lambda event: event.at_s)))))
        first_bar = notes[0].onset_beats // 4 * 4
        for note, read in zip(notes, notes_by_mido(data)[PLAYER_TRACK], strict=True):
            assert read.pitch == note.pitch
            assert read.onset_beats == pytest.approx(note.onset_beats - first_bar, abs=TICK_BEATS)
            assert read.end_beats == pytest.approx(note.end_beats - first_bar, abs=TICK_BEATS)
        (player,) = [part for part in pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments if part.name == PLAYER_TRACK]
        from_s = timeline.seconds_at(first_bar)
        for note, sound in zip(notes, sorted(player.notes, key=lambda sound: sound.start), strict=True):
            assert sound.start + from_s == pytest.approx(timeline.seconds_at(note.onset_beats), abs=0.01)


class TestAJam:
    """A real jam on a clock that is moved by hand: from what was sent to what the file holds."""

    def test_is_written_down_and_read_back_as_it_was_heard(self) -> None:
        rehearsal = MusicThreadHarness(Settings(record="on"))
        minutes, watch = JournalWriter(BEGUN, START_S), rehearsal.music_thread.feed.subscribe()
        journal = minutes.encode_start(rehearsal.jam.settings)
        rehearsal.music_thread._follow()
        rehearsal.music_thread._turn_control("temperature", 0.5, START_S)
        phrase = line(60, 62, 64, 65, step_beats=0.5, velocity=77)
        rehearsal.play(phrase)
        rehearsal.run_until(2.5)
        rehearsal.music_thread.change("tempo", 90.0)
        rehearsal.run_until(20.0)
        journal += minutes.encode_events(watch.take_events())
        journal += minutes.encode_end(rehearsal.clock.now_s())
        found = read_records(journal)
        assert found.damaged_lines == 0
        read = read_recording(found.records)
        assert [mark.kind for mark in read.summary.marks] == ["record"]
        data = as_midi_file(song_from(take_from(read, 1)))
        notes = notes_by_mido(data)
        assert notes[PLAYER_TRACK] == phrase
        timeline, sent = rehearsal.music_thread.timeline, _sent(rehearsal)
        assert len(sent) == 3
        for note, was in zip(notes[ANSWER_TRACK], sent, strict=True):
            assert (note.pitch, note.velocity) == (was.pitch, was.velocity)
            assert note.onset_beats == pytest.approx(timeline.beat_at(was.onset_beats), abs=TICK_BEATS)
            assert note.end_beats == pytest.approx(timeline.beat_at(was.end_beats), abs=TICK_BEATS)

    def test_that_was_stopped_in_an_answer_has_its_end(self) -> None:
        rehearsal = MusicThreadHarness()
        watch = rehearsal.music_thread.feed.subscribe()
        rehearsal.play(line(60, 62, 64, 65))
        rehearsal.run_until(1.75)
        rehearsal.music_thread._release_all()
        events: list[Event] = watch.take_events()
        assert [event.message for event in events if isinstance(event, MessagePlayed)] == [NoteOn(72, 80), NoteOff(72)]


def _sent(rehearsal: MusicThreadHarness) -> list[Note]:
    """What went out, in seconds of the clock."""
    on = {message.pitch: (at_s, message.velocity) for message, at_s in rehearsal.sent if isinstance(message, NoteOn)}
    off = {message.pitch: at_s for message, at_s in rehearsal.sent if isinstance(message, NoteOff)}
    return [Note(pitch, at_s + START_S, off[pitch] - at_s, velocity) for pitch, (at_s, velocity) in on.items()]
