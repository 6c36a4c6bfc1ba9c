"""Keeps the jam's time: one timeline, led by MIDI clock, Ableton Link or our own tempo, and the MIDI clock that is sent on.

Knows no ports and no notes, and reads no clock: every method takes the second at which its change takes effect. Those
seconds must not go back; up to them, the timeline that was in force has been played already.
"""

import logging
from collections.abc import Mapping
from typing import Literal, cast

from bridge.timing.link_clock import LinkMoment
from bridge.timing.meter import Meter
from bridge.timing.midi_clock import (
    FASTEST_BPM,
    GONE_AFTER_S,
    SLOWEST_BPM,
    MidiClock,
    Transport,
    TransportChange,
    is_clock_message,
)
from bridge.timing.midi_clock_sender import ClockSender, DueBytes
from bridge.timing.tap_tempo import TapTempo
from bridge.timing.timeline import Segment, Timeline
from bridge.timing.timeline_follower import TimelineFollower
from server.controls.choices import ClockChoice
from server.controls.control_table import Settings, Value
from server.jam.jam_output import TimelineRequest

logger = logging.getLogger("fours.clock")

Source = Literal["internal", "midi", "link"]

FOLLOWED: Mapping[ClockChoice, tuple[Source, ...]] = {
    "auto": ("midi", "link"),
    "internal": (),
    "midi": ("midi",),
    "link": ("link",),
}
"""Who may lead, the first that is there before the next; our own tempo where nobody does."""


