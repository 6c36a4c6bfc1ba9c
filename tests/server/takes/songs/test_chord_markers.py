"""Takes that were played over chords: a marker with the symbol where each chord began."""

from bridge.midi.messages import Message, NoteOff, NoteOn
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.files.song import Marker
from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart
from server.music.feed import ActionRequested, MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.takes.journal.records import JournalBegun, Record
from server.takes.songs.chord_markers import chord_markers
from server.takes.songs.score_bars import BeatStretch, ScoreLayout
from server.takes.songs.take_song import song_from
from server.takes.take import read_recording, take_from

BEGUN = JournalBegun("2026-02-03T20:15:00+01:00", 5.0, 8.0)
TIMELINE = Timeline.start(120.0)
DOO_WOP = read_text_chart(FORMS["doo-wop"]).as_text()  # | C | Am | F | G |


def note(beat: float, pitch: int = 72, channel: int = 0) -> list[MessageReceived]:
    return [
        MessageReceived(NoteOn(pitch, 80, channel), beat / 2, beat),
        MessageReceived(NoteOff(pitch, channel), beat / 2 + 0.25, beat + 0.5),
    ]


def chord(beat: float, *pitches: int, spread_beats: float = 0.0, channel: int = 3) -> list[MessageReceived]:
    """A chord of two beats on the chord channel, its notes one after another."""
    found: list[MessageReceived] = []
    for index, pitch in enumerate(pitches):
        at = beat + index * spread_beats
        found.append(MessageReceived(NoteOn(pitch, 80, channel), at / 2, at))
        found.append(MessageReceived(NoteOff(pitch, channel), beat / 2 + 1.0, beat + 2.0))
    return found


def changed(control: str, value: float | str, beat: float) -> SettingChanged:
    return SettingChanged(control, value, beat / 2, beat)


def told(timeline: Timeline, beat: float) -> TimelineChanged:
    return TimelineChanged(timeline, "free", "internal", beat / 2)


def chords(*records: Record, mark: int | None = None) -> list[tuple[float, str]]:
    """The markers that are chords: no control and its value."""
    song = song_from(take_from(read_recording([BEGUN, *records]), mark))
    return [(marker.beat, marker.text) for marker in song.markers if " " not in marker.text]


class TestChart:
    def test_each_chord_is_marked_where_it_was_played(self) -> None:
        found = chords(told(TIMELINE, 0.0), changed("chart", DOO_WOP, 0.0), *note(0.0), *note(19.0))
        assert found == [(0.0, "C"), (4.0, "Am"), (8.0, "F"), (12.0, "G"), (16.0, "C")]

    def test_without_a_chart_there_is_no_chord(self) -> None:
        assert chords(told(TIMELINE, 0.0), *note(0.0), *note(19.0)) == []
        assert chords(told(TIMELINE, 0.0), changed("chart", "off", 0.0), *note(0.0), *note(19.0)) == []

    def test_a_song_that_begins_later_begins_with_the_chord_that_sounded_then(self) -> None:
        found = chords(told(TIMELINE, 0.0), changed("chart", DOO_WOP, 0.0), *note(9.0), *note(15.0))
        assert found == [(0.0, "F"), (4.0, "G")]

    def test_another_chart_and_none_count_from_where_they_were_set(self) -> None:
        found = chords(
            told(TIMELINE, 0.0),
            changed("chart", DOO_WOP, 0.0),
            *note(0.0),
            changed("chart", "| Ebmaj7 | N.C. |", 6.0),
            changed("chart", "off", 14.0),
            *note(19.0),
        )
        assert found == [(0.0, "C"), (4.0, "Am"), (6.0, "N.C."), (8.0, "Ebmaj7"), (12.0, "N.C.")]

    def test_a_jump_in_the_song_is_a_jump_in_the_chords(self) -> None:
        found = chords(
            told(TIMELINE, 0.0),
            changed("chart", DOO_WOP, 0.0),
            *note(0.0),
            told(TIMELINE.with_downbeat(-4.0), 8.0),
            *note(15.0),
        )
        assert found == [(0.0, "C"), (4.0, "Am"), (8.0, "G"), (12.0, "C")]

    def test_bars_of_another_meter_are_shorter_chords(self) -> None:
        found = chords(
            told(TIMELINE.with_meter(Meter(3, 4)), 0.0), changed("chart", DOO_WOP, 0.0), *note(0.0), *note(8.0)
        )
        assert found == [(0.0, "C"), (3.0, "Am"), (6.0, "F")]

    def test_chords_from_off_are_not_played_over(self) -> None:
        found = chords(
            told(TIMELINE, 0.0),
            changed("chart", DOO_WOP, 0.0),
            changed("chords_from", "off", 6.0),
            *note(0.0),
            *note(15.0),
        )
        assert found == [(0.0, "C"), (4.0, "Am")]

    def test_a_mark_has_the_chords_within_it(self) -> None:
        records: tuple[Record, ...] = (
            told(TIMELINE, 0.0),
            changed("chart", DOO_WOP, 0.0),
            *note(0.0),
            changed("record", "on", 7.0),
            *note(8.0),
            *note(15.0),
            changed("record", "off", 17.0),
            *note(23.0),
        )
        assert chords(*records, mark=1) == [(0.0, "F"), (4.0, "G")]

    def test_a_file_name_in_a_journal_opens_no_file(self) -> None:
        assert chords(told(TIMELINE, 0.0), changed("chart", "song.txt", 0.0), *note(0.0), *note(9.0)) == []


