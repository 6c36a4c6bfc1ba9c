"""Beats a jam's time: who leads it, by the controls of time, and the clock that it sends on. Knows no notes; the time is an argument.

Between the music thread and `server.music.timekeeper`: what the player, the jam and the controls ask of time is said here.
"""

from typing import cast

from bridge.timing.link_clock import LinkMoment
from bridge.timing.meter import Meter
from bridge.timing.midi_clock import Transport
from bridge.timing.midi_clock_sender import ClockSender, DueBytes
from bridge.timing.timeline import Timeline
from server.controls.choices import ClockChoice
from server.controls.control_table import Settings, Value
from server.jam.jam import Wish
from server.music.timekeeper import Timekeeper


class Conductor:
    """One timeline in force, and the ticks that go out by it."""

    def __init__(self, settings: Settings, now_s: float) -> None:
        self._keeper = Timekeeper(settings.tempo, now_s, Meter.read(settings.meter), settings.clock)
        self._sender: ClockSender | None = None
        self._transport: Transport = "free"
        if settings.send_clock == "on":
            self._send_clock(now_s)

    @property
    def timeline(self) -> Timeline:
        """The one in force; another object whenever something about it has changed."""
        return self._keeper.timeline

    @property
    def transport(self) -> Transport:
        """Whether the song that is followed plays or stands still; `free` where no song is followed."""
        return self._keeper.transport

    @property
    def source(self) -> str:
        """Who leads: internal, midi or link."""
        return self._keeper.source

    def receive(self, data: bytes, at_s: float, now_s: float) -> None:
        """A message of MIDI clock that came at `at_s`."""
        self._keeper.receive(data, at_s, now_s)
        self._pass_on(now_s)

    def link(self, moment: LinkMoment, now_s: float) -> None:
        """Link's session is at this moment."""
        self._keeper.link(moment, now_s)
        self._pass_on(now_s)

    def change(self, control: str, value: Value, now_s: float) -> None:
        """A control of time has a new value; others are none of its business."""
        match control:
            case "tempo":
                self._keeper.set_tempo(float(value), now_s)
            case "clock":
                self._keeper.set_clock(cast("ClockChoice", value), now_s)
            case "meter":
                self._keeper.set_meter(Meter.read(str(value)), now_s)
            case "send_clock" if value == "on":
                self._send_clock(now_s)
            case "send_clock":
                self._sender = None

    def tap(self, at_s: float) -> float | None:
        """A tap on the beat; the tempo that it makes, if it makes one."""
        return self._keeper.tap(at_s)

    def grant(self, wish: Wish, now_s: float) -> float | None:
        """What the jam would have of the time, as far as nobody else leads; the tempo, if that is another one now."""
        if not self._keeper.set_downbeat(wish.downbeat, now_s):
            return None
        if wish.begins and self._sender is not None:
            self._sender.start(self.timeline, self.timeline.beat_at(now_s))
        if wish.tempo_bpm is None or not self._keeper.set_tempo(wish.tempo_bpm, now_s):
            return None
        return wish.tempo_bpm

    def stop(self, now_s: float) -> None:
        """The partner was told to stop: where it leads, so does the song that it sends."""
        if self._sender is not None and self.transport == "free" and self._sender.is_playing:
            self._sender.stop(self.timeline.beat_at(now_s))

    def advance(self, now_s: float) -> list[DueBytes]:
        """What of the clock that is sent is due by now; notices, on the way, a clock that no longer comes."""
        wake_s = self._keeper.wake_at_s()
        if wake_s is not None and wake_s <= now_s:
            self._keeper.pass_time(now_s)
        return [] if self._sender is None else self._sender.advance(self.timeline.beat_at(now_s))

    def wake_at_s(self) -> float | None:
        """The next second at which `advance` has something to do."""
        seconds = [self._keeper.wake_at_s()]
        if self._sender is not None:
            seconds.append(self.timeline.seconds_at(self._sender.wake_at()))
        return min((at_s for at_s in seconds if at_s is not None), default=None)

    def _send_clock(self, now_s: float) -> None:
        if self._sender is None:
            self._sender = ClockSender(self.timeline, self.timeline.beat_at(now_s))

    def _pass_on(self, now_s: float) -> None:
        """A song that starts or stops does so for those who follow us, too."""
        before, self._transport = self._transport, self.transport
        if self._sender is None or before == self._transport:
            return
        beat = self.timeline.beat_at(now_s)
        if self._transport == "playing":
            self._sender.start(self.timeline, beat) if before == "free" else self._sender.resume(beat)
        elif self._transport == "stopped":
            self._sender.stop(beat)
