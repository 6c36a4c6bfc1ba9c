"""The ledger of sounding notes: nothing reaches a port except through it, so every note-on has its note-off; knows no time."""

from collections.abc import Callable

from bridge.midi.messages import Message, NoteOff, NoteOn

Send = Callable[[Message], None]


class Ledger:
    """Passes messages on to `send`, and remembers which notes sound.

    A note that begins while it sounds is ended first; an end without a beginning goes nowhere.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._sounding: set[tuple[int, int]] = set()  # channel, pitch

    @property
    def sounding_count(self) -> int:
        """How many notes sound."""
        return len(self._sounding)

    @property
    def pending_note_offs(self) -> tuple[NoteOff, ...]:
        """What would end all that sounds."""
        return tuple(NoteOff(pitch, channel) for channel, pitch in sorted(self._sounding))

    def post(self, message: Message) -> None:
        """Passes one message on. What `send` raises goes through; the note then counts as sounding."""
        match message:
            case NoteOn(pitch, _, channel):
                if (channel, pitch) in self._sounding:
                    self.post(NoteOff(pitch, channel))
                # Before it is sent: a send that fails half-way may have been heard.
                self._sounding.add((channel, pitch))
                self._send(message)
            case NoteOff(pitch, channel):
                if (channel, pitch) in self._sounding:
                    self._send(message)
                    self._sounding.remove((channel, pitch))
            case _:
                self._send(message)

    def release_all(self) -> None:
        """Ends every note that sounds; each is tried, and what could not be ended still counts as sounding."""
        failure: Exception | None = None
        for message in self.pending_note_offs:
            try:
                self.post(message)
            except Exception as error:  # noqa: BLE001  one note that cannot be ended must not keep the others
                failure = error
        if failure is not None:
            raise failure
