"""MIDI clock in: steers a timeline by ticks, start, stop, continue and song position, each with the time it arrived at.

It reads no clock and opens no port. Start, continue and song position move the timeline's downbeat, never its beats.
"""

from collections import deque

from bridge.timing.clock import MOST_MOVED_S
from bridge.timing.clock_messages import (
    FASTEST_BPM,
    SLOWEST_BPM,
    TICKS_PER_BEAT,
    TICKS_PER_SIXTEENTH,
    Transport,
    TransportChange,
)
from bridge.timing.song_position import SongPositions
from bridge.timing.ticks.tick import BufferSide
from bridge.timing.ticks.tick_follower import TickFollower
from bridge.timing.timeline import GLIDE_S, Segment, Timeline
from bridge.timing.timeline_follower import SHORTEST_GLIDE_S, TimelineFollower

STOP_DELAY_S = 0.005
"""Some DAWs send a loop as stop, song position and continue at once. So a stop takes effect only after this time, an inaudible
delay, unless something else comes."""

TEMPO_TOLERANCE = 1.02
"""How far beyond the slowest and the fastest tempo a clock is still followed, as a factor: at the very limit, a clock
jitters past it."""

ERRORS_KEPT = 96
"""Four beats of ticks: enough to see how evenly they come, and short enough to show what is so now."""

REPORTS_ON_TIME, REPORTS_OFF = 4, 2
"""After so many song positions in a row that were sent while the song played, each on its tick, so many that are off by the same few
ticks show that a tick was counted wrongly. A sender that rounds to sixteenths at any moment is off by something else each time."""

GONE_AFTER_S = 2.0
"""A clock that was not stopped counts as gone after this time without a tick; the slowest one ticks every 0.125 s."""


