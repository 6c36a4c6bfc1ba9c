"""The ledger of sounding notes: every message passes through it to the port, so every note-on gets its note-off.

Each note-off is sent once more a little later, as a message may be lost on its way: between two programs on a machine
that is too busy, or on a cable. It reads no clock: seconds (`at_s`) are given to it.
"""

from collections.abc import Callable, Collection

from bridge.midi.messages import ALL_NOTES_OFF, PEDAL_DOWN, SUSTAIN_PEDAL, ControlChange, Message, NoteOff, NoteOn

Send = Callable[[Message], None]

REPEAT_AFTER_S = 0.1
"""A JACK server that is too busy loses what is sent in one cycle, and the longest in use is 85 ms (4,096 frames)."""

_Key = tuple[int, int]  # channel, pitch


class Ledger:
    """Passes messages on to `send`, and remembers which notes sound, by channel and pitch.

    A note-on for a note that sounds is preceded by its note-off; a note-off for a note that does not sound is not
    sent, except those that are repeated. All methods must be called from one thread.
    """

    def __init__(self, send: Send) -> None:
        """`send` hands one message to the port, and may raise."""
        self._send = send
        self._sounding: set[_Key] = set()
        self._ended: dict[_Key, float] = {}  # notes whose note-off was sent once so far, and when, in order of time
        self._played: set[_Key] = set()  # since the last `release_all`
        self._pedals: set[int] = set()  # channels whose pedal was pressed since the last `release_all`
        self._played_before: set[_Key] = set()  # until the last `release_all`, since the one before it
        self._released: set[_Key] = set()  # what the last `release_all` ended, until that is repeated
        self._released_channels: set[int] = set()
        self._released_s = 0.0

    @property
    def sounding_count(self) -> int:
        """How many notes sound."""
        return len(self._sounding)

    @property
    def pending_note_offs(self) -> tuple[NoteOff, ...]:
        """The note-offs that would end every note that sounds, in order of channel and pitch."""
        return tuple(NoteOff(pitch, channel) for channel, pitch in sorted(self._sounding))

    @property
    def releases(self) -> tuple[Message, ...]:
        """What would end everything: the note-offs of what sounds, then pedal and all notes on each channel used."""
        channels = sorted({channel for channel, _ in self._played | self._sounding} | self._pedals)
        return (*self.pending_note_offs, *(message for channel in channels for message in _channel_releases(channel)))

    @property
    def next_repeat_s(self) -> float | None:
        """When `repeat_due` has something to send next; None where nothing is to be repeated."""
        if self._released_channels:
            return self._released_s + REPEAT_AFTER_S
        return next(iter(self._ended.values())) + REPEAT_AFTER_S if self._ended else None

    def post(self, message: Message, at_s: float = 0.0) -> None:
        """Passes one message on. An error of `send` is raised; the note of that message then counts as sounding."""
        match message:
            case NoteOn(pitch, _, channel):
                key = (channel, pitch)
                if key in self._sounding:
                    self.post(NoteOff(pitch, channel), at_s)
                self._ended.pop(key, None)
                # Before it is sent: a message whose sending failed half-way may have been played.
                self._sounding.add(key)
                self._played.add(key)
                self._send(message)
            case NoteOff(pitch, channel):
                key = (channel, pitch)
                if key in self._sounding:
                    self._send(message)
                    self._sounding.remove(key)
                    self._ended[key] = at_s
            case ControlChange(controller, value, channel) if controller == SUSTAIN_PEDAL and value >= PEDAL_DOWN:
                self._pedals.add(channel)  # before it is sent, as with a note
                self._send(message)
            case _:
                self._send(message)

    def release_all(self, at_s: float = 0.0, channels: Collection[int] = ()) -> None:
        """Ends every note that sounds, then lets the pedal and all notes go on each channel used since the last call.

        `channels` counts as used too. Raises the last error of `send`, if there was one: every message is tried, a note
        that could not be ended still counts as sounding, and the next call tries all again.
        """
        used = {channel for channel, _ in self._played | self._sounding}.union(self._pedals, channels)
        messages: list[Message] = list(self.pending_note_offs)
        for channel in sorted(used):
            messages += _channel_releases(channel)
        failure: Exception | None = None
        for message in messages:
            try:
                self.post(message, at_s)
            except Exception as error:  # noqa: BLE001  an error in one note must not keep the others sounding
                failure = error
        if failure is not None:
            raise failure
        if used:
            # A synthesizer that does not know "all notes off" may have missed some note-offs; these end its notes.
            self._released |= self._played
            self._released_channels |= used
            self._released_s = at_s
            self._played_before = set(self._played)
        self._played.clear()
        self._pedals.clear()
        self._ended.clear()

    def release_after_loss(self, at_s: float, channels: Collection[int]) -> None:
        """As `release_all`, where the port was lost: also for notes that were ended already, perhaps just after the port had gone."""
        self._played |= self._played_before
        self.release_all(at_s, channels)

    def repeat_due(self, at_s: float, held_pitches: Collection[int] = ()) -> None:
        """Sends once more what ended a note, or all notes, `REPEAT_AFTER_S` ago or longer. Raises what `send` raises.

        What sounds again goes on. So does what the player holds (`held_pitches`), who may play on the same synthesizer.
        """
        if self._released_channels and self._released_s + REPEAT_AFTER_S <= at_s:
            self._repeat_release(held_pitches)
        while self._ended:
            key, ended_s = next(iter(self._ended.items()))
            if ended_s + REPEAT_AFTER_S > at_s:
                return
            del self._ended[key]
            self._repeat_note_off(key, held_pitches)

    def _repeat_release(self, held_pitches: Collection[int]) -> None:
        released, self._released = self._released, set()
        channels, self._released_channels = self._released_channels, set()
        for key in sorted(released - self._sounding):
            self._repeat_note_off(key, held_pitches)
        if held_pitches:
            return
        for channel in sorted(channels - {channel for channel, _ in self._sounding}):
            for message in _channel_releases(channel):
                self._send(message)

    def _repeat_note_off(self, key: _Key, held_pitches: Collection[int]) -> None:
        channel, pitch = key
        if pitch not in held_pitches:
            self._send(NoteOff(pitch, channel))


def _channel_releases(channel: int) -> tuple[Message, Message]:
    # In this order: under a pedal that is down, MIDI's "all notes off" ends nothing.
    return ControlChange(SUSTAIN_PEDAL, 0, channel), ControlChange(ALL_NOTES_OFF, 0, channel)
