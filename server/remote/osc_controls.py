"""OSC addresses to the desk and back, for many at once: who says what, and what each is to be told; knows no sockets.

`/fours/<control>` sets, and asks where nothing is said; `/norm` behind it is the way of a fader, a choice behind it a
button of its own, `/text` what a label shows. docs/osc.md tells musicians the same.
"""

import difflib
import logging
from collections.abc import Iterable, Mapping, Sequence

from bridge.errors import BridgeError
from bridge.fault_counter import FaultCounter
from bridge.osc.osc_packets import OscArgument, OscMessage
from bridge.osc.osc_server import Address
from bridge.timing.clock import Clock
from model.errors import ModelError
from server.controls.control_store import AcceptedChange, ControlStore
from server.controls.control_table import BY_NAME, OSC_PREFIX, Control, Value, control_named, is_pressed
from server.controls.fader import fader_position, has_fader, value_at_position
from server.controls.labels import address_part, label_text
from server.errors import BadValue
from server.music.jam_status import READOUTS, Readout
from server.remote.osc_subscribers import OscSubscribers
from server.remote.pending_updates import ActionLamps

logger = logging.getLogger("fours.osc.in")

ERROR_ADDRESS = f"{OSC_PREFIX}/error"
SYNC = "sync"
NORM, TEXT = "norm", "text"

READOUT_BY_NAME: Mapping[str, Readout] = {tell.name: tell for tell in READOUTS}


