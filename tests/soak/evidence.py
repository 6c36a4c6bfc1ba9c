"""What the peers of a soak and the journal say, and the broken promises that follow; pure: it reads no clock and no
file."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bridge.midi.messages import ALL_NOTES_OFF, SUSTAIN_PEDAL, ControlChange, Message, NoteOff, NoteOn

Key = tuple[int, int]
"""A channel and a pitch."""
FORGIVEN_S = 1.0
"""So close to an xrun, a missing cycle or a pulled cable, JACK itself loses messages between two clients."""
AROUND_S = 4.0
"""How much before and after a hanging note is told."""
HANGING_S = 1.0
"""A note that the receiver still sounds this long after the jam has ended hangs."""


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message and its monotonic second."""

    at_s: float
    message: Message


@dataclass(frozen=True, slots=True)
class Sounding:
    """A note of one key, from its start to its end; without an end it still sounds."""

    key: Key
    from_s: float
    until_s: float = float("inf")


@dataclass(slots=True)
class Evidence:
    """What was sent and received, all in monotonic seconds."""

    robot_sent: list[TimedMessage] = field(default_factory=list)
    synth_got: list[TimedMessage] = field(default_factory=list)
    heard: list[TimedMessage] = field(default_factory=list)
    """The player's messages in the journal."""
    played: list[TimedMessage] = field(default_factory=list)
    """The jam's own messages in the journal."""
    pulled: list[tuple[float, float]] = field(default_factory=list)
    """When a cable was out: from and until."""
    disturbed_s: list[float] = field(default_factory=list)
    """When a cycle was late or missing."""

    def is_disturbed(self, at_s: float) -> bool:
        """Whether JACK may have lost or repeated a message then."""
        return any(abs(at_s - moment_s) <= FORGIVEN_S for moment_s in self.disturbed_s) or any(
            from_s - FORGIVEN_S <= at_s <= until_s + FORGIVEN_S for from_s, until_s in self.pulled
        )


def hanging_notes(evidence: Evidence) -> list[Sounding]:
    """The notes that sounded on at the receiver after the jam had ended them, while it could be reached."""
    ended = defaultdict(list)
    for note in soundings(evidence.played):
        ended[note.key].append(note)
    hanging = []
    for note in soundings(evidence.synth_got):
        since_s = max(
            [note.from_s, *(own.until_s for own in ended[note.key] if own.from_s - HANGING_S <= note.until_s)]
        )
        for from_s, until_s in evidence.pulled:
            if from_s - HANGING_S <= since_s <= until_s:
                since_s = until_s
        if note.until_s - since_s > HANGING_S:
            hanging.append(note)
    return hanging


def circumstances(evidence: Evidence, note: Sounding) -> str:
    """A hanging note with what happened around it, in seconds after its start: what the jam played and pulled cables and late cycles."""
    from_s, until_s = note.from_s - AROUND_S, note.until_s + AROUND_S
    own = [
        own
        for own in soundings(evidence.played)
        if own.key == note.key and own.from_s < until_s and own.until_s > from_s
    ]
    played = [f"{own.from_s - note.from_s:.3f} to {own.until_s - note.from_s:.3f}" for own in own]
    got = [
        f"{item.message} at {item.at_s - note.from_s:.3f}"
        for item in evidence.synth_got
        if from_s < item.at_s < until_s and not isinstance(item.message, NoteOn)
    ]
    pulled = [
        f"{a - note.from_s:.3f} to {b - note.from_s:.3f}" for a, b in evidence.pulled if a < until_s and b > from_s
    ]
    late = [f"{at_s - note.from_s:.3f}" for at_s in sorted(evidence.disturbed_s) if from_s < at_s < until_s]
    return (
        f"hanging: {note}, {note.until_s - note.from_s:.3f} s; the jam played it from {played}; "
        f"cables were out from {pulled}; cycles were late at {late}; the receiver got {got}"
    )


def lost_in_take(evidence: Evidence) -> list[TimedMessage]:
    """The note-ons that the robot sent, or the receiver got, and that the journal has not; those that JACK lost do not
    count."""
    lost = _missing(evidence, evidence.robot_sent, evidence.heard)
    return lost + _missing(evidence, evidence.synth_got, evidence.played)


def lost_on_the_way(evidence: Evidence) -> int:
    """How many note-ons of the journal never reached the receiver."""
    return (_note_ons(evidence.played) - _note_ons(evidence.synth_got)).total()


def soundings(timed: Iterable[TimedMessage]) -> list[Sounding]:
    """The notes of a synthesizer that gets these messages; it knows the pedal and "all notes off"."""
    found: list[Sounding] = []
    began: dict[Key, float] = {}
    for item in timed:
        match item.message:
            case NoteOn(pitch, _, channel):
                began.setdefault((channel, pitch), item.at_s)
                continue
            case NoteOff(pitch, channel):
                ends = [(channel, pitch)]
            case ControlChange(controller, _, channel) if controller == ALL_NOTES_OFF:
                ends = [key for key in began if key[0] == channel]
            case _:
                continue
        found += [Sounding(key, began.pop(key), item.at_s) for key in ends if key in began]
    return found + [Sounding(key, from_s) for key, from_s in began.items()]


def pedals_down(timed: Iterable[TimedMessage]) -> set[int]:
    """The channels on which the pedal is down after these messages."""
    down: set[int] = set()
    for item in timed:
        match item.message:
            case ControlChange(controller, value, channel) if controller == SUSTAIN_PEDAL:
                (down.add if value >= 64 else down.discard)(channel)
    return down


def _missing(evidence: Evidence, sent: Sequence[TimedMessage], kept: Sequence[TimedMessage]) -> list[TimedMessage]:
    lacking = _note_ons(sent) - _note_ons(kept)
    found = []
    for message, count in lacking.items():
        moments = [item for item in sent if item.message == message]
        disturbed = [item for item in moments if evidence.is_disturbed(item.at_s)]
        found += [item for item in moments if item not in disturbed][: max(0, count - len(disturbed))]
    return found


def _note_ons(timed: Iterable[TimedMessage]) -> Counter[Message]:
    return Counter(item.message for item in timed if isinstance(item.message, NoteOn))