class TestHeardChords:
    FROM_CHANNEL = (changed("chords_from", "channel", 0.0), changed("chord_channel", 4, 0.0))

    def test_chords_on_a_channel_are_marked_where_they_were_struck(self) -> None:
        found = chords(
            told(TIMELINE, 0.0),
            *self.FROM_CHANNEL,
            *note(0.0),
            *chord(4.0, 57, 60, 64),
            *chord(8.0, 53, 57, 60, 63, spread_beats=0.05),
            *note(11.0),
        )
        assert found == [(4.0, "Am"), (8.0 + 2 * 0.05, "F7")]

    def test_single_notes_there_leave_the_chord_in_place(self) -> None:
        found = chords(
            told(TIMELINE, 0.0), *self.FROM_CHANNEL, *note(0.0), *chord(4.0, 57, 60, 64), *chord(8.0, 55), *note(11.0)
        )
        assert found == [(4.0, "Am")]

    def test_the_left_hand_names_them_too(self) -> None:
        found = chords(
            told(TIMELINE, 0.0),
            changed("chords_from", "below", 0.0),
            changed("chords_below", 60.0, 0.0),
            *note(0.0),
            *chord(4.0, 48, 52, 55, channel=0),
            *note(7.0),
        )
        assert found == [(4.0, "C")]

    def test_the_phrase_names_a_chord_for_each_bar_that_is_over(self) -> None:
        arpeggio = [message for index, pitch in enumerate((60, 64, 67, 72)) for message in note(float(index), pitch)]
        found = chords(told(TIMELINE, 0.0), changed("chords_from", "phrase", 0.0), *arpeggio, *note(7.0))
        assert found == [(4.0, "C")]

    def test_a_long_rest_is_passed_over(self) -> None:
        found = chords(
            told(TIMELINE, 0.0), *self.FROM_CHANNEL, *note(0.0), *chord(4.0, 57, 60, 64), *note(400_000.0, 60)
        )
        assert found == [(4.0, "Am")]

    def test_a_value_that_no_version_writes_is_left_out(self) -> None:
        found = chords(told(TIMELINE, 0.0), *self.FROM_CHANNEL, changed("chord_channel", "x", 0.0), *note(0.0))
        assert found == []


def test_markers_before_the_song_count_as_its_first() -> None:
    take = take_from(
        read_recording([BEGUN, told(TIMELINE, 0.0), changed("chart", DOO_WOP, 0.0), *note(0.0), *note(9.0)])
    )
    assert chord_markers(take, ScoreLayout((BeatStretch(6.0, 0.0),), ())) == [Marker(0.0, "Am"), Marker(2.0, "F")]


class TestBand:
    def played(self, message: Message, beat: float, *, is_band: bool = True) -> MessagePlayed:
        return MessagePlayed(message, beat / 2, beat, is_band)

    def test_each_instrument_has_a_track_of_its_own(self) -> None:
        bass = (self.played(NoteOn(36, 80, 1), 0.0), self.played(NoteOff(36, 1), 1.0))
        drums = (self.played(NoteOn(42, 80, 9), 0.0), self.played(NoteOff(42, 9), 0.25))
        answer = (self.played(NoteOn(72, 80), 4.0, is_band=False), self.played(NoteOff(72), 5.0, is_band=False))
        song = song_from(take_from(read_recording([BEGUN, told(TIMELINE, 0.0), *bass, *drums, *note(1.0), *answer])))
        assert [track.name for track in song.tracks] == ["Player", "Answer", "Bass", "Drums"]
        assert [{event.data[0] & 0xF for event in track.events} for track in song.tracks] == [{0}, {2}, {1}, {9}]

    def test_a_note_that_is_ended_with_all_others_has_its_end(self) -> None:
        records: tuple[Record, ...] = (
            told(TIMELINE, 0.0),
            *note(0.0),
            self.played(NoteOn(36, 80, 1), 0.0),
            self.played(NoteOff(36, 1), 2.0, is_band=False),
            ActionRequested("stop", 8.0, 16.0),
        )
        song = song_from(take_from(read_recording([BEGUN, *records])))
        assert [event.beat for event in song.tracks[2].events] == [0.0, 2.0]
