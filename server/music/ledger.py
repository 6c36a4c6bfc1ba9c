"""The ledger of sounding notes: every message passes through it to the port, so every note-on gets its note-off.

It knows no time.
"""

from collections.abc import Callable

from bridge.midi.messages import Message, NoteOff, NoteOn

Send = Callable[[Message], None]


class Ledger:
    """Passes messages on to `send`, and remembers which notes sound, by channel and pitch.

    A note-on for a note that sounds is preceded by its note-off; a note-off for a note that does not sound is not
    sent. All methods must be called from one thread.
    """

    def __init__(self, send: Send) -> None:
        """`send` hands one message to the port, and may raise."""
        self._send = send
        self._sounding: set[tuple[int, int]] = set()  # channel, pitch

    @property
    def sounding_count(self) -> int:
        """How many notes sound."""
        return len(self._sounding)

    @property
    def pending_note_offs(self) -> tuple[NoteOff, ...]:
        """The note-offs that would end every note that sounds, in order of channel and pitch."""
        return tuple(NoteOff(pitch, channel) for channel, pitch in sorted(self._sounding))

    def post(self, message: Message) -> None:
        """Passes one message on. An error of `send` is raised; the note of that message then counts as sounding."""
        match message:
            case NoteOn(pitch, _, channel):
                if (channel, pitch) in self._sounding:
                    self.post(NoteOff(pitch, channel))
                # Before it is sent: a message whose sending failed half-way may have been played.
                self._sounding.add((channel, pitch))
                self._send(message)
            case NoteOff(pitch, channel):
                if (channel, pitch) in self._sounding:
                    self._send(message)
                    self._sounding.remove((channel, pitch))
            case _:
                self._send(message)

    def release_all(self) -> None:
        """Ends every note that sounds, then raises the last error of `send`, if there was one.

        Every note is tried; a note that could not be ended still counts as sounding, and the next call tries it again.
        """
        failure: Exception | None = None
        for message in self.pending_note_offs:
            try:
                self.post(message)
            except Exception as error:  # noqa: BLE001  an error in one note must not keep the others sounding
                failure = error
        if failure is not None:
            raise failure
