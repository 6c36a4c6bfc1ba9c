"""What can go wrong outside, one tree; a message says what, where, and what to do next. Knows no MIDI library.

BridgeError
├── NoMidiSystem      no MIDI system to talk to, or none that can do what was asked
├── PortNotFound      no port of that name, or more than one
├── PortTaken         the port is there, and would not open
├── PortLost          a port that was open takes nothing any more
├── BadMidi           bytes or values that are no MIDI message
├── LinkMissing       Ableton Link was asked for, and its library is not installed
├── OscPortTaken      the OSC port could not be bound: somebody has it, or it is not ours to have
├── OscHostUnknown    the OSC host is not an address of this machine
├── BadOsc            bytes or values that are no OSC message
├── BadTrustedAddress what is to be trusted is no address
└── UntrustedSender   a packet of somebody who is not trusted
"""

from collections.abc import Sequence


class BridgeError(Exception):
    """Whatever the outside world refuses; its text is fit to be shown to the player."""


class NoMidiSystem(BridgeError):
    """There is no MIDI system here, or it lacks what was asked of it."""


class PortNotFound(BridgeError):
    """A port was named that is not there, or a name fits several."""

    @classmethod
    def missing(cls, wanted: str, direction: str, names: Sequence[str]) -> "PortNotFound":
        """No name in `names` fits."""
        if not names:
            return cls(f'No MIDI {direction} port fits "{wanted}": there are none. Connect a device and try again.')
        return cls(
            f'No MIDI {direction} port fits "{wanted}".{did_you_mean(wanted, names)} There are: {quoted(names)}.'
        )

    @classmethod
    def ambiguous(cls, wanted: str, direction: str, names: Sequence[str]) -> "PortNotFound":
        """Every name in `names` fits."""
        return cls(f'"{wanted}" fits more than one MIDI {direction} port: {quoted(names)}. Give more of the name.')


class PortTaken(BridgeError):
    """A port is there and would not open; on Windows a port has one owner."""


class PortLost(BridgeError):
    """A port that was open is closed or gone."""


class BadMidi(BridgeError):
    """Bytes or values that are no MIDI message."""


class LinkMissing(BridgeError):
    """Ableton Link was asked for, and its library is not installed."""


class OscPortTaken(BridgeError):
    """The OSC port could not be bound."""


class OscHostUnknown(BridgeError):
    """The OSC host is not an address of this machine."""


class BadOsc(BridgeError):
    """Bytes or values that are no OSC message."""


class BadTrustedAddress(BridgeError):
    """What was given as an address to trust is none."""


class UntrustedSender(BridgeError):
    """A packet came from an address that is not trusted; nobody is told but the log."""


def quoted(names: Sequence[str]) -> str:
    """The names for a sentence: "a", "b"."""
    return ", ".join(f'"{name}"' for name in names)


def did_you_mean(wanted: str, names: Sequence[str]) -> str:
    """A question naming the nearest of `names`, with a leading space; empty where none is near."""
    # Imported here: it takes 5 ms, and nearly every start needs none of it.
    from difflib import get_close_matches

    # A port's name is long ("Trading Fours:Trading Fours In 128:0") and people type a part of it, so parts count too.
    parts = {part.strip().casefold(): name for name in names for part in (*name.split(":"), *name.split(), name)}
    near = get_close_matches(wanted.casefold(), parts, n=1)
    return f' Did you mean "{parts[near[0]]}"?' if near else ""