class OscControls:
    """Takes each message to the desk, and gathers what there is to tell; `packs` are those that have a button."""

    def __init__(
        self, desk: ControlStore, clock: Clock, reply_port: int | None = None, packs: Sequence[str] = ()
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._packs = tuple(packs)
        self._told: dict[str, Value] = {}
        self._lights = ActionLamps()
        self.subscribers = OscSubscribers((*BY_NAME, *READOUT_BY_NAME), reply_port)
        self.faults = FaultCounter(logger, "OSC")
        """What was refused, by kind."""

    def handle(self, message: OscMessage, sender: Address) -> Sequence[OscMessage]:
        """What to answer at once; made to be an `OscServer`'s handler."""
        self.subscribers.on_message_from(sender, self._clock.now_s())
        try:
            return self._said(message, sender)
        except (BadValue, BridgeError, ModelError) as error:
            self.faults.count(error)
            return (OscMessage(ERROR_ADDRESS, (str(error),)),)

    def on_control_changed(self, change: AcceptedChange) -> None:
        """A control was changed, by whomever; made to be a desk's listener."""
        if BY_NAME[change.control].kind == "action":
            self._lights.flash(change.control, self._clock.now_s())
        self.subscribers.add_update(change.control)

    def update_readouts(self, values: Mapping[str, Value]) -> None:
        """How the jam stands now; what is other than before is told."""
        for name, value in values.items():
            if self._told.get(name) != value:
                self._told[name] = value
                self.subscribers.add_update(name)

    def take_updates(self) -> Iterable[tuple[Sequence[OscMessage], Sequence[OscMessage], Sequence[Address]]]:
        """What is to be told now, and to whom: the values, and then what else shows them."""
        now_s = self._clock.now_s()
        for action in self._lights.take_expired(now_s):
            self.subscribers.add_update(action)
        for names, addresses in self.subscribers.take_due(now_s).items():
            values, shows = [], []
            for name in names:
                row = READOUT_BY_NAME.get(name) or BY_NAME[name]
                value = self._present(row)
                if value is not None:
                    values.append(OscMessage(row.address, (value,)))
                    shows += self._shows(row, value)
            yield values, shows, addresses

    def _said(self, message: OscMessage, sender: Address) -> Sequence[OscMessage]:
        """Does what a message says, or answers what it asks."""
        address, arguments = message.address, message.arguments
        name, *parts = address.removeprefix(f"{OSC_PREFIX}/").split("/")
        if not address.startswith(f"{OSC_PREFIX}/") or len(parts) > 1:
            raise BadValue(f"there is no address {address}; controls are {OSC_PREFIX}/<control>")
        if len(arguments) > 1:
            raise BadValue(f"{address} takes one argument, not {len(arguments)}")
        if name == SYNC and not parts:
            self.subscribers.resend_all(sender)
            return ()
        row = READOUT_BY_NAME.get(name) or control_named(name)
        if isinstance(row, Control) and row.kind == "action" and not parts:
            # An action keeps no value to tell; without an argument it is done, as buttons of some apps send it.
            pressed = arguments[0] if arguments else 1.0
            return () if self._desk.set(name, pressed, _origin(sender)) else (OscMessage(address, (0.0,)),)
        if not arguments:
            return (OscMessage(address, (self._asked(row, address),)),)
        if isinstance(row, Readout):
            raise BadValue(f"{address} tells, and cannot be set; ask it without an argument")
        answer = self._set(row, address, arguments[0], _origin(sender))
        self.subscribers.hold_back(sender, name, self._clock.now_s())
        return answer

    def _asked(self, row: Control | Readout, address: str) -> OscArgument:
        value = self._present(row)
        if value is None:
            raise BadValue(f"{row.address} is not known yet")
        if address == row.address:
            return value
        for show in self._shows(row, value):
            if show.address == address:
                return show.arguments[0]
        raise self._no_such(row, address)

    def _set(self, control: Control, address: str, raw: OscArgument, origin: str) -> Sequence[OscMessage]:
        before = self._desk.value(control.name)
        choices = {f"{control.address}/{address_part(choice)}": choice for choice in self._choices(control)}
        if address == control.address:
            self._desk.set(control.name, raw, origin)
        elif address == f"{control.address}/{NORM}":
            self._desk.set(control.name, value_at_position(control, raw), origin)
        elif address == f"{control.address}/{TEXT}":
            raise BadValue(f"{address} tells, and cannot be set; set {control.address}")
        elif address not in choices:
            raise self._no_such(control, address)
        elif _is_chosen(address, raw):
            self._desk.set(control.name, choices[address], origin)
            # The finger is on this button and not on the one that was lit, which goes out at once.
            return [
                OscMessage(other, (0,)) for other, choice in choices.items() if choice == before != choices[address]
            ]
        # A button that goes out alone is lit again by its echo: of radio buttons one is always on.
        return ()

    def _no_such(self, row: Control | Readout, address: str) -> BadValue:
        value = self._present(row)
        there = [row.address, *(show.address for show in (() if value is None else self._shows(row, value)))]
        near = difflib.get_close_matches(address, there, n=1)
        return BadValue(f"there is no address {address}; did you mean {near[0] if near else row.address}?")

    def _choices(self, row: Control | Readout) -> tuple[str, ...]:
        return self._packs if row.name == "pack" else row.choices

    def _present(self, row: Control | Readout) -> Value | None:
        if isinstance(row, Readout):
            return self._told.get(row.name)
        if row.kind == "action":
            return float(self._lights.is_lit(row.name))
        return self._desk.value(row.name)

    def _shows(self, row: Control | Readout, value: Value) -> list[OscMessage]:
        """What else shows a value: a fader, a label, and a button for each choice."""
        shows = []
        if isinstance(row, Readout):
            shows.append(OscMessage(f"{row.address}/{TEXT}", (f"{value}",)))
        elif row.kind != "action":
            shows.append(OscMessage(f"{row.address}/{TEXT}", (label_text(row, value),)))
            if has_fader(row):
                shows.append(OscMessage(f"{row.address}/{NORM}", (fader_position(row, value),)))
        shows += [
            OscMessage(f"{row.address}/{address_part(choice)}", (int(choice == str(value)),))
            for choice in self._choices(row)
        ]
        return shows


def _is_chosen(address: str, raw: OscArgument) -> bool:
    try:
        return is_pressed(raw)
    except BadValue as error:
        raise BadValue(f"{address} takes 1, to choose it, not {raw!r}") from error


def _origin(sender: Address) -> str:
    return f"osc {sender[0]}:{sender[1]}"
