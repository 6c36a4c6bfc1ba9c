"""An output of ours that is connected to an input of ours, by a JACK server that runs."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from bridge.midi.jack.jack_ports import JackOutput, JackSystem

# Sent until it arrives: JACK may drop messages in the cycle in which it connects two ports.
PING = bytes([0xB0, 102, 1])
QUIET_S = 0.2

Received = SimpleQueue[tuple[bytes, float]]


@contextmanager
def loop(received: Received) -> Iterator[JackOutput]:
    """The output; what is sent to it arrives in `received`, with its time."""
    system = JackSystem()
    with (
        system.open_input(None, lambda data, at_s: received.put((data, at_s))) as source,
        system.open_output(source.name) as out,
    ):
        settle(out, received)
        yield out


def settle(out: JackOutput, received: Received) -> None:
    """Returns once messages arrive, and none is left over."""
    data = b""
    while data != PING:
        out.send(PING)
        with suppress(Empty):
            data = received.get(timeout=QUIET_S)[0]
    with suppress(Empty):
        while True:
            received.get(timeout=QUIET_S)