class MidiClock:
    """Follows one clock. `receive` takes each message with the present timeline, and returns the timeline from then on."""

    def __init__(self, side: BufferSide = "unknown", position_ticks: int | None = None) -> None:
        """Takes what is known of the sender: which side of a buffer its ticks' dates show, and its unit of song position in ticks."""
        self._ticks = TickFollower(side)
        self._positions = SongPositions(position_ticks)
        self._follower = TimelineFollower()
        self._first_position: int | None = None  # the song's tick at our tick 0; None until the song has a place
        self._next_position = 0  # the song's tick at the next tick, once it plays
        self._is_start_pending = False  # the next tick is where the song starts, or goes on from
        self._reports_off: deque[int] = deque(
            maxlen=REPORTS_ON_TIME + REPORTS_OFF
        )  # of positions sent while the song plays
        self._stop_came_s: float | None = None  # a stop that may turn out to be a loop
        self._transport_changes: list[TransportChange] = []
        self._glide_s = GLIDE_S
        self.transport: Transport = "free"
        self.tick_errors_s: deque[float] = deque(maxlen=ERRORS_KEPT)
        """How many seconds later than our beat the latest ticks came, by their dates; they say how even the clock is."""

    def set_side(self, side: BufferSide) -> None:
        """Sets which side of a buffer the dates of ticks show; to be called before the first tick, as a tick is not judged again."""
        if self._ticks.last_s is None:
            self._ticks = TickFollower(side)

    def set_position_unit(self, ticks: int | None) -> None:
        """Sets the unit of the sender's song positions; None: it is found out."""
        self._positions.set_unit(ticks)

    @property
    def tempo_bpm(self) -> float | None:
        """The clock's tempo; None until it is known, and while it is outside the limits."""
        raw_bpm = self.raw_tempo_bpm
        if raw_bpm is None or not SLOWEST_BPM / TEMPO_TOLERANCE <= raw_bpm <= FASTEST_BPM * TEMPO_TOLERANCE:
            return None
        return min(max(raw_bpm, SLOWEST_BPM), FASTEST_BPM)

    @property
    def raw_tempo_bpm(self) -> float | None:
        """The tempo that the ticks make, even outside the limits; None until enough ticks have come."""
        interval_s = self._ticks.interval_s
        return None if interval_s is None or interval_s <= 0.0 else 60.0 / (interval_s * TICKS_PER_BEAT)

    @property
    def last_tick_s(self) -> float | None:
        """The date of the last tick; None before the first."""
        return self._ticks.last_s

    @property
    def is_doubled(self) -> bool:
        """Whether every tick comes twice, as through two cables. Such a clock is followed at its true tempo."""
        return self._ticks.is_doubled

    @property
    def stops_at_s(self) -> float | None:
        """When a stop that has come takes effect if nothing else comes; None where no stop is pending."""
        return None if self._stop_came_s is None else self._stop_came_s + STOP_DELAY_S

    def pass_time(self, now_s: float) -> None:
        """Lets a pending stop take effect if nothing else came until `now_s`."""
        stops_at_s = self.stops_at_s
        if stops_at_s is not None and now_s >= stops_at_s:
            self._stop()

    def is_ticking(self, now_s: float) -> bool:
        """Whether the clock ticks, at a tempo within the limits."""
        last_s = self._ticks.last_s
        return last_s is not None and now_s - last_s <= GONE_AFTER_S and self.tempo_bpm is not None

    def take_transport_changes(self) -> tuple[TransportChange, ...]:
        """Returns what happened to the song since the last call."""
        changes, self._transport_changes = self._transport_changes, []
        return tuple(changes)

    def move_dates(self, by_s: float) -> None:
        """Accounts for a standstill of the sender's clock, and of its song: all dates from now on are `by_s` later."""
        self._ticks.move_dates(by_s)
        if abs(by_s) <= MOST_MOVED_S:
            # The song did not stand still, and the ports have moved what they send by as much: a note that is sent within a longer
            # glide would be off by that.
            self._glide_s = SHORTEST_GLIDE_S

    def receive(self, data: bytes, timeline: Timeline, at_s: float, now_s: float) -> Timeline:
        """Takes a message that is_clock_message accepts and that arrived at `at_s`; returns the timeline from `now_s` on.

        Beats before `now_s` stay where they are, as they have been played already. `now_s` must not be before `at_s`.
        """
        at_s = max(at_s, self._ticks.last_s or at_s)
        self.pass_time(at_s)
        match data[0]:
            case 0xF8:
                return self._tick(timeline, at_s, now_s)
            case 0xFA:
                self._positions.start()
                self._prepare_start(0)
            case 0xFB if self.transport != "playing" or self._stop_came_s is not None:
                self._prepare_start(self._next_position)
            case 0xFC if self.transport == "playing" and not self._is_start_pending:
                self._stop_came_s = at_s
            case 0xFC:
                self._stop()
            case 0xF2:
                self._locate(self._positions.in_ticks(data[1] | data[2] << 7))
        return timeline

    def _prepare_start(self, position: int) -> None:
        self._next_position = position
        self._is_start_pending = True
        self._stop_came_s = None
        self._reports_off.clear()

    def _stop(self) -> None:
        self._stop_came_s = None
        if self.transport != "stopped":
            self._transport_changes.append("stopped")
        self.transport = "stopped"
        self._is_start_pending = False

    def _locate(self, position: int) -> None:
        if self.transport != "playing" or self._is_start_pending or self._stop_came_s is not None:
            self._next_position = position
        # Some senders report their position now and then while they play, in whole sixteenths. That is not a jump.
        elif abs(position - self._next_position) >= TICKS_PER_SIXTEENTH or self._is_count_wrong(position):
            self._prepare_start(position)

    def _is_count_wrong(self, position: int) -> bool:
        """Whether the positions that are sent while the song plays show by now that a tick was counted wrongly."""
        self._reports_off.append(position - self._next_position)
        reports = list(self._reports_off)
        off = reports[-1]
        return off != 0 and reports == [0] * REPORTS_ON_TIME + [off] * REPORTS_OFF

    def _tick(self, timeline: Timeline, at_s: float, now_s: float) -> Timeline:
        if self._stop_came_s is not None:
            self._stop()
        last_s = self._ticks.last_s
        if self._follower.zero_beat is None:
            self._align(timeline, at_s)
        elif last_s is not None and at_s - last_s > GONE_AFTER_S:
            self._resume(timeline, at_s, self._lost(timeline, at_s))
        elif self._is_start_pending and not self._ticks.is_on_time(at_s):
            # Many senders restart their ticks when the song starts: the song is at this very tick, and none was lost. The few
            # ticks before it that made no line yet say nothing of those that come.
            self._resume(timeline, at_s, lost=0)
        elif self._is_start_pending:
            self._ticks.keep_count()
        before = self._ticks.number
        self._ticks.tick(at_s)
        ticks = self._ticks.number - before
        if ticks and self._follower.zero_beat is not None:
            expected_s = timeline.seconds_at(self._follower.zero_beat + self._ticks.number / TICKS_PER_BEAT)
            self.tick_errors_s.append(at_s - expected_s)
        if self._is_start_pending and ticks:
            self._start_song()
        elif self.transport == "playing":
            # More than one where ticks were lost; fewer where ticks had been counted as lost by mistake.
            self._next_position += ticks
            self._positions.tick(ticks)
        return self._steered(timeline, now_s)

    def _start_song(self) -> None:
        """Starts or moves the song: the last tick is at `_next_position`."""
        self._is_start_pending = False
        self._first_position = self._next_position - self._ticks.number
        self._next_position += 1
        self._positions.tick(1)
        self._transport_changes.append("relocated" if self.transport == "playing" else "started")
        self.transport = "playing"

    def _align(self, timeline: Timeline, at_s: float) -> None:
        """Puts the next tick, at `at_s`, where the timeline is at that time, so that the timeline need not glide."""
        self.tick_errors_s.clear()
        self._follower.align(timeline.beat_at(at_s), (self._ticks.number + 1) / TICKS_PER_BEAT)

    def _resume(self, timeline: Timeline, at_s: float, lost: int) -> None:
        self._ticks.resume(at_s, lost)
        self._next_position += lost
        self._align(timeline, at_s)

    def _lost(self, timeline: Timeline, at_s: float) -> int:
        """How many ticks are missing in a long silence, by the timeline, which went on; 0 where the song stood still."""
        if self.transport != "playing" or self._is_start_pending or self._follower.zero_beat is None:
            return 0
        ticks_by_timeline = (timeline.beat_at(at_s) - self._follower.zero_beat) * TICKS_PER_BEAT
        return max(round(ticks_by_timeline) - self._ticks.number - 1, 0)

    def _steered(self, timeline: Timeline, now_s: float) -> Timeline:
        line, tempo_bpm = self._ticks.line, self.tempo_bpm
        if line is not None and tempo_bpm is not None:
            source = Segment(line.at_s, line.number / TICKS_PER_BEAT, tempo_bpm)
            old_zero = self._follower.zero_beat
            timeline = self._follower.steer(timeline, source, now_s, self._ticks.lag_s, self._glide_s)
            self._glide_s = GLIDE_S
            if old_zero != self._follower.zero_beat and self.transport == "playing":
                self._transport_changes.append("relocated")
        if self._first_position is not None and self._follower.zero_beat is not None and self.transport == "playing":
            downbeat = self._follower.zero_beat - self._first_position / TICKS_PER_BEAT
            if downbeat != timeline.downbeat:
                timeline = timeline.with_downbeat(downbeat)
        return timeline
