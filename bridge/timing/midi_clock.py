"""MIDI clock in: ticks, start, stop, continue and song position, each with its second; steers a timeline by them.

Reads no clock, opens no port. Start, continue and song position move the timeline's downbeat, never its beats.
"""

from typing import Literal

from bridge.timing.song_position import SongPositions
from bridge.timing.ticks.tick_follower import BufferSide, TickFollower
from bridge.timing.timeline import Segment, Timeline
from bridge.timing.timeline_follower import TimelineFollower

TICK, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
STATUSES = frozenset({TICK, START, CONTINUE, STOP, SONG_POSITION})

TICKS_PER_BEAT = 24
TICKS_PER_SIXTEENTH = 6

LOOP_S = 0.005
"""Some DAWs send a loop as stop, song position and continue at once. A stop is one after so long: nobody hears it later."""

SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0
TEMPO_TOLERANCE = 1.02
"""A clock at the very edge jitters past it; a clock further out is no tempo, and is not followed."""

GONE_AFTER_S = 2.0
"""Without a tick for so long, a clock that was not stopped is gone; the slowest one ticks every 0.125 s."""

Transport = Literal["free", "playing", "stopped"]
"""`free`: nobody has said start or stop yet, as with a clock that just ticks."""

TransportChange = Literal["started", "stopped", "relocated"]
"""What happened to the song: it began or went on, it stopped, or it goes on from another place without stopping."""


def is_clock_message(data: bytes) -> bool:
    """Whether a message is one of MIDI clock's; a song position that was cut short is none."""
    return bool(data) and data[0] in STATUSES and len(data) == (3 if data[0] == SONG_POSITION else 1)


