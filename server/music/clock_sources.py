"""Follows MIDI clock and Ableton Link as far as the control `clock` allows, and chooses which of them leads.

It knows no ports and no notes, and reads no clock: every method takes the second at which its change takes effect.
Those seconds must not go back. A method that may steer the timeline takes the present one and returns the next.
"""

import logging
from collections import deque
from collections.abc import Mapping
from typing import Literal

from bridge.timing.clock_messages import FASTEST_BPM, SLOWEST_BPM, TICKS_PER_SIXTEENTH, Transport, TransportChange
from bridge.timing.link_clock import LinkMoment
from bridge.timing.midi_clock import ERRORS_KEPT, GONE_AFTER_S, MidiClock
from bridge.timing.ticks.tick import BufferSide
from bridge.timing.timeline import Segment, Timeline
from bridge.timing.timeline_follower import TimelineFollower
from server.controls.choices import ClockChoice, PositionUnit

logger = logging.getLogger("fours.clock")

Source = Literal["internal", "midi", "link"]
"""The clock that leads; `internal` is our own tempo, and leads where no other clock does."""

FOLLOWED_SOURCES: Mapping[ClockChoice, tuple[Source, ...]] = {
    "auto": ("midi",),
    "internal": (),
    "midi": ("midi",),
    "link": ("link",),
}
"""For each choice of the control, the clocks that may lead. Link's session is joined only where it is chosen."""

POSITION_TICKS: Mapping[PositionUnit, int | None] = {"auto": None, "16ths": TICKS_PER_SIXTEENTH, "ticks": 1}
"""The unit of song positions in ticks, for each choice of the control; None where it is found out."""

STOPPED_GONE_AFTER_S = 120.0
"""How long a stopped, silent MIDI clock keeps the lead. Some DAWs go on ticking while they are stopped; when they fall
silent, they count as lost like any clock. Others are silent while they are stopped, and so is a DAW that has quit; only
time shows the difference. With a short time, `continuous` would start by itself while the musician prepares the next
take. A DAW that comes back leads again at its first ticks."""


NO_ERRORS: deque[float] = deque(maxlen=0)


