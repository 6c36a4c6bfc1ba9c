"""The ledger of sounding notes: every message passes through it to the port, so every note-on gets its note-off.

A message may be lost on its way, between two programs on a machine that is too busy, or on a cable. So each message that
ends something is sent once more a little later, and again while the port reports overruns. It reads no clock: seconds
(`at_s`) are given to it.
"""

from collections.abc import Callable, Collection, Iterable

from bridge.midi.messages import ALL_NOTES_OFF, PEDAL_DOWN, SUSTAIN_PEDAL, ControlChange, Message, NoteOff, NoteOn

Send = Callable[[Message], None]

REPEAT_AFTER_S = 0.1
"""A JACK server that is too busy loses what is sent in one cycle, and the longest in use is 85 ms (4,096 frames)."""
CHECK_EVERY_S = 0.4
"""How often overruns are looked for while there are fresh endings: a note that hangs is then ended within a second."""
DOUBT_S = 0.5 + CHECK_EVERY_S
"""For how long after an overrun was noticed a message that is sent counts as perhaps lost. The overrun may still go on: the port is asked
again only after `CHECK_EVERY_S`, and a machine that is too busy reports it late."""
FRESH_S = 3.0
"""For how long an ending is sent again after overruns. Later, a note of that pitch may be the player's own."""

_Key = tuple[int, int]  # channel, pitch
_Ending = NoteOff | ControlChange  # a note-off, or one of `_channel_releases`


