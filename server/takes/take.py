"""Reads a journal back as music: what the player and the partner played, in beats, and as a song; knows no folder.

A take is a stretch of a jam: all of it, or one mark. Its song begins at a bar line: at the bar of its first note or, if
the jam followed a DAW's song, at bar 1 of that song, so that the notes lie in the DAW where they were played.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    PEDAL_DOWN,
    SUSTAIN_PEDAL,
    ControlChange,
    NoteOff,
    NoteOn,
    OtherMessage,
)
from bridge.midi.song_file import TICKS_PER_BEAT, PlacedMessage, Song, SongTrack
from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import Segment, Timeline
from server.errors import TakeError
from server.music.feed import MessagePlayed, MessageReceived, TimelineChanged
from server.takes.journal import JournalEnded, Record, TimelineAssembler
from server.takes.score_bars import ScoreLayout, bar_grids, lay_out
from server.takes.take_summary import TakeSummary
from server.takes.tempo_map import tempo_map

PLAYER_TRACK, ANSWER_TRACK = "Player", "Answer"
# A MIDI file holds nothing shorter than a tick.
SHORTEST_BEATS = 1 / TICKS_PER_BEAT
LONGEST_BEATS = (2**28 - 1) / TICKS_PER_BEAT
"""A MIDI file holds no longer time between two of its messages: three days at 120 bpm."""
CHANNEL_MESSAGES = range(0x80, 0xF0)


@dataclass(frozen=True, slots=True)
class JamRecording:
    """Everything that a journal holds of one jam, sorted by kind; `segments` are the timeline of the whole jam."""

    received: tuple[MessageReceived, ...]
    played: tuple[MessagePlayed, ...]
    timeline_changes: tuple[TimelineChanged, ...]
    segments: tuple[Segment, ...]
    summary: JournalEnded

    @property
    def timeline(self) -> Timeline:
        """The seconds and beats of the whole jam."""
        return Timeline(self.segments) if self.segments else Timeline.start(120.0)


@dataclass(frozen=True, slots=True)
class Take:
    """A stretch of a jam: the messages of each side, in the jam's beats; every note-on has its note-off."""

    player: tuple[PlacedMessage, ...]
    answer: tuple[PlacedMessage, ...]
    until_beats: float
    recording: JamRecording

    @property
    def first_beat(self) -> float | None:
        """The jam's beat of the first note; None if there is no note."""
        notes = (placed.beat for placed in (*self.player, *self.answer) if isinstance(placed.message, NoteOn))
        return min(notes, default=None)


def read_recording(records: Iterable[Record]) -> JamRecording:
    """The recording in the records of a journal; a jam that was killed ends with its last record."""
    received: list[MessageReceived] = []
    played: list[MessagePlayed] = []
    timeline_changes: list[TimelineChanged] = []
    timeline, summary = TimelineAssembler(), TakeSummary()
    for record in records:
        summary.add(record)
        match record:
            case MessageReceived():
                received.append(record)
            case MessagePlayed():
                played.append(record)
            case TimelineChanged():
                timeline_changes.append(record)
                timeline.add(record)
    return JamRecording(
        tuple(received), tuple(played), tuple(timeline_changes), timeline.segments, summary.journal_end()
    )


def take_from(recording: JamRecording, mark: int | None = None) -> Take:
    """The whole jam, or the stretch of one mark; `mark` is its number, counted from 1.

    Raises TakeError if there is no such mark.
    """
    from_s, until_s = 0.0, recording.summary.at_s
    marks = recording.summary.marks
    if mark is not None:
        if not 1 <= mark <= len(marks):
            there_are = f"its marks are 1 to {len(marks)}" if marks else "it has none"
            raise TakeError(f"there is no mark {mark} in this jam; {there_are}")
        from_s, until_s = marks[mark - 1].from_s, marks[mark - 1].until_s
    until_beats = recording.timeline.beat_at(until_s)
    sides = [
        _whole_notes([event for event in events if from_s <= event.at_s <= until_s], until_beats)
        for events in (recording.received, recording.played)
    ]
    last_beats = max((placed.beat for side in sides for placed in side), default=until_beats)
    return Take(sides[0], sides[1], last_beats, recording)


def song_from(take: Take) -> Song:
    """The take as a song with bars, tempo and two tracks. Raises TakeError if nothing was played in it."""
    first_beat = take.first_beat
    if first_beat is None:
        raise TakeError("nothing was played in this take")
    layout = _layout(take, first_beat)
    if layout.score_beat(take.until_beats) > LONGEST_BEATS:
        raise TakeError("this take is longer than a .mid file can be; export one of its marks")
    tracks = [
        SongTrack(name, [PlacedMessage(placed.message, layout.score_beat(placed.beat)) for placed in side])
        for name, side in ((PLAYER_TRACK, take.player), (ANSWER_TRACK, take.answer))
    ]
    return Song(tracks, tempo_map(take.recording.timeline.segments, layout, take.until_beats), layout.meters)


def _layout(take: Take, first_beat: float) -> ScoreLayout:
    recording = take.recording
    whole = recording.timeline
    changes = recording.timeline_changes
    # Each timeline with the beat from which it was valid.
    timelines = [(change.timeline, whole.beat_at(change.at_s)) for change in changes] or [(whole, 0.0)]
    transport: Transport = "free"
    downbeat = 0.0
    for change, (timeline, beat) in zip(changes, timelines, strict=False):
        if beat <= first_beat:
            transport, downbeat = change.transport, timeline.downbeat
    song_start_beats = downbeat if transport == "playing" else None
    return lay_out(bar_grids(timelines), first_beat, take.until_beats, song_start_beats)


def _whole_notes(events: Sequence[MessageReceived | MessagePlayed], until_beats: float) -> tuple[PlacedMessage, ...]:
    """The events of one side as messages, where each note-on has a note-off of its own.

    A note that is struck again ends there; a note or pedal that is still down at `until_beats` ends there.
    """
    placed: list[PlacedMessage] = []
    onsets: dict[tuple[int, int], float] = {}
    pedals_down: set[int] = set()

    def end_notes(keys: Iterable[tuple[int, int]], beat: float) -> None:
        for channel, pitch in tuple(keys):
            end_beats = max(beat, onsets.pop((channel, pitch)) + SHORTEST_BEATS)
            placed.append(PlacedMessage(NoteOff(pitch, channel), end_beats))

    for event in events:
        match event.message:
            case NoteOn(pitch, _, channel) as message:
                end_notes([key for key in onsets if key == (channel, pitch)], event.beat)
                onsets[channel, pitch] = event.beat
                placed.append(PlacedMessage(message, event.beat))
            case NoteOff(pitch, channel):
                end_notes([key for key in onsets if key == (channel, pitch)], event.beat)
            case ControlChange(controller, _, channel) if controller in {ALL_SOUND_OFF, ALL_NOTES_OFF}:
                end_notes([key for key in onsets if key[0] == channel], event.beat)
            case ControlChange(controller, value, channel) as message:
                if controller == SUSTAIN_PEDAL:
                    (pedals_down.add if value >= PEDAL_DOWN else pedals_down.discard)(channel)
                placed.append(PlacedMessage(message, event.beat))
            case OtherMessage(data) as message if data[0] in CHANNEL_MESSAGES:
                placed.append(PlacedMessage(message, event.beat))
    end_notes(onsets, until_beats)
    pedals_up = [ControlChange(SUSTAIN_PEDAL, 0, channel) for channel in sorted(pedals_down)]
    return (*placed, *(PlacedMessage(message, until_beats) for message in pedals_up))
