"""Reads a journal back as music: what the player and the partner played, in beats; knows no folder and no file format.

A take is a stretch of a jam: all of it, or one mark.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    PEDAL_DOWN,
    SUSTAIN_PEDAL,
    ControlChange,
    Message,
    NoteOff,
    NoteOn,
    OtherMessage,
)
from bridge.timing.timeline import Segment, Timeline
from model.defaults import DEFAULT_TEMPO_BPM
from model.files.midi.midi_writer import TICKS_PER_BEAT
from server.errors import TakeError
from server.music.feed import MessagePlayed, MessageReceived, SettingChanged, TimelineChanged
from server.takes.journal.records import JournalEnded, Record
from server.takes.journal.timeline_assembler import TimelineAssembler
from server.takes.take_summary import TakeSummary

# A MIDI file holds nothing shorter than a tick.
SHORTEST_BEATS = 1 / TICKS_PER_BEAT
CHANNEL_MESSAGES = range(0x80, 0xF0)


@dataclass(frozen=True, slots=True)
class PlacedMessage:
    """A message at a beat of the jam."""

    message: Message
    beat: float


@dataclass(frozen=True, slots=True)
class JamRecording:
    """Everything that a journal holds of one jam, sorted by kind; `segments` are the timeline of the whole jam."""

    received: tuple[MessageReceived, ...]
    played: tuple[MessagePlayed, ...]
    setting_changes: tuple[SettingChanged, ...]
    timeline_changes: tuple[TimelineChanged, ...]
    segments: tuple[Segment, ...]
    summary: JournalEnded

    @property
    def timeline(self) -> Timeline:
        """The seconds and beats of the whole jam."""
        return Timeline(self.segments) if self.segments else Timeline.start(DEFAULT_TEMPO_BPM)


@dataclass(frozen=True, slots=True)
class Take:
    """A stretch of a jam: the messages of each side and of the band, in the jam's beats; every note-on has its note-off."""

    player: tuple[PlacedMessage, ...]
    answer: tuple[PlacedMessage, ...]
    band: tuple[PlacedMessage, ...]
    setting_changes: tuple[SettingChanged, ...]
    until_beats: float
    recording: JamRecording

    @property
    def first_beat(self) -> float | None:
        """The jam's beat of the first note; None if there is no note."""
        notes = (
            placed.beat for placed in (*self.player, *self.answer, *self.band) if isinstance(placed.message, NoteOn)
        )
        return min(notes, default=None)


def read_recording(records: Iterable[Record]) -> JamRecording:
    """The recording in the records of a journal; a jam that was killed ends with its last record."""
    received: list[MessageReceived] = []
    played: list[MessagePlayed] = []
    setting_changes: list[SettingChanged] = []
    timeline_changes: list[TimelineChanged] = []
    timeline, summary = TimelineAssembler(), TakeSummary()
    for record in records:
        summary.add(record)
        match record:
            case MessageReceived():
                received.append(record)
            case MessagePlayed():
                played.append(record)
            case SettingChanged():
                setting_changes.append(record)
            case TimelineChanged():
                timeline_changes.append(record)
                timeline.add(record)
    return JamRecording(
        tuple(received),
        tuple(played),
        tuple(setting_changes),
        tuple(timeline_changes),
        timeline.segments,
        summary.journal_end(),
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
    played = recording.played
    player, answer, band = (
        _whole_notes([event for event in events if from_s <= event.at_s <= until_s], until_beats)
        for events in (
            recording.received,
            [event for event in played if not event.is_band],
            [event for event in played if event.is_band or _is_release(event.message)],
        )
    )
    last_beats = max((placed.beat for placed in (*player, *answer, *band)), default=until_beats)
    setting_changes = tuple(event for event in recording.setting_changes if from_s <= event.at_s <= until_s)
    return Take(player, answer, band, setting_changes, last_beats, recording)


def _is_release(message: Message) -> bool:
    """Whether a message only ends notes. At the end of a jam all that sounds is ended together, the band's notes too."""
    return isinstance(message, NoteOff) or (
        isinstance(message, ControlChange) and message.controller in {ALL_SOUND_OFF, ALL_NOTES_OFF}
    )


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
