"""OSC addresses to the desk and back: `/fours/<control>` sets, without an argument asks; knows no sockets."""

from collections.abc import Sequence

from bridge.errors import BridgeError
from bridge.osc import Address
from bridge.osc_packets import OscMessage
from model.errors import ModelError
from server.controls import OSC_PREFIX, Value
from server.desk import Desk
from server.errors import BadValue

ERROR_ADDRESS = f"{OSC_PREFIX}/error"


class Remote:
    """Answers each message: with the control's value where it was taken or asked for, else on `/fours/error`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def handle(self, message: OscMessage, sender: Address) -> Sequence[OscMessage]:
        """What to send back; made to be an `OscServer`'s handler."""
        try:
            value = self._value(message)
        except (BadValue, BridgeError, ModelError) as error:
            return (OscMessage(ERROR_ADDRESS, (str(error),)),)
        return () if value is None else (OscMessage(message.address, (value,)),)

    def _value(self, message: OscMessage) -> Value | None:
        prefix, _, name = message.address.rpartition("/")
        if prefix != OSC_PREFIX:
            raise BadValue(f"there is no address {message.address}; controls are {OSC_PREFIX}/<control>")
        match message.arguments:
            case ():
                value = self._desk.value(name)
                # An action keeps no value to tell; without an argument it is done, as buttons of some apps send it.
                return self._desk.set(name, 1.0) if value is None else value
            case (raw,):
                return self._desk.set(name, raw)
            case _:
                raise BadValue(f"{message.address} takes one argument, not {len(message.arguments)}")
