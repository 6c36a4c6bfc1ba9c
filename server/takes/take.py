"""A journal read back as music: what the player and the partner played, in beats, and from it a song; knows no folder.

A take is a stretch of a jam: all of it, or what was marked. Its song begins with a bar: that of its first note, or, where
a song was followed, the song's first, so that it lies in the DAW where it was played.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

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
    encode,
)
from bridge.timing.midi_clock import Transport
from bridge.timing.timeline import Segment, Timeline
from model.files.midi_writer import CHANNELS, TICKS_PER_BEAT, Event, Marker, Song, SongTrack
from server.controls.control_table import Value
from server.errors import TakeError
from server.music.feed import ControlChanged, MessagePlayed, MessageReceived, TimelineChanged
from server.takes.journal import JournalEnded, Record, TimelineAssembler
from server.takes.score_bars import ScoreLayout, bar_grids, lay_out
from server.takes.take_summary import TakeSummary
from server.takes.tempo_map import tempo_map

PLAYER_TRACK, ANSWER_TRACK = "Player", "Answer"
# Nothing in a file is shorter than a tick.
SHORTEST_BEATS = 1 / TICKS_PER_BEAT
CHANNEL_MESSAGES = range(0x80, 0xF0)


@dataclass(frozen=True, slots=True)
class PlacedMessage:
    """A message at a beat of the jam."""

    message: Message
    beat: float


@dataclass(frozen=True, slots=True)
class JamRecording:
    """All that a journal tells of one jam."""

    received: tuple[MessageReceived, ...]
    played: tuple[MessagePlayed, ...]
    turned: tuple[ControlChanged, ...]
    timeline_changes: tuple[TimelineChanged, ...]
    segments: tuple[Segment, ...]
    summary: JournalEnded

    @property
    def timeline(self) -> Timeline:
        """The seconds and beats of the whole jam."""
        return Timeline(self.segments) if self.segments else Timeline.start(120.0)


@dataclass(frozen=True, slots=True)
class Take:
    """A stretch of a jam: for each side its messages in the jam's beats, every note with its end."""

    player: tuple[PlacedMessage, ...]
    answer: tuple[PlacedMessage, ...]
    turned: tuple[ControlChanged, ...]
    until_beats: float
    recording: JamRecording

    @property
    def first_beat(self) -> float | None:
        """The beat of the first note; None where there is none."""
        notes = (placed.beat for placed in (*self.player, *self.answer) if isinstance(placed.message, NoteOn))
        return min(notes, default=None)


def read_recording(records: Iterable[Record]) -> JamRecording:
    """The tape of a journal's records."""
    heard: list[MessageReceived] = []
    played: list[MessagePlayed] = []
    turned: list[ControlChanged] = []
    kept: list[TimelineChanged] = []
    ribbon, tally = TimelineAssembler(), TakeSummary()
    for record in records:
        tally.add(record)
        match record:
            case MessageReceived():
                heard.append(record)
            case MessagePlayed():
                played.append(record)
            case ControlChanged():
                turned.append(record)
            case TimelineChanged():
                kept.append(record)
                ribbon.add(record)
    return JamRecording(tuple(heard), tuple(played), tuple(turned), tuple(kept), ribbon.segments, tally.journal_end())


def take_from(tape: JamRecording, mark: int | None = None) -> Take:
    """The whole jam, or the stretch of the mark of that number, counted from 1.

    Raises TakeError where there is no such mark.
    """
    from_s, until_s = 0.0, tape.summary.at_s
    marks = tape.summary.marks
    if mark is not None:
        if not 1 <= mark <= len(marks):
            there_are = f"its marks are 1 to {len(marks)}" if marks else "it has none"
            raise TakeError(f"there is no mark {mark} in this jam; {there_are}")
        from_s, until_s = marks[mark - 1].from_s, marks[mark - 1].until_s
    until_beats = tape.timeline.beat_at(until_s)
    sides = [
        _whole_notes([event for event in events if from_s <= event.at_s <= until_s], until_beats)
        for events in (tape.received, tape.played)
    ]
    last_beats = max((placed.beat for side in sides for placed in side), default=until_beats)
    turned = tuple(event for event in tape.turned if from_s <= event.at_s <= until_s)
    return Take(sides[0], sides[1], turned, last_beats, tape)