class Conductor:
    """Owns the timeline in force, and the clock that goes out by it."""

    def __init__(self, settings: Settings, now_s: float) -> None:
        self._timeline = Timeline.start(settings.tempo, now_s, meter=Meter.read(settings.meter))
        self._changed_s = now_s
        self._clock: ClockChoice = settings.clock
        self._midi = MidiClock()
        self._link: LinkMoment | None = None
        self._follower = TimelineFollower()
        self._tap = TapTempo()
        self._source: Source = "internal"
        self._transport_changes: list[TransportChange] = []
        self._warned: set[str] = set()
        self._sender: ClockSender | None = None
        self._sent_transport: Transport = "free"
        if settings.send_clock == "on":
            self._begin_sending(now_s)

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

    def take_transport_changes(self) -> tuple[TransportChange, ...]:
        """What has happened to the song that is followed since it was last asked."""
        changes, self._transport_changes = self._transport_changes, []
        return tuple(changes)

    def receive(self, data: bytes, at_s: float, now_s: float | None = None) -> bool:
        """A MIDI message that came at `at_s`; True where it was the clock's, and so is nobody else's business."""
        if not is_clock_message(data):
            return False
        now_s = self._effective_s(at_s if now_s is None else now_s)
        if "midi" not in FOLLOWED[self._clock]:
            self._warn_once("MIDI clock comes in and is not followed, as clock = %s", self._clock)
            return True
        self._timeline = self._midi.receive(data, self._timeline, at_s, now_s)
        self._transport_changes.extend(self._midi.take_transport_changes())
        if self._midi.ticked_bpm is not None and self._midi.tempo_bpm is None:
            self._warn_once(
                "MIDI clock ticks at %.0f bpm and is not followed: a tempo is %.0f to %.0f bpm",
                self._midi.ticked_bpm,
                SLOWEST_BPM,
                FASTEST_BPM,
            )
        self._choose(now_s)
        self._pass_transport_on(now_s)
        return True

    def follow_link(self, moment: LinkMoment, now_s: float) -> None:
        """Takes in where Link's session is."""
        now_s = self._effective_s(now_s)
        self._take_in_link(moment, now_s)
        self._pass_transport_on(now_s)

    def set_tempo(self, tempo_bpm: float, now_s: float) -> bool:
        """Our own tempo; False where another one leads, which it does not touch."""
        now_s = self._effective_s(now_s)
        self.pass_time(now_s)
        if self._is_led(now_s):
            return False
        self._timeline = self._timeline.with_tempo(tempo_bpm, now_s)
        return True

    def tap(self, at_s: float, now_s: float | None = None) -> float | None:
        """A tap on the beat at `at_s`; the tempo it makes, or None where there is none yet or another one leads."""
        now_s = self._effective_s(at_s if now_s is None else now_s)
        tapped = self._tap.tap(at_s)
        if tapped is None or not self.set_tempo(tapped.tempo_bpm, now_s):
            return None
        since_beats = (now_s - tapped.first_s) * tapped.tempo_bpm / 60.0
        self._timeline = self._timeline.with_downbeat(self._timeline.beat_at(now_s) - since_beats)
        return tapped.tempo_bpm

    def set_downbeat(self, beat: float, now_s: float) -> bool:
        """A bar begins at this beat; False where another one counts the bars, and not only the beats."""
        if self._is_led(self._effective_s(now_s)) and (self._source == "link" or self._midi.transport != "free"):
            return False
        self._timeline = self._timeline.with_downbeat(beat)
        return True

    def set_clock(self, clock: ClockChoice, now_s: float) -> None:
        """Who may lead. Whoever does not any more is forgotten, and the timeline goes on as it was."""
        now_s = self._effective_s(now_s)
        if clock == self._clock:
            return
        self._clock = clock
        self._warned.clear()
        if "midi" not in FOLLOWED[clock]:
            self._midi = MidiClock()
        if clock != "link":  # which nobody joins but who asks for it
            self._link = None
        self._choose(now_s)

    def set_meter(self, meter: Meter, now_s: float) -> None:
        """How long bars are. A song that is followed is counted anew from its beginning; else from the present bar on."""
        now_s = self._effective_s(now_s)
        if self._source == "internal":
            bar, _ = self._timeline.bar_at(self._timeline.beat_at(now_s))
            self._timeline = self._timeline.with_downbeat(self._timeline.bar_line(bar))
        self._timeline = self._timeline.with_meter(meter)

    def pass_time(self, now_s: float) -> None:
        """Notices what did not happen: ticks that no longer come. To be called now and then, `advance` does so where it is time."""
        self._choose(self._effective_s(now_s))

    def change(self, control: str, value: Value, now_s: float) -> None:
        """Sets a control of time; other controls are ignored."""
        match control:
            case "tempo":
                self.set_tempo(float(value), now_s)
            case "clock":
                self.set_clock(cast("ClockChoice", value), now_s)
            case "meter":
                self.set_meter(Meter.read(str(value)), now_s)
            case "send_clock" if value == "on":
                self._begin_sending(now_s)
            case "send_clock":
                self._sender = None

    def grant(self, request: TimelineRequest, now_s: float) -> float | None:
        """Does what the jam asks of the timeline, as far as nobody else leads; returns the tempo, if it has changed."""
        if not self.set_downbeat(request.downbeat, now_s):
            return None
        if request.starts_turns and self._sender is not None:
            self._sender.start(self.timeline, self.timeline.beat_at(now_s))
        if request.tempo_bpm is None or not self.set_tempo(request.tempo_bpm, now_s):
            return None
        return request.tempo_bpm

    def stop(self, now_s: float) -> None:
        """The partner was told to stop: where we lead, the song that we send stops too."""
        if self._sender is not None and self.transport == "free" and self._sender.is_playing:
            self._sender.stop(self.timeline.beat_at(now_s))

    def advance(self, now_s: float) -> list[DueBytes]:
        """The messages of the sent clock that are due by now; also notices a followed clock that no longer ticks."""
        gone_s = self._clock_gone_at_s()
        if gone_s is not None and gone_s <= now_s:
            self.pass_time(now_s)
        return [] if self._sender is None else self._sender.advance(self.timeline.beat_at(now_s))

    def wake_at_s(self) -> float | None:
        """The next second at which `advance` has something to do; None where there is none."""
        seconds = [self._clock_gone_at_s()]
        if self._sender is not None:
            seconds.append(self.timeline.seconds_at(self._sender.wake_at()))
        return min((at_s for at_s in seconds if at_s is not None), default=None)

    def _take_in_link(self, moment: LinkMoment, now_s: float) -> None:
        before, self._link = self._link, moment
        if "link" not in FOLLOWED[self._clock]:
            self._warn_once("Link is on and is not followed, as clock = %s", self._clock)
            return
        self._choose(now_s)
        if self._source != "link":
            if self._source == "midi":
                self._warn_once("Link and MIDI clock both lead: MIDI clock is followed, as clock = %s", self._clock)
            return
        if before is not None and before.is_playing != moment.is_playing and moment.is_playing is not None:
            self._transport_changes.append("started" if moment.is_playing else "stopped")
        zero = self._follower.zero
        theirs = Segment(moment.at_s, moment.beat, moment.tempo_bpm)
        self._timeline = self._follower.follow(self._timeline, theirs, now_s)
        if self._follower.zero is not None and self._follower.zero != self._timeline.downbeat:
            self._timeline = self._timeline.with_downbeat(self._follower.zero)
        if zero is not None and zero != self._follower.zero:
            self._transport_changes.append("relocated")

    def _begin_sending(self, now_s: float) -> None:
        if self._sender is None:
            self._sender = ClockSender(self.timeline, self.timeline.beat_at(now_s))

    def _pass_transport_on(self, now_s: float) -> None:
        """Starts and stops the clock that we send together with the song that we follow."""
        before, self._sent_transport = self._sent_transport, self.transport
        if self._sender is None or before == self._sent_transport:
            return
        beat = self.timeline.beat_at(now_s)
        if self._sent_transport == "playing":
            self._sender.start(self.timeline, beat) if before == "free" else self._sender.resume(beat)
        elif self._sent_transport == "stopped":
            self._sender.stop(beat)

    def _clock_gone_at_s(self) -> float | None:
        """The second at which a followed MIDI clock counts as gone if no tick comes; None where none is followed."""
        last_s = self._midi.last_tick_s
        if self._source != "midi" or last_s is None or self._midi.transport == "stopped":
            return None
        return last_s + GONE_AFTER_S

    def _effective_s(self, now_s: float) -> float:
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
            self._follower.release()
        self._source = source

    def _is_midi_there(self, now_s: float) -> bool:
        # A clock that was stopped may be silent for ever and is still the one that will start the song again.
        return self._midi.is_ticking(now_s) or (self._source == "midi" and self._midi.transport == "stopped")

    def _warn_once(self, message: str, *arguments: object) -> None:
        if message not in self._warned:
            self._warned.add(message)
            logger.warning(message, *arguments)
