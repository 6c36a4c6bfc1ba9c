"""Keeps the jam's time: one timeline, led by MIDI clock, Ableton Link or our own tempo, and the MIDI clock it sends.

It knows no ports and no notes, and reads no clock.
"""

from collections import deque
from typing import cast

from bridge.timing.clock_messages import Transport, TransportChange
from bridge.timing.link_clock import LinkMoment
from bridge.timing.meter import Meter
from bridge.timing.midi_clock_sender import ClockSender, TimedBytes
from bridge.timing.tap_tempo import TapTempo
from bridge.timing.ticks.tick import BufferSide
from bridge.timing.timeline import Timeline
from server.controls.choices import ClockChoice, PositionUnit
from server.controls.control_table import Settings, Value
from server.jam.turns.turn_planner import TimelineRequest
from server.music.clock_sources import ClockSources, Source


class Conductor:
    """Owns the timeline in force, and the clock that is sent by it.

    Every method takes the monotonic second `now_s` at which its change takes effect: up to that second the old timeline
    has been played already. A second before an earlier one counts as that earlier one. All methods must be called from
    one thread; `timeline` may be read from any. None of them blocks or raises.
    """

    def __init__(self, settings: Settings, now_s: float, side: BufferSide = "unknown") -> None:
        """Beat 0 is at `now_s`, at the tempo and in the meter of `settings`.

        `side` is the end of a buffer that the input port dates ticks of MIDI clock at, where it knows no exact time.
        """
        self._timeline = Timeline.start(settings.tempo, now_s, meter=Meter.parse(settings.meter))
        self._changed_s = now_s
        self._sources = ClockSources(settings.clock, side, settings.position_unit)
        self._tap = TapTempo()
        self._sender: ClockSender | None = None
        self._sent_transport: Transport = "free"
        if settings.send_clock == "on":
            self._start_sending(now_s)

    @property
    def timeline(self) -> Timeline:
        """The timeline in force. It is immutable: after a change this is another object."""
        return self._timeline

    @property
    def source(self) -> Source:
        """The clock that leads."""
        return self._sources.leader

    @property
    def transport(self) -> Transport:
        """Whether the song that is followed plays or stands still; `free` where no song is followed."""
        return self._sources.transport

    @property
    def clock_errors_s(self) -> deque[float]:
        """How many seconds later than our beat the latest ticks of the clock that leads came; it may be copied from any thread."""
        return self._sources.clock_errors_s

    def take_transport_changes(self) -> tuple[TransportChange, ...]:
        """What has happened to the song that is followed since the last call."""
        return self._sources.take_transport_changes()

    def receive(self, data: bytes, at_s: float, now_s: float | None = None) -> None:
        """Takes a message that `is_clock_message` accepts and that came at `at_s`; it takes effect at `now_s`, by default at `at_s`."""
        now_s = self._effective_s(at_s if now_s is None else now_s)
        timeline = self._sources.receive_midi(data, self._timeline, at_s, now_s)
        if timeline is not None:
            self._timeline = timeline
            self._pass_transport_on(now_s)

    def set_tick_side(self, side: BufferSide) -> None:
        """Sets at which end of a buffer the input port dates ticks of MIDI clock; see `InputPort.tick_side`."""
        self._sources.set_side(side)

    def move_midi_dates(self, by_s: float) -> None:
        """Accounts for a standstill of the input's own clock for `by_s`, and of the song that is followed."""
        self._sources.move_midi_dates(by_s)

    def follow_link(self, moment: LinkMoment, now_s: float) -> None:
        """Takes the present moment of Link's session."""
        now_s = self._effective_s(now_s)
        self._timeline = self._sources.follow_link(moment, self._timeline, now_s)
        self._pass_transport_on(now_s)

    def set_tempo(self, tempo_bpm: float, now_s: float) -> bool:
        """Sets our own tempo; returns False, and changes nothing, where another clock leads."""
        now_s = self._effective_s(now_s)
        self.pass_time(now_s)
        if self._sources.is_led(now_s):
            return False
        self._timeline = self._timeline.with_tempo(tempo_bpm, now_s)
        return True

    def tap(self, at_s: float, now_s: float | None = None) -> float | None:
        """Takes a tap on the beat at `at_s`; returns the tempo in bpm that the taps so far make.

        None where they make no tempo yet, or another clock leads. The first of the taps begins a bar.
        """
        now_s = self._effective_s(at_s if now_s is None else now_s)
        tapped = self._tap.tap(at_s)
        if tapped is None or not self.set_tempo(tapped.tempo_bpm, now_s):
            return None
        since_beats = (now_s - tapped.first_s) * tapped.tempo_bpm / 60.0
        self._timeline = self._timeline.with_downbeat(self._timeline.beat_at(now_s) - since_beats)
        return tapped.tempo_bpm

    def set_downbeat(self, beat: float, now_s: float) -> bool:
        """Begins a bar at this beat; returns False, and changes nothing, where another clock leads and gives bars."""
        if self._sources.is_led(self._effective_s(now_s)) and self._sources.counts_bars:
            return False
        self._timeline = self._timeline.with_downbeat(beat)
        return True

    def set_clock(self, clock: ClockChoice, now_s: float) -> None:
        """Sets which clocks may lead. A clock that no longer may is forgotten; the timeline goes on as it was."""
        now_s = self._effective_s(now_s)
        self._sources.set_choice(clock, self._timeline, now_s)
        self._pass_transport_on(now_s)

    def set_meter(self, meter: Meter, now_s: float) -> None:
        """Sets the length of bars. A song that is followed is counted again from its beginning, else from this bar."""
        now_s = self._effective_s(now_s)
        if self.source == "internal":
            bar, _ = self._timeline.bar_at(self._timeline.beat_at(now_s))
            self._timeline = self._timeline.with_downbeat(self._timeline.bar_line(bar))
        self._timeline = self._timeline.with_meter(meter)

    def pass_time(self, now_s: float) -> None:
        """Notices a followed clock that no longer ticks; `advance` calls this where that may be so."""
        now_s = self._effective_s(now_s)
        self._sources.choose_leader(self._timeline, now_s)
        self._pass_transport_on(now_s)

    def change(self, control: str, value: Value, now_s: float) -> None:
        """Sets `tempo`, `clock`, `meter`, `position_unit` or `send_clock`; other controls are ignored."""
        match control:
            case "tempo":
                self.set_tempo(float(value), now_s)
            case "clock":
                self.set_clock(cast("ClockChoice", value), now_s)
            case "meter":
                self.set_meter(Meter.parse(str(value)), now_s)
            case "position_unit":
                self._sources.set_position_unit(cast("PositionUnit", value))
            case "send_clock" if value == "on":
                self._start_sending(now_s)
            case "send_clock":
                self._sender = None

    def grant(self, request: TimelineRequest, now_s: float) -> float | None:
        """Grants the jam's request, as far as no other clock leads; returns the new tempo in bpm, if it has changed."""
        if not self.set_downbeat(request.downbeat, now_s):
            return None
        if request.starts_turns and self._sender is not None:
            self._sender.start(self._timeline, self._timeline.beat_at(now_s))
        if request.tempo_bpm is None or not self.set_tempo(request.tempo_bpm, now_s):
            return None
        return request.tempo_bpm

    def stop(self, now_s: float) -> None:
        """The jam was stopped: where no song is followed, the song that is sent stops too."""
        if self._sender is not None and self.transport == "free" and self._sender.is_playing:
            self._sender.stop(self._timeline.beat_at(now_s))

    def advance(self, now_s: float) -> list[TimedBytes]:
        """The messages of the sent clock that are due by now, in order; also notices a followed clock that is lost."""
        wake_at_s = self._sources.wake_at_s
        if wake_at_s is not None and wake_at_s <= now_s:
            self.pass_time(now_s)
        return [] if self._sender is None else self._sender.advance(self._timeline.beat_at(now_s))

    def wake_at_s(self) -> float | None:
        """The next second at which `advance` has something to do; None where there is none."""
        seconds = [self._sources.wake_at_s]
        if self._sender is not None:
            seconds.append(self._timeline.seconds_at(self._sender.wake_at()))
        return min((at_s for at_s in seconds if at_s is not None), default=None)

    def _start_sending(self, now_s: float) -> None:
        if self._sender is None:
            self._sender = ClockSender(self._timeline, self._timeline.beat_at(now_s))

    def _pass_transport_on(self, now_s: float) -> None:
        """Starts and stops the song that is sent together with the song that is followed."""
        before, self._sent_transport = self._sent_transport, self.transport
        if self._sender is None or before == self._sent_transport:
            return
        beat = self._timeline.beat_at(now_s)
        if self._sent_transport == "playing":
            self._sender.start(self._timeline, beat) if before == "free" else self._sender.resume(beat)
        elif self._sent_transport == "stopped":
            self._sender.stop(beat)

    def _effective_s(self, now_s: float) -> float:
        """When a change takes effect: never before an earlier change."""
        self._changed_s = max(self._changed_s, now_s)
        return self._changed_s