def song_from(take: Take) -> Song:
    """The take as a song: its bars, its tempo, and two tracks. Raises TakeError where nothing was played."""
    first_beat = take.first_beat
    if first_beat is None:
        raise TakeError("nothing was played in this take")
    layout = _layout(take, first_beat)
    answer_channels = _answer_channels(take)
    tracks = [
        SongTrack(PLAYER_TRACK, [_event(placed, layout) for placed in take.player]),
        SongTrack(ANSWER_TRACK, [_event(placed, layout, answer_channels) for placed in take.answer]),
    ]
    tempi = tempo_map(take.recording.timeline.segments, layout, take.until_beats)
    markers = [
        Marker(layout.score_beat(event.beat), f"{event.control} {_shown(event.value)}")
        for event in take.turned
        if event.beat >= layout.from_beats
    ]
    return Song(tracks, tempi, layout.meters, markers)


def _event(placed: PlacedMessage, layout: ScoreLayout, channels: Mapping[int, int] = MappingProxyType({})) -> Event:
    data = encode(placed.message)
    kind, channel = data[0] & 0xF0, data[0] & 0x0F
    return Event(bytes([kind | channels.get(channel, channel), *data[1:]]), layout.score_beat(placed.beat))


def _answer_channels(take: Take) -> dict[int, int]:
    """A channel for each of the answer's that the player plays on too: in one file they would touch each other's notes.

    Where the player has them all, as one of MPE has, the answer takes the one that the player uses least.
    """
    player = Counter(encode(placed.message)[0] & 0x0F for placed in take.player)
    answer = sorted({encode(placed.message)[0] & 0x0F for placed in take.answer})
    free = [channel for channel in CHANNELS if channel not in player and channel not in answer]
    free += sorted(CHANNELS, key=lambda channel: player[channel])
    return dict(zip((channel for channel in answer if channel in player), free, strict=False))


def _shown(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _layout(take: Take, first_beat: float) -> ScoreLayout:
    kept = take.recording.timeline_changes
    in_force = [(item.timeline, _beat_of(take.recording, item)) for item in kept] or [(take.recording.timeline, 0.0)]
    transport: Transport = "free"
    downbeat = 0.0
    for item, (timeline, beat) in zip(kept, in_force, strict=False):
        if beat <= first_beat:
            transport, downbeat = item.transport, timeline.downbeat
    zero_beats = downbeat if transport == "playing" else None
    return lay_out(bar_grids(in_force), first_beat, take.until_beats, zero_beats)


def _beat_of(tape: JamRecording, kept: TimelineChanged) -> float:
    return tape.timeline.beat_at(kept.at_s)


def _whole_notes(events: Sequence[MessageReceived | MessagePlayed], until_beats: float) -> tuple[PlacedMessage, ...]:
    """What was played, each note with an end of its own: one that was begun again, or never ended, ends then."""
    placed: list[PlacedMessage] = []
    begun: dict[tuple[int, int], float] = {}
    pedals: set[int] = set()

    def end(keys: Iterable[tuple[int, int]], beat: float) -> None:
        for channel, pitch in tuple(keys):
            placed.append(
                PlacedMessage(NoteOff(pitch, channel), max(beat, begun.pop((channel, pitch)) + SHORTEST_BEATS))
            )

    for event in events:
        match event.message:
            case NoteOn(pitch, _, channel) as message:
                end([key for key in begun if key == (channel, pitch)], event.beat)
                begun[channel, pitch] = event.beat
                placed.append(PlacedMessage(message, event.beat))
            case NoteOff(pitch, channel):
                end([key for key in begun if key == (channel, pitch)], event.beat)
            case ControlChange(controller, _, channel) if controller in {ALL_SOUND_OFF, ALL_NOTES_OFF}:
                end([key for key in begun if key[0] == channel], event.beat)
            case ControlChange(controller, value, channel) as message:
                if controller == SUSTAIN_PEDAL:
                    (pedals.add if value >= PEDAL_DOWN else pedals.discard)(channel)
                placed.append(PlacedMessage(message, event.beat))
            case OtherMessage(data) as message if data[0] in CHANNEL_MESSAGES:
                placed.append(PlacedMessage(message, event.beat))
    end(begun, until_beats)
    placed.extend(PlacedMessage(ControlChange(SUSTAIN_PEDAL, 0, channel), until_beats) for channel in sorted(pedals))
    return tuple(placed)
