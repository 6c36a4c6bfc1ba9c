"""Whose time it is: one timeline, led by MIDI clock, Link or our own tempo, as the control `clock` says. Knows no ports.

Reads no clock: every change is told the second it takes effect at, which must not go back. Before it, what was in
force has been played.
"""

import logging
from collections.abc import Mapping
from typing import Literal

from bridge.timing.link_clock import LinkMoment
from bridge.timing.meter import COMMON_TIME, Meter
from bridge.timing.midi_clock import (
    FASTEST_BPM,
    GONE_AFTER_S,
    SLOWEST_BPM,
    MidiClock,
    Move,
    Transport,
    is_clock_message,
)
from bridge.timing.tap_tempo import TapTempo
from bridge.timing.timeline import Segment, Timeline
from bridge.timing.timeline_follower import Follower
from server.controls.choices import ClockChoice

logger = logging.getLogger("fours.clock")

Source = Literal["internal", "midi", "link"]

FOLLOWED: Mapping[ClockChoice, tuple[Source, ...]] = {
    "auto": ("midi", "link"),
    "internal": (),
    "midi": ("midi",),
    "link": ("link",),
}
"""Who may lead, the first that is there before the next; our own tempo where nobody does."""


class Timekeeper:
    """Owns the timeline in force."""

    def __init__(self, tempo_bpm: float, at_s: float, meter: Meter = COMMON_TIME, clock: ClockChoice = "auto") -> None:
        self._timeline = Timeline.start(tempo_bpm, at_s, meter=meter)
        self._changed_s = at_s
        self._clock = clock
        self._midi = MidiClock()
        self._link: LinkMoment | None = None
        self._follower = Follower()
        self._tap = TapTempo()
        self._source: Source = "internal"
        self._moves: list[Move] = []
        self._said: set[str] = set()

    @property
    def timeline(self) -> Timeline:
        """The one in force; another object whenever something about it has changed."""
        return self._timeline

    @property
    def source(self) -> Source:
        """Who leads."""
        return self._source

    @property
    def transport(self) -> Transport:
        """Whether the song that is followed plays or stands still; `free` where no song is followed."""
        if self._source == "midi":
            return self._midi.transport
        if self._source == "link" and self._link is not None and self._link.is_playing is not None:
            return "playing" if self._link.is_playing else "stopped"
        return "free"

    @property
    def is_running(self) -> bool:
        """Whether bars go by: not where the song that is followed stands still."""
        return self.transport != "stopped"

    def take_moves(self) -> tuple[Move, ...]:
        """What has happened to the song that is followed since it was last asked."""
        moves, self._moves = self._moves, []
        return tuple(moves)

    def receive(self, data: bytes, at_s: float, now_s: float | None = None) -> bool:
        """A MIDI message that came at `at_s`; True where it was the clock's, and so is nobody else's business."""
        if not is_clock_message(data):
            return False
        now_s = self._turn(at_s if now_s is None else now_s)
        if "midi" not in FOLLOWED[self._clock]:
            self._say_once("MIDI clock comes in and is not followed, as clock = %s", self._clock)
            return True
        self._timeline = self._midi.receive(data, self._timeline, at_s, now_s)
        self._moves.extend(self._midi.take_moves())
        if self._midi.ticked_bpm is not None and self._midi.tempo_bpm is None:
            self._say_once(
                "MIDI clock ticks at %.0f bpm and is not followed: a tempo is %.0f to %.0f bpm",
                self._midi.ticked_bpm,
                SLOWEST_BPM,
                FASTEST_BPM,
            )
        self._choose(now_s)
        return True

    def link(self, moment: LinkMoment, now_s: float) -> None:
        """Link's session is at this moment."""
        now_s = self._turn(now_s)
        before, self._link = self._link, moment
        if "link" not in FOLLOWED[self._clock]:
            self._say_once("Link is on and is not followed, as clock = %s", self._clock)
            return
        self._choose(now_s)
        if self._source != "link":
            if self._source == "midi":
                self._say_once("Link and MIDI clock both lead: MIDI clock is followed, as clock = %s", self._clock)
            return
        if before is not None and before.is_playing != moment.is_playing and moment.is_playing is not None:
            self._moves.append("started" if moment.is_playing else "stopped")
        zero = self._follower.zero
        theirs = Segment(moment.at_s, moment.beat, moment.tempo_bpm)
        self._timeline = self._follower.follow(self._timeline, theirs, now_s)
        if self._follower.zero is not None and self._follower.zero != self._timeline.downbeat:
            self._timeline = self._timeline.with_downbeat(self._follower.zero)
        if zero is not None and zero != self._follower.zero:
            self._moves.append("relocated")

    def set_tempo(self, tempo_bpm: float, now_s: float) -> bool:
        """Our own tempo; False where another one leads, which it does not touch."""
        now_s = self._turn(now_s)
        self.pass_time(now_s)
        if self._is_led(now_s):
            return False
        self._timeline = self._timeline.with_tempo(tempo_bpm, now_s)
        return True

    def tap(self, at_s: float, now_s: float | None = None) -> float | None:
        """A tap on the beat at `at_s`; the tempo it makes, or None where there is none yet or another one leads."""
        now_s = self._turn(at_s if now_s is None else now_s)
        tapped = self._tap.tap(at_s)
        if tapped is None or not self.set_tempo(tapped.tempo_bpm, now_s):
            return None
        since_beats = (now_s - tapped.first_s) * tapped.tempo_bpm / 60.0
        self._timeline = self._timeline.with_downbeat(self._timeline.beat_at(now_s) - since_beats)
        return tapped.tempo_bpm

    def set_downbeat(self, beat: float, now_s: float) -> bool:
        """A bar begins at this beat; False where another one counts the bars, and not only the beats."""
        if self._is_led(self._turn(now_s)) and (self._source == "link" or self._midi.transport != "free"):
            return False
        self._timeline = self._timeline.with_downbeat(beat)
        return True

    def set_clock(self, clock: ClockChoice, now_s: float) -> None:
        """Who may lead. Whoever does not any more is forgotten, and the timeline goes on as it was."""
        now_s = self._turn(now_s)
        if clock == self._clock:
            return
        self._clock = clock
        self._said.clear()
        if "midi" not in FOLLOWED[clock]:
            self._midi = MidiClock()
        if clock != "link":  # which nobody joins but who asks for it
            self._link = None
        self._choose(now_s)

    def set_meter(self, meter: Meter, now_s: float) -> None:
        """How long bars are. A song that is followed is counted anew from its beginning; else from the present bar on."""
        now_s = self._turn(now_s)
        if self._source == "internal":
            bar, _ = self._timeline.bar_at(self._timeline.beat_at(now_s))
            self._timeline = self._timeline.with_downbeat(self._timeline.bar_line(bar))
        self._timeline = self._timeline.with_meter(meter)

    def pass_time(self, now_s: float) -> None:
        """Notices what did not happen: ticks that no longer come. To be called now and then, `wake_at_s` says when."""
        self._choose(self._turn(now_s))

    def wake_at_s(self) -> float | None:
        """The second at which `pass_time` may notice that a clock is gone; None where none is followed."""
        last_s = self._midi.last_tick_s
        if self._source != "midi" or last_s is None or self._midi.transport == "stopped":
            return None
        return last_s + GONE_AFTER_S

    def _turn(self, now_s: float) -> float:
        """When a change takes effect: never before one that already has."""
        self._changed_s = max(self._changed_s, now_s)
        return self._changed_s

    def _is_led(self, now_s: float) -> bool:
        return self._source == "link" or (self._source == "midi" and self._midi.is_ticking(now_s))

    def _choose(self, now_s: float) -> None:
        """Who leads from now on."""
        followed = FOLLOWED[self._clock]
        source: Source = "internal"
        if "midi" in followed and self._is_midi_there(now_s):
            source = "midi"
        elif "link" in followed and self._link is not None:
            source = "link"
        if source == self._source:
            return
        if self._source == "midi" and not self._midi.is_ticking(now_s) and "midi" in followed:
            logger.warning(
                "MIDI clock is gone, or is none that can be followed; the tempo stays %.1f bpm",
                self._timeline.tempo_bpm,
            )
        elif source != "internal":
            logger.info("%s leads, at %.1f bpm", "MIDI clock" if source == "midi" else "Link", self._timeline.tempo_bpm)
        if source == "link":
            self._follower.let_go()
        self._source = source

    def _is_midi_there(self, now_s: float) -> bool:
        # A clock that was stopped may be silent for ever and is still the one that will start the song again.
        return self._midi.is_ticking(now_s) or (self._source == "midi" and self._midi.transport == "stopped")

    def _say_once(self, message: str, *arguments: object) -> None:
        if message not in self._said:
            self._said.add(message)
            logger.warning(message, *arguments)