class MidiClock:
    """Follows one clock. Each message takes the timeline in force and gives the one that is from then on."""

    def __init__(self, side: BufferSide = "unknown", position_ticks: int | None = None) -> None:
        """`side` is where in their buffers ticks are dated, `position_ticks` the unit of song position, where these are known."""
        self._ticks = TickFollower(side)
        self._positions = SongPositions(position_ticks)
        self._follower = TimelineFollower()
        self._first_position: int | None = None  # the song's tick at our tick 0; None until the song has a place
        self._next_position = 0  # the song's tick at the next tick, once it plays
        self._is_joining = False  # the next tick is where the song starts, or goes on from
        self._stopping_s: float | None = None  # a stop that may turn out to be a loop
        self._moves: list[TransportChange] = []
        self.transport: Transport = "free"

    @property
    def tempo_bpm(self) -> float | None:
        """Its tempo; None before there is one, and where it is none that can be followed."""
        ticked_bpm = self.ticked_bpm
        if ticked_bpm is None or not SLOWEST_BPM / TEMPO_TOLERANCE <= ticked_bpm <= FASTEST_BPM * TEMPO_TOLERANCE:
            return None
        return min(max(ticked_bpm, SLOWEST_BPM), FASTEST_BPM)

    @property
    def ticked_bpm(self) -> float | None:
        """What its ticks would be as a tempo, if they can be followed or not; None before there are enough."""
        line = self._ticks.line
        return None if line is None or line.interval_s <= 0.0 else 60.0 / (line.interval_s * TICKS_PER_BEAT)

    @property
    def last_tick_s(self) -> float | None:
        """The second of the last tick."""
        return self._ticks.last_s

    @property
    def is_doubled(self) -> bool:
        """Whether every tick comes twice, as by two cables; it is followed at its true tempo."""
        return self._ticks.is_doubled

    @property
    def stops_at_s(self) -> float | None:
        """The second from which on a stop that came is one, if nothing else comes; None where none came."""
        return None if self._stopping_s is None else self._stopping_s + LOOP_S

    def pass_time(self, now_s: float) -> None:
        """Nothing else came up to `now_s`."""
        stops_at_s = self.stops_at_s
        if stops_at_s is not None and now_s >= stops_at_s:
            self._stop()

    def is_ticking(self, now_s: float) -> bool:
        """Whether it ticks, in a tempo that can be followed."""
        last_s = self._ticks.last_s
        return last_s is not None and now_s - last_s <= GONE_AFTER_S and self.tempo_bpm is not None

    def take_transport_changes(self) -> tuple[TransportChange, ...]:
        """What happened to the song since it was last asked."""
        moves, self._moves = self._moves, []
        return tuple(moves)

    def receive(self, data: bytes, timeline: Timeline, at_s: float, now_s: float) -> Timeline:
        """A clock message that came at `at_s`; what follows from it is so from `now_s` on, as till then it has been played."""
        at_s = max(at_s, self._ticks.last_s or at_s)
        self.pass_time(at_s)
        match data[0]:
            case 0xF8:
                return self._tick(timeline, at_s, now_s)
            case 0xFA:
                self._positions.start()
                self._join(0)
            case 0xFB if self.transport != "playing" or self._stopping_s is not None:
                self._join(self._next_position)
            case 0xFC if self.transport == "playing" and not self._is_joining:
                self._stopping_s = at_s
            case 0xFC:
                self._stop()
            case 0xF2:
                self._locate(self._positions.in_ticks(data[1] | data[2] << 7))
        return timeline

    def _join(self, position: int) -> None:
        self._next_position = position
        self._is_joining = True
        self._stopping_s = None

    def _stop(self) -> None:
        self._stopping_s = None
        if self.transport != "stopped":
            self._moves.append("stopped")
        self.transport = "stopped"
        self._is_joining = False

    def _locate(self, position: int) -> None:
        if self.transport != "playing" or self._is_joining or self._stopping_s is not None:
            self._next_position = position
        # Some tell now and then where they are while they play, in whole sixteenths: that is no new place.
        elif abs(position - self._next_position) >= TICKS_PER_SIXTEENTH:
            self._join(position)

    def _tick(self, timeline: Timeline, at_s: float, now_s: float) -> Timeline:
        if self._stopping_s is not None:
            self._stop()
        last_s = self._ticks.last_s
        if self._follower.zero_beat is None:
            self._meet(timeline, at_s)
        elif last_s is not None and at_s - last_s > GONE_AFTER_S:
            self._resume(timeline, at_s, self._lost(timeline, at_s))
        elif self._is_joining and self._ticks.line is not None and not self._ticks.is_on_time(at_s):
            # Many begin their ticks anew as they start: this very one is where the song is, and none was lost.
            self._resume(timeline, at_s, lost=0)
        before = self._ticks.number
        self._ticks.tick(at_s)
        ticks = self._ticks.number - before
        if self._is_joining and ticks:
            self._begin()
        elif self.transport == "playing":
            # More than one where some were lost, fewer where some that were taken for lost were not.
            self._next_position += ticks
            self._positions.tick(ticks)
        return self._steered(timeline, now_s)

    def _begin(self) -> None:
        """This tick is the song's at `_next_position`."""
        self._is_joining = False
        self._first_position = self._next_position - self._ticks.number
        self._next_position += 1
        self._positions.tick(1)
        self._moves.append("relocated" if self.transport == "playing" else "started")
        self.transport = "playing"

    def _meet(self, timeline: Timeline, at_s: float) -> None:
        """The next tick, at `at_s`, is where the timeline is by then: nothing is glided to."""
        self._follower.align(timeline.beat_at(at_s), (self._ticks.number + 1) / TICKS_PER_BEAT)

    def _resume(self, timeline: Timeline, at_s: float, lost: int) -> None:
        self._ticks.resume(at_s, lost)
        self._next_position += lost
        self._meet(timeline, at_s)

    def _lost(self, timeline: Timeline, at_s: float) -> int:
        """How many ticks a long silence lacks, by the timeline, which went on; none where the song stood still."""
        if self.transport != "playing" or self._is_joining or self._follower.zero_beat is None:
            return 0
        theirs = (timeline.beat_at(at_s) - self._follower.zero_beat) * TICKS_PER_BEAT
        return max(round(theirs) - self._ticks.number - 1, 0)

    def _steered(self, timeline: Timeline, now_s: float) -> Timeline:
        line, tempo_bpm = self._ticks.line, self.tempo_bpm
        if line is not None and tempo_bpm is not None:
            theirs = Segment(line.at_s, line.number / TICKS_PER_BEAT, tempo_bpm)
            zero = self._follower.zero_beat
            timeline = self._follower.steer(timeline, theirs, now_s, self._ticks.lag_s)
            if zero != self._follower.zero_beat and self.transport == "playing":
                self._moves.append("relocated")
        if self._first_position is not None and self._follower.zero_beat is not None and self.transport == "playing":
            downbeat = self._follower.zero_beat - self._first_position / TICKS_PER_BEAT
            if downbeat != timeline.downbeat:
                timeline = timeline.with_downbeat(downbeat)
        return timeline
