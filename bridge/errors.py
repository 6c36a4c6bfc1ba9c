"""All errors of `bridge`: the text of each says what is wrong, where, and what to do next; knows no MIDI library.

BridgeError
├── NoMidiSystem      there is no MIDI system, or it cannot do what was requested
├── PortNotFound      no port has that name, or more than one
├── PortTaken         the port exists, but cannot be opened
├── PortLost          an open port accepts no messages any more
│   └── PortFull      an output accepts no messages for the moment
├── BadMidi           bytes or values that are not a MIDI message
├── LinkMissing       Ableton Link was requested, and its library is not installed
├── OscPortTaken      the OSC port could not be bound: another program has it, or the user may not open it
├── OscHostUnknown    the OSC host is not an address of this machine
├── BadOsc            bytes or values that are not an OSC message
├── BadTrustedAddress a text in the list of trusted senders is not an address
└── UntrustedSender   a packet came from an address that is not trusted
"""

from collections.abc import Sequence


class BridgeError(Exception):
    """The root of the tree; the text of every error is written for the user."""


class NoMidiSystem(BridgeError):
    """There is no MIDI system on this machine, or it cannot do what was requested."""


class PortNotFound(BridgeError):
    """No port fits the name that was given, or several do."""

    @classmethod
    def missing(cls, wanted: str, direction: str, names: Sequence[str]) -> "PortNotFound":
        """The error if none of `names`, the existing ports, fits `wanted`; `direction` is "input" or "output"."""
        if not names:
            return cls(f'No MIDI {direction} port fits "{wanted}": there are none. Connect a device and try again.')
        return cls(
            f'No MIDI {direction} port fits "{wanted}".{did_you_mean(wanted, names)} There are: {quoted(names)}.'
        )

    @classmethod
    def ambiguous(cls, wanted: str, direction: str, names: Sequence[str]) -> "PortNotFound":
        """The error if all of `names` fit `wanted`; `direction` is "input" or "output"."""
        return cls(f'"{wanted}" fits more than one MIDI {direction} port: {quoted(names)}. Give more of the name.')


class PortTaken(BridgeError):
    """A port exists, but cannot be opened; on Windows only one program at a time can open a port."""


class PortLost(BridgeError):
    """A port that was open is closed, or its device is gone."""


class PortFull(PortLost):
    """An output is full: its MIDI system takes no messages for the moment, or is gone."""


class BadMidi(BridgeError):
    """Bytes or values that are not a MIDI message."""


class LinkMissing(BridgeError):
    """Ableton Link was requested, and its library is not installed."""


class OscPortTaken(BridgeError):
    """The OSC port could not be bound."""


class OscHostUnknown(BridgeError):
    """The OSC host is not an address of this machine."""


class BadOsc(BridgeError):
    """Bytes or values that are not an OSC message."""


class BadTrustedAddress(BridgeError):
    """A text in the list of trusted senders is neither an address nor a network."""


class UntrustedSender(BridgeError):
    """A packet came from an address that is not trusted; it is only counted and logged, never raised."""


def quoted(names: Sequence[str]) -> str:
    """The names as a list in a sentence: "a", "b"."""
    return ", ".join(f'"{name}"' for name in names)


SHOWN_CHARACTERS = 60


def shown(value: object) -> str:
    """A value as a sentence shows it: text in quotes, and never longer than can be read, however large the value is."""
    if isinstance(value, bytes | str):
        value = value[: SHOWN_CHARACTERS + 1]  # formatting the whole value would be wasted
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python formats no whole number of more than 4,300 digits
        return "a number with too many digits" if isinstance(value, int) else "a value that is too large to show"
    return cut_short(text)


def cut_short(text: str) -> str:
    """A text, cut so that it fits into a sentence."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def did_you_mean(wanted: str, names: Sequence[str]) -> str:
    """A question that suggests the nearest of `names`, with a leading space; empty if none is near."""
    # Imported here because it takes 5 ms, and almost no start needs it.
    from difflib import get_close_matches

    # A port's name is long ("Trading Fours:Trading Fours In 128:0") and people type a part of it, so compare parts too.
    parts = {part.strip().casefold(): name for name in names for part in (*name.split(":"), *name.split(), name)}
    near = get_close_matches(wanted.casefold(), parts, n=1)
    return f' Did you mean "{parts[near[0]]}"?' if near else ""
