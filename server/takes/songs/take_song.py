"""Lays a take out as a song to write: bars, tempo, tracks, and a marker at each chord and where a control changed; knows no file format.

The song begins at a bar line: at the bar of the first note or, if the jam followed a DAW's song, at bar 1 of that song, so that
the notes lie in the DAW where they were played. There is a track for the player, one for the answer, and one for each
instrument of the band that played. The answer shares no channel with the player or the band: in one file pedal, program
and note-offs of the one would act on the other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bridge.midi.messages import encode
from model.files.midi.midi_writer import CHANNELS, TICKS_PER_BEAT
from model.files.song import Event, Marker, Song, SongTrack
from server.band.band_note import BAND_CHANNELS
from server.controls.control_table import Value
from server.errors import TakeError
from server.music.feed import SettingChanged
from server.takes.songs.chord_markers import chord_markers
from server.takes.songs.score_bars import ScoreLayout, bar_grids, lay_out
from server.takes.songs.tempo_map import FOLLOWING_TOLERANCE_S, TOLERANCE_S, tempo_map
from server.takes.take import PlacedMessage, Take

PLAYER_TRACK, ANSWER_TRACK = "Player", "Answer"
EARLY_BEATS = 1 / 4
"""A note this little before a song begins belongs to its first bar: a hand is early, or the clock's first tick is late."""

JOINING_BEATS = 1.0
"""The jam follows a clock only after a few ticks, but the song counts from the first tick."""

SETTLING_BEATS = 1.0
"""Following a clock, the jam catches up in the first beat at any tempo that this takes; the song's own tempo comes after."""

LONGEST_BEATS = (2**28 - 1) / TICKS_PER_BEAT
"""A MIDI file holds no longer time between two of its messages: three days at 120 bpm."""

MARKER_BEATS = 1 / 2
"""Of the changes of one control that follow each other faster than this, only the last is a marker."""


def song_from(take: Take) -> Song:
    """The take as a song with bars, tempo and two tracks. Raises TakeError if nothing was played in it."""
    first_beat = take.first_beat
    if first_beat is None:
        raise TakeError("nothing was played in this take")
    start = _start_of(take, first_beat)
    layout = start.layout
    if layout.score_beat(take.until_beats) > LONGEST_BEATS:
        raise TakeError("this take is longer than a .mid file can be; export one of its marks")
    answer_channels = _answer_channels(take)
    tracks = [
        SongTrack(PLAYER_TRACK, [_event(placed, layout) for placed in take.player]),
        SongTrack(ANSWER_TRACK, [_event(placed, layout, answer_channels) for placed in take.answer]),
        *_band_tracks(take.band, layout),
    ]
    settling_beats, tolerance_s = (SETTLING_BEATS, FOLLOWING_TOLERANCE_S) if start.is_followed else (0.0, TOLERANCE_S)
    tempi = tempo_map(take.recording.timeline.segments, layout, take.until_beats, settling_beats, tolerance_s)
    markers = [*chord_markers(take, layout), *_markers(take.setting_changes, layout)]
    return Song(tracks, tempi, layout.meters, markers)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where the bars of a song begin, and whether the jam followed an external clock there."""

    layout: ScoreLayout
    is_followed: bool


def _start_of(take: Take, first_beat: float) -> _Start:
    recording = take.recording
    whole = recording.timeline
    changes = recording.timeline_changes
    # Each timeline with the beat from which it was valid.
    timelines = [(change.timeline, whole.beat_at(change.at_s)) for change in changes] or [(whole, 0.0)]
    song_start_beats: float | None = None
    is_followed = False
    for change, (timeline, beat) in zip(changes, timelines, strict=False):
        is_joining = change.transport == "playing" and timeline.downbeat <= first_beat + EARLY_BEATS
        if beat <= first_beat + (JOINING_BEATS if is_joining else 0.0):
            song_start_beats = timeline.downbeat if change.transport == "playing" else None
            is_followed = change.source != "internal"
    if song_start_beats is not None and first_beat < song_start_beats <= first_beat + EARLY_BEATS:
        first_beat = song_start_beats
    return _Start(lay_out(bar_grids(timelines), first_beat, take.until_beats, song_start_beats), is_followed)


def _event(placed: PlacedMessage, layout: ScoreLayout, channels: Mapping[int, int] = MappingProxyType({})) -> Event:
    data = encode(placed.message)
    kind, channel = data[0] & 0xF0, data[0] & 0x0F
    return Event(bytes([kind | channels.get(channel, channel), *data[1:]]), layout.score_beat(placed.beat))


def _band_tracks(band: Sequence[PlacedMessage], layout: ScoreLayout) -> list[SongTrack]:
    """A track for each instrument of the band that played."""
    found = []
    for instrument, channel in BAND_CHANNELS.items():
        events = [_event(placed, layout) for placed in band if encode(placed.message)[0] & 0x0F == channel]
        if events:
            found.append(SongTrack(instrument.capitalize(), events))
    return found


def _answer_channels(take: Take) -> dict[int, int]:
    """A free channel for each of the answer's channels that the player or the band plays on too.

    If they have them all, as an MPE player has, the answer takes the one that is used least.
    """
    others = Counter(encode(placed.message)[0] & 0x0F for placed in (*take.player, *take.band))
    answer = sorted({encode(placed.message)[0] & 0x0F for placed in take.answer})
    free = [channel for channel in CHANNELS if channel not in others and channel not in answer]
    free += sorted(CHANNELS, key=lambda channel: others[channel])
    return dict(zip((channel for channel in answer if channel in others), free, strict=False))


def _markers(setting_changes: Sequence[SettingChanged], layout: ScoreLayout) -> list[Marker]:
    """A marker for each change; the values at second 0, with which a journal begins, get no marker."""
    kept = [
        change
        for change, following in zip(setting_changes, _next_of_its_control(setting_changes), strict=True)
        if change.at_s > 0.0
        and change.beat >= layout.from_beats
        and (following is None or following - change.beat >= MARKER_BEATS)
    ]
    return [Marker(layout.score_beat(change.beat), _marker_text(change)) for change in kept]


def _marker_text(change: SettingChanged) -> str:
    """The control and its value; of a chart, whose value is the whole text, the chords of its bars in one line."""
    text = _text_of(change.value)
    if change.control == "chart":
        bars = [line for line in text.splitlines() if line.startswith("|")]
        text = " ".join(bars) if bars else text
    return f"{change.control} {text}"


def _next_of_its_control(setting_changes: Sequence[SettingChanged]) -> list[float | None]:
    """For each change the beat of the next change of the same control."""
    following: dict[str, float] = {}
    found: list[float | None] = []
    for change in reversed(setting_changes):
        found.append(following.get(change.control))
        following[change.control] = change.beat
    return found[::-1]


def _text_of(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