class Ledger:
    """Passes messages on to `send`, and remembers which notes sound, by channel and pitch.

    A note-on for a note that sounds is preceded by its note-off; a note-off for a note that does not sound is not
    sent, except those that are repeated. All methods must be called from one thread.
    """

    def __init__(self, send: Send, count_overruns: Callable[[], int] = lambda: 0) -> None:
        """`send` hands one message to the port, and may raise. `count_overruns` is `OutputPort.overruns`."""
        self._send = send
        self._count_overruns = count_overruns
        self._sounding: set[_Key] = set()
        self._ended: dict[_Ending, float] = {}  # what was sent once so far, and when, in order of time
        self._fresh: dict[_Ending, float] = {}  # what was sent in the last `FRESH_S`, and when it was first
        self._unsent: set[_Key] = set()  # notes that sound on, as their note-off could not be sent
        self._check_s: float | None = None  # when overruns are looked for next
        self._held_back: dict[_Ending, None] = {}  # what is due again once the player lets go, in order
        self._overruns = count_overruns()
        self._overrun_s = float("-inf")  # when the port was last found to count more overruns than before
        self._played: set[_Key] = set()  # since the last `release_all`
        self._pedals: set[int] = set()  # channels whose pedal was pressed since the last `release_all`
        self._pedals_down: set[int] = set()
        self._played_before: set[_Key] = set()  # until the last `release_all`, since the one before it
        self._released: set[_Key] = set()  # what the last `release_all` ended, until that is repeated
        self._released_channels: set[int] = set()
        self._released_s = 0.0

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
        """When `repeat_due` has something to do next; None where it has nothing."""
        due_s = [] if self._check_s is None else [self._check_s]
        if self._released_channels:
            due_s.append(self._released_s + REPEAT_AFTER_S)
        if self._ended:
            due_s.append(next(iter(self._ended.values())) + REPEAT_AFTER_S)
        return min(due_s, default=None)

    def post(self, message: Message, at_s: float = 0.0) -> None:
        """Passes one message on. An error of `send` is raised; the note of that message then counts as sounding."""
        self._notice_overruns(at_s)
        match message:
            case NoteOn(pitch, _, channel):
                key = (channel, pitch)
                if key in self._sounding:
                    self.post(NoteOff(pitch, channel), at_s)
                self._forget(NoteOff(pitch, channel))
                # Before it is sent: a message whose sending failed half-way may have been played.
                self._sounding.add(key)
                self._played.add(key)
                self._send(message)
            case NoteOff(pitch, channel):
                key = (channel, pitch)
                if key in self._sounding:
                    self._expect_check(at_s)
                    self._unsent.add(key)  # until it is sent
                    self._send(message)
                    self._unsent.remove(key)
                    self._sounding.remove(key)
                    self._ended[message] = self._fresh[message] = at_s
            case ControlChange(controller, value, channel) if controller == SUSTAIN_PEDAL:
                self._post_pedal(message, channel, at_s, is_down=value >= PEDAL_DOWN)
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
        try:
            _try_all(lambda message: self.post(message, at_s), messages)
        finally:
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
        self._overrun_s = at_s  # JACK may lose what is sent while it connects two ports
        self._played |= self._played_before
        self.release_all(at_s, channels)

    def is_doubtful(self, at_s: float) -> bool:
        """Whether messages that were sent lately may be lost, so that `repeat_due` sends again what has ended."""
        self._notice_overruns(at_s)
        return self._check_s is not None and at_s - self._overrun_s <= DOUBT_S

    def repeat_due(self, at_s: float, held_pitches: Collection[int] = (), *, holds_pedal: bool = False) -> None:
        """Sends once more what ended a note, or all notes, `REPEAT_AFTER_S` ago or longer. Raises what `send` raises.

        While the port reports overruns, what was sent in the last `FRESH_S` is sent again at each look, and once or twice
        after. What sounds again goes on. So does what the player holds (`held_pitches`, `holds_pedal`), who may play on the
        same synthesizer, until the player lets go.
        """
        self._notice_overruns(at_s)
        due = dict.fromkeys((*self._take_released(at_s), *self._take_ended(at_s), *self._take_doubtful(at_s)))
        needed = [ending for ending in due if self._is_needed(ending)]
        held = [ending for ending in needed if self._is_held(ending, held_pitches, holds_pedal=holds_pedal)]
        self._held_back |= dict.fromkeys(held)
        if held:
            self._expect_check(at_s)
        try:
            _try_all(
                lambda ending: self._send_again(ending, at_s),
                [ending for ending in needed if ending not in self._held_back],
            )
        except Exception:
            self._overrun_s = at_s  # the next look tries again
            raise

    def _notice_overruns(self, at_s: float) -> None:
        before, self._overruns = self._overruns, self._count_overruns()
        if self._overruns != before:  # with another server the count begins anew
            self._overrun_s = at_s

    def _post_pedal(self, message: ControlChange, channel: int, at_s: float, *, is_down: bool) -> None:
        ending = _channel_releases(channel)[0]
        if is_down:
            self._forget(ending)
            self._pedals.add(channel)  # before it is sent, as with a note
            self._pedals_down.add(channel)
            self._send(message)
            return
        self._send(message)
        if channel in self._pedals_down:
            self._pedals_down.remove(channel)
            self._expect_check(at_s)
            self._ended[ending] = self._fresh[ending] = at_s

    def _forget(self, ending: _Ending) -> None:
        """It is not repeated any more, as what it has ended begins again."""
        self._ended.pop(ending, None)
        self._fresh.pop(ending, None)
        self._held_back.pop(ending, None)

    def _expect_check(self, at_s: float) -> None:
        """An ending is being sent: from now on overruns matter."""
        if self._check_s is None:
            self._check_s = at_s + CHECK_EVERY_S

    def _take_released(self, at_s: float) -> list[_Ending]:
        """What the last `release_all` sent, where its repeat is due."""
        if not self._released_channels or self._released_s + REPEAT_AFTER_S > at_s:
            return []
        endings: list[_Ending] = [NoteOff(pitch, channel) for channel, pitch in sorted(self._released)]
        for channel in sorted(self._released_channels):
            endings += _channel_releases(channel)
        self._released, self._released_channels = set(), set()
        self._expect_check(self._released_s)
        self._fresh.update(dict.fromkeys(endings, self._released_s))
        return endings

    def _take_ended(self, at_s: float) -> list[_Ending]:
        """What was sent once, where its repeat is due."""
        endings = []
        while self._ended:
            ending, ended_s = next(iter(self._ended.items()))
            if ended_s + REPEAT_AFTER_S > at_s:
                break
            del self._ended[ending]
            endings.append(ending)
        return endings

    def _take_doubtful(self, at_s: float) -> list[_Ending]:
        """What was perhaps lost, where it is time to look for that, and what could not be sent before."""
        if self._check_s is None or self._check_s > at_s:
            return []
        unsent = [NoteOff(pitch, channel) for channel, pitch in sorted(self._unsent)]
        endings = [*unsent, *self._held_back, *(self._fresh if self.is_doubtful(at_s) else ())]
        self._held_back.clear()
        self._fresh = {ending: sent_s for ending, sent_s in self._fresh.items() if at_s - sent_s < FRESH_S}
        self._check_s = at_s + CHECK_EVERY_S if self._fresh or unsent else None
        return endings

    def _is_needed(self, ending: _Ending) -> bool:
        """Whether it would end nothing that the jam plays again."""
        match ending:
            case NoteOff(pitch, channel):
                key = (channel, pitch)
                return key not in self._sounding or key in self._unsent
            case ControlChange(controller, _, channel) if controller == SUSTAIN_PEDAL:
                return channel not in self._pedals_down
            case ControlChange(_, _, channel):
                return all(channel != other for other, _ in self._sounding)

    def _is_held(self, ending: _Ending, held_pitches: Collection[int], *, holds_pedal: bool) -> bool:
        """Whether it would end what the player holds, on any channel, on the same synthesizer."""
        match ending:
            case NoteOff(pitch):
                return pitch in held_pitches
            case ControlChange(controller) if controller == SUSTAIN_PEDAL:
                return holds_pedal
            case _:
                return holds_pedal or bool(held_pitches)

    def _send_again(self, ending: Message, at_s: float) -> None:
        if isinstance(ending, NoteOff) and (ending.channel, ending.pitch) in self._unsent:
            self.post(ending, at_s)
        else:
            self._send(ending)


def _try_all(send: Send, messages: Iterable[Message]) -> None:
    """Sends every message, and then raises the last error: a failure must not keep other notes sounding."""
    failure: Exception | None = None
    for message in messages:
        try:
            send(message)
        except Exception as error:  # noqa: BLE001  raised below
            failure = error
    if failure is not None:
        raise failure


def _channel_releases(channel: int) -> tuple[ControlChange, ControlChange]:
    # In this order: under a pedal that is down, MIDI's "all notes off" ends nothing.
    return ControlChange(SUSTAIN_PEDAL, 0, channel), ControlChange(ALL_NOTES_OFF, 0, channel)