class ClockSources:
    """The clocks of others, and which of them leads."""

    def __init__(self, choice: ClockChoice, side: BufferSide = "unknown", position_unit: PositionUnit = "auto") -> None:
        """Takes which clocks may lead, `side`: which end of a buffer the input port's dates show for ticks without
        a frame, and the unit of the song positions that come.
        """
        self._choice: ClockChoice = choice
        self._side: BufferSide = side
        self._position_unit: PositionUnit = position_unit
        self._midi = self._new_midi_clock()
        self._link: LinkMoment | None = None
        self._link_follower = TimelineFollower()
        self._link_errors_s: deque[float] = deque(maxlen=ERRORS_KEPT)
        self._leader: Source = "internal"
        self._transport_changes: list[TransportChange] = []
        self._warned: set[str] = set()

    @property
    def leader(self) -> Source:
        """The clock that leads."""
        return self._leader

    @property
    def transport(self) -> Transport:
        """Whether the song that is followed plays or stands still; `free` where no song is followed."""
        if self._leader == "midi":
            return self._midi.transport
        if self._leader == "link" and self._link is not None and self._link.is_playing is not None:
            return "playing" if self._link.is_playing else "stopped"
        return "free"

    @property
    def counts_bars(self) -> bool:
        """Whether the clock that leads gives bars; a MIDI clock that only ticks gives beats and no bars."""
        return self._leader == "link" or self._midi.transport != "free"

    @property
    def clock_errors_s(self) -> deque[float]:
        """How many seconds later than our beat the latest ticks of the clock that leads came, or for Link the readings of its beat.

        Empty where our own tempo leads.
        """
        if self._leader == "midi":
            return self._midi.tick_errors_s
        return self._link_errors_s if self._leader == "link" else NO_ERRORS

    @property
    def wake_at_s(self) -> float | None:
        """The next second at which `choose_leader` may notice that MIDI clock has stopped or is lost.

        None where there is none.
        """
        last_s = self._midi.last_tick_s
        if self._leader != "midi" or last_s is None:
            return self._midi.stops_at_s
        lost_at_s = last_s + (STOPPED_GONE_AFTER_S if self._midi.transport == "stopped" else GONE_AFTER_S)
        return min(lost_at_s, self._midi.stops_at_s or lost_at_s)

    def is_led(self, now_s: float) -> bool:
        """Whether another clock gives the tempo; a stopped MIDI clock that no longer ticks does not."""
        return self._leader == "link" or (self._leader == "midi" and self._midi.is_ticking(now_s))

    def take_transport_changes(self) -> tuple[TransportChange, ...]:
        """What has happened to the song that is followed since the last call."""
        changes, self._transport_changes = self._transport_changes, []
        return tuple(changes)

    def set_choice(self, choice: ClockChoice, timeline: Timeline, now_s: float) -> None:
        """Sets which clocks may lead. A clock that no longer may is forgotten; the timeline goes on as it was."""
        if choice == self._choice:
            return
        self._choice = choice
        self._warned.clear()
        if "midi" not in FOLLOWED_SOURCES[choice]:
            self._midi = self._new_midi_clock()
        if "link" not in FOLLOWED_SOURCES[choice]:  # the Link session is left then
            self._link = None
        self.choose_leader(timeline, now_s)

    def set_side(self, side: BufferSide) -> None:
        """Sets which end of a buffer the input port's dates show."""
        self._side = side
        self._midi.set_side(side)

    def set_position_unit(self, unit: PositionUnit) -> None:
        """Sets the unit of the song positions that come from now on."""
        self._position_unit = unit
        self._midi.set_position_unit(POSITION_TICKS[unit])

    def move_midi_dates(self, by_s: float) -> None:
        """From now on all dates of MIDI clock are `by_s` later; see `MidiClock.move_dates`."""
        self._midi.move_dates(by_s)

    def receive_midi(self, data: bytes, timeline: Timeline, at_s: float, now_s: float) -> Timeline | None:
        """Takes a message of MIDI clock that came at `at_s`; returns None where MIDI clock is not followed."""
        if "midi" not in FOLLOWED_SOURCES[self._choice]:
            self._warn_once("MIDI clock comes in, but is not followed, because clock = %s", self._choice)
            return None
        timeline = self._midi.receive(data, timeline, at_s, now_s)
        self._transport_changes.extend(self._midi.take_transport_changes())
        if self._midi.is_doubled:
            self._warn_once("MIDI clock arrives twice, as through two cables: every second tick is ignored")
        if self._midi.raw_tempo_bpm is not None and self._midi.tempo_bpm is None:
            self._warn_once(
                "MIDI clock ticks at %.0f bpm and is not followed: a tempo is %.0f to %.0f bpm",
                self._midi.raw_tempo_bpm,
                SLOWEST_BPM,
                FASTEST_BPM,
            )
        self.choose_leader(timeline, now_s)
        return timeline

    def follow_link(self, moment: LinkMoment, timeline: Timeline, now_s: float) -> Timeline:
        """Takes the present moment of Link's session; one that comes once the session is left changes nothing."""
        if "link" not in FOLLOWED_SOURCES[self._choice]:
            return timeline
        before, self._link = self._link, moment
        self.choose_leader(timeline, now_s)
        if before is not None and before.is_playing != moment.is_playing and moment.is_playing is not None:
            self._transport_changes.append("started" if moment.is_playing else "stopped")
        return self._steered_by_link(moment, timeline, now_s)

    def choose_leader(self, timeline: Timeline, now_s: float) -> None:
        """Chooses the clock that leads from now on. Regular calls notice a clock that has stopped or no longer ticks."""
        self._midi.pass_time(now_s)
        self._transport_changes.extend(self._midi.take_transport_changes())
        followed = FOLLOWED_SOURCES[self._choice]
        leader: Source = "internal"
        if "midi" in followed and self._is_midi_present(now_s):
            leader = "midi"
        elif "link" in followed and self._link is not None:
            leader = "link"
        if leader == self._leader:
            return
        if self._leader == "midi" and not self._midi.is_ticking(now_s) and "midi" in followed:
            logger.warning("MIDI clock is lost, or cannot be followed; the tempo stays %.1f bpm", timeline.tempo_bpm)
        elif leader != "internal":
            logger.info("%s leads, at %.1f bpm", "MIDI clock" if leader == "midi" else "Link", timeline.tempo_bpm)
        if leader == "link":
            self._link_follower.reset()
            self._link_errors_s.clear()
        self._leader = leader

    def _steered_by_link(self, moment: LinkMoment, timeline: Timeline, now_s: float) -> Timeline:
        follower, old_zero = self._link_follower, self._link_follower.zero_beat
        if old_zero is not None:
            self._link_errors_s.append(moment.at_s - timeline.seconds_at(old_zero + moment.beat))
        timeline = follower.steer(timeline, Segment(moment.at_s, moment.beat, moment.tempo_bpm), now_s)
        if follower.zero_beat is not None and follower.zero_beat != timeline.downbeat:
            timeline = timeline.with_downbeat(follower.zero_beat)
        if old_zero is not None and old_zero != follower.zero_beat:
            self._transport_changes.append("relocated")
        return timeline

    def _is_midi_present(self, now_s: float) -> bool:
        if self._midi.is_ticking(now_s):
            return True
        # A stopped MIDI clock may be silent, and will still be the one that starts the song again.
        last_s = self._midi.last_tick_s
        is_waiting = self._leader == "midi" and self._midi.transport == "stopped"
        return is_waiting and last_s is not None and now_s - last_s < STOPPED_GONE_AFTER_S

    def _new_midi_clock(self) -> MidiClock:
        return MidiClock(self._side, POSITION_TICKS[self._position_unit])

    def _warn_once(self, message: str, *arguments: object) -> None:
        if message not in self._warned:
            self._warned.add(message)
            logger.warning(message, *arguments)
